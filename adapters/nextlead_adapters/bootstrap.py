"""The one place that names concrete classes: puts store, clock, dialer, intake and application together."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nextlead.core.engine import Engine
from nextlead.core.order import LAST_MS
from nextlead.core.schemes import Scheme
from nextlead.ports import Database, StoreAndArchive
from nextlead.runtime.clock import ManualClock, SystemClock, Timekeeper
from nextlead.runtime.dialer import Dialer
from nextlead.testing import MemoryDatabase, MemoryStore

from .config import Config
from .privacy.key import Key, check_mark, find_key, settle_key
from .scratch import scratch
from .secret_file import admin_token
from .sqlite import SqliteDatabase, SqliteStore
from .store_url import BadUrl, needing_asyncpg, postgres_url, sqlite_path

if TYPE_CHECKING:
    from .http.hot import Hot
    from .postgres import PostgresDatabase, PostgresStore
    from .tenancy import Tenancy, Ways

__all__ = ["BadUrl", "Built", "build", "make_clock", "open_dialer"]

_ELSEWHERE = Path("nextlead.db")
"""For a store that is no file: token, key and scratch folder lie in the folder that the daemon was started in."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Built(Struct):
    """A whole daemon but for its socket. `token_made`: the admin token was made just now; `token_file` has it."""

    tenancy: "Tenancy"
    app: "Hot"
    token: str
    token_file: Path
    token_made: bool

    @property
    def dialer(self) -> Dialer:
        """That of the organisation `default`."""
        return self.tenancy.default.dialer


async def open_dialer(
    url: str,
    clock: Timekeeper | None = None,
    *,
    key_file: Path | None = None,
    schemes: Mapping[str, Scheme] | None = None,
    **limits: Any,
) -> Dialer:
    """Open the asynchronous dialer over a store: `sqlite:///file.db`, `postgresql://...`, or `memory:`.

    It claims the store, loads it, runs what came due meanwhile, and is ready; `close` it, or use it as
    `async with await open_dialer(url)`. `limits` are those of `Dialer.open`. `key_file` has the key of forgotten
    numbers; without a name it lies beside the store, and is made with it. `schemes` are the status schemes by name, the
    shipped ones unless given; `scheme_files.read_schemes` adds those of a folder.

    Raises `BadUrl` for a URL that can't be used, `StoreRefused` when the store can't be: held by another process,
    damaged, of a newer version, its key lost; `SchemeError` when a stored campaign has a scheme that is not there.
    """
    from .almanac import LibraryAlmanac
    from .scheme_files import check_campaigns, shipped_schemes

    known = shipped_schemes() if schemes is None else schemes
    key = find_key(key_file or key_file_of(url))
    if postgres_url(url):
        await _check_key(url, key)
    store = _store(url)
    try:
        engine = Engine(key.secret, LibraryAlmanac(), known)
        dialer = await Dialer.open(store, clock, archive=store, engine=engine, **limits)
    except BaseException:
        await store.close()  # its threads would keep the process alive
        raise
    try:
        check_campaigns(engine.campaigns, known)
        settle_key(key, [engine])
    except BaseException:
        await dialer.close()
        raise
    return dialer


async def _check_key(url: str, key: Key) -> None:
    """Before anything is claimed, for a key that does not lie beside its database."""
    database = _database(url)
    await database.open()
    try:
        await check_mark(key, database)
    finally:
        await database.close()


