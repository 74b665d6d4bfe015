"""`nextlead verify` over zones, hours and the calls that limits count (SPEC 11, 12)."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import msgpack

from nextlead.core import commands as c
from nextlead.core.model import ZoneSet
from nextlead.core.setup_model import CallingHours, ContactLimit, Dialer, Duplicates
from nextlead.core.tokens import token_text
from nextlead.runtime import Dialer as Runtime
from nextlead_adapters.bootstrap import open_dialer
from nextlead_adapters.verify import verify_store

DAY_MS = 86_400_000
NUMBERS = (14155550101, 12125550102, 442079460103)
RULES = Dialer(
    calling_hours=CallingHours(windows=(((0, 1440),),) * 7),
    contact_limits=(ContactLimit("max", 7 * DAY_MS, most=1),),
)


@pytest.fixture
async def store(tmp_path: Path) -> Path:
    """Hours and limits; a lead with a zone of its own, one that closed, and one that is kept back by its calls."""
    async with await open_dialer(f"sqlite:///{tmp_path}/leads.db") as dialer:
        await dialer.submit(c.PutCampaign(code="c1", dialer=RULES))
        await dialer.submit(c.PutAgent(code="ann", campaigns=("c1",)))
        await dialer.submit(c.PutSession(agent="ann", campaigns=("c1",)))
        pool = await dialer.submit(c.OpenPool(campaign="c1", source="api", duplicates=Duplicates(action="load")))
        rows = [c.IntakeRow(row=row, numbers=(number,)) for row, number in enumerate((*NUMBERS, NUMBERS[0]))]
        rows.append(c.IntakeRow(row=9, numbers=(NUMBERS[1],), zone="Asia/Kathmandu"))
        await dialer.submit(c.LoadRows(pool=pool.id, rows=tuple(rows)))
        await dialer.submit(c.ClosePool(pool=pool.id))
        await _call(dialer, 1, outcome="resolved", result="success")
        await _call(dialer, 2, outcome="unreached", cause="no_answer")
    return tmp_path / "leads.db"


async def _call(dialer: Runtime, lead: int, **how: str) -> None:
    token = bytes(15) + bytes([lead])
    await dialer.submit(c.Take(agent="ann", lead=lead, token=token))
    await dialer.submit(c.Finish(token=token_text(lead, token), **how))  # type: ignore[arg-type]


def rows_of(store: Path, table: str) -> dict[int, bytes]:
    with closing(sqlite3.connect(store)) as db:
        return dict(db.execute("SELECT key, body FROM row WHERE tbl = ?", (table,)))


def drop(store: Path, table: str, keys: Iterable[int]) -> None:
    with closing(sqlite3.connect(store)) as db, db:
        db.executemany("DELETE FROM row WHERE tbl = ? AND key = ?", [(table, key) for key in keys])


async def test_a_sound_store(store: Path) -> None:
    assert (await verify_store(f"sqlite:///{store}")).findings == []
    assert list(rows_of(store, "contacted")) == [1]


async def test_zones_that_are_missing_are_told(store: Path) -> None:
    zones = {key: msgpack.decode(body, type=ZoneSet) for key, body in rows_of(store, "zone_set").items()}
    (own,) = (key for key, row in zones.items() if row.own)
    assert zones[own].zones == ("Asia/Kathmandu",)
    drop(store, "zone_set", [own])
    findings = (await verify_store(f"sqlite:///{store}")).findings
    assert any(f"the zones {own} of some leads are not there" in finding for finding in findings), findings
