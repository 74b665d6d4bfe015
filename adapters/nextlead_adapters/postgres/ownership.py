"""The right to write, which one process has at a time: taken, renewed, given back, or lost to another.

Rules of this file:

1. The table `owner` has one row. Its epoch rises with each claim and is what every change is checked against, by a row
   lock, so a former owner can change nothing, however late it wakes up.
2. An owner says once a second that it lives. It may rely on being the owner for two seconds from the moment at which it
   *sent* the last word that was answered, by a clock that goes on while the machine sleeps.
3. Another process may take over when nothing was heard for three seconds: by the server's clock, or, should that be put
   back, by watching. So the former owner has stopped to answer before the new one begins. Should it be put forward, the
   former owner is alive: the claim ends its sessions, by which it finds out at once.
4. Who ends in good order says so, and wakes whoever waits. Who waits sleeps until then, or until the owner may be taken
   for dead.
5. A connection that is cut is opened again, and if the epoch is still the same, nothing has happened.
"""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn

import structlog
from msgspec import Struct

from nextlead.ports import StoreRefused

from .connection import FAILURES, Server, deadline
from .renewing import Renewing

if TYPE_CHECKING:
    from .connection import Db

_AGAIN_S: Final = 0.1
_AGAIN_MOST_S: Final = 1.0
"""Between attempts to reach a server that is not there: the first pause, and the longest."""

_log: Final = structlog.get_logger("nextlead.postgres")


class Times(Struct, frozen=True):
    """Seconds: between renewals, how long one is relied on, and after how long another may take over."""

    renew_s: float = 1.0
    hold_s: float = 2.0
    takeover_s: float = 3.0


class _Found(Struct):
    """What the table says: who is the owner, and for how long nothing was heard; None when it has gone."""

    epoch: int
    holder: str
    renewed_at: datetime | None
    silent_s: float
    database: str


