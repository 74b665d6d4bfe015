"""Leads are counted by condition through every change of them (SPEC 13).

The register counts all leads anew after each command and holds each event against the one before it; so what these
tests say outright is only what they are about.
"""

from collections.abc import Callable
from typing import Any, Final

import pytest
from unit.core.intake_desk import ANN, BOB, CY, DI
from unit.core.register import Register

from nextlead.core import commands as c
from nextlead.core.activity_model import Activity
from nextlead.core.conditions import (
    FRESH,
    Condition,
)
from nextlead.core.errors import NotFound
from nextlead.core.model import Pool, Status
from nextlead.core.row import DAY_MS, HOUR_MS, MINUTE_MS
from nextlead.core.setup_model import Duplicates, Template, TemplateResult

CLOSED: Final = Status.CLOSED


# -- every way that a lead can take (SPEC R1.4) ---------------------------------------------------------------------

SALE: Final = TemplateResult("sale", "Sale", "success", validation=True)
SUCCESS: Final = TemplateResult("success", "Success", "success")
NO: Final = TemplateResult("not_interested", "Not interested", "negative")
RUDE: Final = TemplateResult("rude", "Rude", "negative", do_not_call=True)
WRONG: Final = TemplateResult("invalid", "Invalid", "invalid")


def centre(**dialer: Any) -> Register:
    """Two agents at work on c1."""
    register = Register(**dialer)
    register(c.PutCampaign(code="c1", template=Template(results=(SUCCESS, SALE, NO, RUDE, WRONG))))
    register(c.PutSettings(restart_grace_ms=0))
    return register


def finished(outcome: str, **more: Any) -> Callable[[Register, int], None]:
    def move(register: Register, _: int) -> None:
        register.finish(register.next(), outcome, **more)

    return move


def redialled(kind: str) -> Callable[[Register, int], None]:
    def move(register: Register, _: int) -> None:
        register.finish(register.next(), "redial", kind=kind, at_ms=register.now_ms + MINUTE_MS)

    return move


def leased(register: Register, _: int) -> None:
    register.next()


def unresolved(register: Register, lead: int) -> None:
    finished("unresolved")(register, lead)


def pending(register: Register, lead: int) -> None:
    finished("resolved", result="sale")(register, lead)


def validated(*, passed: bool) -> Callable[[Register, int], None]:
    def move(register: Register, lead: int) -> None:
        pending(register, lead)
        register(c.Validate(lead=lead, passed=passed))

    return move


def resolved(outcome: str, **more: Any) -> Callable[[Register, int], None]:
    def move(register: Register, lead: int) -> None:
        unresolved(register, lead)
        if more.pop("at_ms", None):
            more["at_ms"] = register.now_ms + HOUR_MS
        register(c.Resolve(lead=lead, outcome=outcome, agent="a", **more))  # type: ignore[arg-type]

    return move


def later(ms: int) -> Callable[[Register, int], None]:
    def move(register: Register, _: int) -> None:
        register.now_ms += ms
        register(c.Tick())

    return move


def asked(command: Callable[[int], c.Command]) -> Callable[[Register, int], None]:
    def move(register: Register, lead: int) -> None:
        register(command(lead))

    return move


def disabled(register: Register, _: int) -> None:
    register(c.PutAgent(code="a", enabled=False))


def forgotten(register: Register, lead: int) -> None:
    register.anonymise(lead, numbers=(ANN,))


def erased(register: Register, lead: int) -> None:
    register(c.Forget(rows=(register.row(lead),)))


def reopened(register: Register, lead: int) -> None:
    register(c.Reopen(lead=lead, row=register.row(lead)))


def reopened_as_private(register: Register, lead: int) -> None:
    redial = c.RedialEdit("private", register.now_ms + HOUR_MS, "b")
    register(c.Reopen(lead=lead, row=register.row(lead), redial=redial))


def edited(register: Register, lead: int) -> None:
    register(c.EditLead(lead=lead, redial=c.RedialEdit("vip", register.now_ms + HOUR_MS, "b")))


def sold(register: Register, _: int) -> None:
    """What is on agent a's screen."""
    (offer,) = register.engine.leases_of("a")
    register.finish(offer, "resolved", result="success")


def gave_up(register: Register, _: int) -> None:
    (offer,) = register.engine.leases_of("a")
    register.finish(offer, "cancelled")


REMOVE = asked(lambda lead: c.Remove(lead=lead))
BLOCK = asked(lambda _: c.Block(numbers=(ANN,)))
BLOCK_GLOBALLY = asked(lambda _: c.Block(numbers=(ANN,), scope="global"))
BUSY = finished("unreached", cause="busy")
A_WEEK = later(7 * DAY_MS)

