"""Which pool the entries of a caller share (SPEC R9.1): the last one that was opened for them."""

from .model import Pool
from .state import State


def note_entry(state: State, pool: Pool) -> None:
    """A pool was opened, or restored; pools come by id."""
    if pool.entry_key:
        state.entries.setdefault(pool.entry_key, []).append(pool.id)


def last_entry_pool(state: State, entry_key: str) -> Pool | None:
    """The last pool opened with the key that is still there. O(1) amortised: deleted ones are passed by once."""
    opened = state.entries.get(entry_key)
    while opened:
        pool = state.pools.get(opened[-1])
        if pool is not None:
            return pool
        opened.pop()
    state.entries.pop(entry_key, None)
    return None
