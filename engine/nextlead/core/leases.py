"""Giving leases out and what people are told of them."""

from typing import Final

from .blocking import last_look, need_free_numbers
from .choose import Choice, choose, first_due_ms, paused
from .dropping import goes_now
from .errors import AgentDisabled, Conflict, NoSession, NotAllowed
from .glance import passes_at_a_glance
from .model import Lead, Lease
from .order import ID_MASK, NEVER, PRIORITY_SHIFT, due_of, limit
from .places import URGENT_STEP
from .rechecking import are_limits_changing
from .replies import Fault, NoLead, Offer
from .rule_words import allowed_by, in_words
from .rules import Context, Rule, due_ms_of, first_no, reserved_until_ms, rules_but, rules_named
from .setup_model import Agent, Tally
from .sight import Sight
from .state import State

_OF_THE_COMMAND = ("agent_enabled", "session", "leases_per_agent")
"""Asked once a command, before there is a lead."""
_LAST_LOOK: Final = rules_but(*_OF_THE_COMMAND, "do_not_call")  # `last_look` has that one: it closes the lead, too
_TAKE: Final = rules_named("pool", "calling_hours", "contact_limit", "cancel_pause", "max_unresolved")
_OVERRIDABLE: Final = rules_named("campaign", "owner")
_NUMBER_LEASED: Final = rules_named("number_leased")
_STALE_MOST: Final = 300
"""Leads that one `next` may find where limits of before put them, and put apart: ten milliseconds or so."""


def need_worker(agent: Agent, *, session: bool = True) -> None:
    """Raises `AgentDisabled` or `NoSession` (SPEC R3.1)."""
    if not agent.enabled:
        raise AgentDisabled(f"agent {agent.code} is disabled")
    if session and agent.session is None:
        raise NoSession(f"agent {agent.code} has no session: choose campaigns first")


def oldest_when_full(state: State, agent: Agent) -> Offer | None:
    """SPEC R3.6: an agent who holds all it may hold gets the oldest lease again."""
    held = state.leases.get(agent.no)
    if not held or len(held) < state.settings.leases_per_agent:
        return None
    return offer_of(state, state.need_lead(held[0][1]))


def try_next(state: State, sight: Sight, agent: Agent, token: bytes, *, count: bool) -> Offer | NoLead:
    """Lease the best lead that every rule allows, or say why there is none (SPEC R14.4).

    Right after limits were made stricter there may be very many due leads that they forbid: then the answer is
    `limits_changing` until the slices of `rechecking.py` have come to them.
    """
    refused: set[int] = set()
    stale = 0
    while stale < _STALE_MOST:
        choice = choose(state, sight, agent, state.now_ms, refused)
        if not isinstance(choice, Choice):
            return NoLead(choice.reason)
        lead = state.need_lead(choice.score & ID_MASK)
        if passes_at_a_glance(state, sight, agent, lead) or _is_allowed(state, agent, lead, refused):
            break
        stale += lead.id in state.parked
    else:
        return NoLead("limits_changing")
    among = ready_in_sight(state, sight, agent) if count else None
    for campaign, handed, stride in choice.tallies:
        tally = Tally(campaign, state.tallies[campaign].handed + handed, stride)
        state.tallies[campaign] = tally
        state.record("tally", campaign, tally)
    return lease(state, lead, agent, token, choice.rank, (choice.score >> PRIORITY_SHIFT) % URGENT_STEP, among)


def _is_allowed(state: State, agent: Agent, lead: Lead, refused: set[int]) -> bool:
    """The last look at the best lead. One that a rule forbids is refused: a fault of the order.

    One that goes with its pool, or whose number was blocked, is not where it was any more.
    """
    context = Context(state, agent, state.now_ms)
    if goes_now(state, lead):
        return False
    faults = state.faults
    if not last_look(state, lead):
        if state.faults > faults:
            state.faults_new.append(Fault(lead.id, agent.code, "do_not_call"))
        return False
    rule = first_no(context, lead, _LAST_LOOK)
    if rule is None:
        return True
    if rule.name == "contact_limit" and are_limits_changing(state):
        state.reconsider(lead.id)  # the limits have changed, and it was not looked at since
        if lead.id in state.parked:
            return False
    refused.add(lead.id)
    state.faults += 1
    state.faults_new.append(Fault(lead.id, agent.code, rule.name))
    return False