NOTHING, NO_ANSWER, IN_PROGRESS = Activity.NONE, Activity.NO_ANSWER, Activity.SALE_IN_PROGRESS
WAYS: Final[dict[str, tuple[tuple[Callable[[Register, int], None], ...], Condition]]] = {
    "on a screen": ((leased,), FRESH),
    "success": (
        (finished("resolved", result="success"),),
        Condition(CLOSED, "success", "", Activity.SOLD),
    ),
    "negative": (
        (finished("resolved", result="not_interested"),),
        Condition(CLOSED, "not_interested", "", Activity.NO_SALE),
    ),
    "invalid": (
        (finished("resolved", result="invalid"),),
        Condition(CLOSED, "invalid", "", Activity.WRONG_NUMBER),
    ),
    "a result that blocks": (
        (finished("resolved", result="rude"),),
        Condition(CLOSED, "rude", "", Activity.NO_SALE),
    ),
    "common": ((redialled("common"),), Condition(Status.COMMON_REDIAL, None, "", IN_PROGRESS)),
    "private": ((redialled("private"),), Condition(Status.PRIVATE_REDIAL, None, "", IN_PROGRESS)),
    "vip": ((redialled("vip"),), Condition(Status.VIP_REDIAL, None, "", IN_PROGRESS)),
    "no answer": ((BUSY,), Condition(Status.AUTOMATIC_REDIAL, None, "", NO_ANSWER)),
    "voicemail": (
        (finished("unreached", cause="voicemail"),),
        Condition(Status.AUTOMATIC_REDIAL, None, "", Activity.LEFT_A_VOICEMAIL),
    ),
    "dropped": (
        (finished("unreached", cause="dropped"),),
        Condition(Status.AUTOMATIC_REDIAL, None, "", NO_ANSWER),
    ),
    "congestion": (
        (finished("unreached", cause="congestion"),),
        Condition(Status.AUTOMATIC_REDIAL, None, "", NO_ANSWER),
    ),
    "wrong number": (
        (finished("unreached", cause="invalid_number"),),
        Condition(CLOSED, "invalid_phone_number", "", Activity.WRONG_NUMBER),
    ),
    "the limit": (
        (BUSY, later(HOUR_MS), BUSY, later(HOUR_MS), BUSY),
        Condition(CLOSED, "max_call_attempts", "", NO_ANSWER),
    ),
    "unresolved": ((unresolved,), Condition(Status.UNRESOLVED, None, "", IN_PROGRESS)),
    "cancelled": ((leased, gave_up), FRESH),
    "cancelled later": (
        (BUSY, later(HOUR_MS), leased, gave_up),
        Condition(Status.AUTOMATIC_REDIAL, None, "", NO_ANSWER),
    ),
    "timed out": ((leased, later(HOUR_MS)), Condition(Status.UNRESOLVED)),
    "logged off": ((leased, asked(lambda _: c.EndSession(agent="a"))), Condition(Status.UNRESOLVED)),
    "agent disabled": ((leased, disabled), Condition(Status.UNRESOLVED)),
    "abandoned": ((unresolved, A_WEEK), Condition(CLOSED, "abandoned", "", IN_PROGRESS)),
    "abandoned by nobody's activity": ((leased, later(HOUR_MS), A_WEEK), Condition(CLOSED, "abandoned")),
    "waits for validation": ((pending,), Condition(Status.PENDING_VALIDATION, None, "", IN_PROGRESS)),
    "validation passed": ((validated(passed=True),), Condition(CLOSED, "sale", "", Activity.SOLD)),
    "validation failed": ((validated(passed=False),), Condition(Status.PRIVATE_REDIAL, None, "", IN_PROGRESS)),
    "resolved": (
        (resolved("resolved", result="not_interested"),),
        Condition(CLOSED, "not_interested", "", Activity.NO_SALE),
    ),
    "resolved, to be validated": (
        (resolved("resolved", result="sale"),),
        Condition(Status.PENDING_VALIDATION, None, "", IN_PROGRESS),
    ),
    "resolved as a redial": (
        (resolved("redial", kind="common", at_ms=1),),
        Condition(Status.COMMON_REDIAL, None, "", IN_PROGRESS),
    ),
    "resolved as unreached": (
        (resolved("unreached", cause="busy"),),
        Condition(Status.AUTOMATIC_REDIAL, None, "", NO_ANSWER),
    ),
    "removed": ((REMOVE,), Condition(CLOSED, "removed")),
    "removed after a call": ((BUSY, REMOVE), Condition(CLOSED, "removed", "", NO_ANSWER)),
    "removed on the screen, sold": ((leased, REMOVE, sold), Condition(CLOSED, "success", "", Activity.SOLD)),
    "removed on the screen, given up": ((leased, REMOVE, gave_up), Condition(CLOSED, "removed")),
    "blocked": ((BLOCK,), Condition(CLOSED, "do_not_call")),
    "blocked globally": ((BUSY, BLOCK_GLOBALLY), Condition(CLOSED, "global_do_not_call", "", NO_ANSWER)),
    "edited": ((edited,), Condition(Status.VIP_REDIAL)),
    "edited after a call": ((BUSY, edited), Condition(Status.VIP_REDIAL, None, "", NO_ANSWER)),
    # R10.6, R10.7
    "forgotten": ((forgotten,), Condition(CLOSED, "anonymized")),
    "forgotten after a call": ((BUSY, forgotten), Condition(CLOSED, "anonymized", "", NO_ANSWER)),
    "forgotten on the screen": ((leased, forgotten, gave_up), Condition(CLOSED, "anonymized")),
    "forgotten on the screen, sold": ((leased, forgotten, sold), Condition(CLOSED, "success", "", Activity.SOLD)),
    "forgotten when closed": (
        (finished("resolved", result="success"), forgotten),
        Condition(CLOSED, "success", "", Activity.SOLD, anonymised=True),
    ),
    "forgotten twice": (
        (REMOVE, forgotten, forgotten),
        Condition(CLOSED, "removed", "", NOTHING, anonymised=True),
    ),
    "its time is over": (
        (finished("resolved", result="success"), erased),
        Condition(CLOSED, "success", "", Activity.SOLD),
    ),
    "its time is over, then forgotten": (
        (finished("resolved", result="success"), erased, forgotten),
        Condition(CLOSED, "success", "", Activity.SOLD, anonymised=True),
    ),
    # reopening starts from nothing
    "reopened": ((finished("resolved", result="success"), reopened), FRESH),
    "reopened as a redial": (
        (finished("resolved", result="success"), reopened_as_private),
        Condition(Status.PRIVATE_REDIAL),
    ),
    "reopened and closed again": (
        (finished("resolved", result="success"), reopened, REMOVE),
        Condition(CLOSED, "removed"),
    ),
    # an activity of its own (R13.3)
    "a text": ((lambda r, lead: r.log(lead, None, "sms"),), Condition(Status.UNPROCESSED, None, "", Activity.SMS_OUT)),
    "a text while it is called": (
        (leased, lambda r, lead: r.log(lead, None, "sms", direction="in")),
        Condition(Status.UNPROCESSED, None, "", Activity.SMS_IN),
    ),
    "a text to a closed one": (
        (REMOVE, lambda r, lead: r.log(lead, None, "sms")),
        Condition(CLOSED, "removed", "", Activity.SMS_OUT),
    ),
    "a text, then reopened": ((REMOVE, lambda r, lead: r.log(lead, None, "sms"), reopened), FRESH),
    "logged as sold": (
        (lambda r, lead: r.log(lead, "sold", "in_store"),),
        Condition(CLOSED, "success", "", Activity.SOLD),
    ),
    "logged as satisfied": (
        (lambda r, lead: r.log(lead, "no_sale", "email", explanation="satisfied"),),
        Condition(CLOSED, "not_interested", "", Activity.SATISFIED),
    ),
}  # fmt: skip


