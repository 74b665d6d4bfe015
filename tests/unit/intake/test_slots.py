"""How many processes read files at once: so many in an organisation, so many altogether."""

import asyncio
from typing import Self

import pytest

from nextlead.core.commands import PutCampaign
from nextlead.runtime.dialer import Dialer
from nextlead.testing import MemoryStore
from nextlead.testing.clock import FakeClock
from nextlead_adapters.intake import service
from nextlead_adapters.intake.service import Intake
from nextlead_adapters.intake.worker import Limits, Slots, Worker

from .conftest import OPTIONS, Write


class Counted(Worker):
    """Counts those that read at the same moment."""

    now = 0
    most = 0

    async def __aenter__(self) -> Self:
        Counted.now += 1
        Counted.most = max(Counted.most, Counted.now)
        await super().__aenter__()
        return self

    async def __aexit__(self, *reason: object) -> None:
        await super().__aexit__(*reason)
        Counted.now -= 1


async def test_organisations_share_the_slots_of_their_limits(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "Worker", Counted)
    limits = Limits(slots=Slots(2))
    dialers = [await Dialer.open(MemoryStore(), FakeClock()) for _ in range(2)]
    for dialer in dialers:
        await dialer.submit(PutCampaign(code="c1"))
    file = write("phone\n+14155550100\n")
    intakes = [Intake(dialer, limits) for dialer in dialers]
    pools = await asyncio.gather(*(intake.upload(file, "x.csv", OPTIONS, "admin") for intake in intakes * 3))
    assert [pool.state for pool in pools] == ["active"] * 6
    assert (Counted.most, Counted.now) == (2, 0)
    for intake, dialer in zip(intakes, dialers, strict=True):
        await intake.close()
        await dialer.close()
