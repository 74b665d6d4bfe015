"""The rules that bear on one lead for one agent: each is one function of lead and context (SPEC R14.4).

The gates of the queues are set from what these functions stand on; `next` asks them once more of the one lead it is
about to lease, `take` asks them of the lead it is given, and `explaining.py` prints what they say.

Rules of this file:

1. A verdict is one int: `PASSED`, or when the rule stops blocking, or `NEVER` when time alone won't end that.
2. Rules can be asked of a moment to come, with the row as time alone will have made it by then (`lead_at`). A verdict
   is never later than the first moment at which the rule lets the lead pass.
3. Time alone ends leases by their timeout: the lead is then unresolved, and its number is free.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from .blocking import refusal_of_numbers
from .lifetimes import EXPIRING
from .model import DIALABLE, PROMISED, Lead, Status
from .order import ID_BITS, ID_MASK, NEVER
from .places import Bar, is_own, zones_that_count
from .pool_gates import is_open
from .privacy import awaits_erasure
from .redials import release_owner, released
from .setup_model import Agent, Campaign
from .sight import Sight, is_selected, may_get_own, sight_of
from .state import State
from .timers import Kind

PASSED: Final = 0
_LOWER: Final = frozenset({Status.AUTOMATIC_REDIAL, Status.UNPROCESSED})
_UNRESOLVED: Final = Status.UNRESOLVED


class Context(Struct, frozen=True):
    """For whom, and at which moment: now, or one to come."""

    state: State
    agent: Agent
    at_ms: int


NOBODY: Final = Agent(0, "", "", 0)
"""For the rules that do not depend on the agent."""

Verdict = Callable[[Context, Lead], int]


class Rule(Struct, frozen=True):
    """A rule by its number in docs/rules.md and its name outside."""

    number: str
    name: str
    verdict: Verdict


def lead_at(state: State, lead: Lead, at_ms: int) -> Lead:
    """An open row as time alone will have made it: its urgency is over, the redial is released (SPEC R2.6, R4.4)."""
    if lead.urgent is not None and lead.urgent.expires_ms <= at_ms:
        lead = replace(lead, urgent=None)
    if lead.lease is None:
        released_ms = release_ms(state, lead)
        if released_ms is not None and released_ms <= at_ms:
            return released(state, lead, released_ms)
    return lead


def release_ms(state: State, lead: Lead) -> int | None:
    """When the timer releases a promised redial (SPEC R4.4); None while it does not run."""
    if lead.promise is None or not is_own(lead):
        return None
    kind = Kind.RELEASE_VIP if lead.status is Status.VIP_REDIAL else Kind.RELEASE_PRIVATE
    return state.deadline_of((kind, lead.campaign), lead.promise.at_ms)


def due_ms_of(state: State, lead: Lead) -> int:
    """The due time that orders the lead: its own, else its pool's (SPEC R2.2)."""
    return lead.due_ms or state.pools[lead.pool].first_active_ms


# -- the agent ------------------------------------------------------------------------------------------------------


def agent_enabled(context: Context, _lead: Lead) -> int:
    """R3.5."""
    return PASSED if context.agent.enabled else NEVER


def session(context: Context, _lead: Lead) -> int:
    """R3.1: without a session there is no `next`."""
    return NEVER if context.agent.session is None else PASSED


def leases_per_agent(context: Context, _lead: Lead) -> int:
    """R3.6."""
    state = context.state
    held, most = state.leases.get(context.agent.no, ()), state.settings.leases_per_agent
    if len(held) < most:
        return PASSED
    ends = sorted(state.lease_end_ms(state.need_lead(lead)) for _, lead in held)
    return ends[-most] if ends[-most] > context.at_ms else PASSED


# -- who may get which lead -----------------------------------------------------------------------------------------


def campaign(context: Context, lead: Lead) -> int:
    """R3.2: the campaign is selected; R3.3 for own promised redials."""
    found = context.state.campaigns.by_no.get(lead.campaign)
    if found is None:
        return NEVER
    if lead.owner == context.agent.no and is_own(lead):
        return PASSED if may_get_own(context.state, context.agent, found) else NEVER
    return PASSED if is_selected(context.agent, found) else NEVER


