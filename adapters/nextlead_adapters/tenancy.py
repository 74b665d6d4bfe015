"""The organisations of a daemon: opened over one database, served side by side, closed in the opposite order.

Rules of this file:

1. Nothing crosses: each organisation has its own store, engine, clock, intake and privacy service. They share the
   database they are in, the almanac, the status schemes, the key of forgotten numbers, and the global do-not-call list.
2. What one of them can't go on from, none does: when a dialer fails, or another process has become the owner of the
   database, `failed` is set, and the daemon has to end.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import structlog
from msgspec import Struct
from msgspec.structs import replace

from nextlead.core.engine import Engine
from nextlead.core.errors import Conflict, NotFound, NotReady
from nextlead.ports import DEFAULT, Database, Organisation, StoreRefused
from nextlead.runtime.clock import ManualClock, Timekeeper
from nextlead.runtime.dialer import Dialer

from .clocks import follow
from .global_list import GlobalList
from .http.tenants import EXISTS, Tenant
from .intake.originals import Originals
from .intake.service import Intake
from .intake.worker import Limits as ReadingLimits
from .privacy.service import Privacy

_LOOK_S: Final = 0.1
"""Between looks whether a database that was silent is there again."""

_log: Final = structlog.get_logger("nextlead.tenancy")


class Ways(Struct, frozen=True):
    """How an organisation is opened: what makes its engine and its clock, and what its parts are bounded by."""

    engine: Callable[[], Engine]
    clock: Callable[[], Timekeeper]
    settle: Callable[[Sequence[Engine]], None]
    """Called with the loaded engines before the first is served; raises what keeps the daemon from starting."""
    reading: ReadingLimits
    limits: dict[str, Any]
    """Those of `Dialer.open`."""


class Tenancy:
    """See the rules of this file. It is what the HTTP face calls `Organisations`."""

    def __init__(self, database: Database, ways: Ways, life: AsyncExitStack) -> None:
        self.failed = asyncio.Event()
        self.global_list: GlobalList
        self._database = database
        self._ways = ways
        self._life = life
        self._tenants: dict[str, Tenant] = {}
        self._making = asyncio.Lock()
        self._draining = False

    @property
    def default(self) -> Tenant:
        """See `Organisations.default`."""
        return self._tenants[DEFAULT.code]

    def all(self) -> Sequence[Tenant]:
        """See `Organisations.all`."""
        return tuple(self._tenants.values())

    def by_code(self, code: str) -> Tenant | None:
        """See `Organisations.by_code`."""
        return self._tenants.get(code)

    async def create(self, code: str, name: str) -> Tenant:
        """See `Organisations.create`. One that could not be opened when it was made is opened by the next try."""
        async with self._making, _not_now():
            if self._draining:
                raise NotReady("the daemon is about to end")
            if code in self._tenants:
                raise Conflict(EXISTS)
            known = await self._database.organisations()
            left = next((row for row in known if row.code == code), None)
            made = Organisation(known[-1].no + 1, code, name, self.default.dialer.now_ms())
            made = made if left is None else replace(left, name=name)
            await self._database.put(made)
            async with AsyncExitStack() as life:
                dialer = await self._open(made, life)
                tenant = await self._serve(made, dialer, life)
                await self.global_list.join(dialer)
                life.callback(self.global_list.leave, dialer)
                if isinstance(dialer.clock, ManualClock):
                    await follow(self.default.dialer, [dialer])
                self._tenants[code] = tenant
                self._life.push_async_exit(life.pop_all())
            _log.info("organisation_made", organisation=code)
            return tenant

    async def rename(self, code: str, name: str) -> Tenant:
        """See `Organisations.rename`."""
        tenant = self._tenants.get(code)
        if tenant is None:
            raise NotFound("organisation", code)
        renamed = replace(tenant.organisation, name=name)
        async with _not_now():
            await self._database.put(renamed)
        tenant.organisation = renamed
        return tenant

    def drain(self) -> None:
        """The end is near, see `Dialer.drain`."""
        self._draining = True
        for tenant in self._tenants.values():
            tenant.dialer.drain()

    async def open(self) -> None:
        """Open those that are in the database. All are loaded before the first is served."""
        _watch(self._end_when_lost(), self._life)
        _watch(self._let_go_when_doubted(), self._life)
        known = await self._database.organisations()
        opened = [(each, await self._open(each, self._life)) for each in known]
        self._ways.settle([dialer.engine for _, dialer in opened])
        for organisation, dialer in opened:
            self._tenants[organisation.code] = await self._serve(organisation, dialer, self._life)
        dialers = [dialer for _, dialer in opened]
        if isinstance(self.default.dialer.clock, ManualClock):  # one may have been moved when the process died
            await follow(max(dialers, key=Dialer.now_ms), dialers)
        self.global_list = GlobalList(self.default.dialer)
        for tenant in self.all()[1:]:
            await self.global_list.join(tenant.dialer)

    async def _open(self, organisation: Organisation, life: AsyncExitStack) -> Dialer:
        store = self._database.store(organisation.no)
        dialer = await Dialer.open(
            store,
            self._ways.clock(),
            archive=store,
            engine=self._ways.engine(),
            organisation=organisation.code,
            **self._ways.limits,
        )
        await life.enter_async_context(dialer)
        _watch(self._end_when_failed(dialer), life)
        return dialer

    async def _serve(self, organisation: Organisation, dialer: Dialer, life: AsyncExitStack) -> Tenant:
        intake = Intake(dialer, self._ways.reading)
        life.push_async_callback(intake.close)
        await intake.start()
        privacy = Privacy(dialer, Originals(dialer, self._ways.reading))
        life.push_async_callback(privacy.close)
        privacy.start()
        return Tenant(organisation, dialer, intake, privacy)

    # -- what ends it -----------------------------------------------------------------------------------------------

    async def _end_when_failed(self, dialer: Dialer) -> None:
        await dialer.fatal.wait()
        self.failed.set()

    async def _end_when_lost(self) -> None:
        reason = await self._database.lost()
        _log.critical("database_lost", reason=reason)
        for tenant in self._tenants.values():
            tenant.dialer.abandon(reason)
        self.failed.set()

    async def _let_go_when_doubted(self) -> None:
        while True:
            await self._database.doubted()
            _log.error("database_silent")
            for tenant in self._tenants.values():
                tenant.dialer.let_go()
            while not self._database.holds():  # noqa: ASYNC110 - it only can be asked
                await asyncio.sleep(_LOOK_S)
            _log.warning("database_back")


def _watch(watching: Coroutine[Any, Any, None], life: AsyncExitStack) -> None:
    life.callback(asyncio.create_task(watching).cancel)


@asynccontextmanager
async def _not_now() -> AsyncIterator[None]:
    """While organisations are served, a database that refuses something is none that can't be used at all."""
    try:
        yield
    except StoreRefused as refusal:
        raise NotReady(str(refusal)) from refusal
