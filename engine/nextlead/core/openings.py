"""When the next lead comes, if nothing happens but that time passes (SPEC R14.3).

It is asked of few leads. Those of a part of the queues differ in nothing but when they are due (or when a contact limit
lets them go), so the first of them stands for all; each of the others that time can bring is looked at in the order of
the earliest moment it can come at, until that is not before the best that was found.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from heapq import merge
from operator import attrgetter
from typing import Final, NamedTuple

from .model import Lead
from .order import ID_BITS, ID_MASK, due_of, lead_of
from .queues import HELD, OWN, URGENT_FROM, Part, Queue
from .rules import NOBODY, passes_ms, rules_but
from .setup_model import Agent
from .sight import Sight
from .state import State
from .timers import Kind

LOOKED_AT: Final = 500
"""At most so many leads are asked about; if that does not do, the answer may be too early, but never too late."""

_FOR_AGENT: Final = rules_but("agent_enabled", "session", "leases_per_agent", "do_not_call")
_FOR_ANYBODY: Final = tuple(
    rule
    for rule in _FOR_AGENT
    if rule.name not in ("campaign", "owner", "cancel_pause", "max_unresolved", "reserve_owner")
)


class Stream(NamedTuple):
    """Leads with the moment before which none of them can come.

    `leads` gives each with its own moment, in order; some may be named that are not to be among them.
    """

    from_ms: int
    leads: Callable[[Collection[int]], Iterator[tuple[int, int]]]


_FROM: Final = attrgetter("from_ms")


class Openings:
    """Streams that are the same for whoever asks at this moment: found once for all of them."""

    def __init__(self, state: State) -> None:
        self._anywhere = sorted((*_held(state), *_forced(state)), key=_FROM)
        self._state = state
        self._of_queue: dict[Queue, list[Stream]] = {}

    def merged(self, queues: Iterable[Queue], others: Iterable[Stream] = ()) -> Iterator[Stream]:
        """Streams of the queues and the others, by the moment. O(parts) once, then O(queues)."""
        return merge(*map(self._of, queues), self._anywhere, sorted(others, key=_FROM), key=_FROM)

    def _of(self, queue: Queue) -> list[Stream]:
        found = self._of_queue.get(queue)
        if found is None:
            found = self._of_queue[queue] = sorted(_part_streams(self._state, queue), key=_FROM)
        return found


def next_ms(state: State, sight: Sight, agent: Agent, openings: Openings | None = None) -> int | None:
    """The first moment from now on at which time alone brings this agent a lead; None if it brings none.

    Leases end by their timeout, and releases by their timer, unless people come before. O(queues it sees), and what
    `LOOKED_AT` and `Openings` say.
    """
    pauses = {lead: until_ms for lead, until_ms in state.pauses.get(agent.no, {}).items() if until_ms > state.now_ms}
    others: list[Stream] = []
    if pauses:
        paused = sorted((until_ms, lead) for lead, until_ms in pauses.items())
        others.append(Stream(paused[0][0], lambda _: iter(paused)))
    for campaign in sight.lower:
        others += _releases(state, campaign, agent)
    streams = (openings or Openings(state)).merged(sight.queues(), others)
    return _first(state, streams, pauses, lambda lead: passes_ms(state, agent, lead, _FOR_AGENT, state.now_ms))


def next_of_campaign_ms(
    state: State, queues: Iterable[Queue], is_dialled: Callable[[Lead], bool], openings: Openings
) -> int | None:
    """The first moment at which a lead of a campaign passes every rule that does not depend on the agent.

    `queues` are the campaign's that are dialled, and `is_dialled` tells of a lead whether it is one of theirs.
    """

    def passes(lead: Lead) -> int | None:
        return passes_ms(state, NOBODY, lead, _FOR_ANYBODY, state.now_ms) if is_dialled(lead) else None

    return _first(state, openings.merged(queues), (), passes)


def _first(
    state: State, streams: Iterator[Stream], but: Collection[int], passes: Callable[[Lead], int | None]
) -> int | None:
    best: int | None = None
    left = LOOKED_AT
    for stream in streams:
        if best is not None and stream.from_ms >= best:
            break
        for from_ms, lead in stream.leads(but):
            if best is not None and from_ms >= best:
                break
            if not left:
                return stream.from_ms
            left -= 1
            row = state.need_lead(lead)
            found_ms = None if state.has_left(row) else passes(row)
            if found_ms is not None and (best is None or found_ms < best):
                best = found_ms
    return best


def _part_streams(state: State, queue: Queue) -> Iterator[Stream]:
    """Of each part that time can bring a lead of."""
    for part in queue.parts.values():
        from_ms = _part_from_ms(state, part)
        if from_ms is not None:
            yield Stream(from_ms, partial(_leads_of, state, part, from_ms))


def _part_from_ms(state: State, part: Part) -> int | None:
    """The moment before which no lead of the part can come; None if none will. O(1)."""
    pool_id, zones, _source, _variant, _promised, apart = part.key
    if apart == HELD:  # they come back by their numbers: `_held`
        return None
    gate = state.gates[part.queue.campaign, zones]
    opens_ms = state.now_ms if gate.span.open else gate.span.until_ms
    if opens_ms is None:
        return None
    if not state.pool_lets_in(part.key):
        pool = state.pools[pool_id]
        if pool_id in state.open_pools or pool.state != "active" or (pool.active_from_ms or 0) <= state.now_ms:
            return None
        opens_ms = max(opens_ms, pool.active_from_ms or 0)
    return max(opens_ms, due_of(part.base + part.keys[0]) if part.ends is None else part.ends[0] >> ID_BITS)


def _leads_of(state: State, part: Part, from_ms: int, but: Collection[int]) -> Iterator[tuple[int, int]]:
    """One lead where all are alike, else all of them."""
    alike = part.queue.family not in OWN and part.key[3] < URGENT_FROM
    if part.ends is None:
        entries = ((due_of(key), lead_of(key)) for key in part.in_order())
    else:
        entries = ((entry >> ID_BITS, entry & ID_MASK) for entry in part.ends)
    for entry_ms, lead in entries:
        if lead in but or (state.shut and state.has_left(state.need_lead(lead))) or lead in state.leaving:
            continue
        yield max(from_ms, entry_ms), lead
        if alike:
            return


def _releases(state: State, campaign: int, agent: Agent) -> Iterator[Stream]:
    """Promised redials of others, as their timers release them (SPEC R4.4)."""
    for kind in (Kind.RELEASE_PRIVATE, Kind.RELEASE_VIP):
        first = next(state.timers.of_slot((kind, campaign)), None)
        from_ms = None if first is None else state.deadline_of((kind, campaign), first[0])
        if from_ms is not None:
            yield Stream(from_ms, partial(_released, state, kind, campaign, agent))


def _released(
    state: State, kind: Kind, campaign: int, agent: Agent, _but: Collection[int]
) -> Iterator[tuple[int, int]]:
    for base_ms, lead_id in state.timers.of_slot((kind, campaign)):
        lead, at_ms = state.need_lead(lead_id), state.deadline_of((kind, campaign), base_ms)
        if at_ms is not None and lead.owner != agent.no and lead.lease is None:
            yield at_ms, lead_id


def _held(state: State) -> Iterator[Stream]:
    """Leads that a leased number keeps back, as the leases time out (SPEC R3.7)."""
    shared = state.numbers.shared
    for held in state.leases.values() if shared else ():
        for _, lead_id in held:
            lead = state.need_lead(lead_id)
            numbers = [number for number in lead.numbers if number in shared]
            if numbers:
                end_ms = state.lease_end_ms(lead)
                yield Stream(end_ms, partial(_sharing, state, numbers, end_ms))


def _sharing(state: State, numbers: list[int], end_ms: int, _but: Collection[int]) -> Iterator[tuple[int, int]]:
    return ((end_ms, lead) for number in numbers for lead in state.numbers.shared[number])


def _forced(state: State) -> Iterator[Stream]:
    """Forced redials that are urgent, as that ends: their hours don't count from then on (SPEC R4.2)."""
    for expires_ms, lead_id in state.timers.of_slot((Kind.URGENT, 0)):
        promise = state.need_lead(lead_id).promise
        if promise is not None and promise.forced_by:
            yield Stream(expires_ms, partial(_one, lead_id, expires_ms))


def _one(lead: int, from_ms: int, _but: Collection[int]) -> Iterator[tuple[int, int]]:
    yield from_ms, lead