@pytest.mark.parametrize("restarted", [False, True], ids=["", "restarted"])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_a_lead_is_counted(way: str, restarted: bool) -> None:
    # R1.4, R10.6, R13.3: the register counts anew after each step, and after each restart between them
    register = centre(max_attempts=3)
    (lead,) = register.load(ANN)
    assert register.conditions() == {FRESH: 1}
    moves, expected = WAYS[way]
    for move in moves:
        move(register, lead)
        if restarted:
            register.restart()
    assert register.conditions() == {expected: 1}


def test_a_number_that_is_forgotten_takes_open_and_closed_leads_along() -> None:  # R10.6
    register = centre()
    first, second, third = register.load(ANN, BOB, CY)
    register.finish(register.next(), "resolved", result="not_interested")
    register(c.PutCampaign(code="c2"))
    register.load(ANN, campaign="c2")
    register.anonymise(first, second, numbers=(ANN, BOB))
    closed_before = Condition(CLOSED, "not_interested", "", Activity.NO_SALE, anonymised=True)
    assert register.engine.conditions(None, None) == {
        ("c1", closed_before): 1,
        ("c1", Condition(CLOSED, "anonymized")): 1,
        ("c1", FRESH): 1,
        ("c2", Condition(CLOSED, "anonymized")): 1,
    }
    assert register.row(third).status is Status.UNPROCESSED


