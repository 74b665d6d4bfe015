"""How many leads of a queue are kept back by what, whoever asks (SPEC R14.3).

The counts stay with the queue until one of its leads comes or goes, a gate before it turns, or the next of its leads is
due: who looks at all queues of a large centre counts those few again in which something happened since the last look.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from .order import ID_BITS, NEVER, due_of, lead_of, limit
from .places import Bar
from .queues import HELD, LIMITED, UNSHOWN, Counted, Part, Queue
from .state import State

READY: Final = "ready"
SLICE: Final = 200
"""Parts that are counted in about a millisecond."""

KEYS: Final = {
    "pool": "inactive_pool",
    "status": "pending_validation",
    "unresolved": "unresolved",
    "leased": "leased",
    "number_leased": "number_leased",
    "due": "not_due",
    "calling_hours": "calling_hours",
    "contact_limit": "contact_limit",
}
"""Rules that do not depend on the agent, and what a lead is counted under that one of them keeps back."""


def counts_of(state: State, queue: Queue, now_ms: int) -> Mapping[str, int]:
    """Leads of a queue by what keeps them back, `READY` those that nothing does.

    O(1) while the last count holds, else O(parts * log n). What has left with its pool is not counted, but for masters.
    """
    return counted(state, queue, now_ms).by_key


def counted(state: State, queue: Queue, now_ms: int) -> Counted:
    """The same with what else is kept of the last count. O(1) while that holds."""
    kept = queue.counted
    if kept is None or not kept.from_ms <= now_ms < kept.until_ms:
        kept = count(state, queue, now_ms)
        if not state.shut:  # clones come and go, and masters with them
            queue.counted = kept
    return kept


def count_ahead(state: State, now_ms: int) -> Iterator[None]:
    """Count what `counted` would count anew, some hundred parts between two of what it gives.

    For who looks at all queues at once, and has others to serve: after a gate has turned, all that it bears on is
    counted anew. O(parts) of those queues. What happens meanwhile is counted again when it is looked at.
    """
    parts = 0
    for queue in [] if state.shut else list(state.queues.values()):
        kept = queue.counted
        if queue.parts and (kept is None or not kept.from_ms <= now_ms < kept.until_ms):
            counted(state, queue, now_ms)
            parts += len(queue.parts)
            if parts >= SLICE:
                parts = 0
                yield


def count(state: State, queue: Queue, now_ms: int) -> Counted:
    """The same, counted anew."""
    found: Counter[str] = Counter()
    firsts: dict[tuple[int, int], int] = {}
    until_ms, below = NEVER, limit(now_ms)
    for part in queue.parts.values():
        until_ms = min(until_ms, _count_part(state, part, below, found))
        key = part.key
        if key[5] != HELD:
            place = key[1], 0 if state.pool_lets_in(key) else key[0]
            ms = first_ms(part)
            if ms < firsts.get(place, NEVER):
                firsts[place] = ms
    return Counted(now_ms, until_ms, +found, tuple((*place, ms) for place, ms in firsts.items()))


def first_ms(part: Part) -> int:
    """When the first lead of a part is due, or a contact limit lets the first of it go. O(1)."""
    return due_of(part.head) if part.ends is None else part.ends[0] >> ID_BITS


def _count_part(state: State, part: Part, below: int, found: Counter[str]) -> int:
    """Adds the part's leads, those below the limit as due; until when that holds if nothing but time changes."""
    pool, zones, _source, variant, promised, apart = part.key
    leads = len(part.keys)
    bars = state.shut.get(pool, 0)
    if bars and bars & (Bar.PROMISED if promised else Bar.ORDINARY):
        return NEVER
    if bars and bars & Bar.UNSHOWN and variant == UNSHOWN:  # masters stay, and wait for the end of that
        masters = sum(state.has_clones(lead_of(key)) for key in part.keys) if state.clones else 0
        found[KEYS["pool"]] += masters
    elif not promised and pool not in state.open_pools:
        found[KEYS["pool"]] += leads
    elif apart == HELD:
        found[KEYS["number_leased"]] += leads
    elif part.head >= below:
        found[KEYS["due"]] += leads
        return due_of(part.head)
    else:
        due = 1 if leads == 1 else part.keys.bisect_left(below - part.base)
        is_open = state.gates[part.queue.campaign, zones].span.open
        key = KEYS["contact_limit"] if apart == LIMITED else READY
        found[key if is_open else KEYS["calling_hours"]] += due
        if due < leads:
            found[KEYS["due"]] += leads - due
            return due_of(part.base + part.keys[due])
    return NEVER
