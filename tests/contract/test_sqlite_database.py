"""What SQLite's database promises beyond the suite: several stores of one file share its log, its lock and its pages."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from contract.build import commit, fresh, lead, load, pool
from contract.look_alikes import THEIRS
from contract.town import Town, found, name_of

from nextlead.ports import DEFAULT, LeadFilter, Organisation, StoreError, StoreRefused
from nextlead_adapters.journalled import tending
from nextlead_adapters.sqlite import SqliteDatabase, SqliteStore, upkeep, writes
from nextlead_adapters.sqlite.connection import Connection

ORGANISATIONS = range(1, 11)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(tmp_path / "a.db")
    await database.open()
    await database.claim()
    yield database
    await database.close()


async def store_of(database: SqliteDatabase, no: int) -> Any:
    store = database.store(no)
    await store.open()
    await store.claim()
    return store


async def settled(condition: Callable[[], bool]) -> None:
    """What goes on in the background has come to it."""
    while not condition():
        await asyncio.sleep(0)


# -- the log --------------------------------------------------------------------------------------------------------


async def test_the_log_is_copied_however_little_each_writes(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is the file's pages that count, not a store's."""
    monkeypatch.setattr(upkeep, "PAGES", 50)
    monkeypatch.setattr(upkeep, "_LOG_MAX", 50)
    monkeypatch.setattr(upkeep, "_LAST_PASS", 25)
    stores = [await store_of(database, no) for no in ORGANISATIONS]
    for no in range(1, 61):
        for store in stores:
            await commit(store, no, pool(), lead(no % 7 + 1, attempts=no))
    assert 60 * len(stores) * 3 < tending.PAGES
    assert (tmp_path / "a.db-wal").stat().st_size < 600 * 4_096
    for store in stores:
        assert max(row.attempts for row in (await load(store)).leads) == 60
        await store.close()


async def test_closing_the_database_leaves_tables_complete_and_no_log(database: SqliteDatabase, tmp_path: Path) -> None:
    stores = [await store_of(database, no) for no in ORGANISATIONS]
    for store in stores:
        await commit(store, 1, pool(), fresh=[fresh(1), fresh(2)])
        await commit(store, 2, lead(1))
    await asyncio.gather(*(store.close() for store in stores))
    await database.close()
    assert not (tmp_path / "a.db-wal").exists()
    with sqlite3.connect(tmp_path / "a.db") as db:
        assert db.execute("SELECT org, id FROM state ORDER BY org").fetchall() == [(no, 1) for no in ORGANISATIONS]
        assert db.execute("SELECT org, folded_to FROM owner ORDER BY org").fetchall() == [
            (no, 2) for no in ORGANISATIONS
        ]
    db.close()


async def test_the_log_is_emptied_when_a_stranger_has_the_file_open(database: SqliteDatabase, tmp_path: Path) -> None:
    """Only the last who closes it would make SQLite do so by itself, and the file is copied alone."""
    store = await store_of(database, 1)
    await commit(store, 1, pool(), lead(1))
    await store.close()
    stranger = sqlite3.connect(tmp_path / "a.db")
    assert stranger.execute("SELECT id FROM state").fetchall() == [(1,)]
    await database.close()
    assert (tmp_path / "a.db-wal").stat().st_size == 0
    stranger.close()


# -- erasing beside others ------------------------------------------------------------------------------------------