def pool(context: Context, lead: Lead) -> int:
    """R3.2, R9.9: the pool is active and inside its dates; R3.4: private and VIP redials need no pool."""
    if lead.status in PROMISED:
        return PASSED
    found = context.state.pools.get(lead.pool)
    if found is None:
        return NEVER
    if is_open(found, context.at_ms):
        return PASSED
    from_ms = found.active_from_ms
    if from_ms is None or from_ms <= context.at_ms or not is_open(found, from_ms):
        return NEVER
    return from_ms


def owner(context: Context, lead: Lead) -> int:
    """R3.2: the owner is the agent, its team, or a team above. Another's promised redial until it is released."""
    if lead.owner == context.agent.no:
        return PASSED
    if not is_own(lead):
        return PASSED if _reaches(context, lead.owner) else NEVER
    found_ms = release_ms(context.state, lead)
    if found_ms is None or found_ms <= context.at_ms or not _reaches(context, release_owner(context.state, lead)):
        return NEVER
    return found_ms


def _reaches(context: Context, owner_no: int) -> bool:
    agent = context.agent
    return owner_no == agent.no or -owner_no in context.state.team_and_above(agent.team)


# -- the lead -------------------------------------------------------------------------------------------------------


def status(_context: Context, lead: Lead) -> int:
    """R1.4: it can be dialled. Unresolved leads have a rule of their own."""
    return PASSED if lead.status in DIALABLE or lead.status is _UNRESOLVED else NEVER


def unresolved(_context: Context, lead: Lead) -> int:
    """R7.1: it is locked to the agent who called it."""
    return NEVER if lead.status is _UNRESOLVED else PASSED


def expiry(context: Context, lead: Lead) -> int:
    """R8: it has not expired by then."""
    state = context.state
    if state.shut and state.is_over(lead):
        return NEVER
    if context.at_ms > state.now_ms and lead.lease is None:
        found_ms = expires_ms(state, lead)
        if found_ms is not None and found_ms <= context.at_ms:
            return NEVER
    return PASSED


def expires_ms(state: State, lead: Lead) -> int | None:
    """When an open lead will expire with its pool (SPEC R8.1, R8.2), None if it won't."""
    pool = state.pools[lead.pool]
    if not pool.loaded_ms or pool.expired_ms or lead.status not in EXPIRING:
        return None
    if lead.status in PROMISED and not state.campaigns.by_no[lead.campaign].dialer.expire_promised:
        return None
    return state.deadline_of((Kind.EXPIRE, lead.campaign), pool.loaded_ms)


def deleting(context: Context, lead: Lead) -> int:
    """R9.11: its pool is not being deleted. Masters stay, but those in their pool's own order wait for the end."""
    state = context.state
    if not state.shut or not state.shut.get(lead.pool, 0) & Bar.UNSHOWN:
        return PASSED
    if lead.status is not Status.UNPROCESSED or lead.shown:
        return PASSED
    apart = bool(lead.due_ms) or lead.urgent is not None
    return PASSED if apart and state.has_clones(lead.id) else NEVER


def do_not_call(context: Context, lead: Lead) -> int:
    """R9.7: none of its numbers is on a list, or was forgotten."""
    return PASSED if refusal_of_numbers(context.state, lead.numbers) is None else NEVER


def leased(_context: Context, lead: Lead) -> int:
    """R5.4."""
    return PASSED if lead.lease is None else NEVER


def number_leased(context: Context, lead: Lead) -> int:
    """R3.7: no leased lead shares a number with it."""
    held = context.state.held
    if not held or lead.lease is not None or held.keys().isdisjoint(lead.numbers):
        return PASSED
    until_ms = max(map(context.state.lease_end_ms, holders(context.state, lead)))
    return until_ms if until_ms > context.at_ms else PASSED


def holders(state: State, lead: Lead) -> list[Lead]:
    """Leased leads that share a number with it, by id. O(leases)."""
    out = sorted(lead_id for held in state.leases.values() for _, lead_id in held)
    return [other for other in map(state.need_lead, out) if not {*lead.numbers}.isdisjoint(other.numbers)]


def due(context: Context, lead: Lead) -> int:
    """R2.2; urgent leads are due at once (R2.6)."""
    if lead.urgent is not None:
        return PASSED
    due_ms = lead.due_ms or due_ms_of(context.state, lead)
    return PASSED if due_ms <= context.at_ms else due_ms


