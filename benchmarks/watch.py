"""What the event loop goes through: how long its turns keep everybody else waiting, and what collections take of that.

Somebody asks to be woken every millisecond. How late that is, is what everybody else had to wait; on a machine that
has other things to do, too, some of it is theirs. So the processor time that the loop's own thread took meanwhile is
kept as well: what of a long turn is ours.
"""

import asyncio
import gc
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter, thread_time
from typing import Final, Literal

from .figures import Result, percentile

_LOOK_S: Final = 0.001
_FULL: Final = 2


class Watch:
    """Turns and collections since it was made, or was started anew. What it finds is in seconds until `result`."""

    def __init__(self) -> None:
        self.late_s = array("d")
        self.busy_s = 0.0
        self.full = 0
        self.gc_s = 0.0
        self.gc_longest_s = 0.0
        self._gc_began = 0.0

    def anew(self) -> None:
        """Forget what was."""
        self.late_s = array("d")
        self.busy_s = self.gc_s = self.gc_longest_s = 0.0
        self.full = 0

    @property
    def stall_s(self) -> float:
        """How late somebody was woken at worst."""
        return max(self.late_s, default=0.0)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Look until the block ends; on the loop that runs it."""
        looking = asyncio.create_task(self._look())
        gc.callbacks.append(self._collected)
        try:
            yield
        finally:
            gc.callbacks.remove(self._collected)
            looking.cancel()
            await asyncio.wait([looking])

    async def _look(self) -> None:
        while True:
            before, busy = perf_counter(), thread_time()
            await asyncio.sleep(_LOOK_S)
            self.late_s.append(perf_counter() - before - _LOOK_S)
            self.busy_s = max(self.busy_s, thread_time() - busy)

    def _collected(self, phase: Literal["start", "stop"], info: dict[str, int]) -> None:
        if phase == "start":
            self._gc_began = perf_counter()
            return
        took_s = perf_counter() - self._gc_began
        self.gc_s += took_s
        self.gc_longest_s = max(self.gc_longest_s, took_s)
        self.full += info["generation"] == _FULL

    def result(self, name: str) -> Result:
        """Of what has the name: longest turn, 99.9 of 100, its processor time; collections."""
        return {
            f"{name}_stall_ms": 1e3 * self.stall_s,
            f"{name}_stall_p99.9_ms": 1e3 * percentile(self.late_s, 99.9),
            f"{name}_busy_ms": 1e3 * self.busy_s,
            f"{name}_gc_ms": 1e3 * self.gc_s,
            f"{name}_gc_longest_ms": 1e3 * self.gc_longest_s,
            f"{name}_gc_full": float(self.full),
        }
