"""A dialer with one campaign, and an intake on it; files are written where the test runs."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from nextlead.core.commands import PutAgent, PutCampaign, PutTeam
from nextlead.core.setup_model import Template, TemplateField
from nextlead.runtime.dialer import Dialer
from nextlead.testing import MemoryStore
from nextlead.testing.clock import FakeClock
from nextlead_adapters.intake.options import PoolOptions
from nextlead_adapters.intake.service import Intake

OPTIONS = PoolOptions(campaign="c1")
FIELDS = (TemplateField("name"), TemplateField("city"))

Write = Callable[[str | bytes], Path]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def dialer(clock: FakeClock) -> AsyncIterator[Dialer]:
    async with await Dialer.open(MemoryStore(), clock) as dialer:
        await dialer.submit(PutTeam(code="north"))
        await dialer.submit(PutCampaign(code="c1", template=Template(fields=FIELDS)))
        await dialer.submit(PutCampaign(code="c2", template=Template(fields=FIELDS)))
        await dialer.submit(PutAgent(code="ann", team="north", campaigns=("c1", "c2")))
        yield dialer


@pytest.fixture
async def intake(dialer: Dialer) -> AsyncIterator[Intake]:
    intake = Intake(dialer)
    await intake.start()
    yield intake
    await intake.close()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "leads.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