def calling_hours(context: Context, lead: Lead) -> int:
    """R11.2; a redial that was forced to a time outside them is exempt until that call ended (R4.2)."""
    state = context.state
    if state.campaigns.by_no[lead.campaign].dialer.calling_hours is None:
        return PASSED
    calendar = state.calendar(lead.campaign, zones_that_count(lead))
    if calendar is None:
        return PASSED
    opens_ms = calendar.opens_ms(context.at_ms)
    if opens_ms == context.at_ms:
        return PASSED
    until_ms = NEVER if opens_ms is None else opens_ms
    if lead.urgent is not None and lead.promise is not None and lead.promise.forced_by:
        return min(until_ms, lead.urgent.expires_ms)  # it is exempt when it is not urgent any more
    return until_ms


def contact_limit(context: Context, lead: Lead) -> int:
    """R12.1, R12.2. Of a moment to come: leases of its number that will have timed out by then were attempts."""
    state, at_ms = context.state, context.at_ms
    if not state.contacts.active:
        return PASSED
    number = lead.numbers[lead.number_at]
    if at_ms == state.now_ms or number not in state.held:
        return state.contacts.until_ms(lead, at_ms)
    return state.contacts.until_ms(lead, at_ms, _timed_out(state, lead, number, at_ms))


def _timed_out(state: State, lead: Lead, number: int, at_ms: int) -> Iterator[Lead]:
    """Leads that will have been called at the number when their leases end by themselves (R5.2, R6.1)."""
    for other in holders(state, lead):
        assert other.lease is not None
        if other.lease.number == number and state.lease_end_ms(other) <= at_ms and not awaits_erasure(other):
            yield other


# -- the agent and the lead -----------------------------------------------------------------------------------------


def cancel_pause(context: Context, lead: Lead) -> int:
    """R5.6: the agent did not cancel it a short while ago."""
    pauses = context.state.pauses.get(context.agent.no)
    until_ms = pauses.get(lead.id, PASSED) if pauses else PASSED
    return until_ms if until_ms > context.at_ms else PASSED


def max_unresolved(context: Context, lead: Lead) -> int:
    """R7.2: the agent has not too many unresolved leads there for another of classes 8 and 9."""
    found = context.state.campaigns.by_no[lead.campaign]
    if found.dialer.max_unresolved is None or lead.urgent is not None or lead.status not in _LOWER:
        return PASSED
    return withheld_until_ms(context.state, context.agent, found, context.at_ms)


def withheld_until_ms(state: State, agent: Agent, campaign: Campaign, at_ms: int) -> int:
    """When the agent's unresolved leads of the campaign will be few enough, `PASSED` if they are.

    Those that nobody resolves are abandoned (SPEC R7.3) or expire. O(the agent's unresolved leads and leases).
    """
    most = campaign.dialer.max_unresolved
    leads = state.unresolved.get(agent.no, ())
    if most is None or len(leads) + (len(state.leases.get(agent.no, ())) if at_ms > state.now_ms else 0) < most:
        return PASSED
    if most <= 0:
        return NEVER
    found = (lead for lead in map(state.need_lead, leads) if lead.campaign == campaign.no and not state.has_left(lead))
    ends = sorted((*(closes_ms(state, lead) for lead in found), *_lapsed(state, agent, campaign, at_ms)))
    if len(ends) < most or ends[-most] <= at_ms:
        return PASSED
    return ends[-most]


def closes_ms(state: State, lead: Lead, since_ms: int | None = None) -> int:
    """When a lead that is unresolved, since then, closes by itself."""
    if since_ms is None:
        assert lead.unresolved is not None
        since_ms = lead.unresolved.since_ms
    abandoned_ms, expired_ms = since_ms + state.settings.abandon_after_ms, expires_ms(state, lead)
    return abandoned_ms if expired_ms is None else min(abandoned_ms, expired_ms)


def _lapsed(state: State, agent: Agent, campaign: Campaign, at_ms: int) -> Iterator[int]:
    """When leads close by themselves that will be unresolved by then, as the agent's leases on them time out."""
    if at_ms == state.now_ms:
        return
    for _, lead_id in state.leases.get(agent.no, ()):
        lead = state.need_lead(lead_id)
        end_ms = state.lease_end_ms(lead)
        if lead.campaign == campaign.no and end_ms <= at_ms and lead.mark is None:
            yield closes_ms(state, lead, end_ms)


