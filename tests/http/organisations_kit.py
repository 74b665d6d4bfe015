"""Several organisations behind one application, over a database in memory and on manual clocks."""

from contextlib import AsyncExitStack
from hashlib import sha256

from http_kit import OPERATOR, START, UPLOAD_MAX, Caller
from starlette.types import ASGIApp

from nextlead.core.engine import Engine
from nextlead.ports import StoreAndArchive, StoreError
from nextlead.runtime.clock import ManualClock
from nextlead.testing import FaultyStore, MemoryDatabase
from nextlead_adapters.almanac import LibraryAlmanac
from nextlead_adapters.http.app import create_app
from nextlead_adapters.http.services import Limits
from nextlead_adapters.http.tenants import Tenant
from nextlead_adapters.http.times import parse_time
from nextlead_adapters.intake.worker import Limits as ReadingLimits
from nextlead_adapters.scheme_files import shipped_schemes
from nextlead_adapters.tenancy import Tenancy, Ways

KEY = b"the key of forgotten numbers"


class Lots(MemoryDatabase):
    """A database whose stores fail when told to: `stores`, by number, the newest of each, and those that are `refused`."""

    def __init__(self) -> None:
        super().__init__()
        self.stores: dict[int, FaultyStore] = {}
        self.refused: set[int] = set()
        self.why: Exception = StoreError("no room for another store")

    def store(self, no: int) -> StoreAndArchive:  # type: ignore[override]
        if no in self.refused:
            raise self.why
        store = self.stores[no] = FaultyStore(super().store(no))
        return store


class Street:
    """Organisations next to each other, as a daemon has them. `ours` says whether the database is."""

    def __init__(self) -> None:
        self.ours = True
        self.lots = Lots()
        self.app: ASGIApp
        self.tenancy: Tenancy
        self._life = AsyncExitStack()

    async def open(self) -> None:
        await self.lots.open()
        await self.lots.claim()
        self._life.push_async_callback(self.lots.close)
        ways = Ways(
            engine=lambda: Engine(KEY, almanac=LibraryAlmanac(), schemes=shipped_schemes()),
            clock=lambda: ManualClock(parse_time(START)),
            settle=lambda _engines: None,
            reading=ReadingLimits(),
            limits={"retry_s": 0},
        )
        self.tenancy = Tenancy(self.lots, ways, self._life)
        await self.tenancy.open()
        self.app = self.make_app()

    def make_app(self, *, loopback: bool = False) -> ASGIApp:
        return create_app(
            self.tenancy,
            operator_token_sha256=sha256(OPERATOR.encode()).hexdigest(),
            limits=Limits(upload_max_bytes=UPLOAD_MAX),
            loopback=loopback,
            manual_clock=True,
            holds=lambda: self.ours,
        )

    async def close(self) -> None:
        await self._life.aclose()

    async def again(self) -> None:
        """The next process, on what is durable."""
        await self.close()
        await self.open()

    @property
    def default(self) -> Tenant:
        return self.tenancy.default

    def store(self, code: str) -> FaultyStore:
        tenant = self.tenancy.by_code(code)
        assert tenant is not None
        return self.lots.stores[tenant.organisation.no]

    def caller(self, token: str | None = OPERATOR, **headers: str) -> Caller:
        return Caller(self.app, token, headers)

    async def admin_of(self, code: str) -> Caller:
        """A new organisation's admin."""
        made = await self.caller().ok("POST", "/v1/organisations", {"code": code, "name": code.title()})
        return self.caller(made["admin_token"])