async def test_erasing_in_one_while_others_commit_fold_read_and_erase(database: SqliteDatabase, tmp_path: Path) -> None:
    # R10.6: byte by byte; and the people of the others stay
    towns = {no: Town(2_000, no, 1 + 10_000 * no) for no in (1, 2, 3)}
    stores = {no: await store_of(database, no) for no in towns}
    for no, town in towns.items():
        await town.live(stores[no], 40)
    lost = {no: random.Random(no).sample(town.ids, 40) for no, town in towns.items() if no < 3}
    erasures = {no: await towns[no].forget(stores[no], ids) for no, ids in lost.items()}
    tasks = [asyncio.create_task(stores[no].erase(some)) for no, some in erasures.items()]
    turns = 0
    while not all(task.done() for task in tasks):
        await towns[3].turn(stores[3])
        await towns[1].turn(stores[1])
        await stores[3].leads(LeadFilter(text="zo", limit=1_000))
        turns += 1
    await asyncio.gather(*tasks)
    assert turns > 3
    assert found(tmp_path, [id_ for ids in lost.values() for id_ in ids]) == set()
    for no, town in towns.items():
        standing = set(town.ids) - town.gone
        assert await stores[no].existing(town.ids) - set(lost.get(no, ())) == standing
        data = await stores[no].data(sorted(standing))
        assert all(name_of(id_).encode() in data[id_] for id_ in standing)
        await stores[no].close()
    await database.close()
    with sqlite3.connect(tmp_path / "a.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()


async def test_the_snapshot_of_a_stranger_makes_it_wait_in_whichever_store(
    database: SqliteDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_TRIES", 2)
    await database.put(THEIRS)
    first, second = await store_of(database, 1), await store_of(database, 2)
    await commit(first, 1, pool())
    town = Town(300)
    await town.live(second, 5)
    erasures = await town.forget(second, [1, 2])
    snapshot = SqliteDatabase(tmp_path / "a.db", read_only=True)
    await snapshot.open()
    await commit(first, 2, lead(1))
    with pytest.raises(StoreError, match="somebody else reads"):
        await second.erase(erasures)
    await commit(first, 3, lead(2))
    await snapshot.close()
    await second.erase(erasures)
    assert found(tmp_path, [1, 2]) == set()
    await first.close()
    await second.close()


# -- what goes wrong ------------------------------------------------------------------------------------------------


async def test_a_cancelled_commit_of_one_store_is_no_other_stores_doubt(database: SqliteDatabase) -> None:
    await database.put(THEIRS)
    first, second = await store_of(database, 1), await store_of(database, 2)
    await commit(second, 1, pool())
    task = asyncio.create_task(commit(first, 1, pool(), fresh=[fresh(1)]))
    await settled(lambda: first._doubt)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await commit(second, 2, lead(1))
    assert not second._doubt
    await commit(first, 2, lead(1))
    assert [row.id for row in (await load(first)).leads] == [1]
    assert not (await load(first)).fresh
    for store in (first, second):
        await store.close()


async def test_a_store_that_can_not_fold_does_not_stop_the_others(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tending, "FOLD_ROWS", 1)
    monkeypatch.setattr(tending, "ROWS_MAX", 1)
    first, second = await store_of(database, 1), await store_of(database, 2)
    real = writes.fold_leads

    def broken(db: sqlite3.Connection, org: int, leads: Any) -> None:
        if org == 1:
            raise sqlite3.OperationalError("disk I/O error")
        real(db, org, leads)

    with monkeypatch.context() as patch:
        patch.setattr(writes, "fold_leads", broken)
        await commit(first, 1, pool(), lead(1))
        with pytest.raises(StoreError, match="can't be folded"):
            await commit(first, 2, lead(2))
        for no in range(1, 6):
            await commit(second, no, pool(), lead(no))
    await commit(first, 2, lead(2))
    assert [row.id for row in (await load(first)).leads] == [1, 2]
    await first.close()
    await second.close()


async def test_a_store_that_was_refused_holds_nothing(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Connection.run

    async def fail(self: Connection, work: Any, *args: object) -> object:
        if work.__name__ == "_next_epoch":
            raise sqlite3.OperationalError("database or disk is full")
        return await run(self, work, *args)

    store = database.store(1)
    await store.open()
    with monkeypatch.context() as patch:
        patch.setattr(Connection, "run", fail)
        with pytest.raises(StoreRefused, match="full"):
            await store.claim()
    again = await store_of(database, 1)
    await commit(again, 1, pool())
    await again.close()


# -- looking on -----------------------------------------------------------------------------------------------------


async def test_a_snapshot_sees_all_organisations_as_of_one_moment(database: SqliteDatabase, tmp_path: Path) -> None:
    await database.put(THEIRS)
    first, second = await store_of(database, 1), await store_of(database, 2)
    await commit(first, 1, pool(), lead(1))
    await commit(second, 1, pool(), lead(1))
    snapshot = SqliteDatabase(tmp_path / "a.db", read_only=True)
    await snapshot.open()
    await commit(second, 2, lead(2))
    await commit(first, 2, lead(2))
    await database.put(Organisation(3, "third", "Third"))
    assert await snapshot.organisations() == [DEFAULT, THEIRS]
    for no in (1, 2):
        seen = snapshot.store(no)
        await seen.open()
        assert [row.id for row in (await load(seen)).leads] == [1]
        with pytest.raises(StoreRefused, match="not claimed"):
            await seen.claim()
        await seen.close()
    seen = snapshot.store(1)  # closing a store leaves the snapshot to the next
    await seen.open()
    assert [row.id for row in (await load(seen)).leads] == [1]
    await seen.close()
    assert not snapshot.holds()
    with pytest.raises(StoreRefused, match="reading only"):
        await snapshot.claim()
    await snapshot.close()
    for store in (first, second):
        await store.close()


async def test_a_store_alone_and_a_database_are_one_file_to_each_other(
    database: SqliteDatabase, tmp_path: Path
) -> None:
    store = SqliteStore(tmp_path / "a.db")
    await store.open()
    with pytest.raises(StoreRefused, match=r"a.db is in use by process \d+"):
        await store.claim()
    await database.close()
    store = SqliteStore(tmp_path / "a.db")
    await store.open()
    await store.claim()
    await commit(store, 1, pool())
    other = SqliteDatabase(tmp_path / "a.db")
    await other.open()
    with pytest.raises(StoreRefused, match=r"a.db is in use by process \d+"):
        await other.claim()
    await store.close()


# -- organisations --------------------------------------------------------------------------------------------------


async def test_an_organisation_that_was_not_synced_is_the_end_of_all_commits(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written behind it in the log would be taken for synced, and be lost with it."""
    store = await store_of(database, 1)
    await commit(store, 1, pool())
    run = Connection.run

    async def fail(self: Connection, work: Callable[..., object], *args: object) -> object:
        if work.__name__ != "_put":
            return await run(self, work, *args)
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise error

    monkeypatch.setattr(Connection, "run", fail)
    for write in (database.put(Organisation(2, "second", "Second")), commit(store, 2, lead(1))):
        with pytest.raises(StoreRefused, match="did not take a sync"):
            await write
    await store.close()


async def test_no_organisation_is_put_into_a_file_that_was_moved_away(database: SqliteDatabase, tmp_path: Path) -> None:
    (tmp_path / "a.db").rename(tmp_path / "b.db")
    with pytest.raises(StoreRefused, match="moved or replaced"):
        await database.put(Organisation(2, "second", "Second"))
