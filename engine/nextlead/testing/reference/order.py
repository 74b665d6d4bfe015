"""Which lead comes first (SPEC 2)."""

from nextlead.core.model import Status

from .records import Agent, Campaign, Lead
from .who import NEW_AND_AUTOMATIC, at_max_unresolved, offerable, ready_for_somebody, reserved, selected
from .world import World

PASS_UNIT = 1 << 32
"""R2.5: what a pass rises by for a lease at weight 1."""

FIRST_RANK = {
    Status.VIP_REDIAL: 2,
    Status.PRIVATE_REDIAL: 4,
    Status.COMMON_REDIAL: 6,
    Status.AUTOMATIC_REDIAL: 8,
    Status.UNPROCESSED: 9,
}
OVERDUE_RANKS = (2, 4, 6)
AGREED = (Status.VIP_REDIAL, Status.PRIVATE_REDIAL, Status.COMMON_REDIAL)


def overdue(world: World, lead: Lead, now_ms: int) -> bool:
    """R2.2: late by more than the campaign's `overdue_after`."""
    due = world.due_of(lead)
    redial = lead.status in AGREED
    return redial and due is not None and now_ms - due > world.dialer_of(lead).overdue_after_ms


def rank(world: World, lead: Lead, now_ms: int) -> int:
    """R2.1: the class, 1 to 9."""
    if lead.urgent is not None:
        return 1
    on_schedule = lead.status in AGREED and not overdue(world, lead, now_ms)
    return FIRST_RANK[lead.status] + on_schedule


def choices(world: World, agent: Agent, now_ms: int) -> list[Lead]:
    """All leads the agent may be offered now, in no order."""
    leads = [lead for lead in world.leads.values() if offerable(world, lead, agent, now_ms)]
    if reserved(world, agent, now_ms):
        leads = [lead for lead in leads if lead.held_back]
    return leads


def plain_kinds(leads: list[Lead], campaign: Campaign) -> set[Status]:
    """Which of classes 8 and 9 the campaign has among these leads."""
    return {
        lead.status
        for lead in leads
        if lead.campaign == campaign.code and lead.urgent is None and lead.status in NEW_AND_AUTOMATIC
    }


def swapped(world: World, leads: list[Lead]) -> list[str]:
    """R2.4: campaigns whose classes 8 and 9 swap for this `next`, as it is an unprocessed lead's turn."""
    return [
        campaign.code
        for campaign in world.campaigns.values()
        if campaign.dialer.new_every is not None
        and len(plain_kinds(leads, campaign)) == 2
        and (campaign.handed + 1) % campaign.dialer.new_every == 0
    ]


def weighted(world: World, agent: Agent) -> bool:
    """R2.5: decided here: passes count for an agent while one of its selected campaigns has a weight."""
    return any(selected(agent, each) and each.dialer.weight is not None for each in world.campaigns.values())


def key(world: World, lead: Lead, swaps: list[str], use_pass: bool, now_ms: int) -> tuple[int, ...]:
    """R2.1: class, priority, due time, place in the pool, id; R2.5's pass after the class, R2.6's reason after it."""
    place = (lead.seq, lead.id)
    priority = world.priority_of(lead)
    if lead.urgent is not None:
        return (1, lead.urgent.reason, priority, lead.urgent.since_ms, *place)
    class_ = rank(world, lead, now_ms)
    if class_ >= 8 and lead.campaign in swaps:
        class_ = 17 - class_
    campaign_pass = world.campaigns[lead.campaign].stride if use_pass and class_ >= 8 else 0
    return (class_, campaign_pass, priority, world.due_of(lead) or 0, *place)


def best(world: World, agent: Agent, leads: list[Lead], now_ms: int) -> Lead | None:
    """R2.1: the least by `key`."""
    swaps, use_pass = swapped(world, leads), weighted(world, agent)
    return min(leads, key=lambda lead: key(world, lead, swaps, use_pass, now_ms), default=None)


def count_handed(world: World, agent: Agent, lead: Lead, leads: list[Lead], now_ms: int) -> None:
    """R2.4 and R2.5: the counters after a lease of `lead`, which was chosen from `leads`. Call it before the lease."""
    if rank(world, lead, now_ms) < 8:
        return
    campaign = world.campaigns[lead.campaign]
    if campaign.dialer.new_every is not None and len(plain_kinds(leads, campaign)) == 2:
        campaign.handed += 1
    if weighted(world, agent):
        _raise_pass(world, agent, campaign, leads, now_ms)


def _raise_pass(world: World, agent: Agent, leased: Campaign, leads: list[Lead], now_ms: int) -> None:
    """R2.5: the pass rises by 1/weight; selected campaigns that are empty for everybody come up to the least one."""
    mine = [each for each in world.campaigns.values() if selected(agent, each)]
    filled = [each for each in mine if plain_kinds(leads, each)]
    leased.stride += round(PASS_UNIT / (leased.dialer.weight or 1))
    least = min(each.stride for each in filled)
    ready = [lead for lead in world.leads.values() if ready_for_somebody(world, lead, now_ms)]
    for each in mine:
        if not plain_kinds(ready, each):
            each.stride = max(each.stride, least)


def nothing_because(world: World, agent: Agent, now_ms: int) -> str:
    """Why there is no lead: `reserved` (R4.9), `max_unresolved` (R7.2) or `no_lead`."""
    if reserved(world, agent, now_ms):
        return "reserved"
    limited = [
        each for each in world.campaigns.values() if selected(agent, each) and at_max_unresolved(world, agent, each)
    ]
    return "max_unresolved" if limited else "no_lead"