@asynccontextmanager
async def build(
    config: Config, clock: str | None = None, waiting: Callable[[str], None] | None = None
) -> AsyncIterator[Built]:
    """A daemon's parts, opened in order and closed in the opposite one. `clock` is None, `manual` or `manual=TIME`.

    With `waiting`, and where the store can have a standby, it waits for its turn; see `Database.claim`.
    """
    from .backup.sources import backup_of
    from .http.app import create_app
    from .http.services import Limits
    from .limit_packs import shipped_packs
    from .scheme_files import read_schemes
    from .tenancy import Tenancy

    shipped_packs()  # one that can't be used is told now, not to who asks for it
    url, http = config.store.url, config.http
    schemes = read_schemes(config.schemes.folder)
    key_file = Path(config.privacy.key_file) if config.privacy.key_file else key_file_of(url)
    async with AsyncExitStack() as life:
        database = _database(url)
        life.push_async_callback(database.close)
        await database.open()
        await check_mark(find_key(key_file), database)  # a standby hears of it now, not when it is needed
        await database.claim(waiting)
        key = find_key(key_file)  # the owner before may have made it meanwhile
        await check_mark(key, database)
        folder = life.enter_context(scratch(_beside(url)))
        tenancy = Tenancy(database, _ways(config, schemes, key, clock, folder), life)
        await tenancy.open()
        await database.keep_key(key.mark)
        token_file = (_beside(url) or _ELSEWHERE).with_suffix(".token")
        token, made = admin_token(token_file)
        app = create_app(
            tenancy,
            limits=Limits(http.body_max_bytes, http.upload_max_bytes, upload_dir=folder),
            operator_token_sha256=sha256(token.encode()).hexdigest(),
            loopback=http.host in LOOPBACK,
            manual_clock=clock is not None,
            back_up=backup_of(url),
            holds=database.holds,
        )
        yield Built(tenancy=tenancy, app=app, token=token, token_file=token_file, token_made=made)


def _ways(config: Config, schemes: Mapping[str, Scheme], key: Key, clock: str | None, folder: Path | None) -> "Ways":
    from .almanac import LibraryAlmanac
    from .intake.worker import Limits as ReadingLimits
    from .scheme_files import check_campaigns
    from .tenancy import Ways

    almanac, commit = LibraryAlmanac(), config.commit

    def settle(engines: Sequence[Engine]) -> None:
        for engine in engines:
            check_campaigns(engine.campaigns, schemes)
        settle_key(key, engines)

    return Ways(
        engine=lambda: Engine(key.secret, almanac, schemes),
        clock=lambda: make_clock(clock),
        settle=settle,
        reading=ReadingLimits(folder=folder),
        limits={
            "retry_s": commit.retry_for_s,
            "backlog_max": commit.waiting_max,
            "room_s": commit.room_wait_s,
        },
    )


def make_clock(text: str | None) -> Timekeeper:
    """The computer's clock, or one that stands still until it is moved. Raises `ValueError` for anything else."""
    if text is None:
        return SystemClock()
    kind, given, start = text.partition("=")
    if kind != "manual":
        raise ValueError(f"--clock {text}: it is 'manual' or 'manual=TIME'")
    if not given:
        return ManualClock()
    try:
        at = datetime.fromisoformat(start)
    except ValueError:
        raise ValueError(f"--clock {text}: that is no time such as 2026-03-02T09:00:00Z") from None
    if at.tzinfo is None:
        raise ValueError(f"--clock {text}: the time needs an offset, as in 2026-03-02T09:00:00Z")
    start_ms = round(at.timestamp() * 1000)
    if not 0 < start_ms < LAST_MS:
        raise ValueError(f"--clock {text}: the time must be after 1970 and before 2248")
    return ManualClock(start_ms)


def _database(url: str) -> Database:
    """All organisations'."""
    if server := postgres_url(url):
        return _postgres()[0](server)
    path = sqlite_path(url)
    return MemoryDatabase() if path is None else SqliteDatabase(path)


def _store(url: str) -> StoreAndArchive:
    """That of `default`, alone."""
    if server := postgres_url(url):
        return _postgres()[1](server)
    path = sqlite_path(url)
    return MemoryStore() if path is None else SqliteStore(path)


def _postgres() -> "tuple[type[PostgresDatabase], type[PostgresStore]]":
    """Loaded for who needs them. Raises `BadUrl` when what they need is not installed."""
    with needing_asyncpg():
        from .postgres import PostgresDatabase, PostgresStore
    return PostgresDatabase, PostgresStore


def _beside(url: str) -> Path | None:
    """What files of the daemon's own are named after; None for a store that keeps nothing."""
    return _ELSEWHERE if postgres_url(url) else sqlite_path(url)


def key_file_of(url: str) -> Path | None:
    """Where the key of forgotten numbers lies unless it is said: `leads.key` for `leads.db`."""
    beside = _beside(url)
    return None if beside is None else beside.with_suffix(".key")
