"""Proof of the invariant behind everything: what is in memory is what a restart would build from the rows.

`verify` builds a second state from the rows and compares queues, timers, counters and lists; then it checks what each
queue keeps of itself (heads, levels, earliest) against its parts. O(n log n); for tests, for `nextlead verify`, for a
doubt.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from .blocking import closing
from .conditions import Condition
from .keys import Keys
from .model import Forgotten, Status
from .order import NEVER
from .places import ALWAYS
from .queues import HELD, Queue
from .rechecking import are_limits_changing
from .recovery import Recovery
from .row import Row
from .standing import problems as miscounted
from .state import State
from .timers import Kind, Slot
from .upkeep import upkeep_problems
from .zones import UNKNOWN


def verify(state: State) -> list[str]:
    """Every difference found, in words; empty when all is as it should be."""
    problems = differences(state, _rebuilt(state))
    for queue in state.queues.values():
        problems += _queue_problems(state, queue)
    problems += miscounted(state)
    problems += upkeep_problems(state)
    problems += _callable_all_the_same(state)
    problems += _clone_problems(state)
    problems += _gate_problems(state)
    problems += [
        f"pool {pool.id}: its file {pool.file} is not kept"
        for pool in state.pools.values()
        if pool.file and pool.file not in state.files
    ]
    if state.faults:
        problems.append(f"faults: {state.faults} leads stood in the order that should have been closed")
    return problems


def differences(state: State, other: State) -> list[str]:
    """What two states at the same time hold otherwise, in words: queues, timers, counters, lists. O(n log n)."""
    return [
        f"{name}: {difference}"
        for name, ours, theirs in _compared(state, other)
        for difference in _differences(ours, theirs)
    ]


def _rebuilt(state: State) -> State:
    other = State()
    other.secret = state.secret
    other.zones.almanac = state.zones.almanac
    other.now_ms = state.now_ms
    recovery = Recovery(other)
    for table, row in rows_of(state):
        recovery.row(table, row)
    for lead in state.leads.touched():
        recovery.lead(lead)
    fresh = [found for lead in state.leads.untouched() if (found := state.leads.fresh(lead)) is not None]
    fresh.sort(key=lambda lead: (lead.pool, lead.ordinal))
    recovery.fresh(fresh)
    recovery.build(state.now_ms)
    return other


def rows_of(state: State) -> Iterator[tuple[str, Row]]:
    """Every row that is not a lead's, in the order a load gives them."""
    yield "settings", state.settings
    yield "sequences", state.sequences
    records: tuple[tuple[str, Iterable[Row]], ...] = (
        ("team", state.teams),
        ("agent", state.agents),
        ("project", state.projects),
        ("campaign", state.campaigns),
        ("tally", state.tallies.values()),
        ("pool", state.pools.values()),
        ("closures", state.counts.closures.values()),
        ("blocked", state.blocked.values()),
        ("global_blocked", state.blocked_globally.values()),
        ("forgotten", state.forgotten.values()),
        ("erasure", state.erasures.values()),
        ("token", state.tokens.values()),
        ("filter", state.filters.values()),
        ("job", state.jobs.values()),
        ("clones", state.clones.values()),
        ("file", state.files.values()),
        ("zone_set", state.zones.rows.values()),
        ("contacted", state.contacts.rows.values()),
    )
    if state.key_check:
        yield "forgotten", Forgotten(state.key_check, 0, "")
    for table, rows in records:
        yield from ((table, row) for row in rows)


def _compared(state: State, other: State) -> Iterator[tuple[str, object, object]]:
    if are_limits_changing(state):
        yield "order but for limits", _unlimited(state), _unlimited(other)
    else:
        yield "order", _order(state), _order(other)
        yield "timers", _timers(state), _timers(other)
        yield "parked", state.parked, other.parked
    yield "counts by condition", _counted(state), _counted(other)
    yield "counts of pools", _counted_in_pools(state), _counted_in_pools(other)
    yield "leads of pools not shown", _filled(state.counts.unshown), _filled(other.counts.unshown)
    yield "order of timers", state.timers.disorder(), []
    yield "numbers held", state.held, other.held
    yield "numbers", Counter(state.numbers.entries()), Counter(other.numbers.entries())
    yield "numbers shared", state.numbers.shared, other.numbers.shared
    yield "key of forgotten numbers", state.key_check, other.key_check
    yield "open pools", state.open_pools, other.open_pools
    yield "zone sets", state.zones.rows, other.zones.rows
    yield "calls to numbers that leads have no more", state.contacts.rows, other.contacts.rows
    yield "bars on pools", state.shut, other.shut
    yield "pools of entries", _entries(state), _entries(other)
    for name in (
        "pool_leased",
        "leases",
        "unresolved",
        "promised",
        "pauses",
        "aside",
    ):
        yield name, _filled(getattr(state, name)), _filled(getattr(other, name))


def _counted(state: State) -> dict[str, dict[Condition, int]]:
    return {each.code: state.counts.conditions(each.no) for each in state.campaigns}


