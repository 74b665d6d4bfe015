"""What contact limits know of people who are forgotten: nothing (SPEC R10.6, R10.7, R12.1)."""

import pytest
from unit.core.ledger import Ledger

from nextlead.core.commands import Anonymise, Forget, Tick
from nextlead.core.model import Call, Contacted
from nextlead.core.replies import NoLead, Offer
from nextlead.core.row import DAY_MS, HOUR_MS
from nextlead.core.setup_model import ContactLimit

A, B, C = 14155550101, 14155550102, 14155550103
ONE_A_DAY = ContactLimit("max", DAY_MS, most=1)


@pytest.fixture
def centre() -> Ledger:
    return Ledger(contact_limits=(ONE_A_DAY,), max_attempts=None)


def packed(number: int) -> bytes:
    return number.to_bytes(8, "big")


def kept(centre: Ledger) -> dict[int, Contacted]:
    return dict(centre.engine.state.contacts.rows)


def drop_a_number(centre: Ledger, lead: int) -> Call:
    """The lead is called, and loses the number that was dialled."""
    offer = centre.next()
    assert offer.lead.id == lead
    assert offer.lead.lease is not None
    row = centre.finish(offer, "unreached", cause="invalid_number")
    assert len(row.numbers) == 1
    (call,) = row.calls
    assert kept(centre)[lead] == Contacted(lead, row.campaign, (call,))
    return call


def test_calls_to_a_number_that_was_dropped_go_with_the_lead(centre: Ledger) -> None:  # R10.6
    lead = centre.add(A, B)
    assert drop_a_number(centre, lead).number == A
    before = len(centre.commits)
    centre.anonymise(lead, numbers=(A, B))
    assert centre.row(lead).calls == ()
    assert centre.commits[-1].rows["contacted", lead] is None
    assert kept(centre) == {}
    said = centre.said_since(before)
    assert packed(A) not in said
    assert packed(B) not in said
    centre.restart()
    assert kept(centre) == {}


def test_calls_of_a_closed_lead_go_with_it(centre: Ledger) -> None:  # R10.6
    lead = centre.add(A)
    centre.finish(centre.next(), "resolved", result="success")
    assert [call.number for call in kept(centre)[lead].calls] == [A]
    before = len(centre.commits)
    centre.anonymise(lead, numbers=(A,))
    assert centre.row(lead).calls == ()
    assert kept(centre) == {}
    assert packed(A) not in centre.said_since(before)


def test_the_call_that_ends_after_it_is_not_kept_either(centre: Ledger) -> None:  # R1.5, R10.6
    lead = centre.add(A, B)
    drop_a_number(centre, lead)
    centre.now_ms += DAY_MS
    offer = centre.next()
    centre.anonymise(lead, numbers=(A, B))
    before = len(centre.commits)
    assert centre.finish(offer, "resolved", result="success").calls == ()
    assert kept(centre) == {}
    assert packed(B) not in centre.said_since(before)


@pytest.mark.parametrize("leased", [False, True])
def test_they_keep_nobody_back(centre: Ledger, *, leased: bool) -> None:
    """The other lead has a number of the person that is not refused: it may be somebody else's."""
    lead, other = centre.add(A, B), centre.add(B)
    offer = centre.next()
    centre.finish(offer, "unreached", cause="no_answer", number=B)
    assert isinstance(centre.ask("b"), NoLead)
    if leased:
        centre.now_ms += DAY_MS - HOUR_MS  # it is rung at its other number
        offer = centre.next()
        assert offer.lead.id == lead
    centre.anonymise(lead, numbers=(A,))
    if leased:
        assert isinstance(centre.ask("b"), NoLead)
        centre.finish(offer, "unreached", cause="no_answer")
    found = centre.ask("b")
    assert isinstance(found, Offer)
    assert found.lead.id == other


def test_retention_takes_the_attempts_with_it(centre: Ledger) -> None:  # R10.7
    lead, other = centre.add(A), centre.add(A)
    centre.finish(centre.next(), "resolved", result="not_interested")
    assert isinstance(centre.ask("b"), NoLead)
    before = len(centre.commits)
    centre(Forget(rows=(centre.row(lead),)))
    assert kept(centre) == {}
    assert packed(A) not in centre.said_since(before)
    centre.restart()
    found = centre.ask("b")
    assert isinstance(found, Offer)
    assert found.lead.id == other


def test_those_of_others_stay(centre: Ledger) -> None:
    first, second = centre.add(A), centre.add(B)
    for _ in (first, second):
        centre.finish(centre.next(), "resolved", result="not_interested")
    centre.anonymise(first, numbers=(A,))
    assert [call.number for call in kept(centre)[second].calls] == [B]
    centre.add(B)
    assert isinstance(centre.ask("b"), NoLead)
    centre.restart()
    assert isinstance(centre.ask("b"), NoLead)
    centre.now_ms += DAY_MS
    centre(Tick())
    assert isinstance(centre.ask("b"), Offer)


def test_a_command_that_is_given_no_leads_leaves_no_open_one_with_calls(centre: Ledger) -> None:
    lead = centre.add(A)
    centre.finish(centre.next(), "unreached", cause="no_answer")
    centre(Anonymise(leads=(), numbers=(A,), by="admin"))
    assert centre.row(lead).erased
    assert centre.row(lead).calls == ()
