"""Rows into a pool, chunk by chunk (SPEC R9.6).

1. The engine decides duplicates among open leads, and within the pool, when a chunk is applied.
2. Closed leads are known to the archive only. What it says must still hold when the chunk is applied: so reading it and
   applying are one step, that no other chunk of this organisation comes between. Leads that the archive had as open
   count too: they are open still, or were closed in the meantime.
3. Chunks are small, so that `next` is served between them.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

from msgspec.structs import replace

from nextlead.core.commands import ClosePool, Command, IntakeReject, IntakeRow, LoadRows, OpenPool, Original
from nextlead.core.model import Pool
from nextlead.core.replies import Loaded
from nextlead.ports import NumberUse
from nextlead.runtime.dialer import Dialer

from .duplicates import in_scope

T = TypeVar("T")

CHUNK_ROWS: Final = 250

AndThen = Callable[[Pool], Command | None]
"""Called with a pool the moment a step of it is decided; the command it returns is carried out in the same commit."""


class Loader:
    """Gives rows to the dialer. One per organisation: it holds the lock that rule 2 needs."""

    def __init__(self, dialer: Dialer) -> None:
        self.dialer = dialer
        self._lock = asyncio.Lock()

    async def open(self, command: OpenPool, then: AndThen | None = None) -> Pool:
        """A new pool in state loading."""
        pool = await self.dialer.submit(command, then)
        assert isinstance(pool, Pool)
        return pool

    async def load(
        self,
        pool: int,
        rows: Iterable[IntakeRow],
        rejects: Iterable[IntakeReject],
        by: str,
        then: AndThen | None = None,
    ) -> None:
        """Load rows into a pool that takes them; returns when they are durable. `then` goes with the last of them."""
        pools = self.dialer.engine.pools
        good, bad = iter(rows), iter(rejects)
        some, others = _chunk(good), _chunk(bad)
        while some or others:
            more, other_more = _chunk(good), _chunk(bad)
            last = not more and not other_more
            async with self._lock:
                some = await self._with_known(pools[pool], some)
                command = LoadRows(pool=pool, rows=some, rejects=others, by=by)
                loaded = await self.dialer.submit(command, (lambda _: then(pools[pool])) if then and last else None)
                assert isinstance(loaded, Loaded)
            some, others = more, other_more

    async def close(
        self, pool: int, by: str, *, unmatched: tuple[str, ...] = (), error: str = "", then: AndThen | None = None
    ) -> Pool:
        """All rows are in, or, with an error, the pool has failed and what was loaded is dropped."""
        closed = await self.dialer.submit(ClosePool(pool=pool, unmatched=unmatched, error=error, by=by), then)
        assert isinstance(closed, Pool)
        return closed

    async def _with_known(self, pool: Pool, rows: tuple[IntakeRow, ...]) -> tuple[IntakeRow, ...]:
        if not rows or pool.duplicates.among != "all" or pool.duplicates.scope == "file":
            return rows
        engine = self.dialer.engine
        uses = await self.dialer.archive.numbers(sorted({number for row in rows for number in row.numbers}))
        first: dict[int, NumberUse] = {}
        for use in uses:
            if in_scope(pool, use.campaign, use.pool, engine):
                first.setdefault(use.number, use)
        return tuple(_with_original(row, [first[n] for n in row.numbers if n in first]) for row in rows)


def _with_original(row: IntakeRow, uses: list[NumberUse]) -> IntakeRow:
    if not uses:
        return row
    use = min(uses, key=lambda use: use.lead)
    return replace(row, original=Original(use.lead, 0, use.closed))


def _chunk(rows: Iterator[T]) -> tuple[T, ...]:
    return tuple(islice(rows, CHUNK_ROWS))
