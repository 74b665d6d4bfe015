"""What is done beside the engine when its time comes: erasing, retention. Nothing here polls.

A chore names the engine time at which it wants to run; the dialer's one alarm rings for it as for the engine.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from nextlead.core.order import NEVER


class Chore(Protocol):
    """See the obligations of each method."""

    def next_ms(self) -> int | None:
        """When it wants to run; None: not before something changes. Asked after every command: O(1).

        A chore that has failed at something says a later time, never one that has passed.
        """
        ...

    async def run(self) -> None:
        """Do what is due. Never called while it still runs."""
        ...


class Chores:
    """The chores of a dialer. `ended` is called when one has run: it may want to again.

    `next_ms` is when the next one that is not at work wants to run, or NEVER, as of the last `start_due`.
    """

    def __init__(self, ended: Callable[[], None]) -> None:
        self._tell_ended = ended
        self._chores: list[Chore] = []
        self._running: dict[Chore, asyncio.Task[None]] = {}
        self.next_ms = NEVER

    def add(self, chore: Chore) -> None:
        """Take it in; the caller looks at the alarm."""
        self._chores.append(chore)

    def start_due(self, now_ms: int) -> None:
        """Begin what is due; ask the others when they want to run. O(chores)."""
        self.next_ms = NEVER
        for chore in self._chores:
            due_ms = None if chore in self._running else chore.next_ms()
            if due_ms is None:
                continue
            if due_ms > now_ms:
                self.next_ms = min(self.next_ms, due_ms)
            else:
                task = asyncio.get_running_loop().create_task(chore.run(), name=f"nextlead-{type(chore).__name__}")
                self._running[chore] = task
                task.add_done_callback(self._ended)

    async def idle(self) -> None:
        """Return when none is at work."""
        while self._running:
            await asyncio.wait(list(self._running.values()))

    async def stop(self) -> None:
        """End those at work, wherever they are."""
        for task in self._running.values():
            task.cancel()
        await self.idle()

    def _ended(self, task: asyncio.Task[None]) -> None:
        chore = next(chore for chore, running in self._running.items() if running is task)
        del self._running[chore]
        if not task.cancelled() and (problem := task.exception()) is not None:
            self._chores.remove(chore)  # it would only fail again; the next start tries once more
            context = {"message": "a chore failed and is given up", "exception": problem, "task": task}
            task.get_loop().call_exception_handler(context)
        self._tell_ended()
