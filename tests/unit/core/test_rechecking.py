"""Contact limits that change (SPEC 12): leads that were called are looked at again, a few at a time."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.core.centre import NOW_MS, Centre

from nextlead.core import leases
from nextlead.core.commands import (
    ActOnPool,
    Anonymise,
    Block,
    ClosePool,
    Delete,
    EditLead,
    IntakeRow,
    LoadRows,
    Next,
    OpenPool,
    PutAgent,
    PutCampaign,
    PutSession,
    PutSettings,
    Reopen,
    Unblock,
    Work,
)
from nextlead.core.model import Lead, Status
from nextlead.core.replies import Begun, NoLead, Offer, Stranded, Waiting
from nextlead.core.row import DAY_MS, HOUR_MS, MINUTE_MS
from nextlead.core.setup_model import Campaign, ContactLimit, Dialer, Duplicates, Settings

HOME, WORK, MOBILE = 14155550100, 14155550101, 14155550102
ONCE_A_DAY = ContactLimit("max", DAY_MS, 1)
RETRY: dict[str, tuple[int, ...]] = {"no_answer": (MINUTE_MS,)}


@pytest.fixture
def centre() -> Centre:
    return Centre(retry=RETRY)


def call(centre: Centre, lead: int, outcome: str = "unreached", **rest: object) -> None:
    offer = centre.next()
    assert offer.lead.id == lead
    centre.finish(offer, outcome, **({"cause": "no_answer"} if outcome == "unreached" else rest))


def parked(centre: Centre) -> dict[int, int]:
    return centre.engine.state.parked


def test_new_limits_count_what_was_before_them(centre: Centre) -> None:  # R12.1
    [first, second] = centre.load(HOME, WORK)
    call(centre, first)
    reply = centre.whole(PutSettings(contact_limits=(ONCE_A_DAY,)))
    assert isinstance(reply, Settings)
    assert parked(centre) == {first: NOW_MS + DAY_MS}
    call(centre, second)
    assert isinstance(centre.ask("a"), NoLead)
    centre.now_ms = NOW_MS + DAY_MS - 1
    assert isinstance(centre.ask("a"), NoLead)
    centre.now_ms += 1
    assert centre.next().lead.id == first


def test_limits_that_go_let_go(centre: Centre) -> None:  # R12.1
    centre.whole(PutSettings(contact_limits=(ContactLimit("max", 60 * DAY_MS, 1),)))
    [first] = centre.load(HOME)
    call(centre, first)
    [other] = centre.load(HOME)  # never shown, and kept back by the number
    assert parked(centre) == dict.fromkeys((first, other), NOW_MS + 60 * DAY_MS)
    centre.now_ms += 50 * DAY_MS
    centre.whole(PutSettings(contact_limits=()))
    assert parked(centre) == {}
    assert centre.next().lead.id == first


def test_shorter_limits_hold_at_once(centre: Centre) -> None:  # R12.1
    centre.whole(PutSettings(contact_limits=(ONCE_A_DAY,)))
    [first] = centre.load(HOME)
    call(centre, first)
    centre.whole(PutSettings(contact_limits=(ContactLimit("max", HOUR_MS, 1),)))
    assert parked(centre) == {first: NOW_MS + HOUR_MS}
    centre.whole(PutSettings(contact_limits=(ContactLimit("max", HOUR_MS, 2),)))
    assert parked(centre) == {}


def test_leads_with_the_number_of_a_closed_one_are_found(centre: Centre) -> None:  # R12.1
    [closed] = centre.load(HOME)
    call(centre, closed, "resolved", result="success")
    [fresh, touched, apart] = centre.load(HOME, HOME, WORK)
    centre(EditLead(lead=touched, priority=9))
    centre.whole(PutSettings(contact_limits=(ContactLimit("pause_after_conversation", DAY_MS),)))
    assert parked(centre) == dict.fromkeys((fresh, touched), NOW_MS + DAY_MS)
    assert centre.next().lead.id == apart


def test_a_lead_with_the_number_of_a_closed_one_to_itself_is_found(centre: Centre) -> None:  # R12.1
    [first, second] = centre.load(HOME, WORK)
    call(centre, first, "resolved", result="success")
    call(centre, second, "resolved", result="success")
    [fresh] = centre.load(WORK)
    centre.whole(PutSettings(contact_limits=(ONCE_A_DAY,)))
    assert parked(centre) == {fresh: NOW_MS + DAY_MS}


def test_leads_that_share_a_number_with_a_called_one_are_found(centre: Centre) -> None:  # R12.1
    [called] = centre.load(HOME)
    call(centre, called)
    [fresh] = centre.load(HOME)
    centre.whole(PutCampaign(code="c1", dialer=Dialer(retry=RETRY, contact_limits=(ONCE_A_DAY,))))
    assert parked(centre) == dict.fromkeys((called, fresh), NOW_MS + DAY_MS)


def test_limits_of_a_campaign_are_for_its_leads(centre: Centre) -> None:  # R12.1
    centre(PutCampaign(code="c2", dialer=Dialer(retry=RETRY)))
    centre(PutAgent(code="b", campaigns=("c2",)))
    centre(PutSession(agent="b", campaigns=("c2",)))
    [mine] = centre.load(HOME)
    [others] = centre.load(HOME, campaign="c2")
    call(centre, mine)
    centre.now_ms += 1
    centre.finish(centre.next("b"), "unreached", cause="no_answer")
    reply = centre.whole(PutCampaign(code="c2", dialer=Dialer(retry=RETRY, contact_limits=(ONCE_A_DAY,))))
    assert isinstance(reply, Campaign)
    assert reply.code == "c2"
    assert parked(centre) == {others: NOW_MS + 1 + DAY_MS}


def test_it_goes_in_slices_and_nobody_is_called_too_often_meanwhile(centre: Centre) -> None:  # R2.7, R12.1
    centre.engine.state.slice_leads = 1
    leads = centre.load(*range(HOME, HOME + 30))
    for lead in leads:
        call(centre, lead)
        centre.now_ms += 1
    centre.now_ms += MINUTE_MS
    [new] = centre.load(MOBILE + 100)
    begun = centre(PutSettings(contact_limits=(ONCE_A_DAY,)))
    assert isinstance(begun, Begun)
    assert len(parked(centre)) == 1
    call(centre, new)  # the last look parks what the new limits forbid, and goes on
    assert centre.engine.state.faults == 0
    assert isinstance(centre.ask("a"), NoLead)
    reply = None
    while reply is None:
        reply = centre.work()
    assert isinstance(reply, Settings)
    assert set(parked(centre)) == {*leads, new}


@pytest.mark.patches
def test_one_next_does_not_look_at_all_of_them(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:  # R2.7
    monkeypatch.setattr(leases, "_STALE_MOST", 5)
    centre.engine.state.slice_leads = 1
    for lead in centre.load(*range(HOME, HOME + 40)):
        call(centre, lead)
        centre.now_ms += 1
    centre.now_ms += MINUTE_MS
    [new] = centre.load(MOBILE + 100)
    assert isinstance(centre(PutSettings(contact_limits=(ONCE_A_DAY,))), Begun)
    assert len(parked(centre)) == 1
    answer = centre.ask("a")
    assert isinstance(answer, NoLead)
    assert answer.reason == "limits_changing"
    assert len(parked(centre)) == 6
    outcome = centre.engine.apply(Next(agent="b", token=b"b" * 16, wait=True, waiter=1), centre.now_ms)
    assert isinstance(outcome.reply, Waiting)
    served = outcome.served
    while centre.engine.working:
        served += centre.engine.apply(Work(), centre.now_ms).served
    assert [(each.agent, each.answer.lead.id) for each in served if isinstance(each.answer, Offer)] == [("b", new)]


def test_a_second_change_while_the_first_is_at_work(centre: Centre) -> None:  # R12.1
    centre.engine.state.slice_leads = 1
    leads = centre.load(*range(HOME, HOME + 20))
    for lead in leads:
        call(centre, lead)
    assert isinstance(centre(PutSettings(contact_limits=(ONCE_A_DAY,))), Begun)
    centre.work()
    assert isinstance(centre(PutSettings(contact_limits=())), Begun)
    centre.restart()
    assert parked(centre) == {}
    assert isinstance(centre(PutSettings(contact_limits=(ONCE_A_DAY,))), Begun)
    centre.work()
    centre.restart()
    assert set(parked(centre)) == set(leads)


def test_a_campaign_takes_its_limits_with_it(centre: Centre) -> None:  # R12.1
    contacts = centre.engine.state.contacts
    limits = (ContactLimit("max", 60 * DAY_MS, 1),)
    assert isinstance(centre(PutCampaign(code="c2", dialer=Dialer(contact_limits=limits))), Campaign)
    assert (contacts.active, contacts.kept_ms) == (True, 60 * DAY_MS)
    centre(Delete(kind="campaign", code="c2"))
    assert (contacts.active, contacts.kept_ms) == (False, 30 * DAY_MS)


def test_the_reply_is_that_of_the_command(centre: Centre) -> None:  # R3.3
    [first] = centre.load(HOME)
    call(centre, first)
    dialer = Dialer(retry=RETRY, contact_limits=(ONCE_A_DAY,))
    assert isinstance(centre.whole(PutCampaign(code="c1", active=False, dialer=dialer)), Stranded)


def test_a_pool_that_goes_meanwhile_is_passed_over(centre: Centre) -> None:  # R9.11
    centre.engine.state.slice_leads = 2
    [first, *_] = centre.load(*range(HOME, HOME + 40))
    call(centre, first)
    pool = centre.engine.state.need_lead(first).pool
    begun = centre(PutSettings(contact_limits=(ONCE_A_DAY,)))
    assert isinstance(begun, Begun)
    centre(ActOnPool(pool=pool, action="delete"))
    while centre.engine.working:
        centre.work()
    assert parked(centre) == {first: NOW_MS + DAY_MS}


limits = st.lists(
    st.builds(
        ContactLimit,
        st.sampled_from(["max", "min_gap", "pause_after_conversation"]),
        st.sampled_from([MINUTE_MS, HOUR_MS, 40 * DAY_MS]),
        st.integers(1, 2),
        st.sampled_from(["number", "lead"]),
        st.booleans(),
    ),
    max_size=2,
).map(tuple)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("load"), st.sampled_from(["c1", "c2"]), st.permutations([HOME, WORK, MOBILE]).map(tuple)),
        st.tuples(
            st.just("call"),
            st.sampled_from(["a", "b"]),
            st.sampled_from(["unreached", "resolved", "redial", "unresolved", "cancelled"]),
            st.sampled_from(["no_answer", "invalid_number"]),
        ),
        st.tuples(st.sampled_from(["settings", "campaign"]), limits),
        st.tuples(st.just("wait"), st.sampled_from([1, MINUTE_MS, HOUR_MS, 35 * DAY_MS])),
        st.tuples(st.just("drop"), st.sampled_from([HOME, WORK, MOBILE])),
        st.tuples(st.sampled_from(["reopen", "erase", "work"])),
    ),
    min_size=6,
    max_size=30,
)


class Busy(Centre):
    """Two campaigns, and what their leads may come through."""

    def __init__(self) -> None:
        super().__init__(retry=RETRY)
        self(PutCampaign(code="c2", dialer=Dialer(retry=RETRY)))
        self(PutAgent(code="b", campaigns=("c1", "c2")))
        self(PutSession(agent="b", campaigns=("c2",)))
        self.engine.state.slice_leads = 1
        self.closed: dict[int, Lead] = {}
        for campaign in ("c1", "c2"):
            self.load_both(campaign, (HOME, WORK, MOBILE))

    def call(self, agent: str, outcome: str, cause: str) -> None:
        offer = self.ask(agent)
        if not isinstance(offer, Offer):
            return
        assert self.engine.state.contacts.until_ms(offer.lead, self.now_ms) == 0
        self.now_ms += 1
        rest = {"cause": cause, "result": "success", "kind": "private"}
        lead = self.finish(offer, outcome, at_ms=self.now_ms + MINUTE_MS, **rest)
        if lead.status is Status.CLOSED:
            self.closed[lead.id] = lead

    def load_both(self, campaign: str, numbers: tuple[Any, ...]) -> None:
        pool = self(OpenPool(campaign=campaign, duplicates=Duplicates(action="load")))
        rows = (IntakeRow(1, numbers[:2]), IntakeRow(2, numbers[2:]))
        self(LoadRows(pool=pool.id, rows=rows))  # type: ignore[attr-defined]
        self(ClosePool(pool=pool.id))  # type: ignore[attr-defined]

    def reopen(self) -> None:
        if self.closed:
            lead, row = self.closed.popitem()
            if row.closure != "do_not_call" and not self.engine.state.blocked.keys() & {*row.numbers, *row.dropped}:
                self(Reopen(lead=lead, row=row))

    def erase(self) -> None:
        if self.closed:
            lead, row = self.closed.popitem()
            self(Anonymise(leads=(lead,), rows=(row,)))


@settings(max_examples=40, deadline=None)
@given(steps)
def test_whatever_changes_meanwhile_ends_where_a_restart_would_put_it(happened: list[tuple[object, ...]]) -> None:
    # R12.1, R14.4: `Centre` compares with a state built anew after every command
    centre = Busy()
    for step in happened:
        match step:
            case ("load", str(campaign), tuple(numbers)):
                centre.load_both(campaign, numbers)
            case ("call", str(agent), str(outcome), str(cause)):
                centre.call(agent, outcome, cause)
            case ("settings", tuple(found)):
                centre(PutSettings(contact_limits=found))
            case ("campaign", tuple(found)):
                centre(PutCampaign(code="c2", dialer=Dialer(retry=RETRY, contact_limits=found)))
            case ("wait", int(ms)):
                centre.now_ms += ms
            case ("drop", int(number)):
                centre(Block(numbers=(number,), drop_number=True))
                centre(Unblock(number=number))
            case ("reopen",):
                centre.reopen()
            case ("erase",):
                centre.erase()
            case _:
                centre.work()
    while centre.engine.working:
        centre.work()
    assert centre.engine.verify() == []
    assert centre.engine.state.faults == 0
