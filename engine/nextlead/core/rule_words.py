"""What the rules of `rules.py` look at, in words: for explanations, refusals, and the history of an offer.

No phone number and no name of a person is in them: they are kept in the history, and printed anywhere.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from .blocking import refusal_of_numbers
from .model import PROMISED, URGENT_REASONS, Lead
from .places import is_own, zones_that_count
from .rules import Context, Rule, due_ms_of, expires_ms, holders, release_ms, reserved_until_ms
from .sight import is_selected, sight_of
from .state import State

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def in_words(rule: Rule, context: Context, lead: Lead, until_ms: int) -> str:
    """What the rule looked at when it gave this verdict."""
    return _WORDS[rule.name](context, lead, until_ms)


def allowed_by(state: State, lead: Lead) -> tuple[tuple[str, str], ...]:
    """What a call now is allowed by, as far as a lease's other fields don't say it: hours and limits (SPEC 14).

    Nothing for a campaign that has neither.
    """
    found: tuple[tuple[str, str], ...] = ()
    if state.campaigns.by_no[lead.campaign].dialer.calling_hours is not None:
        zones = lead.zones if lead.promise is None else zones_that_count(lead)
        calendar = state.calendars.get((lead.campaign, zones)) or state.calendar(lead.campaign, zones)
        found = (("calling_hours", _forced(lead)),) if calendar is None else calendar.allowed(state.now_ms)
    if state.contacts.active:
        found += tuple(state.contacts.values(lead, state.now_ms))
    return found


def moment(at_ms: int) -> str:
    """A time as people outside write it: `2026-03-02T10:00:00Z`."""
    at = _EPOCH + timedelta(milliseconds=at_ms)
    return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds").replace("+00:00", "Z")


def owner_code(state: State, owner: int) -> str:
    """`agent:CODE` or `team:CODE`, as people give it."""
    record = state.agents.by_no.get(owner) if owner > 0 else state.teams.by_no.get(-owner)
    kind = "agent" if owner > 0 else "team"
    return f"{kind}:{record.code}" if record else f"a deleted {kind}"


def _agent_enabled(context: Context, _lead: Lead, until_ms: int) -> str:
    return f"agent {context.agent.code} is {'disabled' if until_ms else 'enabled'}"


def _session(context: Context, _lead: Lead, _until_ms: int) -> str:
    session = context.agent.session
    if session is None:
        return f"agent {context.agent.code} has no session"
    codes = (found.code for no in session.campaigns if (found := context.state.campaigns.by_no.get(no)))
    return f"campaigns {_listed(codes)}; own promised redials of other campaigns: {'yes' if session.cross else 'no'}"


def _leases_per_agent(context: Context, _lead: Lead, _until_ms: int) -> str:
    held = len(context.state.leases.get(context.agent.no, ()))
    return f"the agent holds {held} of {context.state.settings.leases_per_agent}"


def _campaign(context: Context, lead: Lead, until_ms: int) -> str:
    agent, found = context.agent, context.state.campaigns.by_no.get(lead.campaign)
    if found is None:
        return "the campaign is gone"
    if is_selected(agent, found):
        return f"campaign {found.code} is selected"
    chosen = agent.session is not None and found.no in agent.session.campaigns
    lacks = [
        words
        for lacking, words in (
            (not chosen, "not chosen"),
            (not found.active, "not active"),
            (found.no not in agent.campaigns, "not permitted to the agent"),
        )
        if lacking
    ]
    words = f"campaign {found.code} is {' and '.join(lacks)}"
    if is_own(lead) and lead.owner == agent.no:
        return f"{words}; own redials of it are {'not offered' if until_ms else 'offered all the same'}"
    return words


def _pool(context: Context, lead: Lead, until_ms: int) -> str:
    if lead.status in PROMISED:
        return "private and VIP redials are offered whatever their pool is"
    pool = context.state.pools.get(lead.pool)
    if pool is None:
        return "the pool is gone"
    if not until_ms:
        return f"pool {pool.id} is active"
    if pool.state != "active":
        return f"pool {pool.id} is {pool.state}"
    return f"pool {pool.id} is outside its active dates"


def _owner(context: Context, lead: Lead, _until_ms: int) -> str:
    state = context.state
    whose = f"it belongs to {owner_code(state, lead.owner)}"
    if not is_own(lead):
        return whose
    at_ms = release_ms(state, lead)
    return f"{whose} alone" + ("" if at_ms is None else f" until {moment(at_ms)}")


def _status(_context: Context, lead: Lead, _until_ms: int) -> str:
    return lead.status.code if lead.closure is None else f"{lead.status.code}: {lead.closure}"


def _unresolved(context: Context, lead: Lead, _until_ms: int) -> str:
    if lead.unresolved is None:
        return "no agent has left it unresolved"
    by = owner_code(context.state, lead.unresolved.agent)
    abandoned_ms = lead.unresolved.since_ms + context.state.settings.abandon_after_ms
    return f"locked to {by}, abandoned at {moment(abandoned_ms)}"


def _expiry(context: Context, lead: Lead, until_ms: int) -> str:
    at_ms = expires_ms(context.state, lead)
    if at_ms is not None:
        return f"expires at {moment(at_ms)}"
    return "it has expired" if until_ms else "it does not expire"


def _deleting(_context: Context, lead: Lead, until_ms: int) -> str:
    return f"pool {lead.pool} is being deleted" if until_ms else "it is not being deleted"


def _do_not_call(context: Context, lead: Lead, _until_ms: int) -> str:
    refusal = refusal_of_numbers(context.state, lead.numbers)
    return "no number of it is blocked" if refusal is None else f"a number of it is blocked: {refusal}"


def _leased(context: Context, lead: Lead, _until_ms: int) -> str:
    if lead.lease is None:
        return "nobody has it"
    by = owner_code(context.state, lead.lease.agent)
    return f"{by} has it, until {moment(context.state.lease_end_ms(lead))} at the latest"


def _number_leased(context: Context, lead: Lead, until_ms: int) -> str:
    if not until_ms:
        return "no lead with its number is leased"
    state = context.state
    words = (
        f"lead {other.id} until {moment(state.lease_end_ms(other))} at the latest" for other in holders(state, lead)
    )
    return f"leads with its number are leased: {_listed(words)}"


def _due(context: Context, lead: Lead, _until_ms: int) -> str:
    if lead.urgent is not None:
        return f"urgent: {URGENT_REASONS[lead.urgent.reason]}, until {moment(lead.urgent.expires_ms)}"
    due_ms = due_ms_of(context.state, lead)
    return f"due at {moment(due_ms)}" if due_ms else "due when its pool is first active"


def _calling_hours(context: Context, lead: Lead, _until_ms: int) -> str:
    if context.state.campaigns.by_no[lead.campaign].dialer.calling_hours is None:
        return "the campaign has none"
    calendar = context.state.calendar(lead.campaign, zones_that_count(lead))
    return _forced(lead) if calendar is None else calendar.allowed(context.at_ms)[0][1]


def _forced(lead: Lead) -> str:
    by = lead.promise.forced_by if lead.promise is not None else ""
    return f"the promised time was forced by {by}: exempt until that call ends"


def _contact_limit(context: Context, lead: Lead, _until_ms: int) -> str:
    found = context.state.contacts.values(lead, context.at_ms) if context.state.contacts.active else ()
    return "; ".join(f"{name}: {counted}" for name, counted in found) or "there are none"


def _cancel_pause(_context: Context, _lead: Lead, until_ms: int) -> str:
    return "the agent cancelled it a short while ago" if until_ms else "the agent did not cancel it lately"


def _max_unresolved(context: Context, lead: Lead, until_ms: int) -> str:
    state = context.state
    most = state.campaigns.by_no[lead.campaign].dialer.max_unresolved
    if most is None:
        return "the campaign has no limit"
    if not until_ms:
        return f"the agent has less than {most} unresolved there, or the lead is of no class that is withheld"
    return f"the agent has {most} or more unresolved there"


def _reserve_owner(context: Context, _lead: Lead, until_ms: int) -> str:
    if not until_ms:
        return "the agent is not kept free for a redial of its own"
    first_ms = reserved_until_ms(context.state, sight_of(context.state, context.agent), context.agent, context.at_ms)
    assert first_ms is not None
    return f"the agent is kept free for its own redial of {moment(first_ms)}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "none"


_WORDS: Final[dict[str, Callable[[Context, Lead, int], str]]] = {
    "agent_enabled": _agent_enabled,
    "session": _session,
    "leases_per_agent": _leases_per_agent,
    "campaign": _campaign,
    "pool": _pool,
    "owner": _owner,
    "status": _status,
    "unresolved": _unresolved,
    "expiry": _expiry,
    "deleting": _deleting,
    "do_not_call": _do_not_call,
    "leased": _leased,
    "number_leased": _number_leased,
    "due": _due,
    "calling_hours": _calling_hours,
    "contact_limit": _contact_limit,
    "cancel_pause": _cancel_pause,
    "max_unresolved": _max_unresolved,
    "reserve_owner": _reserve_owner,
}
