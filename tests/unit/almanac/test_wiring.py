"""Whoever opens a dialer, or verifies a store, has zones and holidays (R11.1)."""

from pathlib import Path

import pytest

from nextlead import open_dialer
from nextlead.core.commands import ClosePool, IntakeRow, LoadRows, OpenPool, PutCampaign
from nextlead.core.errors import Invalid
from nextlead.core.setup_model import CallingHours
from nextlead.core.setup_model import Dialer as Settings
from nextlead.testing.clock import FakeClock
from nextlead_adapters.verify import verify_store

NEW_YEAR_MS = 1_767_276_000_000
"""2026-01-01 14:00 UTC: a public holiday in New York, 09:00."""
DAY = ((9 * 60, 17 * 60),)


def campaign(**hours: str) -> PutCampaign:
    return PutCampaign(code="c1", dialer=Settings(calling_hours=CallingHours(windows=(DAY,) * 7, **hours)))


async def test_a_dialer_knows_zones_of_numbers_and_public_holidays(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'leads.db'}"
    async with await open_dialer(url, FakeClock(NEW_YEAR_MS)) as dialer:
        await dialer.submit(campaign())
        pool = await dialer.submit(OpenPool(campaign="c1"))
        await dialer.submit(LoadRows(pool=pool.id, rows=(IntakeRow(2, (1_212_555_0100,)),)))
        await dialer.submit(ClosePool(pool=pool.id))
        lead = dialer.engine.lead(1)
        assert lead is not None
        assert dialer.engine.zone_sets[lead.zones].zones == ("America/New_York",)
        assert dialer.engine.pool_counts(pool.id, NEW_YEAR_MS).ready == 1
        await dialer.submit(campaign(holidays="US"))
        assert dialer.engine.pool_counts(pool.id, NEW_YEAR_MS).ready == 0
        with pytest.raises(Invalid, match="holidays"):
            await dialer.submit(campaign(holidays="US-XX"))
    assert (await verify_store(url)).findings == []
