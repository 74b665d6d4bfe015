"""What an outcome does that people log of a lead (SPEC R13.3, R13.5)."""

from typing import Any, Final

import pytest
from unit.core.activity_shop import (
    GIFT,
    IN_PROGRESS,
    NO,
    ON_SCREEN,
    RUDE,
    SALE,
    WRONG,
    YES,
    agent_no,
    common,
    refused,
    retried,
    shop,
    unresolved,
    untouched,
)
from unit.core.intake_desk import ANN, BOB, CY

from nextlead.core import commands as c
from nextlead.core.activity_model import Activity, Latest, Logged
from nextlead.core.errors import Conflict, Invalid, Leased, LeaseEnded, NotAllowed, WrongStatus
from nextlead.core.model import Status
from nextlead.core.row import HOUR_MS, MINUTE_MS
from nextlead.core.setup_model import ContactLimit, TemplateResult
from nextlead.core.tokens import token_text

# -- on the agent's own screen (SPEC R13.5) -------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["a", None])
@pytest.mark.parametrize("outcome", ON_SCREEN)
def test_an_outcome_ends_the_lease_as_a_finish_would(outcome: str, named: str | None) -> None:  # R13.5
    register = shop()
    (lead,) = register.load(ANN)
    register.next()
    register.now_ms += MINUTE_MS
    by = "agent:a" if named else "user:m"
    row = register.log(lead, outcome, agent=named, by=by, note="said so")
    after, kind, activity = ON_SCREEN[outcome]
    assert (row.closure or row.status.code) == after
    assert row.lease is None
    assert row.attempts == 1
    assert register.engine.leases == 0
    assert row.latest == Latest(activity, register.now_ms, agent_no(register))
    event = register.history(lead)[-1]
    assert (event.kind, event.actor, event.note) == (kind, by, "said so")
    assert event.logged == Logged("call", "out", outcome, "", register.now_ms, agent_no(register))


def test_causes_are_those_of_a_finish() -> None:  # R6.2
    for outcome, hours in (("no_answer", 2), ("left_a_voicemail", 4)):
        register = shop()
        (lead,) = register.load(ANN)
        register.next()
        assert register.log(lead, outcome).due_ms == register.now_ms + hours * HOUR_MS


def test_a_wrong_number_leaves_the_other_one() -> None:  # R6.4
    register = shop()
    lead = register.add(ANN, BOB)
    register.next()
    row = register.log(lead, "wrong_number")
    assert (row.status, row.numbers, row.dropped) == (Status.AUTOMATIC_REDIAL, (BOB,), (ANN,))
    assert row.latest is not None
    assert row.latest.kind is Activity.WRONG_NUMBER


def test_the_number_that_was_called_may_be_named() -> None:  # R6.1
    register = shop()
    lead = register.add(ANN, BOB)
    register.next()
    refusal = refused(register, Invalid, lead, "no_answer", number=CY)
    assert refusal.field == "number"
    row = register.log(lead, "no_answer", number=BOB)
    assert row.dialled == (0, 1)


def test_a_sale_in_progress_with_a_redial_is_that_redial() -> None:  # R13.5, R4.1
    register = shop()
    (lead,) = register.load(ANN)
    register.next()
    at_ms = register.now_ms + HOUR_MS
    row = register.log(lead, "sale_in_progress", redial=c.RedialEdit("private", at_ms))
    assert (row.status, row.due_ms, row.owner) == (Status.PRIVATE_REDIAL, at_ms, agent_no(register))
    assert row.latest is not None
    assert row.latest.kind is IN_PROGRESS
    assert [found.id for found in register.engine.redials_of("a")] == [lead]


def test_a_sale_in_progress_without_one_is_locked_to_the_agent() -> None:  # R13.5, R7.1
    register = shop()
    (lead,) = register.load(ANN)
    register.next("b")
    register.log(lead, "sale_in_progress", agent=None, by="user:m")
    assert [found.id for found in register.engine.unresolved_of("b")] == [lead]


UNCALLED: Final = (("call", "in"), ("sms", "out"), ("sms", "in"), ("email", "out"), ("in_store", "out"))


@pytest.mark.parametrize(("interaction", "direction"), UNCALLED)
@pytest.mark.parametrize("outcome", ["sold", "no_sale", "sale_in_progress"])
def test_only_a_call_to_the_lead_is_an_attempt(outcome: str, interaction: str, direction: str) -> None:  # R6.1, R12.1
    register = shop(contact_limits=(ContactLimit("min_gap", HOUR_MS),))
    (lead,) = register.load(ANN)
    register.next()
    row = register.log(lead, outcome, interaction, direction=direction)
    assert (row.closure or row.status.code) == ON_SCREEN[outcome][0]
    assert (row.attempts, row.calls, sum(row.dialled)) == (0, (), 0)
    assert row.lease is None


