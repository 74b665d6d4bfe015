"""The rules that bear on one lead for one agent, each a function with a verdict (SPEC R14.4).

The queues keep these rules for all leads at once; `take` asks them of one. A rule answers None when it is passed,
else why not.
"""

from collections.abc import Callable
from typing import Final

from .blocking import need_free_numbers
from .choose import is_withheld
from .errors import Conflict, NotAllowed
from .model import PROMISED, Lead, Status
from .places import is_own
from .setup_model import Agent
from .sight import may_get_own, owners_of, selected_campaigns
from .state import State

Rule = Callable[[State, Agent, Lead], str | None]


def campaign_open(state: State, agent: Agent, lead: Lead) -> str | None:
    """R3.2: the campaign is selected; R3.3 for own promised redials."""
    campaign = state.campaigns.by_no[lead.campaign]
    if is_own(lead) and lead.owner == agent.no:
        return (
            None if may_get_own(state, agent, campaign) else f"own redials of campaign {campaign.code} are not offered"
        )
    if any(selected.no == lead.campaign for selected in selected_campaigns(state, agent)):
        return None
    return f"campaign {campaign.code} is not selected, active and permitted"


def owner_matches(state: State, agent: Agent, lead: Lead) -> str | None:
    """R3.2: the owner is the agent, its team, or a team above; own promised redials are the owner's alone."""
    if lead.owner == agent.no or (not is_own(lead) and lead.owner in owners_of(state, agent)):
        return None
    return "the lead belongs to another owner"


def pool_open(state: State, _agent: Agent, lead: Lead) -> str | None:
    """R3.2, R3.4: the pool is active and inside its dates; promised redials need no pool."""
    if lead.status in PROMISED or lead.pool in state.open_pools:
        return None
    return f"pool {lead.pool} is not active now"


def number_free(state: State, _agent: Agent, lead: Lead) -> str | None:
    """R3.7: no leased lead shares a number with it."""
    return "a lead with the same number is leased" if lead.id in state.parked else None


def not_paused(state: State, agent: Agent, lead: Lead) -> str | None:
    """R5.6: the agent did not cancel it a short while ago."""
    until_ms = state.pauses.get(agent.no, {}).get(lead.id, 0)
    return "the agent cancelled it a short while ago" if until_ms > state.now_ms else None


def not_withheld(state: State, agent: Agent, lead: Lead) -> str | None:
    """R7.2: the agent has not too many unresolved leads for another of classes 8 and 9."""
    if lead.urgent is not None or lead.status not in (Status.AUTOMATIC_REDIAL, Status.UNPROCESSED):
        return None
    campaign = state.campaigns.by_no[lead.campaign]
    return "the agent has max_unresolved unresolved leads" if is_withheld(state, agent, campaign) else None


TAKE_RULES: Final[tuple[Rule, ...]] = (pool_open, number_free, not_paused, not_withheld)
OVERRIDABLE: Final[tuple[Rule, ...]] = (campaign_open, owner_matches)


def check_take(state: State, agent: Agent, lead: Lead, *, override: bool) -> None:
    """Every rule but order and due time (SPEC R3.8); raises with the first that fails."""
    need_free_numbers(state, lead.numbers)
    reason = number_free(state, agent, lead)
    if reason is not None:
        raise Conflict(reason)
    for rule in TAKE_RULES + (() if override else OVERRIDABLE):
        reason = rule(state, agent, lead)
        if reason is not None:
            raise NotAllowed(reason, rule=rule.__name__)
