"""Numbers that may not be dialled: both lists, marks, numbers that are dropped (SPEC R9.7, R10.2 to R10.5)."""

from collections.abc import Callable

import pytest
from unit.core.centre import MINUTE_MS
from unit.core.ledger import Ledger

from nextlead.core.commands import (
    ActOnPool,
    Block,
    ClosePool,
    EditLead,
    EndLease,
    EndSession,
    IntakeRow,
    LoadRows,
    MakeUrgent,
    OpenPool,
    PutAgent,
    PutCampaign,
    RedialEdit,
    Remove,
    Reopen,
    Resolve,
    Scope,
    Take,
    Tick,
    Unblock,
    Validate,
)
from nextlead.core.errors import Invalid, NotFound, NumberBlocked, WrongStatus
from nextlead.core.model import Lead, Status
from nextlead.core.replies import NoLead, Offer
from nextlead.core.row import DAY_MS, HOUR_MS
from nextlead.core.setup_model import Duplicates, Template, TemplateResult
from nextlead.core.tokens import token_text

A, B, C = 14155550101, 14155550102, 14155550103
CLOSURE_OF: dict[Scope, str] = {"organisation": "do_not_call", "global": "global_do_not_call"}
SCOPES = sorted(CLOSURE_OF)


def count(reply: object) -> int:
    return reply.count  # type: ignore[attr-defined,no-any-return]


def work_it_off(centre: Ledger) -> None:
    while centre.engine.working:
        centre.work()


def token_of(offer: Offer) -> str:
    assert offer.lead.lease is not None
    return token_text(offer.lead.id, offer.lead.lease.token)


@pytest.mark.parametrize("scope", SCOPES)
def test_open_leads_with_the_number_close(scope: Scope) -> None:  # R10.3
    centre = Ledger()
    first, second, other = centre.add(A), centre.add(B, A), centre.add(C)
    assert count(centre(Block(numbers=(A,), scope=scope, reason="asked", by="admin"))) == 2
    assert [centre.row(lead).closure for lead in (first, second, other)] == [CLOSURE_OF[scope]] * 2 + [None]
    event = centre.history(second)[-1]
    assert (event.kind, event.actor, event.number) == ("blocked", "admin", A)
    centre.restart()
    assert centre.engine.refusal_of(A) == CLOSURE_OF[scope]
    assert centre.next().lead.id == other


def test_the_lists_are_two() -> None:  # R10.2
    centre = Ledger()
    centre(Block(numbers=(A,), reason="one"))
    centre(Block(numbers=(A,), reason="two", scope="global"))
    assert centre.engine.refusal_of(A) == "global_do_not_call"
    centre(Unblock(number=A, scope="global"))
    assert (centre.engine.refusal_of(A), centre.engine.blocked[A].reason) == ("do_not_call", "one")
    with pytest.raises(NotFound, match=rf"\+{A} on the global list"):
        centre(Unblock(number=A, scope="global"))
    centre(Unblock(number=A))
    assert centre.engine.refusal_of(A) is None
    centre.restart()
    assert centre.engine.refusal_of(A) is None


def test_many_numbers_in_one_go() -> None:  # R10.2, R10.3
    centre = Ledger()
    leads = [centre.add(A), centre.add(B, C), centre.add(C)]
    assert count(centre(Block(numbers=(C, A, C)))) == 3
    assert {centre.row(lead).closure for lead in leads} == {"do_not_call"}
    with pytest.raises(Invalid):
        centre(Block(numbers=(B, 10**15)))
    assert B not in centre.engine.blocked


def test_a_number_on_the_list_keeps_its_first_entry_and_its_leads_close() -> None:  # R10.3
    results = (TemplateResult("never", "Never again", "negative", validation=True, do_not_call=True),)
    centre = Ledger()
    centre(PutCampaign(code="c1", template=Template(results=results)))
    lead = centre.add(A)
    centre.finish(centre.next(), "resolved", result="never")
    assert centre.row(lead).status is Status.PENDING_VALIDATION
    assert count(centre(Block(numbers=(A,), reason="later"))) == 1
    assert centre.engine.blocked[A].reason == "result never"
    assert centre.row(lead).closure == "do_not_call"
    assert centre.row(lead).validating is None


# -- only the number goes -------------------------------------------------------------------------------------------


