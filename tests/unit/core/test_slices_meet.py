"""Work in slices that meets other work, time, or a restart: a lead that has gone for people has gone for all of it."""

import pytest
from unit.core.centre import MINUTE_MS, NOW_MS, Centre

from nextlead.core.commands import (
    Block,
    ClosePool,
    Explain,
    IntakeRow,
    LoadRows,
    MakeUrgent,
    OpenPool,
    PutAgent,
    PutCampaign,
    PutSession,
    Take,
    Tick,
)
from nextlead.core.errors import NotAllowed
from nextlead.core.replies import Count, Explanation, Offer
from nextlead.core.row import DAY_MS
from nextlead.core.setup_model import ContactLimit, Duplicates, Template, TemplateResult

A = 14155550100


def sliced(**dialer: object) -> Centre:
    centre = Centre(**dialer)
    centre.engine.state.slice_leads = 2
    return centre


def sharing(centre: Centre, leads: int = 8) -> list[int]:
    """Leads that have number A, and each one of its own."""
    pool = centre(OpenPool(campaign="c1", duplicates=Duplicates(action="load")))
    rows = tuple(IntakeRow(at, (A, A + at)) for at in range(1, leads + 1))
    ids = centre(LoadRows(pool=pool.id, rows=rows)).leads  # type: ignore[attr-defined]
    centre(ClosePool(pool=pool.id))  # type: ignore[attr-defined]
    return list(ids)


@pytest.mark.parametrize("dropped_first", [False, True])
def test_a_lead_that_is_closing_keeps_the_number_it_closes_for(dropped_first: bool) -> None:  # R10.3
    centre = sliced()
    leads = sharing(centre)
    centre(MakeUrgent(lead=leads[6], reason="hot_lead", expires_ms=centre.now_ms + MINUTE_MS))
    for drop in (dropped_first, not dropped_first):
        centre(Block(numbers=(A,), drop_number=drop))
    centre.now_ms += MINUTE_MS
    centre(Tick())  # what falls due for it does not ask for ever
    while centre.engine.working:
        centre.work()
    still_open = [lead for lead in leads if centre.engine.lead(lead) is not None]
    assert still_open == (leads[:2] if dropped_first else [])


def test_a_lead_on_a_screen_is_marked_at_once_however_many_have_expired_before_it() -> None:  # R8.3, R10.4
    centre = sliced(expire_after_ms=10 * MINUTE_MS)
    sharing(centre, 5)
    centre.now_ms += 5 * MINUTE_MS
    (leased,) = centre.load(A)
    offer = centre(Take(agent="a", lead=leased, token=bytes(16)))
    assert isinstance(offer, Offer)
    centre.now_ms += 5 * MINUTE_MS
    centre(Block(numbers=(A,)))
    lead = centre.engine.lead(leased)
    assert lead is not None
    assert lead.mark == "do_not_call"
    while centre.engine.working:
        centre.work()


def test_a_lead_that_has_expired_is_no_fault_when_its_number_is_blocked() -> None:  # R8.3, R1.2
    result = TemplateResult("sold", "Sold", "success", validation=True, do_not_call=True)
    centre = sliced(expire_after_ms=10 * MINUTE_MS)
    centre(PutCampaign(code="c1", template=Template(results=(result,))))
    sharing(centre, 5)
    centre.now_ms += 5 * MINUTE_MS
    centre.load(A)
    centre.now_ms += 5 * MINUTE_MS - 1
    offer = centre(Take(agent="a", lead=6, token=bytes(16)))
    assert isinstance(offer, Offer)
    centre.now_ms += 1
    centre(Tick())
    assert centre.finish(offer, "resolved", result="sold").validating == "sold"  # and memory is found right
    while centre.engine.working:
        centre.work()


def test_leads_that_are_closing_are_counted_once() -> None:  # R10.3
    centre = sliced()
    leads = sharing(centre)
    assert centre(Block(numbers=(A,))) == Count(len(leads))
    assert centre.engine.working
    assert centre.engine.leads_with_number(A) == []
    assert centre(Block(numbers=(A,), scope="global")) == Count(0)
    while centre.engine.working:
        centre.work()


