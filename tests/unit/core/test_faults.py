"""The last look before a lease: a lead that stands where it should not is never offered (R14.4).

Each case breaks the order by hand, as no command can.
"""

from collections.abc import Callable

import pytest
from unit.core.centre import NOW_MS, Centre

from nextlead.core.commands import ActOnPool, EditLead, Next, PutCampaign, Tick
from nextlead.core.engine import Engine
from nextlead.core.model import Blocked
from nextlead.core.order import DUE_SHIFT
from nextlead.core.replies import Fault, NoLead, Offer, Outcome
from nextlead.core.row import DAY_MS, HOUR_MS
from nextlead.core.setup_model import CallingHours, ContactLimit, Dialer
from nextlead.core.sight import sight_of

CLOSED = CallingHours(windows=(((0, 60),),) * 7)


def ask(centre: Centre, agent: str = "a", token: int = 99) -> Outcome:
    return centre.engine.apply(Next(agent=agent, token=bytes([token]) * 16), centre.now_ms)


def open_every_part(engine: Engine, lead: int) -> None:
    """The gates before the lead's part fail to close."""
    for queue in engine.state.queues.values():
        for part in queue.parts.values():
            if any(key & 0xFFFF == lead for key in part.keys):
                queue.switch(part, is_open=True)


def of_an_inactive_pool(centre: Centre, lead: int) -> None:
    centre(ActOnPool(pool=1, action="deactivate"))
    open_every_part(centre.engine, lead)


def outside_its_hours(centre: Centre, lead: int) -> None:
    centre(PutCampaign(code="c1", dialer=Dialer(calling_hours=CLOSED)))
    open_every_part(centre.engine, lead)


def over_a_limit(centre: Centre, lead: int) -> None:
    limits = (ContactLimit("max", DAY_MS, 1),)
    centre(PutCampaign(code="c1", dialer=Dialer(contact_limits=limits, retry={"no_answer": (1,)})))
    centre.finish(centre.next(), "unreached", cause="no_answer")
    centre.now_ms += 1
    open_every_part(centre.engine, lead)


def with_a_leased_number(centre: Centre, lead: int) -> None:
    assert centre.next("b").lead.id == lead
    (twin,) = centre.load(14155550100)
    open_every_part(centre.engine, twin)


def not_due(centre: Centre, lead: int) -> None:
    centre(EditLead(lead=lead, due_ms=NOW_MS + HOUR_MS))
    for queue in centre.engine.state.queues.values():
        for part in queue.parts.values():
            queue.rebase(part, -(2 * HOUR_MS << DUE_SHIFT))


def of_another_owner(centre: Centre, lead: int) -> None:
    centre(EditLead(lead=lead, owner="agent:b"))
    state = centre.engine.state
    state.sights[centre.engine.agents.need("a").no] = sight_of(state, centre.engine.agents.need("b"))


def of_a_campaign_that_was_closed(centre: Centre, _lead: int) -> None:
    state, agent = centre.engine.state, centre.engine.agents.need("a")
    before = sight_of(state, agent)
    centre(PutCampaign(code="c1", active=False))
    state.sights[agent.no] = before


def with_too_many_unresolved(centre: Centre, _lead: int) -> None:
    centre(PutCampaign(code="c1", dialer=Dialer(max_unresolved=1)))
    centre.load(14155550109)
    centre(EditLead(lead=2, priority=1))
    centre.finish(centre.next(), "unresolved")
    sight_of(centre.engine.state, centre.engine.agents.need("a")).plain = True


CASES: dict[str, tuple[Callable[[Centre, int], None], int]] = {
    "pool": (of_an_inactive_pool, 1),
    "calling_hours": (outside_its_hours, 1),
    "contact_limit": (over_a_limit, 1),
    "number_leased": (with_a_leased_number, 2),
    "due": (not_due, 1),
    "owner": (of_another_owner, 1),
    "campaign": (of_a_campaign_that_was_closed, 1),
    "max_unresolved": (with_too_many_unresolved, 1),
}


@pytest.mark.parametrize("rule", CASES)
def test_a_lead_that_a_rule_forbids_is_a_fault_and_never_an_offer(rule: str) -> None:  # R14.4
    breaks, forbidden = CASES[rule]
    centre = Centre()
    (lead,) = centre.load(14155550100)
    breaks(centre, lead)
    outcome = ask(centre)
    assert isinstance(outcome.reply, NoLead)
    assert outcome.faults == (Fault(forbidden, "a", rule),)
    assert centre.engine.state.faults == 1
    assert centre.engine.apply(Tick(), centre.now_ms).faults == ()


def test_the_next_best_is_offered_instead() -> None:  # R14.4
    centre = Centre()
    (wrong,) = centre.load(14155550100)
    centre.now_ms += 1
    (right,) = centre.load(14155550101)
    of_an_inactive_pool(centre, wrong)
    outcome = ask(centre)
    assert isinstance(outcome.reply, Offer)
    assert outcome.reply.lead.id == right
    assert outcome.faults == (Fault(wrong, "a", "pool"),)


def test_a_blocked_number_that_was_left_in_the_order_closes_its_lead() -> None:  # R9.7, R14.4
    centre = Centre()
    (lead,) = centre.load(14155550100)
    centre.engine.state.blocked[14155550100] = Blocked(14155550100, "", NOW_MS, "admin")
    outcome = ask(centre)
    assert isinstance(outcome.reply, NoLead)
    assert outcome.faults == (Fault(lead, "a", "do_not_call"),)
    assert centre.engine.lead(lead) is None


def test_those_who_wait_are_served_past_a_fault() -> None:  # R14.4, R5.5
    centre = Centre()
    (wrong,) = centre.load(14155550100)
    of_an_inactive_pool(centre, wrong)
    assert centre.engine.apply(Next(agent="a", token=bytes(16), wait=True, waiter=1), NOW_MS).faults
    outcome = centre.engine.apply(ActOnPool(pool=1, action="activate"), NOW_MS)
    assert [served.answer.lead.id for served in outcome.served if isinstance(served.answer, Offer)] == [wrong]
    assert outcome.faults == ()


def test_a_limit_that_came_since_is_no_fault() -> None:  # R12.1, R14.4
    centre = Centre(retry={"no_answer": (1,)})
    called = centre.load(*range(14155550100, 14155550106))
    for _ in called:
        centre.finish(centre.next(), "unreached", cause="no_answer")
    centre.now_ms += 1
    centre.engine.state.slice_leads = 1
    centre.engine.apply(
        PutCampaign(code="c1", dialer=Dialer(contact_limits=(ContactLimit("max", DAY_MS, 1),))), NOW_MS + 1
    )
    assert centre.engine.working
    outcome = ask(centre)
    assert (outcome.reply, outcome.faults) == (NoLead("no_lead"), ())
    while centre.engine.working:
        centre.work()
    assert centre.engine.verify() == []