def test_a_call_that_came_in_and_was_lost_is_no_attempt_either() -> None:
    register = shop(max_attempts=1)
    (lead,) = register.load(ANN)
    register.next()
    row = register.log(lead, "no_answer", direction="in")
    assert (row.status, row.attempts) == (Status.AUTOMATIC_REDIAL, 0)


def test_a_logged_attempt_reaches_the_limit() -> None:  # R6.3
    register = shop(max_attempts=1)
    (lead,) = register.load(ANN)
    register.next()
    assert register.log(lead, "no_answer").closure == "max_call_attempts"


@pytest.mark.parametrize("outcome", ON_SCREEN)
@pytest.mark.parametrize("by", ["agent:b", "user:m"])
def test_on_another_agents_lease_it_is_refused(outcome: str, by: str) -> None:  # R13.5
    register = shop()
    (lead,) = register.load(ANN)
    offer = register.next("a")
    refused(register, Leased, lead, outcome, agent="b", by=by)
    assert register.finish(offer, "resolved", result="yes").closure == "yes"


def test_the_ended_lease_can_not_be_finished_once_more() -> None:  # R5.3
    register = shop()
    (lead,) = register.load(ANN)
    offer = register.next()
    register.log(lead, "no_answer")
    assert offer.lead.lease is not None
    with pytest.raises(LeaseEnded):
        register(c.Finish(token=token_text(lead, offer.lead.lease.token), outcome="cancelled"))


@pytest.mark.parametrize(("outcome", "closure"), [("sold", "yes"), ("no_sale", "removed"), ("no_answer", "removed"),
                                                  ("sale_in_progress", "removed")])  # fmt: skip
def test_a_mark_gives_way_to_a_sale_only(outcome: str, closure: str) -> None:  # R1.5
    register = shop()
    (lead,) = register.load(ANN)
    register.next()
    register(c.Remove(lead=lead))
    assert register.log(lead, outcome).closure == closure


def test_what_is_logged_of_a_lead_that_is_being_forgotten_is_not_kept() -> None:  # R10.6
    register = shop()
    (lead,) = register.load(ANN)
    register.next()
    register.anonymise(lead, numbers=(ANN,))
    since = len(register.commits)
    row = register.log(lead, "no_answer", note="Mrs Example", data=b'{"name": "Example"}', explanation="Example")
    assert (row.closure, row.numbers, row.erased) == ("anonymized", (), True)
    assert b"xample" not in register.said_since(since)


@pytest.mark.parametrize("direction", ["in", "out"])
def test_nor_a_text_to_it(direction: str) -> None:  # R10.6
    register = shop()
    (lead,) = register.load(ANN)
    offer = register.next()
    register.anonymise(lead, numbers=(ANN,))
    since = len(register.commits)
    register.log(lead, None, "sms", direction=direction, note="Mrs Example")
    register.finish(offer, "cancelled")
    assert b"xample" not in register.said_since(since)


# -- on a lead that nobody has on screen ----------------------------------------------------------------------------

UNLEASED: Final = {
    "sold": "yes",
    "no_sale": "no",
    "no_answer": "automatic_redial",
    "left_a_voicemail": "automatic_redial",
    "wrong_number": "invalid_phone_number",
    "sale_in_progress": "unresolved",
}


@pytest.mark.parametrize("begin", [untouched, retried, common, unresolved])
@pytest.mark.parametrize("outcome", UNLEASED)
def test_an_outcome_settles_what_comes_next(outcome: str, begin: Any) -> None:  # R13.5
    register = shop()
    lead = begin(register)
    attempts = register.row(lead).attempts if lead in register.rows else 0
    register.now_ms += MINUTE_MS
    row = register.log(lead, outcome, note="said so", by="user:m")
    expected = UNLEASED[outcome]
    if begin is common and expected == "automatic_redial":
        expected = "common_redial"  # R4.7
    assert (row.closure or row.status.code) == expected
    assert row.attempts == attempts
    assert row.latest == Latest(ON_SCREEN[outcome][2], register.now_ms, agent_no(register))
    event = register.history(lead)[-1]
    assert (event.kind, event.actor, event.note) == ("activity", "user:m", "said so")
    assert event.logged == Logged("call", "out", outcome, "", register.now_ms, agent_no(register))
    register.restart()
    assert register.row(lead) == row


