"""SPEC R10.6 on PostgreSQL, byte by byte: after `erase`, no file of a table holds a forgotten number or name.

What the write-ahead log still holds is no matter of ours, see docs/privacy.md.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from contract.build import load
from contract.town import Town, number_of, traces
from postgres import Admin, asyncpg, schema_of

from nextlead.core.model import Erasure
from nextlead.ports import StoreError
from nextlead_adapters.postgres import PostgresStore, scrub

LEADS = 1_000
LOST = random.Random(2).sample(range(1, LEADS + 1), 30)
FILES = """
SELECT pg_relation_filepath(c.oid) FROM pg_class AS c
WHERE c.relkind IN ('r', 'i') AND c.relnamespace = '{schema}'::regnamespace OR c.oid = 'pg_statistic'::regclass
UNION SELECT pg_relation_filepath(t.oid) FROM pg_class AS c JOIN pg_class AS t ON t.oid = c.reltoastrelid
WHERE c.relnamespace = '{schema}'::regnamespace"""


class Files:
    """What the tables of one schema have on the disk, those that they had before included."""

    def __init__(self, admin: Admin, url: str) -> None:
        self._admin = admin
        self._schema = schema_of(url)
        self._folder = Path(str(admin.fetch("SHOW data_directory")[0][0]))
        if not os.access(self._folder / "base", os.R_OK):
            pytest.skip("the server's files can't be read: it runs elsewhere; unset NEXTLEAD_TEST_POSTGRES")
        self._ever: dict[Path, str] = {}

    def found(self, ids: list[int]) -> set[str]:
        """Tables and indexes in whose files a trace of these is left, once all of it is on the disk."""
        self._admin.execute("CHECKPOINT")
        names = dict(self._admin.fetch("SELECT pg_relation_filepath(oid), oid::regclass::text FROM pg_class"))
        for (path,) in self._admin.fetch(FILES.format(schema=self._schema)):
            self._ever[self._folder / path] = names[path].removeprefix(f"{self._schema}.")
        wanted = [trace for id_ in ids for trace in (*traces(id_), number_of(id_).to_bytes(8, "little"))]
        return {name for path, name in self._ever.items() if self._has(path, wanted)}

    def _has(self, path: Path, wanted: list[bytes]) -> bool:
        data = path.read_bytes() if path.exists() else b""
        return any(trace in data for trace in wanted)


@pytest.fixture
def url(postgres: Admin) -> Iterator[str]:
    """A schema that no test before left anything in."""
    with postgres.schema() as url:
        yield url


@pytest.fixture
def files(postgres: Admin, url: str) -> Files:
    return Files(postgres, url)


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url)
    await store.open()
    await store.claim()
    yield store
    await store.close()


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for others for a moment only."""
    monkeypatch.setattr(scrub, "WAIT_S", 0.3)


@asynccontextmanager
async def someone_reading(url: str) -> AsyncIterator[Any]:
    """A session that goes on seeing what is there now."""
    db = await asyncpg.connect(url)
    await db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await db.fetch("SELECT count(*) FROM lead")
    try:
        yield db
    finally:
        await db.close()


async def a_past(store: PostgresStore, admin: Admin, *, turns: int = 25) -> Town:
    town = Town(LEADS)
    await town.live(store, turns)
    admin.execute("ANALYZE")  # as the server does by itself after some time
    return town


async def test_nothing_is_left_in_the_files(store: PostgresStore, postgres: Admin, files: Files) -> None:
    # R10.6
    town = await a_past(store, postgres)
    erasures = await town.forget(store, LOST)
    before = files.found(LOST)
    assert {"lead", "lead_data", "number", "number_pkey", "mention_pkey", "reject"} <= before
    assert any("pg_toast" in name for name in before)
    assert "pg_statistic" not in before
    await store.erase(erasures)
    assert files.found(LOST) == set()
    for _ in range(5):
        await town.turn(store)
    await store.close()
    assert files.found(LOST) == set()