def test_only_the_number_is_dropped_while_another_is_left() -> None:  # R10.3
    centre = Ledger()
    lead, only = centre.add(A, B, C), centre.add(A)
    assert count(centre(Block(numbers=(A,), drop_number=True))) == 2
    assert centre.row(only).closure == "do_not_call"
    row = centre.row(lead)
    assert (row.status, row.numbers, row.dropped) == (Status.UNPROCESSED, (B, C), (A,))
    assert centre.next().lead.lease.number == B  # type: ignore[union-attr]
    centre(Block(numbers=(B, C), drop_number=True, scope="global"))
    centre.finish(centre.next(), "cancelled")
    assert centre.row(lead).closure == "global_do_not_call"


def test_dropping_one_number_lets_the_other_free() -> None:  # R3.7, R10.3
    centre = Ledger()
    centre.add(A)
    held = centre.next()
    other = centre.add(A, B)
    assert isinstance(centre.ask("b"), NoLead)
    centre(Block(numbers=(A,), drop_number=True))
    assert centre.next("b").lead.id == other
    assert centre.finish(held, "unreached", cause="busy").closure == "do_not_call"


ENDS: dict[str, tuple[Callable[[Ledger, Offer], object], Status]] = {
    "resolved": (lambda c, o: c.finish(o, "resolved", result="not_interested"), Status.CLOSED),
    "redial": (
        lambda c, o: c.finish(o, "redial", kind="private", at_ms=c.now_ms + MINUTE_MS),
        Status.PRIVATE_REDIAL,
    ),
    "unreached": (lambda c, o: c.finish(o, "unreached", cause="busy"), Status.AUTOMATIC_REDIAL),
    "invalid": (lambda c, o: c.finish(o, "unreached", cause="invalid_number"), Status.AUTOMATIC_REDIAL),
    "unresolved": (lambda c, o: c.finish(o, "unresolved"), Status.UNRESOLVED),
    "cancelled": (lambda c, o: c.finish(o, "cancelled"), Status.UNPROCESSED),
    "by hand": (lambda c, o: c(EndLease(token=token_of(o), outcome="unresolved")), Status.UNRESOLVED),
    "given back": (lambda c, o: c(EndLease(token=token_of(o), outcome="cancelled")), Status.UNPROCESSED),
    "logged off": (lambda c, _: c(EndSession(agent="a")), Status.UNRESOLVED),
    "disabled": (lambda c, _: c(PutAgent(code="a", enabled=False)), Status.UNRESOLVED),
    "timeout": (lambda c, _: _wait(c), Status.UNRESOLVED),
}


def _wait(centre: Ledger) -> None:
    centre.now_ms += 2 * HOUR_MS
    centre(Tick())


@pytest.mark.parametrize("end", sorted(ENDS))
@pytest.mark.parametrize("restarted", [False, True])
def test_a_number_on_the_screen_goes_when_the_lease_ends(end: str, restarted: bool) -> None:  # R10.3
    centre = Ledger()
    lead = centre.add(A, B, C)
    offer = centre.next()
    assert count(centre(Block(numbers=(A,), drop_number=True))) == 1
    assert count(centre(Block(numbers=(A,), drop_number=True))) == 1
    assert centre.row(lead).numbers == (A, B, C)  # R10.4: nothing is torn away
    if restarted:
        centre.restart()
    assert centre.engine.leases_of("a")[0].blocked
    finish, status = ENDS[end]
    finish(centre, offer)
    row = centre.row(lead)
    assert (row.status, row.numbers, row.dropped, row.dropping) == (status, (B, C), (A,), ())
    assert centre.engine.leads_with_number(A) == []
    if status is not Status.CLOSED:
        assert row.numbers[row.number_at] == B


def test_another_number_than_the_dropped_one_was_dialled() -> None:  # R6.4, R6.6, R10.3
    centre = Ledger()
    lead = centre.add(A, B, C)
    offer = centre.next()
    centre(Block(numbers=(A,), drop_number=True))
    row = centre.finish(offer, "unreached", cause="no_answer", number=B)
    assert (row.numbers, row.numbers[row.number_at], row.dialled) == ((B, C), C, (1, 0))
    centre(Block(numbers=(C,), drop_number=True))
    centre.now_ms += 2 * HOUR_MS
    assert centre.next().lead.id == lead
    centre(PutAgent(code="a", name="still there"))
    again = centre.engine.leases_of("a")[0]
    assert centre.finish(again, "unreached", cause="invalid_number").closure == "invalid_phone_number"


@pytest.mark.parametrize("end", ["unresolved", "cancelled"])
def test_a_lease_that_is_marked_as_well(end: str) -> None:  # R1.5, R10.3
    centre = Ledger()
    lead = centre.add(A, B)
    offer = centre.next()
    centre(Block(numbers=(A,), drop_number=True))
    centre(Remove(lead=lead))
    row = centre.finish(offer, end)
    assert (row.closure, row.numbers, row.dropped, row.dropping) == ("removed", (B,), (A,), ())