def reserve_owner(context: Context, lead: Lead) -> int:
    """R4.9: the agent is not kept free for a promised redial of its own; it may have those at any time."""
    state, agent = context.state, context.agent
    sight = sight_of(state, agent)
    if not sight.reserves or (lead.owner == agent.no and is_own(lead)):
        return PASSED
    until_ms = PASSED
    later_ms = reserved_until_ms(state, sight, agent, context.at_ms)
    while later_ms is not None:
        until_ms, later_ms = later_ms, reserved_until_ms(state, sight, agent, later_ms)
    return until_ms


def reserved_until_ms(state: State, sight: Sight, agent: Agent, at_ms: int) -> int | None:
    """When the next own promised redial that the agent is kept free for falls due; None while there is none.

    One that a leased number or a pause keeps out now counts, if the pause is over by then. O(log n + those in reach).
    """
    entries = state.promised.get(agent.no)
    if not entries or not sight.reserves:
        return None
    reach_ms = at_ms + max(sight.reserves.values())
    for entry in entries.irange((at_ms + 1) << ID_BITS, reach_ms << ID_BITS | ID_MASK):
        due_ms, lead = entry >> ID_BITS, state.need_lead(entry & ID_MASK)
        if due_ms - sight.reserves.get(lead.campaign, 0) > at_ms or lead.lease is not None or state.has_left(lead):
            continue
        urgent = lead.urgent is not None and lead.urgent.expires_ms > at_ms
        if not urgent and _is_offerable(state, agent, lead, due_ms):
            return due_ms
    return None


def _is_offerable(state: State, agent: Agent, lead: Lead, due_ms: int) -> bool:
    """Whether the own redial will be the agent's, and allowed, when it is due (SPEC R4.9)."""
    row, context = lead_at(state, lead, due_ms), Context(state, agent, due_ms)
    return is_own(row) and first_no(context, row, _AT_ITS_TIME) is None


RULES: Final = (
    Rule("R3.5", "agent_enabled", agent_enabled),
    Rule("R3.1", "session", session),
    Rule("R3.6", "leases_per_agent", leases_per_agent),
    Rule("R3.2", "campaign", campaign),
    Rule("R9.9", "pool", pool),
    Rule("R9.11", "deleting", deleting),
    Rule("R3.2", "owner", owner),
    Rule("R1.4", "status", status),
    Rule("R7.1", "unresolved", unresolved),
    Rule("R8.2", "expiry", expiry),
    Rule("R9.7", "do_not_call", do_not_call),
    Rule("R5.4", "leased", leased),
    Rule("R3.7", "number_leased", number_leased),
    Rule("R2.2", "due", due),
    Rule("R11.2", "calling_hours", calling_hours),
    Rule("R12.1", "contact_limit", contact_limit),
    Rule("R5.6", "cancel_pause", cancel_pause),
    Rule("R7.2", "max_unresolved", max_unresolved),
    Rule("R4.9", "reserve_owner", reserve_owner),
)
"""All of them, in the order in which the first that fails is named (SPEC R14.3)."""


def rules_named(*names: str) -> tuple[Rule, ...]:
    """Some of them, in their order."""
    assert {*names} <= {rule.name for rule in RULES}, "there are such rules"
    return tuple(rule for rule in RULES if rule.name in names)


def rules_but(*names: str) -> tuple[Rule, ...]:
    """All but some."""
    return tuple(rule for rule in RULES if rule not in rules_named(*names))


_AT_ITS_TIME: Final = rules_named("campaign", "expiry", "do_not_call", "calling_hours", "contact_limit", "cancel_pause")


def first_no(context: Context, lead: Lead, rules: Iterable[Rule]) -> Rule | None:
    """The first of the rules that does not let the lead pass; None if they all do."""
    for rule in rules:
        if rule.verdict(context, lead):
            return rule
    return None


def passes_ms(state: State, agent: Agent, lead: Lead, rules: Iterable[Rule], at_ms: int) -> int | None:
    """The first moment from `at_ms` on at which all rules let an open lead pass; None if time alone brings none."""
    while True:
        context, row = Context(state, agent, at_ms), lead_at(state, lead, at_ms)
        until_ms = max(rule.verdict(context, row) for rule in rules)
        if until_ms == PASSED:
            return at_ms
        if until_ms is NEVER:
            return None
        assert until_ms > at_ms, "a rule that blocks says until when"
        at_ms = until_ms
