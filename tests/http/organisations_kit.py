"""Several organisations behind one application, on memory stores and manual clocks, opened as a daemon opens them."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from hashlib import sha256

from http_kit import OPERATOR, START, UPLOAD_MAX, Caller
from starlette.types import ASGIApp

from nextlead.core.engine import Engine
from nextlead.core.errors import Conflict, NotFound
from nextlead.ports import DEFAULT, Organisation
from nextlead.runtime.clock import ManualClock
from nextlead.runtime.dialer import Dialer
from nextlead.testing import FaultyStore, MemoryStore
from nextlead_adapters.almanac import LibraryAlmanac
from nextlead_adapters.clocks import follow
from nextlead_adapters.global_list import GlobalList
from nextlead_adapters.http.app import create_app
from nextlead_adapters.http.services import Limits
from nextlead_adapters.http.tenants import EXISTS, Tenant
from nextlead_adapters.http.times import parse_time
from nextlead_adapters.intake.originals import Originals
from nextlead_adapters.intake.service import Intake
from nextlead_adapters.privacy.service import Privacy
from nextlead_adapters.scheme_files import shipped_schemes

KEY = b"the key of forgotten numbers"


class Street:
    """Organisations next to each other. `ours` says whether the database is."""

    def __init__(self) -> None:
        self.ours = True
        self.stores: dict[str, FaultyStore] = {}
        self._tenants: dict[str, Tenant] = {}
        self._making: set[str] = set()
        self._open = AsyncExitStack()
        self.global_list: GlobalList

    async def open(self) -> None:
        tenant = await self._opened(DEFAULT, parse_time(START))
        self.global_list = GlobalList(tenant.dialer)
        self._tenants[DEFAULT.code] = tenant
        self.app = self.make_app()

    def make_app(self, *, loopback: bool = False) -> ASGIApp:
        return create_app(
            self,
            operator_token_sha256=sha256(OPERATOR.encode()).hexdigest(),
            limits=Limits(upload_max_bytes=UPLOAD_MAX),
            loopback=loopback,
            manual_clock=True,
            holds=lambda: self.ours,
        )

    async def close(self) -> None:
        await self._open.aclose()

    async def _opened(self, organisation: Organisation, now_ms: int) -> Tenant:
        store = self.stores[organisation.code] = FaultyStore(MemoryStore())
        engine = Engine(KEY, almanac=LibraryAlmanac(), schemes=shipped_schemes())
        dialer = await Dialer.open(store, ManualClock(now_ms), engine=engine, retry_s=0)
        await self._open.enter_async_context(dialer)
        intake = Intake(dialer)
        await intake.start()
        self._open.push_async_callback(intake.close)
        privacy = Privacy(dialer, Originals(dialer))
        privacy.start()
        self._open.push_async_callback(privacy.close)
        return Tenant(organisation, dialer, intake, privacy)

    # -- as `Organisations` has it ----------------------------------------------------------------------------------

    @property
    def default(self) -> Tenant:
        return self._tenants[DEFAULT.code]

    def all(self) -> Sequence[Tenant]:
        return list(self._tenants.values())

    def by_code(self, code: str) -> Tenant | None:
        return self._tenants.get(code)

    async def create(self, code: str, name: str) -> Tenant:
        if code in self._tenants or code in self._making:
            raise Conflict(EXISTS)
        self._making.add(code)
        now_ms = self.default.dialer.now_ms()
        tenant = await self._opened(Organisation(len(self._making) + 1, code, name, now_ms), now_ms)
        await self.global_list.join(tenant.dialer)
        await follow(self.default.dialer, [tenant.dialer])
        self._tenants[code] = tenant
        return tenant

    async def rename(self, code: str, name: str) -> Tenant:
        tenant = self._tenants.get(code)
        if tenant is None:
            raise NotFound("organisation", code)
        old = tenant.organisation
        tenant.organisation = Organisation(old.no, old.code, name, old.created_ms)
        return tenant

    # -- callers ----------------------------------------------------------------------------------------------------

    def caller(self, token: str | None = OPERATOR, **headers: str) -> Caller:
        return Caller(self.app, token, headers)

    async def admin_of(self, code: str) -> Caller:
        """A new organisation's admin."""
        made = await self.caller().ok("POST", "/v1/organisations", {"code": code, "name": code.title()})
        return self.caller(made["admin_token"])