async def test_a_table_that_is_too_large_keeps_bytes_until_new_rows_take_their_place(
    store: PostgresStore, postgres: Admin, url: str, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vacuuming alone is not enough, as docs/privacy.md says; what it recommends is."""
    monkeypatch.setattr(scrub, "SMALL", -1)
    town = await a_past(store, postgres)
    await store.erase(await town.forget(store, LOST))
    assert any("pg_toast" in name for name in files.found(LOST))
    for table in scrub.PERSONAL:
        postgres.execute(f'VACUUM (FULL) {schema_of(url)}."{table}"')
    assert files.found(LOST) == set()


async def test_commits_beside_it_bring_nothing_back(store: PostgresStore, postgres: Admin, files: Files) -> None:
    town = await a_past(store, postgres)
    task = asyncio.create_task(store.erase(await town.forget(store, LOST)))
    turns = 0
    while not task.done() and turns < 12:
        await town.turn(store)
        turns += 1
    await task
    assert turns > 3
    assert files.found(LOST) == set()


async def test_it_may_be_broken_off_and_begun_again_by_the_next_life(
    store: PostgresStore, postgres: Admin, url: str, files: Files
) -> None:
    town = await a_past(store, postgres, turns=20)
    erasures = await town.forget(store, LOST)
    for waits in (5, 50, 200, 500):
        task = asyncio.create_task(store.erase(erasures))
        for _ in range(waits):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await store.close()
        store = PostgresStore(url)
        await store.open()
        await store.claim()
        erasures = [row for _, row in (await load(store)).rows if isinstance(row, Erasure)]
        assert len(erasures) > 1
    await store.erase(erasures)
    assert files.found(LOST) == set()
    assert all([await store.history(row.lead) for row in erasures if row.lead])
    await store.close()


@pytest.mark.usefixtures("brief")
async def test_a_stranger_who_sees_what_was_makes_it_wait(
    store: PostgresStore, postgres: Admin, url: str, files: Files
) -> None:
    """PostgreSQL removes no row that somebody sees: erasing says so, and does it when asked again."""
    town = await a_past(store, postgres, turns=5)
    erasures = await town.forget(store, LOST)
    async with someone_reading(url) as stranger:
        with pytest.raises(StoreError, match=f"somebody else reads .* session {stranger.get_server_pid()}"):
            await store.erase(erasures)
        assert files.found(LOST) != set()
        await town.turn(store)
    await store.erase(erasures)
    assert files.found(LOST) == set()


async def test_a_stranger_who_is_soon_done_is_waited_for(
    store: PostgresStore, postgres: Admin, url: str, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrub, "WAIT_S", 120.0)
    town = await a_past(store, postgres, turns=5)
    async with someone_reading(url):
        task = asyncio.create_task(store.erase(await town.forget(store, LOST)))
        await _until(postgres, "query LIKE '%pg_prepared_xacts%' AND state = 'idle'")
    await task
    assert files.found(LOST) == set()


@pytest.mark.usefixtures("brief")
async def test_a_table_that_somebody_holds_on_to_is_not_waited_for_in_everybodys_way(
    store: PostgresStore, url: str
) -> None:
    """The lock is asked for again and again: who only reads would have to wait behind one that is waited for."""
    db = await store._database.server.connect(lock_timeout="1ms")
    other = await asyncpg.connect(url)
    async with other.transaction():
        await other.execute("LOCK TABLE lead_data IN ACCESS SHARE MODE")
        task = asyncio.create_task(scrub._write_anew(db, "lead_data"))
        while not task.done():
            assert await store.data([1]) == {}
        with pytest.raises(StoreError, match="holds on to table lead_data"):
            await task
    await scrub._write_anew(db, "lead_data")
    await other.close()
    await db.close()


async def _until(admin: Admin, what: str) -> None:
    """A session of another is in that state."""
    while not admin.fetch(f"SELECT 1 FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND {what}"):
        await asyncio.sleep(0.01)