def _counted_in_pools(state: State) -> dict[int, dict[Condition, int]]:
    return {pool: state.counts.of_pool(pool) for pool in state.pools}


def _timers(state: State) -> set[tuple[Slot, int, int]]:
    """All but those of hours: gates stay when their last part goes, so there may be more than a rebuild makes."""
    return {entry for entry in state.timers.entries() if entry[0][0] is not Kind.HOURS}


def _gate_problems(state: State) -> Iterator[str]:
    """Gates that are not what the calendar says, or that no timer will turn."""
    running = {(base_ms, what) for (kind, _), base_ms, what in state.timers.entries() if kind is Kind.HOURS}
    for gate in state.gates.values():
        if gate.zones > UNKNOWN and gate.zones not in state.zones.rows:
            yield f"campaign {gate.campaign}: the zones {gate.zones} of some leads are not there"
        calendar = state.calendar(gate.campaign, gate.zones)
        span = ALWAYS if calendar is None else calendar.at(state.now_ms)
        if gate.span != span:
            yield f"hours of campaign {gate.campaign} in zones {gate.zones}: {gate.span}, should be {span}"
        if gate.span.until_ms is not None and (gate.span.until_ms, gate.no) not in running:
            yield f"hours of campaign {gate.campaign} in zones {gate.zones}: no timer turns them"
    if len(running) != sum(gate.span.until_ms is not None for gate in state.gates.values()):
        yield "hours: there are timers of no gate"


def _order(state: State) -> dict[object, object]:
    return {
        (key, part.key): (part.priority, part.base, part.open, tuple(part.keys), tuple(part.ends or ()))
        for key, queue in state.queues.items()
        for part in queue.parts.values()
    }


def _unlimited(state: State) -> dict[object, list[int]]:
    """The order without what contact limits make of it: they changed, and not all leads were looked at since."""
    found: dict[object, list[int]] = {}
    for name, queue in state.queues.items():
        for key, part in queue.parts.items():
            place = (name, key[:-1], part.priority, part.base, key[-1] == HELD)
            found.setdefault(place, []).extend(part.keys)
    return {place: sorted(keys) for place, keys in found.items()}


def _entries(state: State) -> dict[str, list[int]]:
    there = {key: [pool for pool in pools if pool in state.pools] for key, pools in state.entries.items()}
    return {key: pools for key, pools in there.items() if pools}


def _filled(found: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: list(value) if isinstance(value, Keys) else value for key, value in found.items() if value}


def _differences(ours: object, theirs: object) -> list[str]:
    if ours == theirs:
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
        return [f"{key} is {ours.get(key)}, should be {theirs.get(key)}" for key in keys]
    return [f"is {ours}, should be {theirs}"]


def _callable_all_the_same(state: State) -> Iterator[str]:
    """Open leads with a number that may not be dialled (rule 1 of `blocking.py`)."""
    refused = {*state.blocked, *state.blocked_globally}
    if state.forgotten:
        refused.update(number for number in state.numbers.all() if state.digest(number) in state.forgotten)
    for number in refused:
        for lead in map(state.need_lead, state.numbers.each(number)):
            if lead.lease is not None:
                settled = lead.mark is not None or number in lead.dropping
            else:
                settled = lead.status is Status.PENDING_VALIDATION or bool(closing(state, number))
                settled = settled or state.has_left(lead)
            if not settled:
                yield f"lead {lead.id} can be called at a number that is refused"


def _clone_problems(state: State) -> Iterator[str]:
    """Masters that have fewer clones by their count than there are open ones (`clones.py`)."""
    untouched = (state.leads.fresh(lead) for lead in state.leads.untouched())
    masters = Counter(lead.master for lead in chain(state.leads.touched(), untouched) if lead is not None)
    for master, found in masters.items():
        counted = state.clones[master].count if master in state.clones else 0
        if master and counted < found:
            yield f"lead {master}: {counted} clones are counted, {found} are open"


def _queue_problems(state: State, queue: Queue) -> list[str]:
    name = f"queue {queue.campaign}/{queue.owner}/{queue.family.name}"
    heads: dict[int, list[int]] = {}
    problems = []
    for part in queue.parts.values():
        head = part.base + part.keys[0] if part.keys else NEVER
        if part.head != head:
            problems.append(f"{name}: part {part.key} has head {part.head}, should have {head}")
        if part.open:
            heads.setdefault(part.priority, []).append(head)
        if part not in state.gated.get(part.key[0], {}):
            problems.append(f"{name}: part {part.key} is not behind its pool's gate")
        gate = state.gates.get((queue.campaign, part.key[1]))
        if gate is None or part not in gate.parts:
            problems.append(f"{name}: part {part.key} is not behind the gate of its hours")
        elif part.open is not state.is_part_open(part):
            problems.append(f"{name}: part {part.key} is {'open' if part.open else 'closed'}, should not be")
    expected = [(priority, sorted(found)) for priority, found in sorted(heads.items())]
    kept = [(priority, queue.levels[priority]) for priority in queue.priorities]
    if kept != expected:
        problems.append(f"{name}: levels are {kept}, should be {expected}")
    return problems
