"""The intake: what HTTP, pages and the demo call to bring leads in (SPEC 9).

1. Nothing is changed by an upload that can't be read: its pool is opened when the file turned out to be readable, for
   a small file when all of it was read.
2. Loading that was begun goes on when its caller has gone. If it fails later, the pool is `failed` and has the reason.
3. A pool that is `loading` when the daemon starts was cut off: it fails, and the file is to be sent again.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from msgspec import Struct

from nextlead.core.errors import Invalid, NextleadError, NotReady
from nextlead.core.model import Pool
from nextlead.runtime.dialer import Dialer

from .entries import Entries
from .loading import AndThen, Loader
from .options import Order, PoolOptions, Source, check_options
from .wire import Chunk, Header, Job
from .worker import Limits, Worker

SMALL_BYTES: Final = 2 << 20
WORKERS_MAX: Final = 4
_CUT_OFF: Final = "the daemon stopped while this was loading; send it again"
_FAULT: Final = "a fault in nextlead itself; the daemon's log has it"

T = TypeVar("T")


class Progress(Struct, frozen=True):
    """How far an upload is. Rows are all kinds together; bytes read run a little ahead of them."""

    rows: int
    done_bytes: int
    total_bytes: int


class Intake:
    """Files and entries of one organisation. `start` before use, `close` before the dialer's.

    Files up to `small_bytes` are loaded when `upload` answers; larger ones go on behind it.
    """

    def __init__(self, dialer: Dialer, limits: Limits | None = None, *, small_bytes: int = SMALL_BYTES) -> None:
        self._dialer = dialer
        self._limits = limits or Limits()
        self._small_bytes = small_bytes
        self._loader = Loader(dialer)
        self._entries = Entries(self._loader)
        self._slots = {small: asyncio.Semaphore(WORKERS_MAX) for small in (True, False)}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._progress: dict[int, Progress] = {}

    async def start(self) -> None:
        """Fail the pools that an earlier run left loading."""
        for pool in [pool.id for pool in self._dialer.engine.pools.values() if pool.state == "loading"]:
            await self._loader.close(pool, "system", error=_CUT_OFF)

    async def close(self) -> None:
        """Stop reading; what is half loaded fails now or, if the store takes no more, at the next start."""
        while tasks := list(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def idle(self) -> None:
        """Return when no upload and no entry is under way."""
        while tasks := list(self._tasks):
            await asyncio.wait(tasks)

    def progress(self, pool: int) -> Progress | None:
        """Of a file that is being loaded, else None."""
        return self._progress.get(pool)

    async def upload(
        self,
        path: Path,
        file_name: str,
        options: PoolOptions,
        by: str,
        *,
        remove: bool = False,
        then: AndThen | None = None,
    ) -> Pool:
        """Load a file into a new pool; with `remove` the file is deleted when it is done with, also after an error.

        A large file's pool is still `loading`. `then` is called when the pool is opened and again when it is full.
        Raises `Invalid` for options and mapping, `UnreadableFile`, `IntakeFailed`; there is no pool then.
        """
        async with AsyncExitStack() as stack:
            if remove:
                stack.callback(path.unlink, missing_ok=True)
            name = Path(file_name).name or "file"
            order = check_options(options, self._dialer.engine, source="file", by=by, name=name)
            small = await asyncio.to_thread(_size, path) <= self._small_bytes
            await stack.enter_async_context(self._slots[small])
            worker = await stack.enter_async_context(Worker(_job(path, order, self._limits), self._limits))
            header = await worker.header()
            chunks = [chunk async for chunk in worker.chunks()] if small else []
            reading = stack.pop_all()
        if small:
            await reading.aclose()
            return await self._anyway(self._load_small(order, header, chunks, then))
        return await self._anyway(self._load_large(order, header, worker, reading, then))

    async def add_leads(
        self,
        leads: Sequence[object],
        options: PoolOptions,
        by: str,
        *,
        caller: str = "",
        source: Source = "api",
        then: AndThen | None = None,
    ) -> Pool:
        """Load leads given as JSON; the pool is shared by calls of the same `caller` with the same options (SPEC R9.1).

        `caller` tells tokens apart (default: `by`). A lead that is not right becomes a reject, as a file's row does.
        `then` is called with the pool when the last of them is in.
        """
        if not leads:
            raise Invalid("leads", "there are none")
        order = check_options(options, self._dialer.engine, source=source, by=by, name="Entries")
        return await self._anyway(self._entries.add(leads, options, order, caller or by, then))

    # -- loading ------------------------------------------------------------------------------------------------------

    async def _load_small(self, order: Order, header: Header, chunks: Iterable[Chunk], then: AndThen | None) -> Pool:
        pool = await self._loader.open(order.open, then)
        return await self._fill(pool, header, _each(chunks), order.open.by, then)

    async def _load_large(
        self, order: Order, header: Header, worker: Worker, reading: AsyncExitStack, then: AndThen | None
    ) -> Pool:
        """Answers with the pool as it was opened; filling it goes on behind."""
        try:
            pool = await self._loader.open(order.open, then)
        except BaseException:
            await reading.aclose()
            raise
        self._progress[pool.id] = Progress(0, 0, header.size_bytes)
        self._spawn(self._fill_large(pool, header, worker, reading, order.open.by, then))
        return pool

    async def _fill_large(
        self, pool: Pool, header: Header, worker: Worker, reading: AsyncExitStack, by: str, then: AndThen | None
    ) -> None:
        async with reading:
            try:
                await self._fill(pool, header, worker.chunks(), by, then)
            finally:
                del self._progress[pool.id]

    async def _fill(
        self, pool: Pool, header: Header, chunks: AsyncIterator[Chunk], by: str, then: AndThen | None
    ) -> Pool:
        rows = 0
        try:
            async for chunk in chunks:
                await self._loader.load(pool.id, chunk.rows, chunk.rejects, by)
                rows += len(chunk.rows) + len(chunk.rejects)
                if pool.id in self._progress:
                    self._progress[pool.id] = Progress(rows, chunk.done_bytes, header.size_bytes)
            return await self._loader.close(pool.id, by, unmatched=header.unmatched, then=then)
        except BaseException as problem:
            with suppress(NotReady):
                await self._loader.close(pool.id, by, error=_reason(problem))
            raise

    # -- tasks --------------------------------------------------------------------------------------------------------

    async def _anyway(self, work: Coroutine[Any, Any, T]) -> T:
        """Rule 2: the work goes on when its caller is cancelled."""
        return await asyncio.shield(self._spawn(work))

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        problem = None if task.cancelled() else task.exception()
        if problem is not None and not isinstance(problem, NextleadError):
            context = {"message": "a fault while leads were loaded", "exception": problem, "task": task}
            task.get_loop().call_exception_handler(context)


def _job(path: Path, order: Order, limits: Limits) -> Job:
    return Job(
        path=str(path.absolute()),
        region=order.region,
        fields=order.matcher.fields,
        mapping=order.matcher.mapping,
        owners=tuple(order.owners),
        chunk_rows=limits.chunk_rows,
        memory_bytes=limits.memory_bytes,
        cpu_s=limits.cpu_s,
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _reason(problem: BaseException) -> str:
    if isinstance(problem, NextleadError):
        return problem.detail
    return _CUT_OFF if isinstance(problem, asyncio.CancelledError) else _FAULT


async def _each(chunks: Iterable[Chunk]) -> AsyncIterator[Chunk]:
    for chunk in chunks:
        yield chunk
