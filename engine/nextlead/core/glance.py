"""What `next` looks at first: whether the best lead is one of which no rule has anything to say.

Nineteen rules are nineteen calls (`rules.py`), and nearly every lead is an ordinary one. Of those this function tells,
in one, that all rules let them pass. It may say no of any lead, and then decides nothing: the rules are asked. It must
not say yes of a lead that one of them forbids (`tests/unit/core/test_glance.py` asks both of whatever it finds).
"""

from typing import Final

from .calling_hours import Calendar
from .model import Lead
from .places import LAST_DIALABLE
from .setup_model import ROOT_TEAM, Agent
from .sight import Sight
from .state import State

_OPEN: Final = "active"


_ROOT: Final = -ROOT_TEAM


def passes_at_a_glance(state: State, sight: Sight, agent: Agent, lead: Lead) -> bool:
    """Whether the lead is an ordinary one that every rule lets pass now. O(its numbers)."""
    if lead.promise is not None or lead.urgent is not None or lead.lease is not None or lead.status > LAST_DIALABLE:
        return False
    if sight.reserves or state.shut or state.leaving or state.pauses.get(agent.no):
        return False
    numbers = lead.numbers
    for listed in (state.held, state.blocked, state.blocked_globally):
        if listed and not listed.keys().isdisjoint(numbers):
            return False
    number, now_ms, pool = lead.campaign, state.now_ms, state.pools.get(lead.pool)
    campaign, session = state.campaigns.by_no.get(number), agent.session
    if pool is None or campaign is None or session is None or not campaign.active:
        return False
    if number not in agent.campaigns or number not in session.campaigns or not _reaches(state, agent, lead.owner):
        return False
    if pool.state != _OPEN or pool.active_from_ms is not None or pool.active_until_ms is not None:
        return False
    if (lead.due_ms or pool.first_active_ms) > now_ms or state.forgotten:
        return False
    if state.contacts.active and state.contacts.until_ms(lead, now_ms):
        return False
    if campaign.dialer.max_unresolved is not None:
        return False
    if campaign.dialer.calling_hours is None:
        return True
    calendar: Calendar | None = state.calendars.get((number, lead.zones))
    return calendar is not None and calendar.at(now_ms).open


def _reaches(state: State, agent: Agent, owner: int) -> bool:
    if owner in (_ROOT, agent.no):
        return True
    teams, team = state.teams.by_no, agent.team
    while team and team != -owner:
        team = teams[team].parent
    return team > 0
