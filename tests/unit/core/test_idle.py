"""Why nobody gets anything: counts and moments against every lead asked one by one (R14.3)."""

from collections import Counter
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.core.centre import MINUTE_MS, NOW_MS, Centre
from unit.core.idle_shop import AGENTS, Shop

from nextlead.core.commands import (
    ActOnPool,
    Block,
    ClosePool,
    EditLead,
    IntakeRow,
    LoadRows,
    MakeUrgent,
    Next,
    OpenPool,
    PutAgent,
    PutCampaign,
    PutSession,
    PutSettings,
    RedialEdit,
    Unblock,
    WhyAllIdle,
    WhyIdle,
    Work,
)
from nextlead.core.engine import Engine
from nextlead.core.errors import AgentDisabled, NoSession
from nextlead.core.model import Lead, Pool
from nextlead.core.places import is_own
from nextlead.core.replies import Begun, Idle, IdleAgents, NoLead, Offer, Waiting
from nextlead.core.row import DAY_MS, HOUR_MS
from nextlead.core.rules import RULES, Context, first_no, passes_ms, rules_but
from nextlead.core.setup_model import Agent, CallingHours, ContactLimit, Dialer, Duplicates

KEYS: Final = {
    "campaign": "campaign",
    "pool": "inactive_pool",
    "deleting": "inactive_pool",
    "owner": "other_owner",
    "status": "pending_validation",
    "unresolved": "unresolved",
    "leased": "leased",
    "number_leased": "number_leased",
    "due": "not_due",
    "calling_hours": "calling_hours",
    "contact_limit": "contact_limit",
    "cancel_pause": "cancel_pause",
    "max_unresolved": "max_unresolved",
    "reserve_owner": "reserved",
}
COUNTED: Final = tuple(rule for rule in RULES if rule.name in KEYS)
AT_WORK: Final = rules_but("agent_enabled", "session", "leases_per_agent", "do_not_call")


def open_leads(engine: Engine) -> list[Lead]:
    state = engine.state
    ids = [*state.leads.untouched(), *(lead.id for lead in state.leads.touched())]
    return [lead for lead in map(state.need_lead, ids) if not state.has_left(lead)]


def counted_one_by_one(engine: Engine, agent: Agent) -> dict[str, int]:
    """What `WhyIdle` says, by asking the rules of each lead."""
    assert agent.session is not None
    context, found = Context(engine.state, agent, engine.state.now_ms), Counter[str]()
    for lead in open_leads(engine):
        if lead.campaign in agent.session.campaigns or (is_own(lead) and lead.owner == agent.no):
            rule = first_no(context, lead, COUNTED)
            found["ready" if rule is None else KEYS[rule.name]] += 1
    return dict(found)


def first_moment(engine: Engine, agent: Agent) -> int | None:
    state = engine.state
    found = (passes_ms(state, agent, lead, AT_WORK, state.now_ms) for lead in open_leads(engine))
    return min((at_ms for at_ms in found if at_ms is not None), default=None)


def said(idle: Idle) -> dict[str, int]:
    return idle.blocked | ({"ready": idle.ready} if idle.ready else {})


def finish_rechecks(shop: Shop) -> None:
    """While limits are being looked at again, counts are those of before (`rechecking.py`)."""
    while any(type(task).__name__ == "Recheck" for task in shop.engine.state.tasks):
        shop(Work())


@given(st.integers(0, 1 << 32), st.booleans(), st.integers(1, 50))
@settings(max_examples=60, deadline=None)
def test_counts_and_moments_are_those_of_every_lead_asked(seed: int, limited: bool, steps: int) -> None:  # R14.3, R14.4
    shop = Shop(seed, limited=limited)
    for _ in range(steps):
        shop.happen()
    finish_rechecks(shop)
    for code in AGENTS:
        agent, idle = shop.engine.agents.need(code), shop(WhyIdle(agent=code))
        assert isinstance(idle, Idle)
        assert said(idle) == counted_one_by_one(shop.engine, agent)
        assert idle.next_ms == first_moment(shop.engine, agent)
    assert shop.engine.state.faults == 0
    assert shop.engine.verify() == []


