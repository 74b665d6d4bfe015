"""An owner says that it lives, again and again, until it is told to stop or finds another in its place.

It does so from a thread of its own: a daemon that loads a million leads is busy for seconds in one piece, and alive. A
daemon whose event loop does not turn for a minute is not, so nothing more is said then.
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
"""How long the event loop may stand still."""
_BEAT_S: Final = 1.0
_AGAIN_S: Final = 0.1
"""Between attempts to reach a server that is not there."""
_RENEW: Final = "UPDATE owner SET renewed_at = clock_timestamp() WHERE epoch = $1 RETURNING true"


class Renewing:
    """Goes on from `start` until it is told to leave off, or until there is another owner.

    If it has to end for any other reason, the right to write is lost, too: the daemon ends, rather than stand there
    for ever without it.

    `renewed` is when the last word that was answered was sent, by `clock`; it changes under the reader's hands.
    """

    def __init__(self, server: Server, epoch: int, every_s: float, answer_s: float, clock: Callable[[], float]) -> None:
        self.renewed = 0.0
        self.db: Db | None = None
        self._server = server
        self._epoch = epoch
        self._every_s = every_s
        self._answer_s = answer_s
        self._clock = clock
        self._beat = clock()
        self._outer = asyncio.get_running_loop()
        self._inner: asyncio.AbstractEventLoop
        self._task: asyncio.Task[None]
        self._beating: asyncio.Task[None]
        self._lost: Callable[[str], None]
        self._leaving = False
        self._ended = asyncio.Event()
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nextlead-owner", daemon=True)

    def start(self, renewed: float, lost: Callable[[str], None]) -> None:
        """The claim was the first word. `lost` is called on the event loop, with a message that names the new owner."""
        self.renewed = renewed
        self._lost = lost
        self._beating = self._outer.create_task(self._show_life(), name="nextlead-owner")
        self._thread.start()
        self._begun.wait()

    def leave_off(self) -> None:
        """Say nothing more. Harmless twice."""
        self._leaving = True
        self._beating.cancel()
        with suppress(RuntimeError):  # its loop is closed: it has ended by itself
            self._inner.call_soon_threadsafe(self._task.cancel)

    async def stop(self) -> None:
        """The same; returns when it has ended."""
        self.leave_off()
        await asyncio.to_thread(self._thread.join)

    async def _show_life(self) -> None:
        while True:
            self._beat = self._clock()
            await asyncio.sleep(_BEAT_S)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._inner = runner.get_loop()
            self._task = self._inner.create_task(self._renew_for_good())
            self._begun.set()
            try:
                self._inner.run_until_complete(self._task)
            except BaseException as fault:  # noqa: BLE001 - whatever it is, nobody says any more that this owner lives
                if not self._leaving:
                    self._tell(f"{self._server.shown} can't be told any more who owns it: {fault!r}")
            self._drop()
            self._inner.run_until_complete(asyncio.sleep(0))  # the connection ends in the next turn

    async def _renew_for_good(self) -> None:
        with suppress(*FAILURES, StoreRefused):  # then it is opened when it is needed
            await self._session()  # before the first word is due: on a long way it takes a second
        while True:
            await self._rest(max(0.0, self.renewed + self._every_s - self._clock()))
            if self._clock() - self._beat > STANDS_S:
                await asyncio.sleep(_AGAIN_S)
            elif not await self._renew():
                return

    async def _rest(self, seconds: float) -> None:
        """Cut short when the session ends: so it does when another becomes the owner, whatever the clocks say."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()
                await asyncio.sleep(_AGAIN_S)
        self._ended.clear()

    async def _renew(self) -> bool:
        """False when there is another owner. When the server does not answer, it is tried again soon."""
        try:
            db = await self._session()
            sent = self._clock()
            with deadline(db, self._answer_s):
                if not await db.fetchval(_RENEW, self._epoch):
                    holder = await db.fetchval("SELECT holder FROM owner")
                    self._tell(f"{self._server.shown} was taken over by {holder}")
                    return False
        except (*FAILURES, StoreRefused):
            self._drop()
            await asyncio.sleep(_AGAIN_S)
        else:
            self.renewed = sent
        return True

    def _tell(self, message: str) -> None:
        with suppress(RuntimeError):  # its loop is closed: the process ends
            self._outer.call_soon_threadsafe(self._lost, message)

    async def _session(self) -> "Db":
        if self.db is None or self.db.is_closed():
            self.db = await self._server.connect(self._answer_s)
            self.db.add_termination_listener(lambda _: self._ended.set())
        return self.db

    def _drop(self) -> None:
        if self.db is not None:
            self.db.terminate()
            self.db = None
