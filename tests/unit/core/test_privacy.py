"""Persons that are forgotten, and data whose time is over (SPEC R10.6, R10.7, R1.5)."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from unit.core.centre import MINUTE_MS
from unit.core.ledger import Ledger

from nextlead.core.commands import (
    Anonymise,
    Block,
    EditLead,
    EndLease,
    EndSession,
    Erased,
    Forget,
    Heartbeat,
    MakeUrgent,
    PutAgent,
    PutCampaign,
    RedialEdit,
    Remove,
    Reopen,
    Tick,
    Validate,
)
from nextlead.core.engine import Engine
from nextlead.core.errors import Conflict, Invalid, LeaseEnded, NumberBlocked, UnknownLease, WrongStatus
from nextlead.core.model import Erasure, Lead, Status
from nextlead.core.privacy import knows_key
from nextlead.core.replies import NoLead, Offer
from nextlead.core.row import HOUR_MS
from nextlead.core.setup_model import Template, TemplateResult
from nextlead.core.tokens import token_text

A, B, C = 14155550101, 14155550102, 14155550103
NAME = "Example"
DATA = b'{"name": "Example"}'


def token_of(offer: Offer) -> str:
    assert offer.lead.lease is not None
    return token_text(offer.lead.id, offer.lead.lease.token)


def is_empty(row: Lead) -> bool:
    """Nothing of a person is left in the row."""
    personal = (row.numbers, row.dropped, row.dialled, row.dropping, row.pauses, row.zones)
    return row.erased and not any(personal) and row.promise is None and row.lease is None and row.mark is None


def of_lead(centre: Ledger, lead: int) -> list[Erasure]:
    return [erasure for erasure in centre.engine.erasures.values() if erasure.lead == lead]


# -- open leads -----------------------------------------------------------------------------------------------------


def _redial(centre: Ledger, _lead: int) -> None:
    centre.finish(centre.next(), "redial", kind="vip", at_ms=centre.now_ms + MINUTE_MS, note=f"call {NAME}")


def _parked(centre: Ledger, _lead: int) -> None:
    held = centre.add(A)
    centre(EditLead(lead=held, priority=1))
    assert centre.next().lead.id == held


def _pending(centre: Ledger, _lead: int) -> None:
    centre(PutCampaign(code="c1", template=Template(results=(TemplateResult("sold", "Sold", "success", True),))))
    centre.finish(centre.next(), "resolved", result="sold", note=f"{NAME} buys")


STATES: dict[str, Callable[[Ledger, int], object]] = {
    "untouched": lambda _centre, _lead: None,
    "urgent": lambda c, lead: c(MakeUrgent(lead=lead, reason="hot_lead", expires_ms=c.now_ms + MINUTE_MS)),
    "given back": lambda c, _: c.finish(c.next(), "cancelled", reason=f"{NAME} is busy"),
    "retried": lambda c, _: c.finish(c.next(), "unreached", cause="busy", number=B),
    "lost a number": lambda c, _: c.finish(c.next(), "unreached", cause="invalid_number"),
    "redial": _redial,
    "unresolved": lambda c, _: c.finish(c.next(), "unresolved"),
    "pending": _pending,
    "parked": _parked,
}


@pytest.mark.parametrize("state", sorted(STATES))
def test_an_open_lead_closes_without_personal_data(state: str) -> None:  # R10.6
    centre = Ledger()
    lead = centre.add(A, B)
    STATES[state](centre, lead)
    commit = len(centre.commits)
    reply = centre.anonymise(lead)
    assert (reply.closed, reply.marked) == (1, 0)
    row = centre.row(lead)
    assert (row.status, row.closure, row.former) == (Status.CLOSED, "anonymized", None)
    assert (row.validating, row.seller, row.urgent, row.unresolved) == (None, 0, None, None)
    assert row.closed_ms == centre.now_ms
    assert is_empty(row)
    (erasure,) = of_lead(centre, lead)
    assert set(erasure.numbers) == {A, B}
    assert (erasure.pool, erasure.last_commit) == (row.pool, row.last_commit)
    said = centre.said_since(commit)
    assert NAME.encode() not in said
    assert centre.engine.pool_counts(row.pool, centre.now_ms).closed == {"anonymized": 1}
    centre.restart()
    assert of_lead(centre, lead) == [erasure]
    assert isinstance(centre.ask("b"), NoLead)


def test_a_lead_of_a_held_pool() -> None:  # R9.3, R10.6
    centre = Ledger()
    lead = centre.add(A, state="held")
    centre.anonymise(lead, numbers=(A,))
    assert centre.row(lead).closure == "anonymized"
    assert is_empty(centre.row(lead))


# -- closed leads ---------------------------------------------------------------------------------------------------


def test_a_closed_lead_is_counted_under_its_former_closure() -> None:  # R10.6
    centre = Ledger()
    lead = centre.add(A)
    offer = centre.next()
    centre.finish(offer, "resolved", result="success", note=f"{NAME} buys")
    closed_ms = centre.row(lead).closed_ms
    centre.now_ms += HOUR_MS
    assert centre.anonymise(lead, numbers=(A,)).closed == 1
    row = centre.row(lead)
    assert (row.closure, row.former, row.closed_ms) == ("anonymized", "success", closed_ms)
    assert is_empty(row)
    assert centre.engine.pool_counts(row.pool, centre.now_ms).closed == {"success": 1}
    event = centre.history(lead)[-1]
    assert (event.kind, event.actor, event.status_before, event.status) == (
        "anonymized",
        "admin",
        Status.CLOSED,
        Status.CLOSED,
    )
    with pytest.raises(WrongStatus):
        centre(Reopen(lead=lead, row=row))


def test_a_lead_that_has_expired_and_is_not_written_yet() -> None:  # R8.3, R10.6
    centre = Ledger(expire_after_ms=MINUTE_MS)
    leads = [centre.add(A), centre.add(B)]
    centre.engine.state.slice_leads = 1
    centre.now_ms += MINUTE_MS
    centre(Tick())
    open_leads = [lead for lead in leads if centre.engine.lead(lead) is not None]
    assert open_leads
    centre.anonymise(*leads)
    assert {centre.row(lead).former for lead in leads} == {"expired"}
    counts = centre.engine.pool_counts(centre.row(leads[0]).pool, centre.now_ms)
    assert counts.closed == {"expired": 1}


def test_zones_of_a_number_go_with_it() -> None:  # R10.6
    centre = Ledger()
    lead = centre.add(A)
    centre(Remove(lead=lead))
    centre(Anonymise(leads=(lead,), rows=(replace(centre.row(lead), zones=3),)))
    assert is_empty(centre.row(lead))


def test_once_is_enough() -> None:  # R10.6
    centre = Ledger()
    first, second = centre.add(A), centre.add(B)
    centre.anonymise(first, numbers=(A,))
    commit = len(centre.commits)
    reply = centre.anonymise(first, numbers=(A,))
    assert (reply.closed, reply.marked) == (0, 0)
    centre.next("b")
    centre.anonymise(second)
    commit = len(centre.commits)
    reply = centre.anonymise(first, second, numbers=(A,))
    assert (reply.closed, reply.marked) == (0, 1)
    assert not centre.commits[commit].events
    assert len(centre.engine.forgotten) == 1


def test_a_lead_that_closed_since_the_look_up_is_looked_for_again() -> None:  # R10.6
    centre = Ledger()
    lead, other = centre.add(A), centre.add(B)
    looked_at = centre.row(lead)
    centre(Remove(lead=lead))
    for rows in ((), (looked_at,)):
        with pytest.raises(Conflict):
            centre(Anonymise(leads=(other, lead), numbers=(B,), rows=rows))
    assert centre.row(other).closure is None
    assert centre.engine.refusal_of(B) is None


def test_a_lead_that_was_reopened_since_the_look_up() -> None:  # R10.6
    centre = Ledger()
    lead = centre.add(A)
    centre(Remove(lead=lead))
    closed = centre.row(lead)
    centre(Reopen(lead=lead, row=closed))
    centre(Anonymise(leads=(lead,), rows=(closed,)))
    row = centre.row(lead)
    assert (row.closure, row.former) == ("anonymized", None)
    assert [event.kind for event in centre.history(lead)] == ["removed", "reopened", "anonymized"]


def test_what_came_in_since_the_look_up_goes_too() -> None:  # R9.7, R10.6
    centre = Ledger()
    lead, later = centre.add(A), centre.add(B, A)
    assert centre.anonymise(lead, numbers=(A,)).closed == 2
    assert centre.row(later).closure == "anonymized"


# -- leased leads ---------------------------------------------------------------------------------------------------


def _wait(centre: Ledger) -> None:
    centre.now_ms += 2 * HOUR_MS
    centre(Tick())


SAID = {"note": f"{NAME} said so", "data": DATA}
ENDS: dict[str, tuple[Callable[[Ledger, Offer], object], str]] = {
    "success": (lambda c, o: c.finish(o, "resolved", result="success", **SAID), "success"),
    "negative": (lambda c, o: c.finish(o, "resolved", result="not_interested", **SAID), "anonymized"),
    "never": (lambda c, o: c.finish(o, "resolved", result="never", number=B, **SAID), "anonymized"),
    "redial": (
        lambda c, o: c.finish(o, "redial", kind="private", at_ms=c.now_ms + MINUTE_MS, **SAID),
        "anonymized",
    ),
    "unreached": (lambda c, o: c.finish(o, "unreached", cause="busy", **SAID), "anonymized"),
    "invalid": (lambda c, o: c.finish(o, "unreached", cause="invalid_number", **SAID), "anonymized"),
    "unresolved": (lambda c, o: c.finish(o, "unresolved", **SAID), "anonymized"),
    "cancelled": (lambda c, o: c.finish(o, "cancelled", reason=f"{NAME} is busy", **SAID), "anonymized"),
    "by hand": (lambda c, o: c(EndLease(token=token_of(o), outcome="unresolved")), "anonymized"),
    "given back": (lambda c, o: c(EndLease(token=token_of(o), outcome="cancelled")), "anonymized"),
    "logged off": (lambda c, _: c(EndSession(agent="a")), "anonymized"),
    "disabled": (lambda c, _: c(PutAgent(code="a", enabled=False)), "anonymized"),
    "timeout": (lambda c, _: _wait(c), "anonymized"),
}
RESULTS = (
    TemplateResult("success", "Success", "success", validation=True),
    TemplateResult("not_interested", "Not interested", "negative"),
    TemplateResult("never", "Never again", "negative", do_not_call=True),
)


@pytest.mark.parametrize("end", sorted(ENDS))
@pytest.mark.parametrize("restarted", [False, True])
def test_a_leased_lead_is_erased_when_its_lease_ends(end: str, restarted: bool) -> None:  # R1.5, R10.6
    centre = Ledger()
    centre(PutCampaign(code="c1", template=Template(results=RESULTS)))
    lead = centre.add(A, B)
    offer = centre.next()
    assert centre.anonymise(lead, numbers=(A, B)).marked == 1
    assert centre.row(lead).numbers == (A, B)  # the call goes on
    assert of_lead(centre, lead) == []
    if restarted:
        centre.restart()
    assert centre.engine.leases_of("a")[0].blocked
    commit = len(centre.commits)
    finish, closure = ENDS[end]
    finish(centre, offer)
    row = centre.row(lead)
    assert (row.status, row.closure, row.former, row.attempts) == (
        Status.CLOSED,
        closure,
        None,
        0 if end in ("cancelled", "given back") else 1,
    )
    assert is_empty(row)
    (erasure,) = of_lead(centre, lead)
    assert (set(erasure.numbers), erasure.last_commit) == ({A, B}, row.last_commit)
    said = centre.said_since(commit)
    assert NAME.encode() not in said
    assert not any(key[0] in ("lead_data", "blocked") for changes in centre.commits[commit:] for key in changes.rows)
    assert not any(event.number or event.note for changes in centre.commits[commit:] for event in changes.events)
    assert centre.engine.leads_with_number(A) == []
    assert centre.engine.redials_of("a") == []


def test_a_marked_lead_takes_nothing_personal() -> None:  # R1.5
    centre = Ledger()
    lead = centre.add(A)
    centre.next()
    centre.anonymise(lead)
    with pytest.raises(Conflict):
        centre(EditLead(lead=lead, data=DATA))
    assert centre(EditLead(lead=lead, priority=3)).priority == 3  # type: ignore[attr-defined]


def test_the_finish_that_erases_is_answered_again() -> None:  # R5.3
    centre = Ledger()
    lead = centre.add(A)
    offer = centre.next()
    centre.anonymise(lead, numbers=(A,))
    row = centre.finish(offer, "resolved", result="success", digest=7, note=NAME)
    assert row.ended is not None
    assert (row.ended.digest, row.ended.commit_no) == (7, row.last_commit)


def test_an_older_finish_is_not_answered_with_what_was_erased() -> None:  # R5.3, R10.6
    centre = Ledger()
    lead = centre.add(A)
    offer = centre.next()
    centre.finish(offer, "redial", kind="private", at_ms=centre.now_ms + MINUTE_MS, digest=7, note=NAME)
    centre.anonymise(lead)
    ended = centre.row(lead).ended
    assert ended is not None
    assert (ended.digest, ended.nearby, ended.next) == (0, None, None)
    with pytest.raises((LeaseEnded, UnknownLease)):
        centre.finish(offer, "redial", kind="private", at_ms=centre.now_ms + MINUTE_MS, digest=7, note=NAME)


def test_every_commit_that_has_the_lead_is_told_to_the_store() -> None:  # R10.6
    centre = Ledger()
    lead = centre.add(A)
    offer = centre.next()
    for _ in range(3):
        centre.now_ms += MINUTE_MS
        centre(Heartbeat(token=token_of(offer)))
    centre.engine.commit_no = len(centre.commits) + 1
    centre.keep(centre.engine.clock_slipped(1000, centre.now_ms + 1000))
    centre.restart()
    centre(Heartbeat(token=token_of(offer)))
    centre.anonymise(lead)
    centre(Heartbeat(token=token_of(offer)))
    centre.finish(offer, "unresolved")
    (erasure,) = of_lead(centre, lead)
    reached, no, silent = set[int](), erasure.last_commit, set(erasure.silent)
    while no:
        reached.add(no)
        first, *_rest = events = [event for event in centre.commits[no - 1].events if event.lead == lead]
        silent.update(commit for event in events for commit in event.silent)
        no = first.previous
    holding = {at for at, changes in enumerate(centre.commits, 1) if lead in changes.leads}
    assert holding == reached | silent
    assert not reached & silent
    assert centre.row(lead).silent == ()


def test_a_commit_is_noted_once_however_often_the_row_changes_in_it() -> None:
    centre = Ledger()
    centre.add(A)
    offer = centre.next()
    engine, no = centre.engine, len(centre.commits) + 1
    engine.commit_no = no
    for _ in range(3):
        engine.apply(Heartbeat(token=token_of(offer)), centre.now_ms)
    assert centre.engine.leases_of("a")[0].lead.silent == (no,)
    engine.apply(EditLead(lead=offer.lead.id, priority=1), centre.now_ms)
    engine.apply(Heartbeat(token=token_of(offer)), centre.now_ms)
    assert centre.engine.leases_of("a")[0].lead.silent == ()


# -- numbers --------------------------------------------------------------------------------------------------------


def test_a_number_that_only_the_lists_have() -> None:  # R10.6
    centre = Ledger()
    centre(Block(numbers=(A,), reason=f"{NAME} asked"))
    centre(Block(numbers=(A, B), scope="global"))
    centre.anonymise(numbers=(A,))
    assert (list(centre.engine.blocked), list(centre.engine.blocked_globally)) == ([], [B])
    (erasure,) = centre.engine.erasures.values()
    assert (erasure.lead, erasure.forget) == (0, (A,))
    centre.restart()
    assert [centre.engine.refusal_of(number) for number in (A, B, C)] == ["anonymized", "global_do_not_call", None]
    assert f"{A}" not in "".join(centre.engine.forgotten)


def test_a_forgotten_number_is_not_written_down_again() -> None:  # R10.6
    centre = Ledger()
    centre.anonymise(numbers=(A,))
    commit = len(centre.commits)
    assert centre(Block(numbers=(A, B))).count == 0  # type: ignore[attr-defined]
    assert list(centre.engine.blocked) == [B]
    assert ("blocked", A) not in centre.commits[commit].rows


def test_a_forgotten_number_is_refused_like_a_blocked_one() -> None:  # R9.7
    centre = Ledger()
    lead = centre.add(A)
    centre(Remove(lead=lead))
    centre(Anonymise(leads=(), numbers=(A,)))  # by one who has overlooked a closed lead
    with pytest.raises(NumberBlocked):
        centre(Reopen(lead=lead, row=centre.row(lead), redial=RedialEdit("common", centre.now_ms + 1)))
    assert centre.row(lead).closure == "removed"


def test_validation_that_fails_after_a_number_was_forgotten() -> None:  # R9.7
    centre = Ledger()
    lead = centre.add(A)
    _pending(centre, lead)
    centre.anonymise(numbers=(B,))
    (row,) = centre.engine.forgotten.values()
    centre.engine.state.forgotten[centre.engine.state.digest(A)] = row  # as if the lead had been overlooked
    assert centre(Validate(lead=lead, passed=False)).closure == "anonymized"  # type: ignore[attr-defined]


def test_numbers_are_checked() -> None:
    with pytest.raises(Invalid):
        Ledger().anonymise(numbers=(10**15,))


def test_the_key_is_known_by_its_own_hash() -> None:  # R10.6
    centre = Ledger()
    assert knows_key(centre.engine.state)
    centre.anonymise(numbers=(A,))
    centre.restart()
    assert knows_key(centre.engine.state)
    state = centre.engine.state
    assert len(state.forgotten) == 1
    state.secret = b"another"
    assert centre.engine.knows_key is False
    assert Engine(b"k" * 64).refusal_of(A) is None


# -- retention and the store's part ---------------------------------------------------------------------------------


def closed_lead(centre: Ledger, number: int = A) -> Lead:
    lead = centre.add(number)
    centre.finish(centre.next(), "resolved", result="success", note=NAME)
    return centre.row(lead)


def test_data_whose_time_is_over() -> None:  # R10.7
    centre = Ledger()
    row = closed_lead(centre)
    assert centre(Forget(rows=(row,), by="system")).closed == 1  # type: ignore[attr-defined]
    new = centre.row(row.id)
    assert (new.closure, new.former, new.closed_ms) == ("success", None, row.closed_ms)
    assert is_empty(new)
    event = centre.history(row.id)[-1]
    assert (event.kind, event.cause, event.closure) == ("anonymized", "retention", "success")
    assert centre.engine.refusal_of(A) is None  # it may come again
    with pytest.raises(WrongStatus):
        centre(Reopen(lead=row.id, row=new))
    assert centre(Forget(rows=(new,))).closed == 0  # type: ignore[attr-defined]
    assert len(of_lead(centre, row.id)) == 1


def test_what_was_reopened_keeps_its_data() -> None:  # R10.7
    centre = Ledger()
    row = closed_lead(centre)
    centre(Reopen(lead=row.id, row=row))
    assert centre(Forget(rows=(row,))).closed == 0  # type: ignore[attr-defined]
    assert centre.row(row.id).numbers == (A,)


def test_anonymising_what_retention_has_erased() -> None:  # R10.6, R10.7
    centre = Ledger()
    row = closed_lead(centre)
    centre(Forget(rows=(row,)))
    centre.anonymise(row.id)
    new = centre.row(row.id)
    assert (new.closure, new.former) == ("anonymized", "success")
    assert len(of_lead(centre, row.id)) == 1
    assert centre(Forget(rows=(new,))).closed == 0  # type: ignore[attr-defined]


def test_erasures_stay_until_the_store_has_carried_them_out() -> None:  # R10.6
    centre = Ledger()
    first, second = closed_lead(centre), closed_lead(centre, B)
    centre.anonymise(first.id, second.id, numbers=(A, B))
    todo = list(centre.engine.erasures)
    assert todo == sorted(todo)
    assert len(todo) == 3
    centre.restart()
    assert list(centre.engine.erasures) == todo
    centre(Erased(ids=tuple(todo[:2])))
    centre(Erased(ids=tuple(todo[:2])))
    centre.restart()
    assert list(centre.engine.erasures) == todo[2:]


def test_ids_of_erasures_are_not_given_twice() -> None:
    centre = Ledger()
    centre.anonymise(numbers=(A,))
    (first,) = centre.engine.erasures
    centre(Erased(ids=(first,)))
    centre.restart()
    centre.anonymise(numbers=(B,))
    assert next(iter(centre.engine.erasures)) > first
