"""The owner's word that it lives, again and again, in a thread with an event loop and a session of its own.

Whatever keeps the process's own loop busy, such as building the queues of a million leads, the word is said in time;
but not when that loop stands still for so long that it can't be alive. A process that is stopped, or cut off, says
nothing, with all its threads.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nextlead.ports import StoreRefused

from .connection import FAILURES, Server, deadline

if TYPE_CHECKING:
    from .connection import Db

STANDS_S: Final = 60.0
"""How long the process's own loop may take for one turn: longer than any load, and then it is taken for dead."""
_AGAIN_S: Final = 0.1
"""Between attempts to reach a server that is not there, or to find the loop turning."""
_RENEW: Final = "UPDATE owner SET renewed_at = clock_timestamp() WHERE epoch = $1 RETURNING true"


class Renewing:
    """Begins at once, and goes on until it is stopped, or finds another owner: then `lost` is called, in the own loop.

    `renewed` is when the last word that was answered was sent, by `clock`: first the claim. It changes at any time.
    """

    def __init__(
        self,
        server: Server,
        epoch: int,
        every_s: float,
        answer_s: float,
        clock: Callable[[], float],
        renewed: float,
        lost: Callable[[str], None],
    ) -> None:
        self._server = server
        self._epoch = epoch
        self._every_s = every_s
        self._answer_s = answer_s
        self._clock = clock
        self._lost = lost
        self._home = asyncio.get_running_loop()
        self._loop: asyncio.AbstractEventLoop
        self._end: asyncio.Event
        self.renewed = self._turned = renewed
        self._db: Db | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="owner", daemon=True)
        self._thread.start()
        self._ready.wait()

    def leave_off(self) -> None:
        """Say it no more."""
        with suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._end.set)

    async def stop(self) -> None:
        """Say it no more: the last word was said when this returns."""
        self.leave_off()
        await asyncio.to_thread(self._thread.join)

    async def _run(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        tasks = [asyncio.create_task(self._renew_for_good()), asyncio.create_task(self._end.wait())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        self._drop()
        await asyncio.sleep(0)  # the connection ends in the next turn

    async def _renew_for_good(self) -> None:
        """Until it is cancelled, finds another owner, or the process's own loop has ended."""
        while not self._home.is_closed():
            await asyncio.sleep(max(0.0, self.renewed + self._every_s - self._clock()))
            self._home.call_soon_threadsafe(self._turn)
            sent = self._clock()
            if sent - self._turned > STANDS_S:
                await asyncio.sleep(_AGAIN_S)
                continue
            try:
                if not await self._renew():
                    return
            except (*FAILURES, StoreRefused):
                self._drop()
                await asyncio.sleep(_AGAIN_S)
            else:
                self.renewed = sent

    def _turn(self) -> None:
        """The process's own loop turns."""
        self._turned = self._clock()

    async def _renew(self) -> bool:
        """Whether it is still the owner."""
        if self._db is None or self._db.is_closed():
            self._db = await self._server.connect(self._answer_s)
        with deadline(self._db, self._answer_s):
            if await self._db.fetchval(_RENEW, self._epoch):
                return True
            holder = await self._db.fetchval("SELECT holder FROM owner")
        self._home.call_soon_threadsafe(self._lost, f"{self._server.shown} was taken over by {holder}")
        return False

    def _drop(self) -> None:
        if self._db is not None:
            self._db.terminate()
            self._db = None