@given(st.integers(0, 1 << 32), st.booleans(), st.integers(5, 40))
@settings(max_examples=60, deadline=None)
def test_time_alone_brings_a_lead_when_it_was_said_and_not_before(
    seed: int, limited: bool, steps: int
) -> None:  # R14.3
    shop = Shop(seed, limited=limited)
    for _ in range(steps):
        shop.happen()
    while shop.engine.state.tasks:
        shop(Work())
    for code in AGENTS:
        idle = shop(WhyIdle(agent=code))
        assert isinstance(idle, Idle)
        if shop.engine.leases_of(code):
            continue
        now_ms, at_ms = shop.now_ms, idle.next_ms
        if at_ms is None:
            assert not any(gets_one(shop, code, now_ms + later_ms) for later_ms in (0, HOUR_MS, DAY_MS, 200 * DAY_MS))
        else:
            assert gets_one(shop, code, at_ms)
            assert at_ms == now_ms or not any(gets_one(shop, code, early_ms) for early_ms in (now_ms, at_ms - 1))


def gets_one(shop: Shop, agent: str, at_ms: int) -> bool:
    reply = shop.at(at_ms).apply(Next(agent=agent, token=bytes(16)), at_ms).reply
    assert isinstance(reply, Offer | NoLead)
    return isinstance(reply, Offer)


def idle(centre: Centre, agent: str = "a") -> Idle:
    found = centre(WhyIdle(agent=agent))
    assert isinstance(found, Idle)
    return found


def test_every_campaign_and_every_agent_at_once() -> None:  # R14.3
    centre = Centre(calling_hours=CallingHours(windows=(((0, 600),),) * 7))
    centre(PutCampaign(code="c2", active=False))
    centre(PutAgent(code="c", campaigns=("c1",)))
    first, _second, _third = centre.load(14155550100, 14155550101, 14155550102)
    centre.load(14155550103, 14155550104, campaign="c2")
    centre(EditLead(lead=first, due_ms=NOW_MS + HOUR_MS))
    centre.next("b")
    found = centre(WhyAllIdle())
    assert isinstance(found, IdleAgents)
    assert [(each.campaign, each.blocked, each.ready, each.next_ms) for each in found.campaigns] == [
        ("c1", {"not_due": 1, "leased": 1}, 1, NOW_MS),
        ("c2", {"campaign": 2}, 0, None),
    ]
    assert found.agents == (idle(centre),)  # b has a lead, c no session
    assert found.waiting == ()
    centre.now_ms += HOUR_MS + 1  # hours are over, and b's lease has timed out
    centre(PutSession(agent="c", campaigns=("c1",)))
    assert centre(Next(agent="c", token=bytes(16), wait=True, waiter=1)) == Waiting(1)
    later = centre(WhyAllIdle())
    assert isinstance(later, IdleAgents)
    assert (later.campaigns[0].blocked, later.campaigns[0].ready) == ({"calling_hours": 2, "unresolved": 1}, 0)
    assert later.campaigns[0].next_ms == NOW_MS + 15 * HOUR_MS
    assert [each.agent for each in later.agents] == ["a", "b", "c"]
    assert later.waiting == ("c",)


@pytest.mark.parametrize("why", ["session", "disabled"])
def test_an_agent_who_may_not_work_is_told_that(why: str) -> None:  # R3.1
    centre = Centre()
    centre(PutAgent(code="c", enabled=why != "disabled"))
    with pytest.raises(AgentDisabled if why == "disabled" else NoSession):
        idle(centre, "c")


