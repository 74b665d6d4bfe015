"""Calls that are noted on leads (SPEC 12): one for each attempt, whatever ended it."""

import pytest
from unit.core.centre import NOW_MS, Centre

from nextlead.core.commands import (
    Anonymise,
    Block,
    ClosePool,
    EndLease,
    EndSession,
    Finish,
    Forget,
    IntakeRow,
    LoadRows,
    OpenPool,
    PutSettings,
    Reopen,
    Resolve,
    Tick,
    Unblock,
)
from nextlead.core.model import Call, Contacted, Lead, Pool
from nextlead.core.replies import Loaded, NoLead, Offer
from nextlead.core.row import DAY_MS, HOUR_MS, MINUTE_MS
from nextlead.core.setup_model import CallingHours, ContactLimit
from nextlead.core.tokens import token_text

HOME, WORK = 14155550100, 14155550101
PAUSE = ContactLimit("pause_after_conversation", DAY_MS)
ONCE_A_DAY = ContactLimit("max", DAY_MS, 1)


@pytest.fixture
def centre() -> Centre:
    return Centre(retry={"no_answer": (0,), "invalid_number": (0,)})


def offer_after(centre: Centre, ms: int = MINUTE_MS) -> Offer:
    """The next lead; then the agent takes some time."""
    offer = centre.next()
    centre.now_ms += ms
    return offer


def row(centre: Centre, lead: int) -> Lead:
    return centre.engine.state.need_lead(lead)


def load_with_both(centre: Centre) -> int:
    """A lead that has two numbers."""
    pool = centre(OpenPool(campaign="c1"))
    assert isinstance(pool, Pool)
    loaded = centre(LoadRows(pool=pool.id, rows=(IntakeRow(1, (HOME, WORK)),)))
    centre(ClosePool(pool=pool.id))
    assert isinstance(loaded, Loaded)
    return loaded.leads[0]


def test_every_outcome_but_cancelled_is_an_attempt(centre: Centre) -> None:  # R6.1, R12.1
    centre.load(HOME)
    lead = centre.finish(offer_after(centre), "cancelled")
    assert lead.calls == ()
    centre.now_ms += HOUR_MS
    first_ms = centre.now_ms
    lead = centre.finish(offer_after(centre), "unreached", cause="no_answer")
    assert lead.calls == (Call(first_ms, HOME),)
    second_ms = centre.now_ms
    lead = centre.finish(offer_after(centre), "redial", kind="common", at_ms=centre.now_ms + HOUR_MS)
    assert lead.calls[1:] == (Call(second_ms, HOME, second_ms + MINUTE_MS),)
    third_ms = centre.now_ms = centre.now_ms + HOUR_MS
    lead = centre.finish(offer_after(centre), "resolved", result="success")
    assert lead.calls[2:] == (Call(third_ms, HOME, third_ms + MINUTE_MS),)
    assert centre.engine.state.contacts.rows[lead.id] == Contacted(lead.id, lead.campaign, lead.calls)
    reopened = centre(Reopen(lead=lead.id, row=lead))
    assert isinstance(reopened, Lead)
    assert reopened.calls == lead.calls
    assert reopened.attempts == 0


@pytest.mark.parametrize("how", ["timeout", "log off", "supervisor", "agent"])
def test_leases_that_end_without_a_result_are_attempts(centre: Centre, how: str) -> None:  # R6.1, R12.1
    [lead] = centre.load(HOME)
    offer = offer_after(centre)
    assert offer.lead.lease is not None
    match how:
        case "timeout":
            centre.now_ms = NOW_MS + HOUR_MS
            centre(Tick())
        case "log off":
            centre(EndSession(agent="a"))
        case "supervisor":
            token = token_text(lead, offer.lead.lease.token)
            centre(EndLease(token=token, outcome="unresolved", by="s"))
        case _:
            centre.finish(offer, "unresolved")
    assert row(centre, lead).calls == (Call(NOW_MS, HOME),)


def test_a_lease_that_is_taken_back_is_none(centre: Centre) -> None:  # R5.5, R12.1
    [lead] = centre.load(HOME)
    offer = offer_after(centre)
    assert offer.lead.lease is not None
    centre(EndLease(token=token_text(lead, offer.lead.lease.token), outcome="cancelled", by="s"))
    assert row(centre, lead).calls == ()


@pytest.mark.parametrize(("outcome", "talked"), [("resolved", True), ("redial", True), ("unreached", False)])
def test_settling_an_unresolved_lead_says_whether_somebody_talked(
    centre: Centre, outcome: str, *, talked: bool
) -> None:  # R12.1
    centre(PutSettings(contact_limits=(PAUSE,)))
    [lead, other] = centre.load(HOME, HOME)
    centre.finish(offer_after(centre), "unresolved")
    since_ms = centre.now_ms
    centre.now_ms += HOUR_MS
    what = {"result": "success", "kind": "common", "at_ms": centre.now_ms + MINUTE_MS, "cause": "no_answer"}
    settled = centre(Resolve(lead=lead, outcome=outcome, agent="a", **what))  # type: ignore[arg-type]
    assert isinstance(settled, Lead)
    assert settled.calls == (Call(NOW_MS, HOME, since_ms if talked else 0),)
    assert settled.attempts == 1
    parked = centre.engine.state.parked
    assert (other in parked) is talked
    assert parked.get(other, since_ms + DAY_MS) == since_ms + DAY_MS


def test_the_number_that_was_dialled_counts(centre: Centre) -> None:  # R6.1, R12.1
    lead = load_with_both(centre)
    finished = centre.finish(offer_after(centre), "unreached", cause="no_answer", number=WORK)
    assert finished.id == lead
    assert finished.calls == (Call(NOW_MS, WORK),)


