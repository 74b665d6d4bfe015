"""Shuffle: unprocessed leads that nobody was shown, in a random order from a stored seed (SPEC R9.10).

Where a lead stands follows from its pool's row (`fresh.seq_of`), so a shuffle writes that row and no other. The new
order is built beside the old one, which is served until the new one is whole; then they change places at once.
"""

from collections.abc import Callable, Iterator
from typing import Final

from msgspec.structs import replace

from .errors import Conflict
from .fresh import seq_of
from .jobs import begin, next_job
from .keys import Keys
from .model import Pool
from .order import ID_BITS, ID_MASK, NEVER, SEQ_MASK
from .pool_gates import put_pool
from .queues import Part, Shadow
from .replies import Begun
from .state import State

COPIED: Final = 6
"""Keys that are copied in the time in which one lead is changed."""


class Shuffle:
    """One shuffle of one pool. Leads that come later have a place behind those that were there when it began."""

    def __init__(self, task: int, pool: int, seed: int) -> None:
        self.id = task
        self.pool = pool
        self._seed = seed
        self._rekey: Callable[[int], int] | None = None
        self._to = 0
        self._parts: list[Part] = []
        self._old: list[Keys] | None = None

    def slice(self, state: State) -> Pool | None:
        """See `Task`."""
        left = state.slice_leads * COPIED
        if self._old is None:
            return self._copy(state, left)
        return self._let_go(state, left * COPIED)

    def _copy(self, state: State, left: int) -> Pool | None:
        if self._rekey is None:
            self._rekey = self._start(state)
        while self._parts:
            if left <= 0:
                return None
            shadow = _shadow_of(self._parts[-1], self._rekey)
            left -= 1 + shadow.copy(self._parts[-1], left)
            if shadow.cursor == NEVER:
                self._parts.pop()
        self._old = list(self._turn(state))
        return self._let_go(state, left)

    def _let_go(self, state: State, left: int) -> Pool | None:
        """Free the old order piece by piece: to free half a million keys at once takes ten milliseconds."""
        assert self._old is not None, "the orders have changed places"
        while self._old:
            keys = self._old[-1]
            while keys:
                if left <= 0:
                    return None
                keys.pop_last()
                left -= 1
            self._old.pop()
            left -= 1
        return state.pools[self.pool]

    def _start(self, state: State) -> Callable[[int], int]:
        pool = state.pools[self.pool]
        self._to = pool.ordinals
        rekey = rekeying(state, replace(pool, shuffle_seed=self._seed, shuffled_to=self._to))
        state.shuffling[self.pool] = rekey
        self._parts = [part for part in state.gated.get(self.pool, ()) if not part.key[4]]  # promised ones stay
        return rekey

    def _turn(self, state: State) -> Iterator[Keys]:
        """The new order takes the old one's place, which is given back."""
        del state.shuffling[self.pool]
        for part in state.gated.get(self.pool, ()):
            if part.shadow is not None:
                yield part.keys
                part.queue.turn(part)
                if part.queue.watchers:
                    state.waiting.stir(part.queue)
        pool = state.pools[self.pool]
        new = replace(pool, shuffle_seed=self._seed, shuffled_to=self._to, modified_ms=state.now_ms)
        put_pool(state, pool, new)


def shuffle_pool(state: State, pool: Pool, seed: int) -> Pool | Begun:
    """O(m log m) in slices for m leads of the pool."""
    if pool.state in ("failed", "rejected", "loading"):
        raise Conflict(f"pool {pool.id} is {pool.state}", state=pool.state)
    found: Pool | Begun = begin(state, Shuffle(next_job(state), pool.id, seed))
    return found


def _shadow_of(part: Part, rekey: Callable[[int], int]) -> Shadow:
    """The part's other order; one that comes later has it from the beginning (`Places.make_part`)."""
    if part.shadow is None:
        part.shadow = Shadow(rekey)
    return part.shadow


def rekeying(state: State, pool: Pool) -> Callable[[int], int]:
    """From a lead's key in its part now to the one that it has with this row of its pool."""
    ordinal_of = state.leads.ordinal
    places = SEQ_MASK << ID_BITS

    def rekey(key: int) -> int:
        lead = key & ID_MASK
        ordinal = ordinal_of(lead)
        return key & ~places | seq_of(pool, ordinal, lead) << ID_BITS if ordinal else key

    return rekey
