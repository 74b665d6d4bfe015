"""Who may get which lead now (SPEC 3), and what else keeps a lead from being offered (R2.2, R2.6, R5.6, R7.2).

Every function looks at one lead and one agent and answers yes or no.
"""

from nextlead.core.model import DIALABLE, PROMISED, Status

from . import hours, limits
from .records import Agent, Campaign, Lead
from .world import World

NEW_AND_AUTOMATIC = (Status.UNPROCESSED, Status.AUTOMATIC_REDIAL)


def selected(agent: Agent, campaign: Campaign) -> bool:
    """R3.1: chosen, active and permitted at this moment."""
    chosen = agent.session is not None and campaign.code in agent.session.campaigns
    return chosen and campaign.active and campaign.code in agent.campaigns


def may_get_ordinary(world: World, lead: Lead, agent: Agent, now_ms: int) -> bool:
    """R3.2: campaign selected, pool active (R3.4: not needed for released redials), owner the agent or a team above."""
    if not selected(agent, world.campaigns[lead.campaign]):
        return False
    if lead.status not in PROMISED and not world.pools[lead.pool].open_at(now_ms):
        return False
    return owner_allows(world, lead, agent)


def owner_allows(world: World, lead: Lead, agent: Agent) -> bool:
    """R3.2: the agent, the agent's team, or a team above it. Never a team below, never another agent."""
    return lead.owner == agent.owner or lead.owner in [f"team:{team}" for team in world.teams_above(agent.team)]


def may_get_own(world: World, lead: Lead, agent: Agent) -> bool:
    """R3.3: the agent's own VIP and private redials, by the table."""
    if lead.owner != agent.owner:
        return False
    campaign = world.campaigns[lead.campaign]
    if selected(agent, campaign):
        return True
    permitted = campaign.code in agent.campaigns or not world.settings.redial_restrictions
    box = agent.session is not None and agent.session.cross
    if campaign.active:
        return box and permitted
    return box and permitted and campaign.dialer.dial_promised_when_inactive


def may_get(world: World, lead: Lead, agent: Agent, now_ms: int) -> bool:
    """R3.2 or R3.3, as the lead's status says."""
    if lead.held_back:
        return may_get_own(world, lead, agent)
    return may_get_ordinary(world, lead, agent, now_ms)


def number_is_leased(world: World, lead: Lead) -> bool:
    """R3.7: another lead with one of its numbers is leased."""
    return any(
        other.lease is not None and other.id != lead.id and set(other.numbers) & set(lead.numbers)
        for other in world.leads.values()
    )


def dialable(world: World, lead: Lead) -> bool:
    """An open lead that nobody holds, in a status that can be dialled, of a pool that was loaded (R9.3)."""
    going = lead.pool in world.going and lead.status is Status.UNPROCESSED and not lead.shown
    return lead.status in DIALABLE and lead.lease is None and confirmed(world, lead) and not going


def confirmed(world: World, lead: Lead) -> bool:
    """R9.3: the lead's pool was loaded, and confirmed if need be."""
    return world.pools[lead.pool].state in ("active", "inactive")


def is_due(world: World, lead: Lead, now_ms: int) -> bool:
    """R2.2; an urgent lead is, whatever its due time (R2.6)."""
    due = world.due_of(lead)
    return lead.urgent is not None or (due is not None and due <= now_ms)


def paused(lead: Lead, agent: Agent, now_ms: int) -> bool:
    """R5.6."""
    return lead.pauses.get(agent.code, 0) > now_ms


def at_max_unresolved(world: World, agent: Agent, campaign: Campaign) -> bool:
    """R7.2: the agent has as many unresolved leads of this campaign as it may have."""
    limit = campaign.dialer.max_unresolved
    mine = [
        lead
        for lead in world.leads.values()
        if lead.campaign == campaign.code and lead.unresolved is not None and lead.unresolved.agent == agent.code
    ]
    return limit is not None and len(mine) >= limit


def withheld(world: World, lead: Lead, agent: Agent) -> bool:
    """R7.2: classes 8 and 9 are withheld from an agent with too many unresolved leads. Urgent leads are in class 1."""
    plain = lead.status in NEW_AND_AUTOMATIC and lead.urgent is None
    return plain and at_max_unresolved(world, agent, world.campaigns[lead.campaign])


def may_be_called(world: World, lead: Lead, now_ms: int) -> bool:
    """R11.2, R12.1: whatever its class, inside its calling hours and not over a contact limit."""
    return hours.within(world, lead, now_ms) and now_ms >= limits.limited_until(world, lead)


def offerable(world: World, lead: Lead, agent: Agent, now_ms: int) -> bool:
    """Every rule for one lead and one agent, but the order and the reserve (R4.9)."""
    return (
        dialable(world, lead)
        and is_due(world, lead, now_ms)
        and may_get(world, lead, agent, now_ms)
        and not paused(lead, agent, now_ms)
        and not number_is_leased(world, lead)
        and not withheld(world, lead, agent)
        and may_be_called(world, lead, now_ms)
    )


def ready_for_somebody(world: World, lead: Lead, now_ms: int) -> bool:
    """R9.13: passes now every rule that does not depend on the agent."""
    campaign, pool = world.campaigns[lead.campaign], world.pools[lead.pool]
    if lead.held_back:
        gates = campaign.active or campaign.dialer.dial_promised_when_inactive
    else:
        gates = campaign.active and (lead.status in PROMISED or pool.open_at(now_ms))
    free = not number_is_leased(world, lead) and may_be_called(world, lead, now_ms)
    return dialable(world, lead) and is_due(world, lead, now_ms) and gates and free


def reserved(world: World, agent: Agent, now_ms: int) -> bool:
    """R4.9: an own redial is due soon, and would be offerable then as far as is known now.

    Decided here: meanwhile only the agent's own redials that are due (or urgent) are offered; a lead that is paused
    beyond its due time, or urgent (offered at once, R2.6), or gone by then, reserves nobody; one whose number is leased
    now does.
    """
    return any(
        lead.held_back
        and lead.urgent is None
        and dialable(world, lead)
        and lead.due_ms is not None
        and lead.due_ms - world.dialer_of(lead).reserve_owner_ms <= now_ms < lead.due_ms
        and may_get_own(world, lead, agent)
        and not paused(lead, agent, lead.due_ms)
        and may_be_called(world, lead, lead.due_ms)
        and is_there(world, lead, lead.due_ms)
        for lead in world.leads.values()
    )


def is_there(world: World, lead: Lead, at_ms: int) -> bool:
    """An own promised redial is still that then: not released (R4.4), not expired (R8.2)."""
    released_ms, expired_ms = world.release_of(lead), world.expiry_of(world.pools[lead.pool])
    expires = expired_ms is not None and expired_ms <= at_ms and world.dialer_of(lead).expire_promised
    return not expires and (released_ms is None or released_ms > at_ms)
