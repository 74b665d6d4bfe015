"""One life of the daemon's process: a dialer with its tasks, clock and store, and what clients have of it.

It ends by `close`, as on SIGTERM, or by `die`, as on SIGKILL: then nothing of it runs on, no client gets an answer any
more, and only the disk remains.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar

from nextlead.runtime.dialer import Dialer
from nextlead.testing.memory_store import MemoryStore

from .clock import ProcessClock, Wall
from .disk import SimulatedStore
from .journal import Journal
from .loop import LIFE, Tasks
from .plan import Plan
from .watched import WatchedEngine

T = TypeVar("T")


class Lost(Exception):
    """The connection broke: whether it was done or not, nobody said."""


class Life:
    """`ended` is set when it is over, `dialer` while it can be called."""

    def __init__(
        self,
        plan: Plan,
        wall: Wall,
        disk: MemoryStore,
        engine: WatchedEngine,
        dice: Random,
        journal: Journal,
        *,
        calm: bool,
    ) -> None:
        self.engine = engine
        self.dead = False
        self.ended = asyncio.Event()
        self.clock = ProcessClock(wall)
        self.store = SimulatedStore(disk, self, plan, dice, journal, calm=calm)
        self.dialer: Dialer | None = None
        self._disk = disk
        self._dice = dice
        self._journal = journal
        self._tasks = Tasks()
        self._crowded = plan.has("crowded")

    async def open(self) -> None:
        """Raises what `Dialer.open` raises, and `Lost` when the process dies over it."""
        limits: dict[str, Any] = {"backlog_max": 3, "room_s": 1.0} if self._crowded else {}
        self.dialer = await self.call(
            Dialer.open(
                self.store, self.clock, engine=self.engine, retry_s=5.0, token_bytes=self._dice.randbytes, **limits
            )
        )

    async def close(self) -> None:
        """The process ends of its own accord."""
        try:
            if self.dialer is not None:
                await self.call(self.dialer.close())
        finally:
            self.die("", loud=False)

    def die(self, why: str, *, loud: bool = True) -> None:
        """The process is gone. Harmless twice."""
        if self.dead:
            return
        if loud:
            self._journal.say("death", why)
        self.dead = self.engine.dead = True
        self.dialer = None
        self.clock.stop()
        self._tasks.kill()
        self._disk.crash()
        self.ended.set()

    def spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """A task of this process."""
        context = contextvars.copy_context()
        context.run(LIFE.set, self._tasks)
        return context.run(asyncio.get_running_loop().create_task, work)

    async def call(self, work: Coroutine[Any, Any, T], answered: Callable[[T], None] | None = None) -> T:
        """What a client asks of the process; `answered` is told the moment an answer leaves it.

        A client that is cancelled has closed the connection; then the process breaks it off, too. Raises `Lost` when
        the process dies first.
        """
        task = self.spawn(work)
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.cancelled():
            raise Lost
        if answered is not None and task.exception() is None:
            answered(task.result())
        return task.result()
