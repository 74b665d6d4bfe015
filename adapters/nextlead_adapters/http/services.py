"""What handlers work with: what the whole face shares, and of one organisation the dialer, the intake and the like."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from nextlead.core.engine import Engine
from nextlead.ports import Archive, Commit, always
from nextlead.runtime.statistics import Statistician

from .backup import BackUp, Backups
from .idempotency import Repeats
from .openapi import document
from .table import Route
from .tenants import Organisations, Tenant

BODY_MAX_BYTES: Final = 1024 * 1024
UPLOAD_MAX_BYTES: Final = 512 * 1024 * 1024
KEPT_MOST: Final = 4_096
"""Leases whose leads' data fields are kept; of the oldest they are read once more."""


class Limits(Struct, frozen=True):
    """Bounds of this face. `upload_dir` is where uploads are kept while they are read; None is the system's."""

    body_max_bytes: int = BODY_MAX_BYTES
    upload_max_bytes: int = UPLOAD_MAX_BYTES
    upload_dir: Path | None = None


class DataReader:
    """Reads the data fields of leads: one read for all who ask in a turn of the loop, or while a read is under way.

    What an agent was shown with a lease is kept for the end of the lease, which shows it again.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._kept: dict[int, bytes] = {}
        self._changed = 0
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

    async def get_for_lease(self, lead: int) -> Mapping[int, bytes]:
        """The same of a lead that goes to an agent; it is kept, unless it changes while it is read."""
        changed = self._changed
        found = await self.get((lead,))
        if changed == self._changed and lead in found:
            self._kept[lead] = found[lead]
            if len(self._kept) > KEPT_MOST:
                del self._kept[next(iter(self._kept))]
        return found

    async def get_at_end(self, lead: int, following: int | None = None) -> Mapping[int, bytes]:
        """The same of a lead whose lease has ended, and of the one that its agent has now."""
        kept = self._kept.pop(lead, None)
        if kept is None:
            return await self.get((lead,) if following is None else (lead, following))
        if following is None:
            return {lead: kept}
        return {**await self.get_for_lease(following), lead: kept}

    def hear(self, commit: Commit) -> None:
        """A commit is durable: what it makes untrue is not kept, nor what may have been read before it."""
        for table, key in commit.changes.rows:
            if table == "lead_data":
                self._changed += 1
                self._kept.pop(int(key), None)
            elif table == "erasure":
                self._changed += 1
                self._kept.clear()
        for lead in commit.changes.gone:
            self._changed += 1
            self._kept.pop(lead, None)

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
        dialer.listen(self.data.hear)
        self.repeats = Repeats(dialer)
        self.statistician = Statistician(dialer)
        self.reopening = dialer.reopening

    @property
    def engine(self) -> Engine:
        """For reads inside `dialer.read` and for what no reply depends on."""
        return self.dialer.engine
