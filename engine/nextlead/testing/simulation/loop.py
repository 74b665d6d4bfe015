"""An event loop whose time is made up: it never sleeps, it jumps to the next timer.

Everything that runs in it is as asynchronous as ever, takes no longer than its code takes, and happens in the same
order each time. It knows no sockets, no threads and no processes: what would wait for the world outside fails.
"""

import asyncio
import contextvars
from collections.abc import Coroutine, Generator
from typing import Any, Final

LIFE: Final[contextvars.ContextVar["Tasks | None"]] = contextvars.ContextVar("LIFE", default=None)
"""Whose tasks are being made: set in the context of a simulated process."""

_STEP_S: Final = 0.001
_TURNS_MOST: Final = 100_000


class Tasks:
    """The tasks of one simulated process, in the order they began."""

    def __init__(self) -> None:
        self._running: dict[asyncio.Task[Any], None] = {}

    def add(self, task: asyncio.Task[Any]) -> None:
        """It runs until it ends."""
        self._running[task] = None
        task.add_done_callback(self._ended)

    def kill(self) -> None:
        """Break all of them off, where they are."""
        for task in list(self._running):
            task.cancel()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.pop(task, None)


class Stuck(Exception):
    """Nothing would ever happen again: all wait, and no timer is set; or all turn on the spot, and no time passes."""


class _Jump:
    """Stands where a loop has its selector: instead of waiting it puts the loop's time forward."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop
        self._turns = 0

    def select(self, timeout: float | None) -> list[Any]:
        """Nothing ever comes from outside."""
        if timeout is None:
            raise Stuck("all wait, and no timer is set")
        self._turns = 0 if timeout > 0 else self._turns + 1
        if self._turns > _TURNS_MOST:
            raise Stuck("something turns on the spot, and no time passes")
        if timeout > 0:
            self._loop.jump(timeout)
        return []

    def close(self) -> None:
        """Nothing to give back."""


class VirtualLoop(asyncio.BaseEventLoop):
    """See above. Time starts at 0 and is in seconds; `tasks` are counted to the process whose context they run in."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._clock_resolution = 1e-6
        self._selector = _Jump(self)
        self.set_task_factory(_make_task)
        self.problems: list[dict[str, Any]] = []
        """What tasks failed with that nobody awaited."""
        self.set_exception_handler(lambda _loop, context: self.problems.append(context))

    def time(self) -> float:
        """Made-up seconds."""
        return self._now_s

    def jump(self, seconds: float) -> None:
        """To the next timer. Timers less than a millisecond away are rounded up to it, as on a real machine."""
        self._now_s = round(self._now_s + max(seconds, _STEP_S), 6)

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody calls from another thread."""


def _make_task(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any] | Generator[Any, None, Any], **more: Any
) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **more)
    tasks = LIFE.get()
    if tasks is not None:
        tasks.add(task)
    return task


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """As `asyncio.run`, in made-up time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
