"""Time zones of rows, from file and JSON to the lead (R9.2, R11.1)."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import xlsxwriter
from msgspec import json
from msgspec.structs import replace

from nextlead.core.commands import PutCampaign
from nextlead.core.engine import Engine
from nextlead.core.setup_model import Template, TemplateField
from nextlead.runtime.dialer import Dialer
from nextlead.testing import MemoryStore
from nextlead.testing.clock import FakeClock
from nextlead_adapters.almanac import LibraryAlmanac
from nextlead_adapters.intake.service import Intake

from .conftest import OPTIONS, Write

Zone = tuple[tuple[str, ...], bool]

OWN_LONDON: Zone = (("Europe/London",), True)
FROM_NUMBER: Zone = (("America/New_York",), False)
NONE: Zone = ((), False)

CSV = """phone;name;Time Zone
+1 212 555 0101;a;Europe/London
+1 212 555 0102;b;
+1 212 555 0103;c; europe/london
+1 212 555 0104;d;Mars/Base
"""


async def open_over(store: MemoryStore, clock: FakeClock) -> Dialer:
    return await Dialer.open(store, clock, engine=Engine(b"", LibraryAlmanac()))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def dialer(store: MemoryStore, clock: FakeClock) -> AsyncIterator[Dialer]:
    async with await open_over(store, clock) as dialer:
        await dialer.submit(PutCampaign(code="c1", template=Template(fields=(TemplateField("name"),))))
        yield dialer


def zones(dialer: Dialer) -> list[Zone]:
    """Of all leads, by id: names, and whether they are the lead's own."""
    found = []
    for lead in range(1, dialer.engine.state.sequences.lead):
        row = dialer.engine.lead(lead)
        zone_set = dialer.engine.zone_sets.get(row.zones) if row else None
        found.append((zone_set.zones, zone_set.own) if zone_set else NONE)
    return found


async def test_the_zone_of_a_file(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.2, R11.1
    options = replace(OPTIONS, mapping={"time zone": "timezone"})
    pool = await intake.upload(write(CSV), "list.csv", options, "admin")
    assert (pool.state, pool.valid, pool.invalid) == ("active", 3, 1)
    assert zones(dialer) == [OWN_LONDON, FROM_NUMBER, OWN_LONDON]
    assert json.decode((await dialer.archive.data([1]))[1]) == {"name": "a"}
    [reject] = await dialer.archive.rejects(pool.id, "invalid")
    assert reject.reasons == ("Time Zone: 'Mars/Base' must be an IANA name such as America/New_York",)


async def test_the_zone_of_a_sheet(dialer: Dialer, intake: Intake, tmp_path: Path) -> None:
    # R9.2
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["phone", "name", "TIMEZONE"])
        sheet.write_row(1, 0, ["+12125550101", "a", "Europe/London "])
        sheet.write_row(2, 0, ["+12125550102", "b", ""])
        sheet.write_row(3, 0, ["+12125550103", "c", -5])
    path = tmp_path / "list.xlsx"
    path.write_bytes(out.getvalue())
    pool = await intake.upload(path, "list.xlsx", OPTIONS, "admin")
    assert (pool.valid, pool.invalid) == (2, 1)
    assert zones(dialer) == [OWN_LONDON, FROM_NUMBER]


async def test_the_zone_of_an_entry(dialer: Dialer, intake: Intake) -> None:
    # R9.2, R11.1
    leads = [
        {"phone": "+1 212 555 0101", "timezone": "Europe/London"},
        {"phone": "+1 212 555 0102", "timezone": None},
        {"phone": "+1 212 555 0103", "data": {"Timezone": "Europe/London"}},
        {"phone": "+1 212 555 0104", "timezone": "BST"},
        {"phone": "+1 212 555 0105", "timezone": 5},
    ]
    pool = await intake.add_leads(leads[:2], OPTIONS, "admin")
    pool = await intake.add_leads(leads[2:3], OPTIONS, "admin")
    pool = await intake.add_leads(leads[3:], replace(OPTIONS, on_invalid="close"), "admin")
    assert (pool.valid, pool.invalid) == (0, 2)
    assert zones(dialer)[:3] == [OWN_LONDON, FROM_NUMBER, OWN_LONDON]
    for lead in (4, 5):
        [event] = await dialer.archive.history(lead)
        assert (event.closure, event.cause) == ("not_accepted", "timezone")


async def test_zones_are_there_after_a_crash_half_way_and_of_the_rows_behind_it(
    store: MemoryStore, clock: FakeClock, write: Write
) -> None:
    # R9.1, R11.1
    rows = [f"+1212555{no:04d};{'Europe/London' if no % 2 else ''}" for no in range(1_500)]
    dialer = await open_over(store, clock)
    await dialer.submit(PutCampaign(code="c1"))
    large = Intake(dialer, small_bytes=0)
    pool = await large.upload(write("\n".join(["phone;timezone", *rows])), "list.csv", OPTIONS, "admin", remove=True)
    await large.close()
    store.crash()
    async with await open_over(store, clock) as second:
        assert second.engine.pools[pool.id].valid < 1_500
        again = Intake(second)
        await again.start()
        await again.idle()
        assert second.engine.pools[pool.id].valid == 1_500
        assert zones(second) == [FROM_NUMBER, OWN_LONDON] * 750