def test_leads_that_have_left_are_not_counted() -> None:  # R10.3, R9.11
    centre = Centre()
    centre.engine.state.slice_leads = 1
    centre.load(*[14155550100] * 4)
    centre(Block(numbers=(14155550100,)))
    assert centre.engine.state.tasks
    assert (idle(centre).blocked, idle(centre).ready) == ({}, 0)
    while centre.engine.state.tasks:
        centre.work()
    centre(Unblock(number=14155550100))
    due, urgent, _plain = centre.load(14155550101, 14155550102, 14155550103)
    centre(EditLead(lead=due, due_ms=NOW_MS + 1))
    centre(MakeUrgent(lead=urgent, reason="hot_lead", expires_ms=NOW_MS + HOUR_MS))
    assert (idle(centre).blocked, idle(centre).ready) == ({"not_due": 1}, 2)
    pool = centre.engine.lead(due)
    assert pool is not None
    centre(ActOnPool(pool=pool.pool, action="delete"))
    assert centre.engine.state.tasks
    assert (idle(centre).blocked, idle(centre).ready, idle(centre).next_ms) == ({}, 0, None)


def test_a_pause_a_limit_and_the_reserve_are_told_apart() -> None:  # R5.6, R12.1, R4.9
    centre = Centre(
        reserve_owner_ms=10 * MINUTE_MS,
        contact_limits=(ContactLimit("max", DAY_MS, 1),),
        retry={"no_answer": (1,)},
    )
    centre.load(14155550100, 14155550101, 14155550102, 14155550103)
    centre.finish(centre.next(), "unreached", cause="no_answer")
    centre.finish(centre.next(), "cancelled")
    centre.now_ms += 1
    assert idle(centre).blocked == {"contact_limit": 1, "cancel_pause": 1}
    due_ms = centre.promise().due_ms
    assert (idle(centre).blocked, idle(centre).ready) == (
        {"contact_limit": 1, "cancel_pause": 1, "not_due": 1, "reserved": 1},
        0,
    )
    assert idle(centre).next_ms == due_ms


def test_when_the_next_comes_follows_pools_and_hours() -> None:  # R14.3
    hours = CallingHours(windows=(((600, 660),),) * 7)
    centre = Centre(calling_hours=hours)
    centre.load(14155550100)
    assert idle(centre).next_ms == NOW_MS + HOUR_MS
    centre(ActOnPool(pool=1, action="deactivate"))
    assert idle(centre).next_ms is None
    centre(ActOnPool(pool=1, action="activate"))
    centre(PutCampaign(code="c1", dialer=Dialer()))
    assert isinstance(centre.ask("a"), Offer)


def test_anothers_redial_is_awaited_until_its_release() -> None:  # R4.4
    centre = Centre(release_private_ms=HOUR_MS)
    centre.load(14155550100)
    promised = centre.promise("a")
    assert promised.promise is not None
    assert idle(centre, "b") == Idle("b", {"other_owner": 1}, 0, promised.promise.at_ms + HOUR_MS)
    centre(PutSession(agent="b", campaigns=("c1",), cross=False))
    assert idle(centre, "a") == Idle("a", {"not_due": 1}, 0, promised.due_ms)


# -- what few random states come to -----------------------------------------------------------------------------------


def test_a_lead_is_awaited_until_the_lease_on_its_number_times_out() -> None:  # R3.7, R5.2
    centre = Centre()
    centre.load(14155550100, 14155550100)
    centre.next("b")
    assert idle(centre) == Idle("a", {"leased": 1, "number_leased": 1}, 0, NOW_MS + HOUR_MS)


def test_a_lead_is_awaited_until_the_end_of_its_pause() -> None:  # R5.6
    centre = Centre()
    centre.load(14155550100)
    centre.finish(centre.next(), "cancelled")
    assert idle(centre) == Idle("a", {"cancel_pause": 1}, 0, NOW_MS + 2 * MINUTE_MS)


