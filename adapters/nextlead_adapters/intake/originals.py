"""Kept originals without the rows of people who are to be forgotten (SPEC R10.6).

A text table keeps every other row byte for byte. A workbook can't be cut, and neither can a file that can't be read any
more: such an original goes as a whole. A file that holds none of the numbers stays as it is.
"""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from msgspec import MsgspecError

from nextlead.core.commands import SwapFile
from nextlead.core.errors import Conflict, Invalid, NotFound
from nextlead.core.model import Pool
from nextlead.runtime.dialer import Dialer

from .kept import drop, fetch, keep
from .wire import Cut, Job, Kept, Reading, decode_reading
from .worker import IntakeFailed, Limits, Worker, job_of

TRIES: Final = 2
"""A process may die for a reason that passes, and an original that can't be cut is gone for good."""


class Without(NamedTuple):
    """What became of a file: where it is without the rows (None: it can't be kept), and how many rows that were.

    With no row, `path` is the file as it was.
    """

    path: Path | None
    erased: int


async def without(path: Path, reading: Reading, numbers: Collection[int], limits: Limits | None = None) -> Without:
    """Make a file, beside `path`, that lacks the rows which hold one of the numbers; by a process of its own.

    Raises `NotReady` when the system has no process to give.
    """
    limits = limits or Limits()
    job = job_of(path, reading, (), limits)
    job.erase = tuple(numbers)
    target = path.with_name(f"{path.name}.cut")
    for _ in range(TRIES):
        with suppress(IntakeFailed):
            return await _cut(job, path, target, limits)
    return Without(None, 0)


async def _cut(job: Job, path: Path, target: Path, limits: Limits) -> Without:
    """Once; raises `IntakeFailed` when the process died or went over a limit."""
    cut = Cut(0, whole=False)
    try:
        with await asyncio.to_thread(target.open, "wb") as stream:
            async with Worker(job, limits) as worker:
                async for piece in worker.pieces():
                    if isinstance(piece, Kept):
                        await asyncio.to_thread(stream.write, piece.body)
                    else:
                        cut = piece
    except Invalid:
        return Without(None, cut.rows)
    if not cut.rows and cut.whole:
        return Without(path, 0)
    return Without(target if cut.whole else None, cut.rows)


class Originals:
    """The kept files of an organisation's pools, for whoever erases."""

    def __init__(self, dialer: Dialer, limits: Limits | None = None) -> None:
        self._dialer = dialer
        self._limits = limits or Limits()

    async def rewrite(self, pool: int, numbers: Collection[int], by: str = "system") -> int:
        """Keep a pool's original without the rows that hold one of the numbers; how many these were.

        An original that can't be cut goes. Nothing happens to a pool without one. The pool must not be loading
        (`Conflict`): it is read from its original. Raises `NotReady` when it can't be done now.
        """
        found = self._dialer.engine.pools.get(pool)
        if found is None or not found.file or not numbers:
            return 0
        if found.state == "loading":
            raise Conflict(f"pool {pool} is loading", state=found.state)
        with TemporaryDirectory(prefix="nextlead-", dir=self._limits.folder) as folder:
            path = Path(folder) / "original"
            await fetch(self._dialer.archive, found.file, path)
            result = await without(path, _reading_of(found), numbers, self._limits)
            if result.path != path:
                await self._swap(found, result, by)
        return result.erased

    async def _swap(self, pool: Pool, result: Without, by: str) -> None:
        file, size_bytes = (0, 0) if result.path is None else await keep(self._dialer, result.path, by)
        command = SwapFile(pool=pool.id, file=file, file_bytes=size_bytes, erased=result.erased, by=by)
        try:
            await self._dialer.submit(command)
        except NotFound:
            if file:
                await drop(self._dialer, file, by)


def _reading_of(pool: Pool) -> Reading:
    try:
        return decode_reading(pool.options)
    except MsgspecError:
        return Reading(region="ZZ")
