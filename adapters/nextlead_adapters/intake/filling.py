"""Pools that are being filled from files: how far they are, breaking off, going on after a restart (SPEC R9.1, R9.5).

1. A pool is filled by one task. When that fails, the pool fails and has the reason, and none of its leads stays.
2. When the daemon ends, the pool stays as it is, `loading`: its original is kept, and filling goes on at the next
   start, behind the rows that were taken.
3. Which rows were taken is known from the pool: those that were rejected by their row numbers, and of all others as
   many as are valid, as rows are taken in order.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct

from nextlead.core.errors import Conflict, NextleadError, NotFound, NotReady
from nextlead.core.model import Pool
from nextlead.ports import Archive, StoreError

from .loading import AndThen, Loader, left_out
from .wire import Chunk, Header
from .worker import IntakeFailed

FAULT: Final = "a fault in nextlead itself; the daemon's log has it"
CANCELLED: Final = "cancelled"
_PAGE: Final = 10_000


class Progress(Struct, frozen=True):
    """How far an upload is. Rows are all kinds together; bytes read run a little ahead of them."""

    rows: int
    done_bytes: int
    total_bytes: int

    @property
    def part(self) -> float:
        """What is done, from 0 to 1."""
        return min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes else 0.0


class Taken(Struct, frozen=True):
    """Which rows of a file are in its pool; rule 3."""

    valid: int
    rejected: tuple[int, ...]


class Filler:
    """Fills pools; knows who fills which."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._tasks: dict[int, asyncio.Task[Any]] = {}
        self._progress: dict[int, Progress] = {}
        self._cancelled: dict[int, str] = {}

    def progress(self, pool: int) -> Progress | None:
        """Of a pool that is being filled, else None."""
        return self._progress.get(pool)

    def begin(self, pool: Pool, task: asyncio.Task[Any]) -> None:
        """The task will fill the pool; it ends with `fill`, or with `end` if it doesn't get there."""
        counted = pool.valid + pool.invalid + pool.duplicate
        self._tasks[pool.id] = task
        self._progress[pool.id] = Progress(counted, 0, pool.file_bytes)

    def end(self, pool: int) -> None:
        """Nobody fills it any more."""
        self._tasks.pop(pool, None)
        self._progress.pop(pool, None)
        self._cancelled.pop(pool, None)

    async def fill(
        self, pool: Pool, header: Header, chunks: AsyncIterator[Chunk], by: str, then: AndThen | None = None
    ) -> Pool:
        """Load all chunks and close the pool. Raises what it failed for, when the pool has failed."""
        try:
            rows = self._progress[pool.id].rows
            async for chunk in chunks:
                await self._loader.load(pool.id, chunk.rows, chunk.rejects, by, patient=True)
                rows += len(chunk.rows) + len(chunk.rejects)
                self._progress[pool.id] = Progress(rows, chunk.done_bytes, header.size_bytes)
            lines = (*((0, note) for note in header.notes), *left_out("column", header.unmatched))
            await self._loader.log(pool.id, lines, by, patient=True)
            return await self._loader.close(pool.id, by, unmatched=header.unmatched, then=then, patient=True)
        except BaseException as problem:
            await self.fail(pool.id, by, problem)
            raise

    async def fail(self, pool: int, by: str, problem: BaseException) -> None:
        """The pool fails, unless the daemon is ending (rule 2). Raises `IntakeFailed` if it was cancelled."""
        canceller = self._cancelled.get(pool)
        if canceller is None and isinstance(problem, asyncio.CancelledError):
            return
        reason = _reason(problem)
        with suppress(NotReady):
            error = reason if canceller is None else CANCELLED
            await self._loader.close(pool, canceller or by, error=error, patient=canceller is None)
        if canceller is not None:
            _no_longer_cancelled()
            raise IntakeFailed(CANCELLED) from None

    async def cancel(self, pool: int, by: str) -> Pool:
        """Break off; returns when the pool has failed. Raises `NotFound`, and `Conflict` when it is not loading."""
        self._need_loading(pool)
        task = self._tasks.get(pool)
        if task is not None:
            self._cancelled[pool] = by
            task.cancel()
            await asyncio.wait([task])
            self.end(pool)
        found = await self._loader.dialer.read(lambda engine: engine.pools.get(pool))
        if found is None or found.state != "loading":
            return found or self._need_loading(pool)
        return await self._loader.close(pool, by, error=CANCELLED)

    def need_idle(self, pool: int) -> Pool:
        """A pool to go on with. Raises `NotFound`, and `Conflict` when there is nothing to go on with."""
        found = self._need_loading(pool)
        if pool in self._tasks:
            raise Conflict(f"pool {pool} is being loaded", state=found.state)
        if not found.file:
            raise Conflict(f"the file of pool {pool} is not kept; send it again", state=found.state)
        return found

    def _need_loading(self, pool: int) -> Pool:
        found = self._loader.dialer.engine.pools.get(pool)
        if found is None:
            raise NotFound("pool", pool)
        if found.state != "loading" or found.source != "file":
            raise Conflict(f"pool {pool} is {found.state}, not a file that is being loaded", state=found.state)
        return found


async def taken_rows(archive: Archive, pool: Pool) -> Taken:
    """Which rows a pool has of its file. Raises `IntakeFailed` when that can't be told any more."""
    rejected: list[int] = []
    for kind in ("invalid", "duplicate"):
        after: int | None = 0
        while after is not None:
            page, after = await archive.rejects_after(pool.id, kind, after, _PAGE)
            rejected += [reject.row for reject in page]
    if pool.file_erased or len(rejected) != pool.invalid + pool.duplicate:
        raise IntakeFailed("personal data in it was erased while it was loaded; send it again without them")
    return Taken(pool.valid, tuple(rejected))


def _reason(problem: BaseException) -> str:
    if isinstance(problem, NextleadError):
        return problem.detail
    return f"the storage failed: {problem}" if isinstance(problem, StoreError) else FAULT


def _no_longer_cancelled() -> None:
    task = asyncio.current_task()
    assert task is not None, "pools are filled by tasks"
    task.uncancel()