def test_each_urgent_lead_is_awaited_by_itself() -> None:  # R2.6
    centre = Centre(calling_hours=CallingHours(windows=(((600, 1440),),) * 7))
    for lead, minutes in zip(centre.load(14155550100, 14155550101), (30, 90), strict=True):
        centre(EditLead(lead=lead, due_ms=NOW_MS + 5 * HOUR_MS))
        centre(MakeUrgent(lead=lead, reason="hot_lead", expires_ms=NOW_MS + minutes * MINUTE_MS))
    assert idle(centre) == Idle("a", {"calling_hours": 2}, 0, NOW_MS + HOUR_MS)


def test_nothing_is_expected_of_leads_that_are_leaving() -> None:  # R10.3
    centre = Centre()
    centre.engine.state.slice_leads = 1
    centre.load(*[14155550100] * 4)
    centre.next("b")
    centre(Block(numbers=(14155550100,)))
    assert centre.engine.working
    assert idle(centre) == Idle("a", {"leased": 1}, 0, None)


def test_a_master_waits_for_the_end_of_its_pools_deletion() -> None:  # R9.11
    centre = Centre()
    centre.engine.state.slice_leads = 1
    master, *_others = centre.load(14155550100, 14155550101, 14155550102)
    pool = centre(OpenPool(campaign="c1", duplicates=Duplicates(action="clone")))
    assert isinstance(pool, Pool)
    centre(LoadRows(pool=pool.id, rows=(IntakeRow(0, (14155550100,)),)))
    centre(ClosePool(pool=pool.id))
    found = centre.engine.lead(master)
    assert found is not None
    centre(ActOnPool(pool=found.pool, action="delete"))
    assert centre.engine.working
    assert idle(centre) == Idle("a", {"inactive_pool": 1}, 1, NOW_MS)


@pytest.mark.parametrize("stricter", [True, False])
def test_leads_that_are_leaving_are_not_counted_while_limits_change(stricter: bool) -> None:  # R10.3, R12.1
    centre = Centre(retry={"no_answer": (MINUTE_MS,)})
    centre.load(*[14155550100] * 9)
    [apart] = centre.load(14155550101)
    limits: tuple[tuple[ContactLimit, ...], ...] = ((), (ContactLimit("max", DAY_MS, 1),))
    centre.whole(PutSettings(contact_limits=limits[not stricter]))
    centre.finish(centre.next(), "unreached", cause="no_answer")
    centre.now_ms += MINUTE_MS
    centre.engine.state.slice_leads = 2
    assert isinstance(centre(PutSettings(contact_limits=limits[stricter])), Begun)
    centre(Block(numbers=(14155550100,)))
    found = centre(WhyIdle(agent="a"))
    assert isinstance(found, Idle)
    assert (found.blocked, found.ready) == ({}, 1)
    assert centre.next().lead.id == apart


def test_leads_that_have_expired_are_not_counted_while_they_are_being_closed() -> None:  # R8.3
    centre = Centre(expire_after_ms=HOUR_MS)
    centre.engine.state.slice_leads = 1
    centre.load(*range(14155550100, 14155550105))
    centre.finish(centre.next(), "unresolved")
    centre.promise()
    centre.now_ms += HOUR_MS
    assert idle(centre) == Idle("a", {}, 1, centre.now_ms)  # the promised one stays
    assert centre.engine.working


def test_an_agent_who_is_kept_free_is_so_for_its_own_redials_only() -> None:  # R4.9
    centre = Centre(reserve_owner_ms=HOUR_MS)
    first, second, _third = centre.load(14155550100, 14155550101, 14155550102)
    for lead, minutes in ((first, 1), (second, 2)):
        redial = RedialEdit("private", NOW_MS + minutes * MINUTE_MS, "a")
        centre(EditLead(lead=lead, redial=redial))
    centre.now_ms += MINUTE_MS
    assert idle(centre) == Idle("a", {"not_due": 1, "reserved": 1}, 1, centre.now_ms)