@pytest.mark.parametrize(("outcome", "hours"), [("no_answer", 2), ("left_a_voicemail", 4)])
def test_the_next_try_counts_from_now(outcome: str, hours: int) -> None:  # R6.2, R7.5
    register = shop()
    lead = untouched(register)
    register.now_ms += HOUR_MS
    assert register.log(lead, outcome, at_ms=register.now_ms - HOUR_MS).due_ms == register.now_ms + hours * HOUR_MS


def test_the_limit_counts_when_the_promised_call_was_due() -> None:  # R6.3, R6.5
    register = shop(max_attempts=2)
    lead = retried(register)
    register.now_ms += HOUR_MS
    promised = register.finish(register.next(), "redial", kind="private", at_ms=register.now_ms + HOUR_MS)
    assert promised.attempts == 2
    assert register.log(lead, "no_answer").due_ms == promised.due_ms  # that call is still to be placed
    register.now_ms += HOUR_MS
    assert register.log(lead, "no_answer").closure == "max_call_attempts"


def test_below_the_limit_it_is_tried_again() -> None:  # R6.3
    register = shop(max_attempts=2)
    lead = retried(register)
    assert [register.log(lead, "no_answer").status for _ in range(3)] == [Status.AUTOMATIC_REDIAL] * 3


def test_a_promise_that_is_still_ahead_keeps_its_time() -> None:  # R13.5
    for outcome in ("no_answer", "left_a_voicemail"):
        register = shop()
        (lead,) = register.load(ANN)
        promised = register.finish(register.next(), "redial", kind="private", at_ms=register.now_ms + 5 * HOUR_MS)
        register.now_ms += MINUTE_MS
        row = register.log(lead, outcome)
        assert (row.status, row.due_ms, row.promise) == (Status.PRIVATE_REDIAL, promised.due_ms, promised.promise)
        assert row.owner == agent_no(register)


def test_one_that_is_due_moves_as_after_a_call() -> None:  # R4.7
    register = shop()
    (lead,) = register.load(ANN)
    promised = register.finish(register.next(), "redial", kind="vip", at_ms=register.now_ms + MINUTE_MS)
    register.now_ms += MINUTE_MS
    row = register.log(lead, "no_answer")
    assert (row.status, row.due_ms) == (Status.VIP_REDIAL, register.now_ms + 2 * HOUR_MS)
    assert promised.promise is not None
    assert row.promise is not None
    assert row.promise.at_ms == promised.promise.at_ms


def test_a_wrong_number_takes_the_number_and_leaves_the_other() -> None:  # R6.4
    register = shop()
    lead = register.add(ANN, BOB)
    row = register.log(lead, "wrong_number")
    assert (row.numbers, row.dropped, row.attempts) == ((BOB,), (ANN,), 0)
    register = shop()
    lead = register.add(ANN, BOB)
    row = register.log(lead, "wrong_number", number=BOB)
    assert (row.numbers, row.dropped) == ((ANN,), (BOB,))


def test_a_sale_in_progress_is_locked_to_the_agent_who_is_named() -> None:  # R13.5
    register = shop()
    lead = untouched(register)
    row = register.log(lead, "sale_in_progress", "email", agent="b")
    assert row.unresolved is not None
    assert (row.unresolved.agent, row.unresolved.since_ms) == (agent_no(register, "b"), register.now_ms)
    assert not register.engine.unresolved_of("a")
    assert refused(register, Invalid, register.load(BOB)[0], "sale_in_progress", agent=None).field == "agent"


def test_one_that_is_locked_keeps_its_lock_and_its_clock() -> None:  # R7.1, R7.3
    register = shop()
    lead = unresolved(register)
    before = register.row(lead).unresolved
    register.now_ms += HOUR_MS
    assert register.log(lead, "sale_in_progress").unresolved == before
    assert register.log(lead, "sale_in_progress", agent=None, by="user:m").unresolved == before
    assert register.log(lead, "sale_in_progress", agent="b", by="user:m").unresolved == before


