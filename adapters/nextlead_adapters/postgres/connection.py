"""Sessions of the server: how they are opened, lent out, cut off, and what their errors become.

Rules of this file:

1. A session is what it was asked to be, or there is none: settings are read back, and a server that would forget what
   it said is durable is refused.
2. What is asked is answered by a deadline, or the connection is cut: a cut one is never used again.
3. A session that was cut while it wrote may still be at work on the server. Before anybody is lent another one, it is
   ended, and seen to have ended: what is read then does not change any more by itself.
4. The password is in no message.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from msgspec import Struct

from nextlead.ports import StoreError, StoreRefused

from ..store_url import shown_url, without_secrets

if TYPE_CHECKING:
    Db = asyncpg.Connection[asyncpg.Record]

OLDEST: Final = 130_000
"""The oldest server that will do, as `server_version_num`: 13."""
READERS: Final = 4
WRITERS: Final = 8
"""Sessions at most; each is opened when it is needed, the last one used is used first."""
CONNECT_S: Final = 5.0
ANSWER_S: Final = 30.0
"""How long an answer may take before the connection is cut."""
_ENDED_S: Final = 0.01
_SETTINGS: Final = {
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "2s",
    "timezone": "UTC",
    "client_encoding": "UTF8",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
}
"""The last four are for plans that stay right while tables grow: without statistics, straight after a load, a plan for
given values reads all rows of the organisation, and one that was made for an empty table reads all of a full one."""
_MUST_BE: Final = {
    "fsync": ("on", "it would lose what it said was durable"),
    "full_page_writes": ("on", "a crash of its machine could damage it"),
}
_REFUSED: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.UndefinedObjectError,
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.DataCorruptedError,
    asyncpg.IndexCorruptedError,
)
"""What no trying again mends."""
_STOPPED: Final = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
FAILURES: Final = (asyncpg.PostgresError, *_STOPPED)
"""Everything that a server or the way to it may raise; an internal error is what asyncpg says at times of a connection
that was lost between two of its messages."""


class Server(Struct):
    """Where the database is. `name` is what sessions are called there, `epoch` included once there is one."""

    url: str
    name: str = "nextlead"
    answer_s: float = ANSWER_S
    connect_s: float = CONNECT_S

    @property
    def shown(self) -> str:
        """The URL without what is secret."""
        return shown_url(self.url)

    def plain(self, error: BaseException) -> str:
        """What an error says, without the password."""
        return without_secrets(self.url, str(error) or type(error).__name__)

    async def connect(self, within_s: float | None = None, **settings: str) -> "Db":
        """A session. Raises `StoreRefused` when the server can't be trusted; what asyncpg raises when it is not there.

        `settings` go over those that all sessions have.
        """
        wanted = {"application_name": self.name, **_SETTINGS, **settings}
        try:
            db = await asyncpg.connect(self.url, timeout=within_s or self.connect_s, server_settings=wanted)
        except (ValueError, asyncpg.ClientConfigurationError) as error:
            raise StoreRefused(f"{self.shown} can't be used: {self.plain(error)}") from None
        try:
            with deadline(db, within_s or self.connect_s):
                await _check(db, wanted)
        except BaseException:
            db.terminate()
            raise
        return db

    @contextmanager
    def errors(self) -> Iterator[None]:
        """What the server or the way to it raises becomes `StoreError`, or `StoreRefused` if it will stay so."""
        try:
            yield
        except _REFUSED as error:
            raise StoreRefused(f"{self.shown} can't be used: {self.plain(error)}") from error
        except asyncpg.InternalClientError as error:
            raise StoreError("PostgreSQL: the connection was lost") from error
        except FAILURES as error:
            raise StoreError(f"PostgreSQL: {self.plain(error)}") from error


class Pool:
    """Sessions that are lent out one task at a time: those that only read never wait for those that write."""

    def __init__(self, server: Server, readers: int = READERS, writers: int = WRITERS) -> None:
        self.server = server
        self._idle: dict[bool, list[Db]] = {False: [], True: []}
        self._free = {False: asyncio.Semaphore(readers), True: asyncio.Semaphore(writers)}
        self._pids: dict[Db, int] = {}
        self._cut: set[int] = set()
        self._ending = asyncio.Lock()
        self._closed = False

    def reader(self) -> "AbstractAsyncContextManager[Db]":
        """A session in which each statement sees all commits that returned; `snapshot` has several see the same."""
        return self._lend(writes=False)

    def writer(self) -> "AbstractAsyncContextManager[Db]":
        """A session for one transaction."""
        return self._lend(writes=True)

    async def start_over(self) -> None:
        """Sessions that nobody uses are closed, alive or not; those that come next have the server's present name."""
        idle = [db for sessions in self._idle.values() for db in sessions]
        for sessions in self._idle.values():
            sessions.clear()
        for db in idle:
            del self._pids[db]
        await asyncio.gather(*map(_close, idle))

    def cut(self) -> None:
        """What the server was asked is not waited for any more: it is silent. Sessions are opened anew."""
        for db in tuple(self._pids):
            db.terminate()

    async def close(self) -> None:
        """Harmless twice. Who is lent a session keeps it until it is done."""
        self._closed = True
        await self.start_over()

    @asynccontextmanager
    async def _lend(self, *, writes: bool) -> "AsyncIterator[Db]":
        async with self._free[writes]:
            with self.server.errors():
                db = await self._take(writes=writes)
                try:
                    with deadline(db, self.server.answer_s):
                        yield db
                except BaseException as error:
                    self._after(error, db)
                    raise
                finally:
                    await self._give_back(db, writes=writes)

    async def _take(self, *, writes: bool) -> "Db":
        """Another one for each that was lost meanwhile."""
        if self._closed:
            raise StoreError(f"{self.server.shown} is closed")
        idle = self._idle[writes]
        db: Db | None = None
        while idle and db is None:
            db = idle.pop()
            if db.is_closed():
                self._cut.add(self._pids.pop(db))
                db = None
        if db is None:
            db = await self.server.connect(default_transaction_read_only="off" if writes else "on")
            self._pids[db] = db.get_server_pid()  # once it is closed it does not say
        if self._cut:
            try:
                await self._end_cut(db)
            except BaseException:
                self._cut.add(self._pids.pop(db))
                db.terminate()
                raise
        return db

    def _after(self, error: BaseException, db: "Db") -> None:
        """Who was stopped while the server was at work, or has a transaction open, can't be used again."""
        stopped = not isinstance(error, Exception) or isinstance(error, _STOPPED)
        if stopped or db.is_closed() or db.is_in_transaction():
            self._cut.add(self._pids.pop(db))
            db.terminate()

    async def _give_back(self, db: "Db", *, writes: bool) -> None:
        if self._closed:
            await _close(db)
        elif not db.is_closed():
            self._idle[writes].append(db)

    async def _end_cut(self, db: "Db") -> None:
        """See rule 3."""
        async with self._ending:
            cut = list(self._cut)
            with deadline(db, self.server.answer_s):
                await db.execute(f"SELECT pg_terminate_backend(pid) {_THESE}", cut, self.server.name)
                while await db.fetchval(f"SELECT count(*) {_THESE}", cut, self.server.name):  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(_ENDED_S)
            self._cut.difference_update(cut)