def test_the_last_number_marks_the_lease() -> None:  # R10.3, R10.4
    centre = Ledger()
    lead = centre.add(A, B)
    offer = centre.next()
    centre(Block(numbers=(A,), drop_number=True))
    assert centre.row(lead).mark is None
    centre(Block(numbers=(B,), drop_number=True, scope="global"))
    assert centre.row(lead).mark == "global_do_not_call"
    row = centre.finish(offer, "redial", kind="common", at_ms=centre.now_ms + MINUTE_MS)
    assert (row.closure, row.promise, row.dropped) == ("global_do_not_call", None, (A,))


def test_a_lease_that_loses_a_number_can_still_be_edited() -> None:  # R1.5
    centre = Ledger()
    lead = centre.add(A, B)
    centre.next()
    centre(Block(numbers=(A,), drop_number=True))
    assert centre(EditLead(lead=lead, priority=7)).priority == 7  # type: ignore[attr-defined]
    with pytest.raises(NumberBlocked):
        centre(Block(numbers=(B,)))
        centre(EditLead(lead=lead, priority=8))


def test_a_reopened_lead_need_not_fear_for_a_number_it_has_lost() -> None:  # R1.4, R9.7
    centre = Ledger()
    lead = centre.add(A, B)
    centre(Block(numbers=(A,), drop_number=True))
    centre(Remove(lead=lead))
    row = centre(Reopen(lead=lead, row=centre.row(lead)))
    assert isinstance(row, Lead)
    assert (row.status, row.numbers, row.dropped, row.closed_ms) == (Status.UNPROCESSED, (B,), (A,), 0)
    centre(Remove(lead=lead))
    centre(Block(numbers=(B,)))
    with pytest.raises(NumberBlocked):
        centre(Reopen(lead=lead, row=centre.row(lead)))


# -- marks ----------------------------------------------------------------------------------------------------------


def _block(scope: Scope) -> Callable[[Ledger, int], object]:
    return lambda centre, _: centre(Block(numbers=(A,), scope=scope))


MARKS: tuple[tuple[str, Callable[[Ledger, int], object]], ...] = (
    ("removed", lambda centre, lead: centre(Remove(lead=lead))),
    ("do_not_call", _block("organisation")),
    ("global_do_not_call", _block("global")),
    ("anonymized", lambda centre, lead: centre.anonymise(lead)),
)


@pytest.mark.parametrize("first", range(len(MARKS)))
@pytest.mark.parametrize("second", range(len(MARKS)))
@pytest.mark.parametrize("outcome", ["unreached", "cancelled"])
def test_the_stronger_mark_stays(first: int, second: int, outcome: str) -> None:  # R1.5
    centre = Ledger()
    lead = centre.add(A)
    offer = centre.next()
    for at in (first, second):
        MARKS[at][1](centre, lead)
    expected = MARKS[max(first, second)][0]
    assert centre.engine.leases_of("a")[0].blocked is (expected != "removed")
    cause = {"cause": "busy"} if outcome == "unreached" else {}
    assert centre.finish(offer, outcome, **cause).closure == expected


@pytest.mark.parametrize("scope", SCOPES)
def test_only_a_success_stands_against_the_list(scope: Scope) -> None:  # R10.4
    centre = Ledger()
    first, second = centre.add(A), centre.add(A, B)
    one = centre.next()
    centre(Block(numbers=(A,), scope=scope))
    assert centre.row(second).closure == CLOSURE_OF[scope]
    assert one.lead.id == first
    assert centre.finish(one, "resolved", result="success").closure == "success"
    centre.add(B)
    two = centre.next()
    centre(Block(numbers=(B,), scope=scope))
    centre(Unblock(number=B, scope=scope))  # R10.5: the mark stays
    assert centre.finish(two, "resolved", result="not_interested").closure == CLOSURE_OF[scope]


# -- R9.7 -----------------------------------------------------------------------------------------------------------


def test_a_lead_that_waits_for_validation_of_what_blocked_it() -> None:  # R1.2, R9.7
    results = (
        TemplateResult("never", "Never again", "negative", validation=True, do_not_call=True),
        TemplateResult("sold", "Sold", "success", validation=True),
    )
    for passed, closure in ((True, "never"), (False, "do_not_call")):
        centre = Ledger()
        centre(PutCampaign(code="c1", template=Template(results=results)))
        lead, other = centre.add(A), centre.add(A, B)
        centre.finish(centre.next(), "resolved", result="never")
        assert (centre.row(lead).status, centre.row(other).closure) == (Status.PENDING_VALIDATION, "do_not_call")
        with pytest.raises(NumberBlocked):
            centre(EditLead(lead=lead, redial=RedialEdit("common", centre.now_ms + 1)))
        centre.restart()
        assert centre(Validate(lead=lead, passed=passed)).closure == closure  # type: ignore[attr-defined]