@pytest.mark.parametrize(
    ("outcome", "interaction", "talked"),
    [
        ("sold", "call", True),
        ("no_sale", "call", True),
        ("sold", "in_store", False),
        ("no_sale", "sms", False),
        ("no_answer", "call", False),
    ],
)
def test_a_call_that_settles_an_unresolved_lead_tells_that_its_last_one_was_a_conversation(
    outcome: str, interaction: str, talked: bool
) -> None:  # R12.1
    register = shop()
    lead = unresolved(register)
    lock = register.row(lead).unresolved
    assert lock is not None
    register.now_ms += HOUR_MS
    (call,) = register.log(lead, outcome, interaction).calls
    assert call.talked_ms == (lock.since_ms if talked else 0)


def test_a_redial_goes_to_the_agent_who_is_named() -> None:  # R4.1
    register = shop()
    lead = untouched(register)
    at_ms = register.now_ms + HOUR_MS
    row = register.log(lead, "sale_in_progress", "in_store", agent="b", redial=c.RedialEdit("vip", at_ms))
    assert (row.status, row.due_ms, row.owner) == (Status.VIP_REDIAL, at_ms, agent_no(register, "b"))
    assert row.promise is not None
    assert row.promise.agent == agent_no(register, "b")


@pytest.mark.parametrize("outcome", ON_SCREEN)
def test_what_is_locked_to_another_agent_is_not_an_agents_affair(outcome: str) -> None:  # R7.5
    register = shop()
    lead = unresolved(register)
    refused(register, NotAllowed, lead, outcome, agent="b", by="agent:b")
    row = register.log(lead, outcome, agent="b", by="user:m")
    assert (row.closure or row.status.code) == UNLEASED[outcome]


@pytest.mark.parametrize("outcome", ON_SCREEN)
def test_what_waits_for_validation_takes_no_outcome(outcome: str) -> None:  # R13.5
    register = shop(SALE, NO)
    (lead,) = register.load(ANN)
    register.finish(register.next(), "resolved", result="sale")
    assert refused(register, WrongStatus, lead, outcome).facts["status"] == "pending_validation"


@pytest.mark.parametrize("outcome", ON_SCREEN)
def test_what_is_closed_takes_no_outcome(outcome: str) -> None:  # R13.5
    register = shop()
    lead = untouched(register)
    register(c.Remove(lead=lead))
    assert refused(register, WrongStatus, lead, outcome).facts["status"] == "closed"
    assert refused(register, WrongStatus, lead, outcome, row=None).facts["status"] == "closed"


def test_what_has_expired_counts_as_closed() -> None:  # R8.3
    register = shop(expire_after_ms=HOUR_MS)
    register.engine.state.slice_leads = 1
    first, second = register.load(ANN, BOB)
    register.now_ms += HOUR_MS
    register(c.Tick())
    still_open = [lead for lead in (first, second) if register.engine.lead(lead) is not None]
    assert still_open
    refused(register, WrongStatus, still_open[0], "sold")
    refused(register, WrongStatus, still_open[0], None, "sms")


def test_a_sale_that_asks_for_validation_waits_for_it() -> None:  # R1.4, R13.5
    register = shop(NO, SALE, YES)
    lead = untouched(register)
    row = register.log(lead, "sold", "in_store")
    assert (row.status, row.validating, row.seller) == (Status.PENDING_VALIDATION, "sale", agent_no(register))
    assert row.latest is not None
    assert row.latest.kind is IN_PROGRESS
    register(c.Validate(lead=lead, passed=True))
    closed = register.row(lead)
    assert closed.closure == "sale"
    assert closed.latest is not None
    assert closed.latest.kind is Activity.SOLD


@pytest.mark.parametrize(("outcome", "results"), [("sold", (GIFT, NO, WRONG)), ("no_sale", (RUDE, YES, WRONG))])
def test_without_a_result_of_that_kind_it_is_refused(outcome: str, results: tuple[TemplateResult, ...]) -> None:
    register = shop(*results)
    lead = untouched(register)
    assert refused(register, Invalid, lead, outcome).field == "outcome"
    register.next()
    assert refused(register, Invalid, lead, outcome).field == "outcome"


def test_nothing_that_is_logged_blocks_a_number() -> None:
    register = shop()
    register.log(untouched(register), "no_sale")
    assert not register.engine.blocked


def test_a_lead_whose_pool_nobody_confirmed_takes_no_outcome() -> None:  # R9.3
    register = shop()
    (lead,) = register.load(ANN, state="held")
    refused(register, Conflict, lead, "sold")


def test_it_uses_up_what_was_urgent() -> None:  # R2.6
    register = shop()
    lead = untouched(register)
    register(c.MakeUrgent(lead=lead, reason="hot_lead", expires_ms=register.now_ms + HOUR_MS))
    assert register.log(lead, "no_answer").urgent is None
