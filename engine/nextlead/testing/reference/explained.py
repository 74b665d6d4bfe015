"""Why an agent does not get a lead, and when it could (SPEC 14): rule by rule, in R14.3's order."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

from nextlead.core.model import PROMISED, Status

from . import hours, limits, timers, who
from .records import Agent, Lead
from .world import World

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
    own = lead.held_back and lead.owner == agent.owner
    return own or not who.reserved(world, agent, world.now_ms)


RULES: dict[str, Rule] = {
    "campaign": campaign,
    "inactive_pool": pool,
    "other_owner": owner,
    "unresolved": lambda _world, lead, _agent: lead.status is not Status.UNRESOLVED,
    "pending_validation": lambda _world, lead, _agent: lead.status is not Status.PENDING_VALIDATION,
    "leased": lambda _world, lead, _agent: lead.lease is None,
    "number_leased": lambda world, lead, _agent: not who.number_is_leased(world, lead),
    "not_due": lambda world, lead, _agent: world.due_of(lead) is None or who.is_due(world, lead, world.now_ms),
    "calling_hours": lambda world, lead, _agent: hours.within(world, lead, world.now_ms),
    "contact_limit": lambda world, lead, _agent: world.now_ms >= limits.limited_until(world, lead),
    "cancel_pause": lambda world, lead, agent: not who.paused(lead, agent, world.now_ms),
    "max_unresolved": lambda world, lead, agent: not who.withheld(world, lead, agent),
    "reserved": reserve,
}
"""R14.3: in this order, the first that fails counts; the last three are about what the agent did."""

PERSONAL = ("campaign", "other_owner", "cancel_pause", "max_unresolved", "reserved")
"""Rules that depend on the agent."""


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
    leads = [lead for lead in world.leads.values() if lead.open and bears_on(lead, agent)]
    return counted([blocked_by(world, lead, agent) for lead in leads])


def counted(found: list[str | None]) -> Idle:
    """Each once."""
    blocked = [rule for rule in found if rule is not None]
    return Idle({rule: blocked.count(rule) for rule in blocked}, found.count(None))


def bears_on(lead: Lead, agent: Agent) -> bool:
    """R14.3: it is in a chosen campaign, or the agent's own redial."""
    chosen = agent.session is not None and lead.campaign in agent.session.campaigns
    return chosen or (lead.held_back and lead.owner == agent.owner)


# -- campaigns ------------------------------------------------------------------------------------------------------


def kept_from_all(world: World, lead: Lead) -> str | None:
    """The first rule that keeps the lead from every agent now (R9.13); None if it is ready."""
    of = world.campaigns[lead.campaign]
    if not of.active and not (lead.held_back and of.dialer.dial_promised_when_inactive):
        return "campaign"
    nobody = Agent("")
    return next((name for name in EVERYBODYS if not RULES[name](world, lead, nobody)), None)


EVERYBODYS = tuple(name for name in RULES if name not in PERSONAL)


def campaign_idle(world: World, code: str) -> Idle:
    """R14.3 for a supervisor: the campaign's open leads, whoever may get them."""
    leads = [lead for lead in world.leads.values() if lead.open and lead.campaign == code]
    return counted([kept_from_all(world, lead) for lead in leads])


# -- when ------------------------------------------------------------------------------------------------------------


def eligible_from(world: World, lead: int, agent: str) -> int | None:
    """R14.2: the first moment at which the agent could get the lead, if nothing happens but that time passes."""
    return first_moment(world, lambda then: is_eligible(then, lead, agent))


def is_eligible(world: World, lead: int, agent: str) -> bool:
    """Every rule lets the lead pass for the agent."""
    row = world.leads[lead]
    return row.open and blocked_by(world, row, world.agents[agent]) is None


def next_lead_from(world: World, agent: str) -> int | None:
    """R14.3: the first moment at which the agent could get any lead."""
    return first_moment(world, lambda then: any(is_eligible(then, lead, agent) for lead in then.leads))


def first_moment(world: World, wanted: Callable[[World], bool]) -> int | None:
    """The world is let go on, from one moment at which something may change to the next. Leases time out, too."""
    then = deepcopy(world, {id(each): each for each in (world.almanac, world.schemes)})
    then.waiters = []
    while True:
        if wanted(then):
            return then.now_ms
        first = timers.next_timer(then)
        if first is None and not timers.turns(then):
            return first_opening(then, wanted)
        timers.advance(then, min([*timers.moments(then), *([] if first is None else [first])]))


def first_opening(world: World, wanted: Callable[[World], bool]) -> int | None:
    """When nothing but hours is left to wait for: each lead's next opening."""
    for at_ms in timers.moments(world):
        timers.advance(world, at_ms)
        if wanted(world):
            return at_ms
    return None