# -- pools ----------------------------------------------------------------------------------------------------------


def pool_of(register: Register, lead: int) -> int:
    return register.row(lead).pool if lead in register.rows else register.fresh[lead].pool


def test_a_deleted_pool_takes_its_untouched_leads_out_of_the_counts() -> None:  # R9.11
    register = centre()
    register.engine.state.slice_leads = 1
    first, _, third = register.load(ANN, BOB, CY)
    register.log(third, None, "sms")  # still unprocessed, but shown to who wrote it: it stays
    register.finish(register.next(), "resolved", result="success")
    pool = pool_of(register, first)
    register.through(c.ActOnPool(pool=pool, action="delete"))
    expected = {
        Condition(CLOSED, "success", "", Activity.SOLD): 1,
        Condition(Status.UNPROCESSED, None, "", Activity.SMS_OUT): 1,
    }
    assert register.conditions() == expected
    assert register.engine.conditions("c1", pool) == {("c1", condition): 1 for condition in expected}
    register.restart()
    assert register.conditions() == expected


def test_a_pool_of_which_nothing_stays_is_not_counted_nor_known() -> None:  # R9.11
    register = centre()
    (lead,) = register.load(ANN)
    pool = pool_of(register, lead)
    register.through(c.ActOnPool(pool=pool, action="delete"))
    assert register.engine.conditions(None, None) == {}
    with pytest.raises(NotFound):
        register.engine.conditions(None, pool)
    register.restart()
    assert register.engine.conditions(None, None) == {}


@pytest.mark.parametrize("end", ["failed", "rejected"])
def test_a_pool_that_fails_or_is_rejected_leaves_only_what_came_in_closed(end: str) -> None:  # R9.3, R9.5
    register = centre()
    pool = register(c.OpenPool(campaign="c1", on_invalid="close"))
    assert isinstance(pool, Pool)
    register(c.LoadRows(pool=pool.id, rows=(c.IntakeRow(1, (ANN,)), c.IntakeRow(2, (BOB,))), rejects=(REJECT,)))
    closed = Condition(CLOSED, "not_accepted", REJECT.rule)
    assert register.conditions() == {FRESH: 2, closed: 1}
    if end == "failed":
        register.through(c.ClosePool(pool=pool.id, error="torn off"))
    else:
        register(c.ClosePool(pool=pool.id, unmatched=("x",)))
        register.through(c.ActOnPool(pool=pool.id, action="reject"))
    assert register.conditions() == {closed: 1}
    register.restart()


@pytest.mark.parametrize("slice_leads", [1, 100])
def test_an_expired_pool_is_counted_as_its_leads_are_closed(slice_leads: int) -> None:  # R8.2, R8.3
    register = centre(expire_after_ms=DAY_MS)
    register.engine.state.slice_leads = slice_leads
    register.load(ANN, BOB, CY, DI)
    register.promise()
    BUSY(register, 0)
    unresolved(register, 0)
    register.now_ms += DAY_MS
    register.through(c.Tick())
    assert register.conditions() == {
        Condition(Status.PRIVATE_REDIAL, None, "", IN_PROGRESS): 1,
        Condition(CLOSED, "expired", "", NO_ANSWER): 1,
        Condition(CLOSED, "expired", "", IN_PROGRESS): 1,
        Condition(CLOSED, "expired"): 1,
    }
    register.restart()


def test_campaigns_and_pools_are_counted_apart() -> None:
    register = centre()
    register(c.PutCampaign(code="c2"))
    (first,) = register.load(ANN)
    (second,) = register.load(BOB, campaign="c2")
    register(c.Remove(lead=second))
    fresh, removed = {("c1", FRESH): 1}, {("c2", Condition(CLOSED, "removed")): 1}
    conditions, pools = register.engine.conditions, [pool_of(register, lead) for lead in (first, second)]
    assert conditions("c1", None) == conditions(None, pools[0]) == conditions("c1", pools[0]) == fresh
    assert conditions("c2", None) == conditions(None, pools[1]) == removed
    assert conditions("c1", pools[1]) == {}
    assert conditions(None, None) == {**fresh, **removed}


