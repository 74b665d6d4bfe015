"""When the next lead comes, if nothing happens but that time passes (SPEC R14.3).

It is asked of few leads. Those of a part of the queues differ in nothing but when they are due (or when a contact limit
lets them go), so the first of them stands for all; each of the others that time can bring is looked at in the order of
the earliest moment it can come at, until that is not before the best that was found.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property, partial
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple

from .model import Lead
from .order import ID_BITS, ID_MASK, due_of, lead_of
from .queues import HELD, OWN, URGENT_FROM, Part, Queue
from .rules import NOBODY, passes_ms, rules_but
from .setup_model import Agent
from .sight import Sight
from .standing import first_ms, firsts_of
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


class Openings:
    """Streams that are the same for whoever asks at this moment: found once for all of them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._of_queue: dict[Queue, list[Stream]] = {}
        self._gates: dict[tuple[int, int], int | None] = {}
        self._pools: dict[int, int | None] = {}

    @cached_property
    def _anywhere(self) -> list[Stream]:
        """O(leases) if leads share numbers."""
        return [*_held(self._state), *_forced(self._state)]

    def merged(self, queues: Iterable[Queue], others: Iterable[Stream] = ()) -> Iterator[Stream]:
        """Streams of the queues and the others, by the moment. O(queues), and O(parts) of queues that are come to."""
        streams = [*self._anywhere, *others]
        heap = [(each.from_ms, no) for no, each in enumerate(streams)]
        entries: list[Queue | Stream] = [*streams]
        for queue in queues:
            from_ms = self._from_ms(queue)
            if from_ms is not None:
                heap.append((from_ms, len(entries)))
                entries.append(queue)
        heapify(heap)
        while heap:
            found = entries[heappop(heap)[1]]
            if isinstance(found, Stream):
                yield found
            else:
                for stream in self._streams(found):
                    heappush(heap, (stream.from_ms, len(entries)))
                    entries.append(stream)

    def _from_ms(self, queue: Queue) -> int | None:
        """The moment before which no lead of a queue can come; None if none will. O(zone sets, and closed pools)."""
        found: int | None = None
        for zones, pool, first in firsts_of(self._state, queue, self._state.now_ms):
            opens_ms = self._opens_ms(queue.campaign, zones, pool)
            if opens_ms is not None and (found is None or max(opens_ms, first) < found):
                found = max(opens_ms, first)
        return found

    def _streams(self, queue: Queue) -> list[Stream]:
        found = self._of_queue.get(queue)
        if found is None:
            found = self._of_queue[queue] = list(self._part_streams(queue))
        return found

    def _part_streams(self, queue: Queue) -> Iterator[Stream]:
        """Of each part that time can bring a lead of; those of leased numbers come by these (`_held`)."""
        for part in queue.parts.values():
            pool, zones, _source, _variant, _promised, apart = part.key
            closed = 0 if self._state.pool_lets_in(part.key) else pool
            opens_ms = None if apart == HELD else self._opens_ms(queue.campaign, zones, closed)
            if opens_ms is not None:
                from_ms = max(opens_ms, first_ms(part))
                yield Stream(from_ms, partial(_leads_of, self._state, part, from_ms))

    def _opens_ms(self, campaign: int, zones: int, pool: int) -> int | None:
        """When calling hours and a closed pool (or 0) let leads through, if they do not now; None if never. O(1)."""
        gate, state = (campaign, zones), self._state
        if gate not in self._gates:
            span = state.gates[gate].span
            self._gates[gate] = state.now_ms if span.open else span.until_ms
        opens_ms = self._gates[gate]
        if not pool or opens_ms is None:
            return opens_ms
        if pool not in self._pools:
            self._pools[pool] = _pool_from_ms(state, pool)
        pool_ms = self._pools[pool]
        return None if pool_ms is None else max(opens_ms, pool_ms)


def _pool_from_ms(state: State, pool_id: int) -> int | None:
    """When a pool that is closed opens by its dates; None if they don't open it."""
    pool = state.pools[pool_id]
    from_ms = pool.active_from_ms or 0
    opens = pool_id not in state.open_pools and pool.state == "active" and from_ms > state.now_ms
    return from_ms if opens else None


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