def ready_in_sight(state: State, sight: Sight, agent: Agent) -> int:
    """How many leads the agent could get now. O(parts * log n)."""
    queues = sight.queues()
    ready = sum(queue.ready(limit(state.now_ms)) for queue in queues)
    return ready - sum(state.is_ready(lead, queues) for lead in paused(state, agent, state.now_ms))


def check_take(state: State, agent: Agent, lead: Lead, *, override: bool) -> tuple[tuple[str, str], ...]:
    """Every rule but order and due time (SPEC R3.8); raises with the first that fails.

    What was overridden, for the history: names of rules and what they looked at.
    """
    context = Context(state, agent, state.now_ms)
    need_free_numbers(state, lead.numbers)
    rule = first_no(context, lead, _NUMBER_LEASED)
    if rule is not None:
        raise Conflict(_why_not(context, lead, rule))
    rule = first_no(context, lead, _TAKE if override else _TAKE + _OVERRIDABLE)
    if rule is not None:
        raise NotAllowed(f"{rule.name}: {_why_not(context, lead, rule)}", rule=rule.name)
    failed = [rule for rule in _OVERRIDABLE if rule.verdict(context, lead)] if override else ()
    return tuple((rule.name, f"overridden: {_why_not(context, lead, rule)}") for rule in failed)


def _why_not(context: Context, lead: Lead, rule: Rule) -> str:
    return in_words(rule, context, lead, rule.verdict(context, lead))


def lease(
    state: State,
    lead: Lead,
    agent: Agent,
    token: bytes,
    rank: int,
    priority: int,
    among: int | None = None,
    note: str = "",
    overridden: tuple[tuple[str, str], ...] = (),
) -> Offer:
    """Give the lead to the agent (SPEC 5)."""
    now_ms = state.now_ms
    given = Lease(token, agent.no, now_ms, now_ms, lead.numbers[lead.number_at], rank)
    due_ms = lead.due_ms or state.pools[lead.pool].first_active_ms
    checks = allowed_by(state, lead)
    if overridden:
        checks = overridden + checks
    new = state.lease_out(lead, given, f"agent:{agent.code}", (rank, priority, due_ms), note, checks)
    return Offer(new, rank, priority, due_ms, state.lease_end_ms(new), among)


def priority_of_lead(state: State, lead: Lead) -> int:
    """Effective priority (SPEC R2.3)."""
    return lead.priority or state.inherited_priority(lead.campaign, state.pools.get(lead.pool))


def offer_of(state: State, lead: Lead) -> Offer:
    """A lease that is out already, as it was offered (SPEC R3.6)."""
    assert lead.lease is not None
    priority, due_ms = priority_of_lead(state, lead), due_ms_of(state, lead)
    return Offer(lead, lead.lease.rank, priority, due_ms, state.lease_end_ms(lead), None, repeated=True)


def wake_ms(state: State, sight: Sight, agent: Agent) -> int | None:
    """When a waiting agent is to be tried again if nothing stirs it: a lead falls due, a pause or a reserve ends.

    What opens by a gate or a timer (hours, limits, pools, releases) stirs those who wait by itself, so it is not looked
    for here; `openings.next_ms` answers when the next lead comes, whatever brings it. O(queues), and O(parts) of those
    with a due lead that this agent may not have.
    """
    now_ms = state.now_ms
    below = limit(now_ms)
    times = [until_ms for until_ms in state.pauses.get(agent.no, {}).values() if until_ms > now_ms]
    reserved_ms = reserved_until_ms(state, sight, agent, now_ms)
    if reserved_ms is not None:
        times.append(reserved_ms)
    for queue in sight.queues():
        if below > queue.top_until:
            queue.look(below)
        if queue.top is not NEVER:  # a due head that this agent may not have now hides the ones behind it
            due_ms = first_due_ms(queue, now_ms)
            if due_ms is not None:
                times.append(due_ms)
        elif queue.top_until is not NEVER:
            times.append(due_of(queue.top_until))
    return min(times, default=None)
