"""What handlers work with: what the whole face shares, and of one organisation the dialer, the intake and the like."""

import asyncio
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from nextlead.core.engine import Engine
from nextlead.ports import always
from nextlead.runtime.statistics import Statistician

from .backup import BackUp, Backups
from .idempotency import Repeats
from .lead_data import DataReader
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
        dialer.listen(self.data)
        self.repeats = Repeats(dialer)
        self.statistician = Statistician(dialer)
        self.reopening = dialer.reopening

    @property
    def engine(self) -> Engine:
        """For reads inside `dialer.read` and for what no reply depends on."""
        return self.dialer.engine