@pytest.mark.parametrize("asked_for", [("c9", None), (None, 99), ("c1", 99)])
def test_what_is_not_there_is_not_counted(asked_for: tuple[str | None, int | None]) -> None:
    with pytest.raises(NotFound):
        centre().engine.conditions(*asked_for)


def test_a_campaign_that_is_deleted_leaves_nothing_behind() -> None:
    register = centre()
    register(c.PutCampaign(code="c2"))
    (lead,) = register.load(ANN, campaign="c2")
    register.through(c.ActOnPool(pool=pool_of(register, lead), action="delete"))
    register(c.Delete(kind="campaign", code="c2"))
    assert register.engine.conditions(None, None) == {}


# -- what comes in closed (SPEC R9.4, R9.8) -------------------------------------------------------------------------

REJECT: Final = c.IntakeReject(
    7, ("region: no delivery",), ("x",), (CY,), b"{}", "not_accepted", "fields.a/b.prohibited"
)


def loaded(register: Register, *rows: c.IntakeRow | c.IntakeReject, action: str = "close") -> int:
    pool = register(c.OpenPool(campaign="c1", on_invalid="close", duplicates=Duplicates(action=action)))
    assert isinstance(pool, Pool)
    good = tuple(row for row in rows if isinstance(row, c.IntakeRow))
    bad = tuple(row for row in rows if isinstance(row, c.IntakeReject))
    register(c.LoadRows(pool=pool.id, rows=good, rejects=bad))
    register(c.ClosePool(pool=pool.id))
    return pool.id


def test_leads_that_come_in_closed_are_counted_with_the_rule_they_broke() -> None:  # R9.4, R9.8, R13.2
    register = centre()
    register(c.Block(numbers=(DI,)))
    loaded(
        register,
        c.IntakeRow(1, (ANN,)),
        c.IntakeRow(2, (ANN,)),
        REJECT,
        c.IntakeReject(8, ("country",), ("x",), (BOB,), b"{}", "not_accepted", "countries"),
        c.IntakeReject(9, ("country",), ("x",), (), b"{}", "invalid_phone_number"),
        c.IntakeReject(10, ("country",), ("x",), (DI,), b"{}", "not_accepted", "countries"),
    )
    expected = {
        FRESH: 1,
        Condition(CLOSED, "duplicate"): 1,
        Condition(CLOSED, "not_accepted", "fields.a/b.prohibited"): 1,
        Condition(CLOSED, "not_accepted", "countries"): 1,
        Condition(CLOSED, "invalid_phone_number"): 1,
        Condition(CLOSED, "do_not_call"): 1,
    }
    assert register.conditions() == expected
    register.restart()
    assert register.conditions() == expected


def test_a_lead_that_was_not_accepted_may_be_reopened_forgotten_and_texted() -> None:  # R1.4, R10.6
    register = centre()
    loaded(register, REJECT)
    (lead,) = register.rows
    register.log(lead, None, "sms")
    texted = Condition(CLOSED, "not_accepted", REJECT.rule, Activity.SMS_OUT)
    assert register.conditions() == {texted: 1}
    reopened(register, lead)
    assert register.conditions() == {FRESH: 1}
    register(c.Remove(lead=lead))
    assert register.conditions() == {Condition(CLOSED, "removed"): 1}

    register = centre()
    loaded(register, REJECT)
    register.log(lead, None, "sms")
    register.anonymise(lead, numbers=REJECT.numbers)
    assert register.conditions() == {texted._replace(anonymised=True): 1}


def test_a_replaced_lead_is_counted_as_removed() -> None:  # R9.8
    register = centre()
    loaded(register, c.IntakeRow(1, (ANN,)))
    loaded(register, c.IntakeRow(1, (ANN,)), action="replace")
    assert register.conditions() == {Condition(CLOSED, "removed"): 1, FRESH: 1}


# -- other readers of the same counts -------------------------------------------------------------------------------


def test_a_pool_tells_its_closed_leads_by_closure_as_ever() -> None:  # R9.12, R10.6
    register = centre()
    first, second, _ = register.load(ANN, BOB, CY)
    register.finish(register.next(), "resolved", result="success")
    register.log(second, "sold", "in_store")
    register.anonymise(first, numbers=(ANN,))
    counts = register.engine.pool_counts(pool_of(register, first), register.now_ms)
    assert counts.closed == {"success": 2}
    assert (counts.open, counts.used) == (1, 2)
    assert register.engine.counts() == {("c1", "closed"): 2, ("c1", "unprocessed"): 1}
