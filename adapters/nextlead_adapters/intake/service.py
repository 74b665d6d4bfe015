"""The intake: what HTTP, pages and the demo call to bring leads in (SPEC 9).

1. Nothing is changed by an upload that can't be read: its pool is opened when the file turned out to be readable, for
   a small file when all of it was read. The original is kept before that.
2. Loading that was begun goes on when its caller has gone. If it fails later, the pool is `failed` and has the reason.
3. A pool that is `loading` when the daemon starts is gone on with, from its kept original; entries that were cut off
   fail, and are to be sent again. One that the system has no room or process for now stays `loading`, to be resumed.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from nextlead.core.errors import Invalid, NextleadError, NotReady
from nextlead.core.model import Pool
from nextlead.ports import StoreError
from nextlead.runtime.dialer import Dialer

from .entries import AndEntered, Entered, Entries
from .filling import Filler, Progress, taken_rows
from .kept import drop, fetch, keep
from .loading import AndThen, Loader
from .options import Order, PoolOptions, Source, check_options, owners_of
from .wire import Chunk, Header, decode_reading, encode_reading
from .worker import IntakeFailed, Limits, Worker, job_of

__all__ = ("SMALL_BYTES", "WORKERS_MAX", "Intake", "Progress")

SMALL_BYTES: Final = 2 << 20
WORKERS_MAX: Final = 4
_CUT_OFF: Final = "the daemon stopped while this was loading; send it again"

_NOT_NOW: Final = (OSError, NotReady, StoreError)
"""What may be otherwise the next time: the disk is full, say. Its original is the only copy we have."""

T = TypeVar("T")


class Intake:
    """Files and entries of one organisation. `start` before use, `close` before the dialer's.

    Files up to `small_bytes` are loaded when `upload` answers; larger ones go on behind it.
    """

    def __init__(self, dialer: Dialer, limits: Limits | None = None, *, small_bytes: int = SMALL_BYTES) -> None:
        self._dialer = dialer
        self._limits = limits or Limits()
        self._small_bytes = small_bytes
        self._log = dialer.log
        self._loader = Loader(dialer)
        self._entries = Entries(self._loader)
        self._filler = Filler(self._loader)
        self._slots = {small: asyncio.Semaphore(WORKERS_MAX) for small in (True, False)}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Go on with the files that an earlier run left loading, behind this call; entries it left fail."""
        for pool in [pool for pool in self._dialer.engine.pools.values() if pool.state == "loading"]:
            if pool.file:
                self._go_on(pool, pool.uploaded_by)
            else:
                await self._loader.close(pool.id, "system", error=_CUT_OFF)

    async def close(self) -> None:
        """Stop reading; what is half loaded is gone on with at the next start."""
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
        return self._filler.progress(pool)

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
        Raises `Invalid` for options and mapping, `UnreadableFile`, `IntakeFailed`; there is no pool then, unless a
        small file's was cancelled.
        """
        async with AsyncExitStack() as stack:
            if remove:
                stack.callback(path.unlink, missing_ok=True)
            name = Path(file_name).name or "file"
            order = check_options(options, self._dialer.engine, source="file", by=by, name=name)
            small = await asyncio.to_thread(_size, path) <= self._small_bytes
            await self._take_slot(stack, small=small)
            job = job_of(path, order.reading, order.owners, self._limits)
            worker = await stack.enter_async_context(Worker(job, self._limits))
            header = await worker.header()
            chunks = _each([chunk async for chunk in worker.chunks()]) if small else worker.chunks()
            reading = stack.pop_all()
        opened: asyncio.Future[Pool] = asyncio.get_running_loop().create_future()
        loading = self._spawn(self._load(order, header, path, chunks, reading, opened, then))
        try:
            await asyncio.wait([loading] if small else [loading, opened], return_when=asyncio.FIRST_COMPLETED)
        finally:
            if loading.cancelled():  # perhaps before it began
                await reading.aclose()
        return loading.result() if loading.done() else opened.result()

    async def enter(
        self,
        leads: Sequence[object],
        options: PoolOptions,
        by: str,
        *,
        caller: str = "",
        source: Source = "api",
        then: AndEntered | None = None,
    ) -> Entered:
        """Load leads given as JSON; the pool is shared by calls of the same `caller` with the same options (SPEC R9.1).

        `caller` tells tokens apart (default: `by`). A lead that is not right becomes a reject, as a file's row does.
        `source` is manual for leads that a person enters. `then` is called with what became of them when all are in.
        """
        if not leads:
            raise Invalid("leads", "there are none")
        if options.sheet:
            raise Invalid("sheet", "is for Excel files")
        name = "Entered by hand" if source == "manual" else "Entries"
        order = check_options(options, self._dialer.engine, source=source, by=by, name=name)
        return await self._anyway(self._entries.add(leads, options, order, caller or by, then))

    async def add_leads(
        self, leads: Sequence[object], options: PoolOptions, by: str, *, caller: str = "", source: Source = "api"
    ) -> Pool:
        """The same; the pool."""
        return (await self.enter(leads, options, by, caller=caller, source=source)).pool

    async def cancel(self, pool: int, by: str) -> Pool:
        """Break off the loading of a file: the pool fails, its leads go; returns when they have.

        Raises `NotFound`, and `Conflict` when the pool is not loading.
        """
        return await self._filler.cancel(pool, by)

    async def resume(self, pool: int, by: str) -> Pool:
        """Go on with a file that stopped half-way, from its kept original; returns while it loads.

        Files that were cut off go on by themselves at the start. Raises `NotFound`, and `Conflict` when there is
        nothing to go on with.
        """
        found = self._filler.need_idle(pool)
        self._go_on(found, by)
        return found

    # -- loading ------------------------------------------------------------------------------------------------------

    async def _load(
        self,
        order: Order,
        header: Header,
        path: Path,
        chunks: AsyncIterator[Chunk],
        reading: AsyncExitStack,
        opened: asyncio.Future[Pool],
        then: AndThen | None,
    ) -> Pool:
        """Keep the original, open the pool, which is told, and fill it."""
        by = order.open.by
        async with reading:
            pool = await self._open(order, header, path, then)
            self._filler.begin(pool, _this_task())
            opened.set_result(pool)
            try:
                return await self._filler.fill(pool, header, chunks, by, then)
            finally:
                self._filler.end(pool.id)

    async def _open(self, order: Order, header: Header, path: Path, then: AndThen | None) -> Pool:
        by = order.open.by
        kept = await keep(self._dialer, path, by)
        command = replace(
            order.open,
            columns=header.columns,
            options=encode_reading(order.reading).decode(),
            file=kept.file,
            file_bytes=kept.size_bytes,
        )
        try:
            return await self._loader.open(command, then)
        except (NextleadError, StoreError):
            await drop(self._dialer, kept.file, by)
            raise

    # -- going on -----------------------------------------------------------------------------------------------------

    def _go_on(self, pool: Pool, by: str) -> None:
        self._filler.begin(pool, self._spawn(self._resume(pool, by)))

    async def _take_slot(self, stack: AsyncExitStack, *, small: bool) -> None:
        """One of this organisation's, then one of those of all: so no organisation can hold all of these."""
        await stack.enter_async_context(self._slots[small])
        await stack.enter_async_context(self._limits.slots.slot(for_small=small))

    async def _resume(self, pool: Pool, by: str) -> None:
        try:
            async with AsyncExitStack() as stack:
                await self._take_slot(stack, small=False)
                folder = stack.enter_context(TemporaryDirectory(prefix="nextlead-", dir=self._limits.folder))
                worker = await stack.enter_async_context(await self._worker_for(pool, Path(folder) / "original"))
                header = await worker.header()
                await self._loader.log(pool.id, ((0, "loading was cut off, and went on"),), by)
                await self._filler.fill(pool, header, worker.chunks(), by)
        except BaseException as problem:
            if self._dialer.engine.pools.get(pool.id, pool).state == "loading":
                if isinstance(problem, _NOT_NOW):
                    self._log.error("resume_failed", pool=pool.id, problem=type(problem).__name__)
                    return
                await self._filler.fail(pool.id, by, problem)
            raise
        finally:
            self._filler.end(pool.id)

    async def _worker_for(self, pool: Pool, path: Path) -> Worker:
        """A process that reads the rows of a kept original that are not in the pool yet."""
        taken = await taken_rows(self._dialer.archive, pool)
        if await fetch(self._dialer.archive, pool.file, path) != pool.file_bytes:
            raise IntakeFailed("its original is not whole any more; send it again")
        job = job_of(path, decode_reading(pool.options), owners_of(self._dialer.engine), self._limits)
        job.taken, job.known = taken.valid, taken.rejected
        return Worker(job, self._limits)

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
        if problem is not None and not isinstance(problem, NextleadError | StoreError):
            context = {"message": "a fault while leads were loaded", "exception": problem, "task": task}
            task.get_loop().call_exception_handler(context)


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None, "leads are loaded by tasks"
    return task


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


async def _each(chunks: Iterable[Chunk]) -> AsyncIterator[Chunk]:
    for chunk in chunks:
        yield chunk