def test_a_result_found_later_blocks_too() -> None:  # R1.2, R7.5
    results = (TemplateResult("never", "Never again", "negative", do_not_call=True),)
    centre = Ledger()
    centre(PutCampaign(code="c1", template=Template(results=results)))
    lead = centre.add(A)
    centre.finish(centre.next(), "unresolved")
    other = centre.add(A)
    centre(Resolve(lead=lead, outcome="resolved", result="never", by="admin"))
    assert (centre.row(lead).closure, centre.row(other).closure) == ("never", "do_not_call")


@pytest.mark.parametrize("scope", SCOPES)
def test_nothing_of_a_held_pool_becomes_dialable_with_a_blocked_number(scope: Scope) -> None:  # R9.7
    centre = Ledger()
    lead = centre.add(A, state="held")
    centre(Block(numbers=(A,), scope=scope))
    centre(ActOnPool(pool=1, action="confirm"))
    assert isinstance(centre.ask("a"), NoLead)
    assert centre.row(lead).closure == CLOSURE_OF[scope]


@pytest.mark.parametrize("closure", ["do_not_call", "global_do_not_call"])
def test_what_a_list_closed_is_never_reopened(closure: str) -> None:  # R1.4
    centre = Ledger()
    lead = centre.add(A)
    scope: Scope = "global" if closure == "global_do_not_call" else "organisation"
    centre(Block(numbers=(A,), scope=scope))
    centre(Unblock(number=A, scope=scope))
    with pytest.raises(WrongStatus):
        centre(Reopen(lead=lead, row=centre.row(lead)))


# -- numbers that very many leads share ------------------------------------------------------------------------------


def shared(leads: int, *, other: int = 0) -> tuple[Ledger, list[int]]:
    centre = Ledger()
    centre.engine.state.slice_leads = 2
    return centre, [centre.add(A, other) if other else centre.add(A) for _ in range(leads)]


@pytest.mark.parametrize("restarted", [False, True])
def test_leads_of_a_shared_number_close_in_slices(restarted: bool) -> None:  # R10.3
    centre, leads = shared(9)
    last = centre.add(B)
    assert count(centre(Block(numbers=(A,), by="admin"))) == 9
    assert centre.engine.working
    assert [centre.row(lead).closure for lead in leads].count("do_not_call") == 2
    if restarted:
        centre.restart()
    refused = (
        Take(agent="b", lead=leads[8], token=b"t" * 16),
        EditLead(lead=leads[8], priority=1),
        MakeUrgent(lead=leads[8], reason="hot_lead", expires_ms=centre.now_ms + 1),
        Remove(lead=leads[8]),
    )
    for command in refused:
        with pytest.raises(WrongStatus):
            centre(command)
    commit = len(centre.commits)
    assert centre.next().lead.id == last  # no time is spent on those that a later slice closes
    assert list(centre.commits[commit].leads) == [last]
    work_it_off(centre)
    assert {centre.row(lead).closure for lead in leads} == {"do_not_call"}
    assert {centre.history(lead)[-1].actor for lead in leads} == {"admin"}
    assert centre.engine.state.jobs == {}


def test_the_last_look_drops_the_number_if_that_was_asked() -> None:  # R9.7, R10.3
    centre, leads = shared(9, other=B)
    centre(Block(numbers=(A,), drop_number=True))
    centre.restart()
    assert centre.engine.working
    offer = centre.next()
    assert offer.lead.numbers == (B,)
    work_it_off(centre)
    assert {centre.row(lead).numbers for lead in leads} == {(B,)}


@pytest.mark.parametrize("leads", [1, 2, 3])
def test_what_has_expired_is_closed_already(leads: int) -> None:  # R8.3, R10.3
    centre = Ledger(expire_after_ms=MINUTE_MS)
    rows = tuple(IntakeRow(at, (A,)) for at in range(leads))
    pool = centre(OpenPool(campaign="c1", duplicates=Duplicates(action="load")))
    ids = centre(LoadRows(pool=pool.id, rows=rows)).leads  # type: ignore[attr-defined]
    centre(ClosePool(pool=pool.id))  # type: ignore[attr-defined]
    centre.engine.state.slice_leads = 1
    centre.now_ms += MINUTE_MS
    centre(Tick())
    assert centre.engine.working  # one of them is written, or none if it is the only one
    assert count(centre(Block(numbers=(A,)))) == 0
    work_it_off(centre)
    assert {centre.row(lead).closure for lead in ids} == {"expired"}
    assert {centre.history(lead)[-1].kind for lead in ids} == {"expired"}


