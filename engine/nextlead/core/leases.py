"""Giving leases out and what people are told of them."""

from msgspec.structs import replace

from .blocking import last_look
from .choose import Choice, choose, first_due_ms, paused, reserved_until_ms
from .dropping import goes_now
from .errors import AgentDisabled, NoSession
from .model import Lead, Lease
from .order import NEVER, due_of, limit, priority_of
from .places import URGENT_STEP
from .replies import NoLead, Offer
from .setup_model import Agent, Tally
from .sight import Sight
from .state import State


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
    """Lease the best lead, or say why there is none."""
    while True:
        choice = choose(state, sight, agent, state.now_ms)
        if not isinstance(choice, Choice):
            return NoLead(choice.reason)
        lead = state.need_lead(choice.lead)
        if not goes_now(state, lead) and last_look(state, lead):
            break
    among = ready_in_sight(state, sight, agent) if count else None
    for campaign, handed, stride in choice.tallies:
        tally = Tally(campaign, state.tallies[campaign].handed + handed, stride)
        state.tallies[campaign] = tally
        state.record("tally", campaign, tally)
    return lease(state, lead, agent, token, choice.rank, priority_of(choice.score) % URGENT_STEP, among)


def ready_in_sight(state: State, sight: Sight, agent: Agent) -> int:
    """How many leads the agent could get now. O(parts * log n)."""
    queues = sight.queues()
    ready = sum(queue.ready(limit(state.now_ms)) for queue in queues)
    return ready - sum(state.is_ready(lead, queues) for lead in paused(state, agent, state.now_ms))


def lease(
    state: State,
    lead: Lead,
    agent: Agent,
    token: bytes,
    rank: int,
    priority: int,
    among: int | None = None,
    note: str = "",
) -> Offer:
    """Give the lead to the agent (SPEC 5)."""
    now_ms = state.now_ms
    number = lead.numbers[lead.number_at]
    new = replace(
        lead,
        lease=Lease(token, agent.no, now_ms, now_ms, number, rank),
        shown=True,
        ended=None,
        pauses=tuple(pause for pause in lead.pauses if pause[1] > now_ms) if lead.pauses else (),
    )
    due_ms = due_ms_of(state, lead)
    offer = (rank, priority, due_ms)
    new = state.put(lead, new, "leased", f"agent:{agent.code}", number=number, note=note, offer=offer)
    return Offer(new, rank, priority, due_ms, state.lease_end_ms(new), among)


def due_ms_of(state: State, lead: Lead) -> int:
    """The due time that orders the lead: its own, else its pool's (SPEC R2.2)."""
    return lead.due_ms or state.pools[lead.pool].first_active_ms


def priority_of_lead(state: State, lead: Lead) -> int:
    """Effective priority (SPEC R2.3)."""
    return lead.priority or state.inherited_priority(lead.campaign, state.pools.get(lead.pool))


def offer_of(state: State, lead: Lead) -> Offer:
    """A lease that is out already, as it was offered (SPEC R3.6)."""
    assert lead.lease is not None
    priority, due_ms = priority_of_lead(state, lead), due_ms_of(state, lead)
    return Offer(lead, lead.lease.rank, priority, due_ms, state.lease_end_ms(lead), None, repeated=True)


def wake_ms(state: State, sight: Sight, agent: Agent) -> int | None:
    """When time alone may bring a waiting agent a lead: a lead falls due, a pause or a reserve ends."""
    now_ms = state.now_ms
    below = limit(now_ms)
    times = [until_ms for until_ms in state.pauses.get(agent.no, {}).values() if until_ms > now_ms]
    reserved_ms = reserved_until_ms(state, sight, agent, now_ms)
    if reserved_ms is not None:
        times.append(reserved_ms)
    for queue in sight.queues():
        if queue.earliest >= below:
            due_ms = due_of(queue.earliest) if queue.earliest is not NEVER else None
        else:  # a due head that this agent may not have now hides the ones behind it
            due_ms = first_due_ms(queue, now_ms)
        if due_ms is not None:
            times.append(due_ms)
    return min(times, default=None)