_THESE: Final = (
    "FROM pg_stat_activity WHERE pid = ANY($1::int[]) AND application_name = $2 AND datname = current_database() "
    "AND pid <> pg_backend_pid()"
)


class Snapshot:
    """A pool of one session that sees the database as it was when it was opened."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._db: Db | None = None
        self._one = asyncio.Lock()

    async def open(self) -> None:
        """From now on everything is read as of now."""
        with self.server.errors():
            db = await self.server.connect(idle_in_transaction_session_timeout="0")
            self._db = db
            await db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    @asynccontextmanager
    async def reader(self) -> "AsyncIterator[Db]":
        """The session."""
        async with self._one:
            if self._db is None or self._db.is_closed():
                raise StoreError(f"{self.server.shown} is closed")
            with self.server.errors(), deadline(self._db, self.server.answer_s):
                yield self._db

    async def close(self) -> None:
        """Harmless twice."""
        db, self._db = self._db, None
        if db is not None:
            await _close(db)


@contextmanager
def deadline(db: "Db", seconds: float) -> Iterator[None]:
    """What is asked inside is answered in time, or the connection is cut and the question fails."""
    handle = asyncio.get_running_loop().call_later(seconds, db.terminate)
    try:
        yield
    finally:
        handle.cancel()


@asynccontextmanager
async def snapshot(db: "Db") -> AsyncIterator[None]:
    """All statements inside read the database as the first of them finds it."""
    if db.is_in_transaction():  # one that stays open for good
        yield
        return
    async with db.transaction(isolation="repeatable_read", readonly=True):
        yield


async def _check(db: "Db", wanted: Mapping[str, str]) -> None:
    """Raises `StoreRefused` for a server that can't be trusted, or does not take a setting."""
    names = [name for name in wanted if name in _READ_BACK]
    asked = ["server_version_num", *_MUST_BE, *names]
    question = ", ".join(f"current_setting('{name}')" for name in asked)
    row = await db.fetchrow(f"SELECT {question}, pg_is_in_recovery()::text AS standby")
    assert row is not None
    found: dict[str, Any] = dict(zip([*asked, "standby"], row.values(), strict=True))
    if int(found["server_version_num"]) < OLDEST:
        version = ".".join(str(part) for part in db.get_server_version()[:2])
        raise StoreRefused(f"the PostgreSQL server is of version {version}; it must be {OLDEST // 10_000} or newer")
    for name, (value, why) in _MUST_BE.items():
        if found[name] != value:
            raise StoreRefused(f"the PostgreSQL server runs with {name} = {found[name]}: {why}")
    if found["standby"] != "false":
        raise StoreRefused("the PostgreSQL server is a hot standby, which can't be written; name the primary")
    for name in names:
        if found[name] != wanted[name]:
            raise StoreRefused(f"the PostgreSQL server does not take {name} = {wanted[name]}: it stays {found[name]}")


_READ_BACK: Final = frozenset(_SETTINGS) - {"client_encoding", "jit"}


async def _close(db: "Db") -> None:
    """Politely, if the server listens."""
    try:
        await db.close(timeout=1)
    except FAILURES:
        db.terminate()
