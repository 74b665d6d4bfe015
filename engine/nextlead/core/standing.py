"""How many leads of a queue are kept back by what, whoever asks (SPEC R14.3).

The counts stay with the queue until one of its leads comes or goes, a gate before it turns, or the next of its leads is
due: who looks at all queues of a large centre counts those few again in which something happened since the last look.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from .order import NEVER, due_of, lead_of, limit
from .places import Bar
from .queues import HELD, LIMITED, UNSHOWN, Counted, Part, Queue
from .state import State

READY: Final = "ready"

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
    kept = queue.counted
    if kept is None or not kept.from_ms <= now_ms < kept.until_ms:
        kept = count(state, queue, now_ms)
        if not state.shut:  # clones come and go, and masters with them
            queue.counted = kept
    return kept.by_key


def count(state: State, queue: Queue, now_ms: int) -> Counted:
    """The same, counted anew."""
    found: Counter[str] = Counter()
    until_ms = NEVER
    for part in queue.parts.values():
        until_ms = min(until_ms, _count_part(state, part, now_ms, found))
    return Counted(now_ms, until_ms, +found)


def _count_part(state: State, part: Part, now_ms: int, found: Counter[str]) -> int:
    """Adds the part's leads; until when that holds if nothing but time changes."""
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
    else:
        due = part.keys.bisect_left(limit(now_ms) - part.base)
        is_open = state.gates[part.queue.campaign, zones].span.open
        key = KEYS["contact_limit"] if apart == LIMITED else READY
        found[key if is_open else KEYS["calling_hours"]] += due
        if due < leads:
            found[KEYS["due"]] += leads - due
            return due_of(part.base + part.keys[due])
    return NEVER
