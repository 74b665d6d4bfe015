"""What handlers work with: what the whole face shares, and of one organisation the dialer, the intake and the like."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from nextlead.core.engine import Engine
from nextlead.ports import Archive, always
from nextlead.runtime.statistics import Statistician

from .backup import BackUp, Backups
from .idempotency import Repeats
from .openapi import document
from .table import Route
from .tenants import Organisations, Tenant

BODY_MAX_BYTES: Final = 1024 * 1024
UPLOAD_MAX_BYTES: Final = 512 * 1024 * 1024


class Limits(Struct, frozen=True):
    """Bounds of this face. `upload_dir` is where uploads are kept while they are read; None is the system's."""

    body_max_bytes: int = BODY_MAX_BYTES
    upload_max_bytes: int = UPLOAD_MAX_BYTES
    upload_dir: Path | None = None


class DataReader:
    """Reads the data fields of leads: one read for all who ask in a turn of the loop, or while a read is under way."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._leads: set[int] = set()
        self._waiting: list[asyncio.Future[Mapping[int, bytes]]] = []
        self._reading: asyncio.Task[None] | None = None

    def get(self, leads: Iterable[int]) -> asyncio.Future[Mapping[int, bytes]]:
        """Data fields by lead, as JSON; a lead that is not stored (any more) is left out, others may be there too.

        What was durable when this was called can be read. Awaiting it raises what the archive raises.
        """
        self._leads.update(leads)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Mapping[int, bytes]] = loop.create_future()
        self._waiting.append(future)
        if self._reading is None:
            self._reading = loop.create_task(self._read())
        return future

    async def _read(self) -> None:
        """Until nobody waits. It begins after all who were woken by one commit have asked."""
        while self._waiting:
            leads, waiting = sorted(self._leads), self._waiting
            self._leads, self._waiting = set(), []
            try:
                found = await self._archive.data(leads)
            except Exception as error:  # noqa: BLE001 - each of those who wait raises it
                for future in waiting:
                    if not future.done():
                        future.set_exception(error)
            else:
                for future in waiting:
                    if not future.done():
                        future.set_result(found)
        self._reading = None


class Face:
    """What all calls of one application share, whichever organisation they are about. Made once."""

    def __init__(
        self,
        organisations: Organisations,
        limits: Limits,
        table: Sequence[Route],
        *,
        back_up: BackUp | None = None,
        holds: Callable[[], bool] = always,
    ) -> None:
        self.organisations = organisations
        self.limits = limits
        self.table = table
        self.holds = holds
        self.backups = Backups(back_up, limits.upload_dir)
        self.moving_clocks = asyncio.Lock()
        self._services: dict[int, Services] = {}

    @property
    def ready(self) -> bool:
        """The daemon is the owner of its database, and every organisation's storage is writable."""
        return self.holds() and all(each.dialer.ready for each in self.organisations.all())

    def services(self, tenant: Tenant) -> "Services":
        """Those of an organisation, always the same. O(1)."""
        found = self._services.get(tenant.organisation.no)
        if found is None:
            found = self._services[tenant.organisation.no] = Services(self, tenant)
        return found

    @cached_property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document; made when it is first asked for."""
        return document(self.table)


class Services:
    """One organisation's: what its calls work with."""

    def __init__(self, face: Face, tenant: Tenant) -> None:
        dialer = tenant.dialer
        self.tenant = tenant
        self.dialer = dialer
        self.intake = tenant.intake
        self.privacy = tenant.privacy
        self.limits = face.limits
        self.data = DataReader(dialer.archive)
        self.repeats = Repeats(dialer)
        self.statistician = Statistician(dialer)
        self.reopening = dialer.reopening

    @property
    def engine(self) -> Engine:
        """For reads inside `dialer.read` and for what no reply depends on."""
        return self.dialer.engine