def boot_clock() -> float:
    """Seconds that go on while the machine sleeps, where it has such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Ownership:
    """Taken once, and then renewed until it is given back or lost."""

    def __init__(self, server: Server, times: Times, clock: Callable[[], float] = boot_clock) -> None:
        self._server = server
        self._times = times
        self._clock = clock
        self._holder = f"process {os.getpid()} on {socket.gethostname()}"
        self._db: Db | None = None
        self._renewing: Renewing | None = None
        self._watched: datetime | None = None
        self._trouble = ""
        self._lost: asyncio.Future[str] | None = None
        self.epoch = 0

    @property
    def _answer_s(self) -> float:
        """How long the server may take: an answer that comes later than it can be relied on is of no use."""
        return min(self._times.hold_s, self._server.connect_s)

    @property
    def taken(self) -> bool:
        """It was taken, and neither given back nor found to be lost."""
        return self._renewing is not None

    def holds(self) -> bool:
        """See `Claim.holds`."""
        return self._left_s() > 0

    async def doubted(self) -> None:
        """See `Database.doubted`."""
        while (left := self._left_s()) > 0:  # noqa: ASYNC110 - each renewal puts it off
            await asyncio.sleep(left)

    async def lost(self) -> str:
        """See `Database.lost`."""
        if self._lost is None:
            self._lost = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._lost)

    def lose(self, message: str) -> None:
        """Another process is the owner."""
        if self._renewing is not None:
            self._renewing.leave_off()
            self._renewing = None
        if self._lost is None:
            self._lost = asyncio.get_running_loop().create_future()
        if not self._lost.done():
            self._lost.set_result(message)

    async def take(self, waiting: Callable[[str], None] | None = None) -> None:
        """See `Database.claim`."""
        assert self._renewing is None, "it is taken once"
        told = False
        try:
            while (found := await self._attempt(patient=waiting is not None)) is not None:
                if waiting is None:
                    _refuse(f"{self._server.shown} is in use by {found.holder}")
                if not told:
                    waiting(found.holder)
                    told = True
                await self._wait(found)
        except BaseException:
            self._drop()
            raise

    async def give_back(self) -> None:
        """Whoever waits may take over at once. When that can't be said any more, it will find out."""
        renewing, self._renewing = self._renewing, None
        if renewing is not None:
            await renewing.stop()
            try:
                db = await self._session()
                with deadline(db, self._answer_s):
                    database = await db.fetchval(_GIVE_BACK, self.epoch)
                    if database is not None:
                        await db.execute("SELECT pg_notify($1, '')", _channel(str(database)))
            except (*FAILURES, StoreRefused):
                pass
        self._drop()

    def _left_s(self) -> float:
        """How long it may be relied on yet."""
        renewing = self._renewing
        return 0.0 if renewing is None else renewing.renewed + self._times.hold_s - self._clock()

    # -- taking -----------------------------------------------------------------------------------------------------

    async def _attempt(self, *, patient: bool) -> _Found | None:
        """None when it is taken now, else who has it. Who is patient waits for the server, too."""
        pause_s = _AGAIN_S
        while True:
            try:
                db = await self._session()
                found = await _look(db, self._answer_s)
                self._say("")
                free = found.renewed_at is None or found.silent_s >= self._times.takeover_s
                watched = found.renewed_at if found.renewed_at == self._watched else None
                if not (free or watched):
                    return found
                if await self._claim(db, found, watched):
                    return None
            except (*FAILURES, StoreRefused) as error:
                self._drop()
                if not patient:
                    raise
                self._say(self._server.plain(error))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _AGAIN_MOST_S)

    def _say(self, trouble: str) -> None:
        """Why the database can't be reached, each time it is another reason; nothing when it can."""
        if trouble and trouble != self._trouble:
            _log.warning("database_not_reached", error=trouble)
        elif self._trouble and not trouble:
            _log.warning("database_reached")
        self._trouble = trouble

    async def _wait(self, found: _Found) -> None:
        """Until the owner may be taken for dead, or says that it goes, or the connection is lost.

        If nothing at all is heard of it for that long, it is dead whatever the server's clock says (`_watched`).
        """
        self._watched = None
        left = self._times.takeover_s - max(0.0, found.silent_s)
        try:
            db = await self._session()
            async with self._listening(db, found.database) as woken:
                again = await _look(db, self._answer_s)  # it may have gone before anybody listened
                if again.renewed_at is not None and not await _within(left, woken) and left >= self._times.takeover_s:
                    self._watched = found.renewed_at
        except (*FAILURES, StoreRefused):
            self._drop()

    @asynccontextmanager
    async def _listening(self, db: "Db", database: str) -> AsyncIterator[asyncio.Event]:
        """The event comes when an owner says that it goes, or the connection is lost."""
        woken, channel = asyncio.Event(), _channel(database)

        def wake(*_: Any) -> None:
            woken.set()

        db.add_termination_listener(wake)
        with deadline(db, self._answer_s):
            await db.add_listener(channel, wake)
        yield woken
        db.remove_termination_listener(wake)
        with deadline(db, self._answer_s):
            await db.remove_listener(channel, wake)

    async def _claim(self, db: "Db", found: _Found, watched: datetime | None) -> bool:
        """One transaction: the next epoch, an end to the former owner's sessions, the epoch in what it might lock."""
        sent = self._clock()
        with deadline(db, self._server.answer_s):
            async with db.transaction():
                silent = f"{self._times.takeover_s} seconds"
                epoch = await db.fetchval(_CLAIM, found.epoch, self._holder, silent, watched)
                if epoch is None:
                    return False
                await db.execute(_END, _name(found.database, found.epoch))
                await db.execute("UPDATE organisation SET epoch = $1", epoch)
                await db.execute("UPDATE folding SET epoch = $1", epoch)
        self.epoch = epoch
        self._server.name = _name(found.database, epoch)
        self._renewing = Renewing(self._server, epoch, self._times.renew_s, self._answer_s, self._clock)
        self._renewing.start(sent, self.lose)
        return True

    async def _session(self) -> "Db":
        if self._db is None or self._db.is_closed():
            self._db = await self._server.connect(self._answer_s)
        return self._db

    def _drop(self) -> None:
        if self._db is not None:
            self._db.terminate()
            self._db = None


def _refuse(message: str) -> NoReturn:
    raise StoreRefused(message)


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Whether it came in time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def _look(db: "Db", within_s: float) -> _Found:
    with deadline(db, within_s):
        row = await db.fetchrow(_LOOK)
    if row is None:
        raise StoreRefused("the store is damaged: the table owner has no row")
    return _Found(row["epoch"], row["holder"], row["renewed_at"], row["silent_s"] or 0.0, str(row["database_id"]))


def _name(database: str, epoch: int) -> str:
    """What an owner's sessions are called."""
    return f"nextlead {database} {epoch}"


def _channel(database: str) -> str:
    return f"nextlead_{database}"


_LOOK: Final = """
SELECT epoch, holder, renewed_at, extract(epoch FROM clock_timestamp() - renewed_at)::float8 AS silent_s, database_id
FROM owner
"""
_CLAIM: Final = """
UPDATE owner SET epoch = epoch + 1, holder = $2, renewed_at = clock_timestamp()
WHERE epoch = $1 AND (renewed_at IS NULL OR renewed_at <= clock_timestamp() - $3::text::interval OR renewed_at = $4)
RETURNING epoch
"""
_END: Final = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = $1 AND datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
"""
_GIVE_BACK: Final = "UPDATE owner SET renewed_at = NULL WHERE epoch = $1 RETURNING database_id"
