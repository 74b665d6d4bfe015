"""The one place that names concrete classes: puts store, clock, dialer, intake and application together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nextlead.core.engine import Engine
from nextlead.core.order import LAST_MS
from nextlead.core.schemes import Scheme
from nextlead.ports import Archive, Store, StoreRefused
from nextlead.runtime.clock import ManualClock, SystemClock, Timekeeper
from nextlead.runtime.dialer import Dialer
from nextlead.testing import MemoryStore

from .config import Config
from .privacy.key import find_key, settle_key
from .scratch import scratch
from .secret_file import admin_token
from .sqlite import SqliteStore
from .store_url import BadUrl, sqlite_path

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["BadUrl", "Built", "build", "make_clock", "open_dialer", "open_snapshot"]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Built(Struct):
    """A whole daemon but for its socket. `token_made`: the admin token was made just now; `token_file` has it."""

    dialer: Dialer
    app: "ASGIApp"
    token: str
    token_file: Path
    token_made: bool


async def open_dialer(
    url: str,
    clock: Timekeeper | None = None,
    *,
    key_file: Path | None = None,
    schemes: Mapping[str, Scheme] | None = None,
    **limits: Any,
) -> Dialer:
    """Open the asynchronous dialer over a store: `sqlite:///file.db`, or `memory:` which keeps nothing.

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
    path = sqlite_path(url)
    key = find_key(key_file or (path and path.with_suffix(".key")))
    store, archive = _store(path)
    try:
        engine = Engine(key.secret, LibraryAlmanac(), known)
        dialer = await Dialer.open(store, clock, archive=archive, engine=engine, **limits)
    except BaseException:
        await store.close()  # its threads would keep the process alive
        raise
    try:
        check_campaigns(engine.campaigns, known)
        settle_key(key, engine)
    except BaseException:
        await dialer.close()
        raise
    return dialer


async def open_snapshot(url: str) -> Store:
    """A store to look at, never to write: what is durable at this moment. It may be in use by a daemon; `close` it.

    Raises `BadUrl`, also for `memory:`, which nobody else can look into, and `StoreRefused`.
    """
    path = sqlite_path(url)
    if path is None:
        raise BadUrl("memory: keeps nothing that could be looked at from outside")
    if not path.exists():
        raise StoreRefused(f"there is no store {path}")
    store = SqliteStore(path, read_only=True)
    try:
        await store.open()
    except BaseException:
        await store.close()
        raise
    return store


@asynccontextmanager
async def build(config: Config, clock: str | None = None) -> AsyncIterator[Built]:
    """A daemon's parts, opened in order and closed in the opposite one. `clock` is None, `manual` or `manual=TIME`."""
    from .backup.sources import backup_of
    from .http.app import create_app
    from .http.services import Limits
    from .http.tenants import OneOrganisation
    from .intake.originals import Originals
    from .intake.service import Intake
    from .intake.worker import Limits as ReadingLimits
    from .limit_packs import shipped_packs
    from .privacy.service import Privacy
    from .scheme_files import read_schemes

    shipped_packs()  # one that can't be used is told now, not to who asks for it
    timekeeper = make_clock(clock)
    commit, http, key_file = config.commit, config.http, config.privacy.key_file
    dialer = await open_dialer(
        config.store.url,
        timekeeper,
        key_file=Path(key_file) if key_file else None,
        schemes=read_schemes(config.schemes.folder),
        retry_s=commit.retry_for_s,
        backlog_max=commit.waiting_max,
        room_s=commit.room_wait_s,
    )
    async with dialer:
        with scratch(sqlite_path(config.store.url)) as folder:
            token_file = _token_file(config.store.url)
            token, made = admin_token(token_file)
            reading = ReadingLimits(folder=folder)
            intake = Intake(dialer, reading)
            await intake.start()
            privacy = Privacy(dialer, Originals(dialer, reading))
            privacy.start()
            try:
                app = create_app(
                    OneOrganisation(dialer, intake, privacy),
                    limits=Limits(http.body_max_bytes, http.upload_max_bytes, upload_dir=folder),
                    operator_token_sha256=sha256(token.encode()).hexdigest(),
                    loopback=http.host in LOOPBACK,
                    manual_clock=isinstance(timekeeper, ManualClock),
                    back_up=backup_of(config.store.url),
                )
                yield Built(dialer=dialer, app=app, token=token, token_file=token_file, token_made=made)
            finally:
                await privacy.close()
                await intake.close()


def make_clock(text: str | None) -> Timekeeper:
    """The computer's clock, or one that stands still until it is moved. Raises `ValueError` for anything else."""
    if text is None:
        return SystemClock()
    kind, given, start = text.partition("=")
    if kind != "manual":
        raise ValueError(f"--clock {text}: it is 'manual' or 'manual=TIME'")
    if not given:
        return ManualClock()
    at = datetime.fromisoformat(start)
    if at.tzinfo is None:
        raise ValueError(f"--clock {text}: the time needs an offset, as in 2026-03-02T09:00:00Z")
    start_ms = round(at.timestamp() * 1000)
    if not 0 < start_ms < LAST_MS:
        raise ValueError(f"--clock {text}: the time must be after 1970 and before 2248")
    return ManualClock(start_ms)


def _store(path: Path | None) -> tuple[Store, Archive]:
    """The store and the archive, which is the same object."""
    if path is None:
        memory = MemoryStore()
        return memory, memory
    sqlite = SqliteStore(path)
    return sqlite, sqlite


def _token_file(url: str) -> Path:
    """Beside the store, with its name: `leads.token` for `leads.db`."""
    return (sqlite_path(url) or Path("nextlead.db")).with_suffix(".token")
