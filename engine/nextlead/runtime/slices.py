"""Carries on what the engine does in slices (`core/jobs.py`): one after the other, everybody else served in between."""

import asyncio
import gc
from collections.abc import Awaitable, Callable

from nextlead.core.errors import NextleadError


class Slices:
    """A task of its own, asleep while there is nothing to do.

    `working` says whether there is; `slice` does one and returns when it is durable, so that the store sets the pace.
    """

    def __init__(self, working: Callable[[], bool], slice_: Callable[[], Awaitable[object]]) -> None:
        self._working = working
        self._slice = slice_
        self._task: asyncio.Task[None] | None = None

    def rouse(self) -> None:
        """There may be something to do. O(1); called after every command."""
        if self._task is None and self._working():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="nextlead-slices")

    async def idle(self) -> None:
        """Return when nothing goes on."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        """Leave the rest to the next start."""
        if self._task is not None:
            self._task.cancel()
            await self.idle()

    async def _run(self) -> None:
        try:
            while self._working():
                await self._slice()
                await asyncio.sleep(0)
            gc.freeze()  # a shuffled pool has an order of its own now, which the garbage collector need not look at
        except NextleadError:
            return  # the storage has failed: the writer ends the process, and the next start goes on
        finally:
            self._task = None
