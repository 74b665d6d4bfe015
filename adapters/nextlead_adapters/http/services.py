"""What handlers work with: the dialer, the intake, the reader of lead data, and the limits of this face."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from nextlead.core.engine import Engine
from nextlead.ports import Archive
from nextlead.runtime.dialer import Dialer
from nextlead.runtime.statistics import Statistician

from ..metrics import exposition
from .backup import Backups, BackUp
from .idempotency import Repeats
from .openapi import document
from .ports import Intake, Privacy
from .table import ORGANISATION, Route

BODY_MAX_BYTES: Final = 1024 * 1024
UPLOAD_MAX_BYTES: Final = 512 * 1024 * 1024


class Limits(Struct, frozen=True):
    """Bounds of this face. `upload_dir` is where uploads are kept while they are read; None is the system's."""

    body_max_bytes: int = BODY_MAX_BYTES
    upload_max_bytes: int = UPLOAD_MAX_BYTES
    upload_dir: Path | None = None


class _Batch:
    __slots__ = ("done", "found", "leads")

    def __init__(self) -> None:
        self.leads: set[int] = set()
        self.found: Mapping[int, bytes] = {}
        self.done = False


class DataReader:
    """Reads the data fields of leads; what is asked for while a read is under way goes into one read after it."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._lock = asyncio.Lock()
        self._gathering = _Batch()

    async def get(self, leads: Iterable[int]) -> Mapping[int, bytes]:
        """Data fields by lead, as JSON; a lead that is not stored (any more) is left out, others may be there too."""
        batch = self._gathering
        batch.leads.update(leads)
        async with self._lock:
            if not batch.done:
                self._gathering = _Batch()
                batch.found = await self._archive.data(sorted(batch.leads))
                batch.done = True
        return batch.found


class Services:
    """Made once per application."""

    def __init__(
        self,
        dialer: Dialer,
        intake: Intake,
        privacy: Privacy,
        limits: Limits,
        table: Sequence[Route],
        back_up: BackUp | None = None,
    ) -> None:
        self.dialer = dialer
        self.intake = intake
        self.privacy = privacy
        self.limits = limits
        self.table = table
        self.data = DataReader(dialer.archive)
        self.repeats = Repeats(dialer)
        self.backups = Backups(back_up, limits.upload_dir)
        self.statistician = Statistician(dialer)
        self.reopening = dialer.reopening

    def metrics(self) -> bytes:
        """Prometheus text, as of now."""
        return exposition(self.dialer, ORGANISATION)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document; made when it is first asked for."""
        return document(self.table)

    @property
    def engine(self) -> Engine:
        """For reads inside `dialer.read` and for what no reply depends on."""
        return self.dialer.engine