def test_calls_to_a_number_that_was_dropped_are_kept(centre: Centre) -> None:  # R6.4, R12.1
    centre(PutSettings(contact_limits=(ONCE_A_DAY,)))
    lead = load_with_both(centre)
    finished = centre.finish(offer_after(centre), "unreached", cause="invalid_number")
    assert finished.numbers == (WORK,)
    assert centre.engine.state.contacts.rows[lead] == Contacted(lead, finished.campaign, (Call(NOW_MS, HOME),))
    [same] = centre.load(HOME)
    assert centre.engine.state.parked == {same: NOW_MS + DAY_MS}
    assert centre.next().lead.id == lead


def test_a_closed_lead_keeps_others_with_its_number_back(centre: Centre) -> None:  # R12.1
    centre(PutSettings(contact_limits=(PAUSE,)))
    [first, second] = centre.load(HOME, HOME)
    assert centre.finish(offer_after(centre), "resolved", result="not_interested").id == first
    centre.restart()
    assert isinstance(centre.ask("a"), NoLead)
    centre.now_ms = NOW_MS + MINUTE_MS + DAY_MS
    assert centre.next().lead.id == second


def test_a_blocked_lead_was_called_all_the_same(centre: Centre) -> None:  # R1.5, R12.1
    [lead] = centre.load(HOME)
    offer = offer_after(centre)
    centre(Block(numbers=(HOME,), reason="asked", by="s"))
    finished = centre.finish(offer, "redial", kind="private", at_ms=centre.now_ms + HOUR_MS)
    assert finished.closure == "do_not_call"
    assert centre.engine.state.contacts.rows[lead].calls == (Call(NOW_MS, HOME, NOW_MS + MINUTE_MS),)


def test_a_conversation_told_later_counts_for_a_number_that_was_dropped_since(centre: Centre) -> None:  # R7.5, R12.1
    centre(PutSettings(contact_limits=(PAUSE,)))
    lead = load_with_both(centre)
    centre.finish(offer_after(centre), "unresolved")
    centre(Block(numbers=(HOME,), drop_number=True))
    centre(Unblock(number=HOME))
    [other] = centre.load(HOME)
    assert centre.engine.state.parked == {}
    centre(Resolve(lead=lead, outcome="resolved", result="success", by="s"))
    assert centre.engine.state.parked == {other: centre.now_ms + DAY_MS}


def test_calls_of_a_lead_that_is_opened_again_count_for_others(centre: Centre) -> None:  # R12.1
    [first, second] = centre.load(HOME, WORK)
    closed = centre.finish(centre.next(), "resolved", result="success")
    centre.now_ms += 31 * DAY_MS
    centre.finish(centre.next(), "resolved", result="success")
    assert list(centre.engine.state.contacts.rows) == [second]
    [other] = centre.load(HOME)
    centre.whole(PutSettings(contact_limits=(ContactLimit("min_gap", 60 * DAY_MS),)))
    assert centre.engine.state.parked == {}
    centre(Reopen(lead=first, row=closed))
    assert centre.engine.state.parked == dict.fromkeys((first, other), NOW_MS + 60 * DAY_MS)


def test_an_anonymised_lead_keeps_no_calls(centre: Centre) -> None:  # R10.6
    [lead] = centre.load(HOME)
    offer = offer_after(centre)
    centre(Anonymise(leads=(lead,), by="s"))
    finished = centre.finish(offer, "resolved", result="success")
    assert finished.erased
    assert finished.calls == ()
    assert len(centre.engine.state.contacts.rows) == 0


def test_a_lead_whose_time_is_over_keeps_no_calls(centre: Centre) -> None:  # R10.7
    [lead] = centre.load(HOME)
    finished = centre.finish(offer_after(centre), "resolved", result="success")
    assert list(centre.engine.state.contacts.rows) == [lead]
    outcome = centre.engine.apply(Forget(rows=(finished,), by="s"), centre.now_ms)
    assert outcome.changes.leads[lead].calls == ()
    assert outcome.changes.rows["contacted", lead] is None
    assert len(centre.engine.state.contacts.rows) == 0


def test_calls_that_no_rule_counts_go_from_the_store(centre: Centre) -> None:  # R12.1
    [first, second] = centre.load(HOME, WORK)
    centre.finish(offer_after(centre), "resolved", result="success")
    assert list(centre.engine.state.contacts.rows) == [first]
    centre.now_ms += 30 * DAY_MS
    offer = centre.next()
    assert offer.lead.lease is not None
    token = token_text(second, offer.lead.lease.token)
    outcome = centre.engine.apply(Finish(token=token, outcome="resolved", result="success"), centre.now_ms)
    assert outcome.changes.rows["contacted", first] is None
    assert list(centre.engine.state.contacts.rows) == [second]


@pytest.mark.parametrize("outcome", ["cancelled", "unreached", "unresolved"])
def test_a_forced_promise_is_forced_for_one_call(outcome: str) -> None:  # R4.2
    centre = Centre(calling_hours=CallingHours(windows=(((540, 1020),),) * 7))
    centre.load(HOME)
    night_ms = NOW_MS + 12 * HOUR_MS
    offer = offer_after(centre)
    lead = centre.finish(offer, "redial", kind="private", at_ms=night_ms, force=True, by="agent:a")
    assert lead.promise is not None
    assert lead.promise.forced_by == "agent:a"
    centre.now_ms = night_ms
    lead = centre.finish(offer_after(centre), outcome, cause="no_answer")
    assert lead.promise is not None
    assert lead.promise.forced_by == ("agent:a" if outcome == "cancelled" else "")
