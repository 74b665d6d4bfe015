"""Why an agent does not get a lead, and when it could (SPEC 14): rule by rule, in R14.3's order."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

from nextlead.core.model import PROMISED, Status

from . import hours, limits, timers, who
from .order import choices
from .world import Agent, Lead, World

Rule = Callable[[World, Lead, Agent], bool]


def campaign(world: World, lead: Lead, agent: Agent) -> bool:
    """R3.2: selected; R3.3 of an own promised redial."""
    if lead.held_back and lead.owner == agent.owner:
        return who.may_get_own(world, lead, agent)
    return who.selected(agent, world.campaigns[lead.campaign])


def pool(world: World, lead: Lead, _agent: Agent) -> bool:
    """R3.2; R3.4: not asked of promised redials."""
    return lead.status in PROMISED or world.pools[lead.pool].open_at(world.now_ms)


def owner(world: World, lead: Lead, agent: Agent) -> bool:
    """R3.2, R3.3."""
    return lead.owner == agent.owner if lead.held_back else who.owner_allows(world, lead, agent)


def reserve(world: World, lead: Lead, agent: Agent) -> bool:
    """R4.9: the agent is kept free, but for own promised redials."""
    return lead.held_back or not who.reserved(world, agent, world.now_ms)


RULES: dict[str, Rule] = {
    "campaign": campaign,
    "inactive_pool": pool,
    "other_owner": owner,
    "unresolved": lambda _world, lead, _agent: lead.status is not Status.UNRESOLVED,
    "pending_validation": lambda _world, lead, _agent: lead.status is not Status.PENDING_VALIDATION,
    "leased": lambda _world, lead, _agent: lead.lease is None,
    "number_leased": lambda world, lead, _agent: not who.number_is_leased(world, lead),
    "not_due": lambda world, lead, _agent: who.is_due(world, lead, world.now_ms),
    "calling_hours": lambda world, lead, _agent: hours.within(world, lead, world.now_ms),
    "contact_limit": lambda world, lead, _agent: world.now_ms >= limits.limited_until(world, lead),
    "cancel_pause": lambda world, lead, agent: not who.paused(lead, agent, world.now_ms),
    "max_unresolved": lambda world, lead, agent: not who.withheld(world, lead, agent),
    "reserved": reserve,
}
"""R14.3: in this order, the first that fails counts; the last three depend on what the agent did."""


def blocked_by(world: World, lead: Lead, agent: Agent) -> str | None:
    """The first rule that keeps the lead from the agent now; None if it may be offered."""
    return next((name for name, rule in RULES.items() if not rule(world, lead, agent)), None)


@dataclass
class Idle:
    """R14.3: how many of the agent's open leads each rule keeps from it, and how many none does."""

    blocked: dict[str, int]
    ready: int


def why_idle(world: World, agent: Agent) -> Idle:
    """R14.3: the open leads of the campaigns that the agent chose, and its own redials of others."""
    found = Idle({}, 0)
    for lead in world.leads.values():
        if not lead.open or not bears_on(lead, agent):
            continue
        rule = blocked_by(world, lead, agent)
        if rule is None:
            found.ready += 1
        else:
            found.blocked[rule] = found.blocked.get(rule, 0) + 1
    return found


def bears_on(lead: Lead, agent: Agent) -> bool:
    """R14.3: it is in a chosen campaign, or the agent's own redial."""
    chosen = agent.session is not None and lead.campaign in agent.session.campaigns
    return chosen or (lead.held_back and lead.owner == agent.owner)


# -- when ------------------------------------------------------------------------------------------------------------


def eligible_from(world: World, lead: int, agent: str) -> int | None:
    """R14.2: the first moment at which the agent could get the lead, if nothing happens but that time passes."""
    return first_moment(
        world, lambda then: lead in [each.id for each in choices(then, then.agents[agent], then.now_ms)]
    )


def next_lead_from(world: World, agent: str) -> int | None:
    """R14.3: the first moment at which the agent could get any lead."""
    return first_moment(world, lambda then: bool(offers(then, agent)))


def offers(world: World, agent: str) -> list[Lead]:
    """All leads that the agent may be offered now."""
    return choices(world, world.agents[agent], world.now_ms)


def first_moment(world: World, wanted: Callable[[World], bool]) -> int | None:
    """The world is let go on, from one moment at which something may change to the next."""
    then = deepcopy(world, {id(world.almanac): world.almanac})
    then.waiters = []
    for _ in range(1000):
        if wanted(then):
            return then.now_ms
        at = [*timers.moments(then), *(each for each in (timers.next_timer(then),) if each is not None)]
        if not at:
            return None
        timers.advance(then, min(at))
    raise AssertionError("a thousand moments, and no end")
