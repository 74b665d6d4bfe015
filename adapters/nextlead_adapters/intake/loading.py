"""Rows into a pool, chunk by chunk (SPEC R9.6).

1. The engine decides duplicates by its index of open leads, and within the chunk, when a chunk is applied.
2. Closed leads, and leads that match by fields, are known to the archive only. What it says must still hold when the
   chunk is applied: reading it and applying are one step, that no other chunk of this organisation comes between. A row
   whose original was changed by someone else meanwhile is `stale`: it is looked up and sent again, before later rows.
3. Chunks are small, so that `next` is served between them.
4. A file does not fail because the dialer or the archive could do nothing for a moment: that is waited out. Entries are
   refused, and their sender tries again.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from nextlead.core.commands import ClosePool, Command, IntakeReject, IntakeRow, LoadRows, OpenPool
from nextlead.core.errors import NextleadError, NotReady
from nextlead.core.model import Pool
from nextlead.core.pools import need_pool
from nextlead.core.replies import Loaded
from nextlead.ports import StoreError
from nextlead.runtime.desk import Then
from nextlead.runtime.dialer import Dialer

from .duplicates import key_rules
from .matches import with_originals

CHUNK_ROWS: Final = 250
_TRIES_MAX: Final = 100
_NAME_CHARS_MAX: Final = 100
_PATIENCE_TRIES: Final = 120
_PATIENCE_S: Final = 0.5

AndThen = Callable[[Pool], Command | None]
"""Called with a pool the moment a step of it is decided; the command it returns is carried out in the same commit."""
Log = tuple[tuple[int, str], ...]
"""Lines of a pool's log, each with its row, or 0."""


class RestlessOriginal(NextleadError):
    """The lead that a row is a duplicate of kept changing while it was loaded."""

    code = "intake_failed"


class Loader:
    """Gives rows to the dialer. One per organisation: it holds the lock that rule 2 needs."""

    def __init__(self, dialer: Dialer) -> None:
        self.dialer = dialer
        self._lock = asyncio.Lock()

    async def open(self, command: OpenPool, then: AndThen | None = None) -> Pool:
        """A new pool in state loading. The archive is made ready for its duplicate check."""
        for rule in key_rules(command.duplicates.match):
            await self.dialer.archive.match_rule(rule)
        pool = await self.dialer.submit(command, then, stay=True)
        assert isinstance(pool, Pool)
        return pool

    async def load(
        self,
        pool: int,
        rows: Iterable[IntakeRow],
        rejects: Iterable[IntakeReject],
        by: str,
        then: AndThen | None = None,
        *,
        patient: bool = False,
    ) -> None:
        """Load rows into a pool that takes them; returns when they are durable. `then` goes with the last of them."""
        chunks = _chunks(tuple(rows), tuple(rejects))
        chunk = next(chunks, None)
        while chunk is not None:
            later = next(chunks, None)
            async with self._lock:
                await self._load_chunk(pool, *chunk, by, None if later else then, patient=patient)
            chunk = later

    async def log(self, pool: int, lines: Log, by: str, *, patient: bool = False) -> None:
        """Add lines to the pool's log."""
        if lines:
            await self._submit(LoadRows(pool=pool, rows=(), log=lines, by=by), patient=patient)

    async def close(
        self,
        pool: int,
        by: str,
        *,
        unmatched: tuple[str, ...] = (),
        error: str = "",
        then: AndThen | None = None,
        patient: bool = False,
    ) -> Pool:
        """All rows are in, or, with an error, the pool has failed and what was loaded is dropped."""
        command = ClosePool(pool=pool, unmatched=unmatched, error=error, by=by)
        closed = await self._submit(command, then, patient=patient)
        assert isinstance(closed, Pool)
        return closed

    async def _load_chunk(
        self,
        pool: int,
        rows: tuple[IntakeRow, ...],
        rejects: tuple[IntakeReject, ...],
        by: str,
        then: AndThen | None,
        *,
        patient: bool,
    ) -> None:
        """Until no row of it is stale; `then` goes with the command that takes the last one."""
        pools = self.dialer.engine.pools

        def when_whole(loaded: Loaded) -> Command | None:
            return then(pools[pool]) if then is not None and not loaded.stale else None

        for _ in range(_TRIES_MAX):
            rows = await self._look_up(pool, rows, patient=patient)
            command = LoadRows(pool=pool, rows=rows, rejects=rejects, by=by)
            loaded = await self._submit(command, when_whole if then else None, patient=patient)
            assert isinstance(loaded, Loaded)
            if not loaded.stale:
                return
            stale = frozenset(loaded.stale)
            rows, rejects = tuple(row for row in rows if row.row in stale), ()
        raise RestlessOriginal(f"row {rows[0].row} can't be loaded: the lead that it is a duplicate of keeps changing")

    async def _look_up(self, pool: int, rows: tuple[IntakeRow, ...], *, patient: bool) -> tuple[IntakeRow, ...]:
        """Rows with what the archive knows of them; rule 4."""
        for _ in range(_PATIENCE_TRIES if patient else 0):
            try:
                return await with_originals(self.dialer, need_pool(self.dialer.engine.state, pool), rows)
            except (StoreError, NotReady):
                if self.dialer.fatal.is_set():
                    raise
                await asyncio.sleep(_PATIENCE_S)
        return await with_originals(self.dialer, need_pool(self.dialer.engine.state, pool), rows)

    async def _submit(self, command: Command, then: Then | None = None, *, patient: bool) -> object:
        """Rule 4. What is refused so was not carried out, unless the daemon is about to end."""
        for _ in range(_PATIENCE_TRIES if patient else 0):
            try:
                return await self.dialer.submit(command, then, stay=True)
            except NotReady:
                if self.dialer.fatal.is_set():
                    raise
                await asyncio.sleep(_PATIENCE_S)
        return await self.dialer.submit(command, then, stay=True)


def left_out(what: str, names: Sequence[str]) -> Log:
    """Lines that tell of columns, or keys, that match no field (SPEC R9.3)."""
    return tuple((0, f"{what} '{name[:_NAME_CHARS_MAX]}' matches no field and is left out") for name in names)


def _chunks(
    rows: Sequence[IntakeRow], rejects: Sequence[IntakeReject]
) -> Iterator[tuple[tuple[IntakeRow, ...], tuple[IntakeReject, ...]]]:
    """Rows and rejects that belong together, in the order of the file."""
    if len(rows) + len(rejects) <= CHUNK_ROWS:
        if rows or rejects:
            yield tuple(rows), tuple(rejects)
        return
    all_of_them: list[IntakeRow | IntakeReject] = [*rows, *rejects]
    both = iter(sorted(all_of_them, key=lambda row: row.row))
    while chunk := tuple(islice(both, CHUNK_ROWS)):
        yield (
            tuple(row for row in chunk if isinstance(row, IntakeRow)),
            tuple(row for row in chunk if isinstance(row, IntakeReject)),
        )