def test_nobody_is_kept_free_for_a_redial_that_has_expired() -> None:  # R4.9, R8.3
    centre = sliced(expires_at_ms=NOW_MS + 10 * MINUTE_MS, expire_promised=True, reserve_owner_ms=30 * MINUTE_MS)
    centre.load(*range(A, A + 9))
    centre.finish(centre.next(), "redial", kind="private", at_ms=centre.now_ms + 15 * MINUTE_MS)
    centre(PutCampaign(code="c2"))
    centre(PutAgent(code="a", campaigns=("c1", "c2")))
    centre(PutSession(agent="a", campaigns=("c1", "c2")))
    (other,) = centre.load(A + 90, campaign="c2")
    centre.now_ms += 10 * MINUTE_MS
    assert centre.next().lead.id == other
    assert centre.engine.working


def test_lists_of_an_agent_lack_what_has_expired() -> None:  # R8.3
    centre = sliced(expires_at_ms=NOW_MS + 10 * MINUTE_MS, expire_promised=True)
    centre.load(*range(A, A + 9))
    centre.finish(centre.next(), "redial", kind="private", at_ms=centre.now_ms + 15 * MINUTE_MS)
    centre.finish(centre.next(), "unresolved")
    centre.now_ms += 10 * MINUTE_MS
    centre(Tick())
    assert centre.engine.working
    assert centre.engine.redials_of("a") == []
    assert centre.engine.unresolved_of("a") == []


def test_unresolved_leads_that_have_expired_withhold_nothing() -> None:  # R7.2, R8.3
    centre = sliced(expire_after_ms=10 * MINUTE_MS, max_unresolved=1)
    centre.load(*range(A, A + 9))
    centre.finish(centre.next(), "unresolved")
    centre.now_ms += 5 * MINUTE_MS
    (later,) = centre.load(A + 90)
    centre.now_ms += 5 * MINUTE_MS
    assert centre.next().lead.id == later
    assert centre.engine.working


def test_time_that_passed_while_it_was_down_does_not_overtake_what_was_decided() -> None:  # R5.7, R10.3
    centre = sliced()
    leads = sharing(centre)
    offer = centre(Take(agent="a", lead=leads[-1], token=bytes(16)))
    assert isinstance(offer, Offer)
    centre.finish(offer, "unresolved")
    centre(Block(numbers=(A,)))
    centre.now_ms += 8 * DAY_MS
    centre.restart()
    while centre.engine.working:
        centre.work()
    assert centre.engine.pool_counts(1, centre.now_ms).closed == {"do_not_call": len(leads)}


def test_a_lead_that_is_about_to_lose_a_number_is_explained_and_taken_as_it_goes_on() -> None:  # R10.3, R14.2, R3.8
    centre = sliced(contact_limits=(ContactLimit("max", DAY_MS, 1),))
    *others, limited, taken, last = leads = sharing(centre)
    centre(Take(agent="b", lead=limited, token=bytes(16)))
    offer = centre.ask("b")
    assert isinstance(offer, Offer)
    centre.finish(offer, "unreached", cause="no_answer", number=limited_number(offer))
    centre(Block(numbers=(A,), drop_number=True))
    assert centre.engine.working
    with pytest.raises(NotAllowed, match="contact_limit"):
        centre(Take(agent="a", lead=limited, token=bytes(16)))
    row = centre.engine.lead(limited)
    assert row is not None
    assert A in row.numbers  # a refusal changes nothing
    for lead, eligible_ms in ((limited, NOW_MS + DAY_MS), (last, NOW_MS), (others[0], NOW_MS)):
        found = centre(Explain(agent="a", lead=lead))
        assert isinstance(found, Explanation)
        assert (found.eligible_ms, found.eligible) == (eligible_ms, eligible_ms == NOW_MS)
    got = centre(Take(agent="a", lead=taken, token=bytes(16)))
    assert isinstance(got, Offer)
    assert got.lead.numbers == (A + leads.index(taken) + 1,)
    assert centre.engine.working


def test_a_lead_with_blocked_numbers_only_is_explained_as_one_that_closes() -> None:  # R10.3, R14.2
    centre = sliced()
    *_others, last = sharing(centre)
    centre(Block(numbers=(A,), drop_number=True))
    centre(Block(numbers=(A + 8,), drop_number=True))
    found = centre(Explain(agent="a", lead=last, row=None))
    assert isinstance(found, Explanation)
    assert [check.name for check in found.checks if not check.passed] == ["do_not_call"]
    assert found.eligible_ms is None


def limited_number(offer: Offer) -> int:
    return next(number for number in offer.lead.numbers if number != A)
