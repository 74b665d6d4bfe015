"""A finish is an activity, too; and what is none (SPEC R13.5)."""

from typing import Any, Final

import pytest
from unit.core.activity_shop import (
    IN_PROGRESS,
    NO,
    SALE,
    agent_no,
    retried,
    shop,
    unresolved,
    untouched,
)
from unit.core.intake_desk import ANN
from unit.core.register import Register

from nextlead.core import commands as c
from nextlead.core.activity_model import Activity, Latest
from nextlead.core.row import HOUR_MS, MINUTE_MS
from nextlead.core.tokens import token_text

# -- a finish is an activity (SPEC R13.5) ---------------------------------------------------------------------------

FINISHES: Final = [
    ({"outcome": "resolved", "result": "yes"}, Activity.SOLD),
    ({"outcome": "resolved", "result": "gift"}, Activity.SOLD),
    ({"outcome": "resolved", "result": "no"}, Activity.NO_SALE),
    ({"outcome": "resolved", "result": "rude"}, Activity.NO_SALE),
    ({"outcome": "resolved", "result": "wrong"}, Activity.WRONG_NUMBER),
    ({"outcome": "redial", "kind": "common"}, IN_PROGRESS),
    ({"outcome": "redial", "kind": "private"}, IN_PROGRESS),
    ({"outcome": "redial", "kind": "vip"}, IN_PROGRESS),
    ({"outcome": "unresolved"}, IN_PROGRESS),
    ({"outcome": "unreached", "cause": "no_answer"}, Activity.NO_ANSWER),
    ({"outcome": "unreached", "cause": "busy"}, Activity.NO_ANSWER),
    ({"outcome": "unreached", "cause": "dropped"}, Activity.NO_ANSWER),
    ({"outcome": "unreached", "cause": "congestion"}, Activity.NO_ANSWER),
    ({"outcome": "unreached", "cause": "voicemail"}, Activity.LEFT_A_VOICEMAIL),
    ({"outcome": "unreached", "cause": "invalid_number"}, Activity.WRONG_NUMBER),
]


def timed(register: Register, given: dict[str, Any]) -> dict[str, Any]:
    return given | ({"at_ms": register.now_ms + HOUR_MS} if given["outcome"] == "redial" else {})


@pytest.mark.parametrize(("given", "kind"), FINISHES)
def test_a_finish_is_the_activity_that_it_tells_of(given: dict[str, Any], kind: Activity) -> None:
    register = shop()
    lead = untouched(register)
    offer = register.next("b")
    register.log(lead, None, "sms", direction="in")
    register.now_ms += MINUTE_MS
    row = register.finish(offer, **timed(register, given))
    assert row.latest == Latest(kind, register.now_ms, agent_no(register, "b"))
    event = register.history(lead)[-1]
    assert (event.activity_before, event.activity, event.logged) == (Activity.SMS_IN, kind, None)


@pytest.mark.parametrize(("given", "kind"), [case for case in FINISHES if case[0]["outcome"] != "unresolved"])
def test_so_is_what_resolves_a_lead_later(given: dict[str, Any], kind: Activity) -> None:  # R7.5
    register = shop()
    lead = unresolved(register)
    register.now_ms += MINUTE_MS
    register(c.Resolve(lead=lead, by="user:m", **timed(register, given)))
    assert register.row(lead).latest == Latest(kind, register.now_ms, agent_no(register))


def test_what_was_texted_after_a_finish_counts_more_than_it() -> None:
    register = shop()
    lead = retried(register)
    register.now_ms += 1
    row = register.log(lead, None, "sms", direction="in")
    assert row.latest is not None
    assert row.latest.kind is Activity.SMS_IN


def log_off(register: Register, _: int) -> None:
    register(c.EndSession(agent="a"))


def time_out(register: Register, _: int) -> None:
    register.now_ms += HOUR_MS
    register(c.Tick())


def disable(register: Register, _: int) -> None:
    register(c.PutAgent(code="a", enabled=False))


def cancel(register: Register, _: int) -> None:
    (offer,) = register.engine.leases_of("a")
    register.finish(offer, "cancelled", reason="rang twice")


def end(outcome: str) -> Any:
    def move(register: Register, _: int) -> None:
        (offer,) = register.engine.leases_of("a")
        assert offer.lead.lease is not None
        token = token_text(offer.lead.id, offer.lead.lease.token)
        register(c.EndLease(token=token, outcome=outcome, by="user:m"))  # type: ignore[arg-type]

    return move


@pytest.mark.parametrize("move", [log_off, time_out, disable, cancel, end("unresolved"), end("cancelled")])
def test_what_nobody_says_is_no_activity(move: Any) -> None:
    register = shop()
    lead = untouched(register)
    register.next()
    latest = register.log(lead, None, "sms", direction="in").latest
    register.now_ms += MINUTE_MS
    move(register, lead)
    assert register.row(lead).lease is None
    assert register.row(lead).latest == latest


@pytest.mark.parametrize(
    "command",
    [
        lambda at, lead: c.EditLead(lead=lead, priority=3),
        lambda at, lead: c.EditLead(lead=lead, owner="agent:b"),
        lambda at, lead: c.EditLead(lead=lead, due_ms=at + HOUR_MS),
        lambda at, lead: c.EditLead(lead=lead, redial=c.RedialEdit("vip", at + HOUR_MS, "b")),
        lambda at, lead: c.MakeUrgent(lead=lead, reason="hot_lead", expires_ms=at + HOUR_MS),
        lambda _, lead: c.Remove(lead=lead),
        lambda _, __: c.Block(numbers=(ANN,)),
    ],
)
def test_what_supervisors_do_is_no_activity(command: Any) -> None:
    register = shop()
    lead = untouched(register)
    latest = register.log(lead, None, "sms", direction="in").latest
    register.now_ms += MINUTE_MS
    register(command(register.now_ms, lead))
    assert register.row(lead).latest == latest


def test_validation_tells_what_became_of_the_sale() -> None:
    for passed, kind in ((True, Activity.SOLD), (False, IN_PROGRESS)):
        register = shop(SALE, NO)
        (lead,) = register.load(ANN)
        row = register.finish(register.next(), "resolved", result="sale")
        assert row.latest == Latest(IN_PROGRESS, register.now_ms, agent_no(register))
        register.now_ms += MINUTE_MS
        register(c.Validate(lead=lead, passed=passed, by="user:m"))
        found = register.row(lead).latest
        assert found is not None
        assert found.kind is kind


def test_reopening_forgets_it() -> None:  # R1.4
    register = shop()
    (lead,) = register.load(ANN)
    register.finish(register.next(), "resolved", result="yes")
    register(c.Reopen(lead=lead, row=register.row(lead)))
    assert register.row(lead).latest is None
    event = register.history(lead)[-1]
    assert (event.activity_before, event.activity, event.closure_before) == (Activity.SOLD, Activity.NONE, "yes")