@pytest.mark.parametrize("at", [0, 8])
@pytest.mark.parametrize("worked", [False, True])
def test_a_lease_in_the_middle_of_it_is_marked(at: int, worked: bool) -> None:  # R10.4
    centre, leads = shared(9)
    offer = centre(Take(agent="a", lead=leads[at], token=b"t" * 16))
    assert isinstance(offer, Offer)
    centre(Block(numbers=(A,)))
    if worked:
        work_it_off(centre)
    assert centre.row(leads[at]).mark == "do_not_call"
    with pytest.raises(NumberBlocked):  # it is still open
        centre(EditLead(lead=leads[at], priority=1))
    assert centre.finish(offer, "resolved", result="not_interested").closure == "do_not_call"
    work_it_off(centre)
    assert {centre.row(lead).closure for lead in leads} == {"do_not_call"}


def test_what_falls_due_in_the_middle_of_it() -> None:  # R7.3, R10.3
    centre, leads = shared(9)
    offer = centre(Take(agent="a", lead=leads[8], token=b"t" * 16))
    assert isinstance(offer, Offer)
    centre.finish(offer, "unresolved")
    centre(Block(numbers=(A,)))
    centre.now_ms += 8 * DAY_MS
    centre(Tick())
    assert centre.row(leads[8]).closure == "do_not_call"
    work_it_off(centre)


def test_nobody_waits_for_leads_that_only_lose_the_number() -> None:  # R2.7, R10.3
    centre, _ = shared(0)
    leads = [centre.add(A, B + at) for at in range(9)]
    centre(Block(numbers=(A,), drop_number=True))
    for at, lead in enumerate(leads):
        offer = centre.next()
        assert (offer.lead.id, offer.lead.numbers) == (lead, (B + at,))
        centre.finish(offer, "resolved", result="success")
    work_it_off(centre)


def test_leads_that_go_with_their_pool_are_not_closed() -> None:  # R9.11, R10.3
    centre = Ledger()
    pool = centre(OpenPool(campaign="c1", duplicates=Duplicates(action="load")))
    rows = tuple(IntakeRow(at, (A,)) for at in range(5))
    ids = centre(LoadRows(pool=pool.id, rows=rows)).leads  # type: ignore[attr-defined]
    centre(ClosePool(pool=pool.id))  # type: ignore[attr-defined]
    centre.engine.state.slice_leads = 1
    centre(ActOnPool(pool=pool.id, action="delete"))  # type: ignore[attr-defined]
    assert count(centre(Block(numbers=(A,)))) == 0
    work_it_off(centre)
    assert {lead for changes in centre.commits for lead in changes.gone} == set(ids)


def test_both_lists_at_once() -> None:  # R10.3
    centre, leads = shared(9)
    other = [centre.add(B) for _ in range(9)]
    centre(Block(numbers=(A, B)))
    centre(Block(numbers=(B,), scope="global"))
    assert isinstance(centre.ask("a"), NoLead)
    centre(Unblock(number=A))
    again = centre.add(A)
    assert centre.next().lead.id == again
    work_it_off(centre)
    assert {centre.row(lead).closure for lead in leads} == {"do_not_call"}
    assert {centre.row(lead).closure for lead in other} == {"do_not_call", "global_do_not_call"}
    assert centre.engine.state.leaving == set()


def test_taking_the_number_off_the_list_ends_it_whole() -> None:  # R10.5
    centre, leads = shared(9)
    centre(Block(numbers=(A,)))
    centre(Unblock(number=A))
    assert {centre.row(lead).closure for lead in leads} == {"do_not_call"}
    later = centre.add(A)
    work_it_off(centre)
    assert centre.next().lead.id == later


def test_what_should_have_been_closed_is_a_fault() -> None:  # R9.7
    centre = Ledger()
    lead, other = centre.add(A), centre.add(B)
    offer = centre.next("b")
    assert offer.lead.id == lead
    centre.finish(offer, "cancelled")
    centre(Block(numbers=(C,)))
    centre.engine.state.blocked[A] = centre.engine.state.blocked[C]  # as nothing of ours does it
    with pytest.raises(AssertionError):  # `verify` says so
        centre.next()
    assert centre.engine.state.faults == 1
    assert centre.engine.leases_of("a")[0].lead.id == other
