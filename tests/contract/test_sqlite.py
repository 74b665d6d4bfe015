"""What SQLite's store promises beyond the suite: how it writes, and what its failures leave behind."""

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from contract.build import NOON, changes, closed, commit, event, fresh, lead, load, pool, reject
from contract.conftest import copy_files

from nextlead.core.model import Answer, Erasure, FilePart, LeadData
from nextlead.core.row import DAY_MS
from nextlead.ports import Commit, LeadFilter, StoreError, StoreRefused
from nextlead_adapters.journalled import tending
from nextlead_adapters.sqlite import SqliteStore, connection, upkeep, writes
from nextlead_adapters.sqlite.connection import Connection


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "a.db")
    await store.open()
    await store.claim()
    yield store
    await store.close()


async def pragma(on: Connection, name: str) -> object:
    return await on.run(lambda db: db.execute(f"PRAGMA {name}").fetchone()[0])


async def count(store: SqliteStore, table: str) -> int:
    return await store._tables.reader.run(lambda db: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


async def settled(condition: Callable[[], bool]) -> None:
    """What goes on in the background has come to it."""
    while not condition():
        await asyncio.sleep(0)


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


async def folded(store: SqliteStore) -> None:
    """Everything that was committed is in the tables."""
    assert store._tending
    while store._overlay.behind:
        await store._tending._fold()


# -- how it writes --------------------------------------------------------------------------------------------------


async def test_the_writer_is_synchronous_full(store: SqliteStore) -> None:
    assert await pragma(store._tables.file.writer, "synchronous") == 2
    assert await pragma(store._tables.file.writer, "journal_mode") == "wal"
    assert await pragma(store._tables.file.writer, "wal_autocheckpoint") == 0


def test_a_setting_that_does_not_take_is_refused() -> None:
    """SQLite answers a setting it can't do with silence: a database in memory has no write-ahead log."""
    db = sqlite3.connect(":memory:")
    with pytest.raises(StoreRefused, match="journal_mode"):
        connection._prepare(db, connection.FULL)
    db.close()


async def test_a_commit_is_one_statement_and_one_hop(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1)])
    statements: list[str] = []
    hops: list[object] = []
    await store._tables.file.writer.run(lambda db: db.set_trace_callback(statements.append))
    run = Connection.run
    monkeypatch.setattr(Connection, "run", lambda self, *args: (hops.append(args[0]), run(self, *args))[1])
    await commit(
        store, 2, lead(1, last_commit=2), LeadData(1, b"{}"), events=[event(1, "leased"), event(1, "finished", 2)]
    )
    assert len(hops) == 1
    assert len(statements) == 1
    assert statements[0].startswith("INSERT INTO journal")


async def test_files_are_for_their_owner_only(store: SqliteStore, tmp_path: Path) -> None:
    await commit(store, 1, pool())
    assert modes(tmp_path) == {"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600, "a.db.lock": 0o600}


async def test_closing_leaves_tables_complete_and_no_log(store: SqliteStore, tmp_path: Path) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1), fresh(2)])
    await commit(store, 2, lead(1))
    await store.close()
    assert not (tmp_path / "a.db-wal").exists()
    with sqlite3.connect(tmp_path / "a.db") as db:
        assert db.execute("SELECT id FROM state").fetchall() == [(1,)]
        assert db.execute("SELECT id FROM lead").fetchall() == [(2,)]
        assert db.execute("SELECT folded_to FROM owner").fetchall() == [(2,)]
    db.close()


async def test_folding_happens_behind_the_commits(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tending, "FOLD_ROWS", 10)
    await commit(store, 1, pool(), fresh=[fresh(i) for i in range(1, 31)])
    await commit(store, 2, *[lead(i) for i in range(1, 31)])
    await settled(lambda: not store._overlay.behind)
    assert await count(store, "state") == 30
    assert await count(store, "lead") == 0


async def test_the_log_starts_over_under_steady_writing(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tending, "PAGES", 20)
    monkeypatch.setattr(upkeep, "_LOG_MAX", 50)
    monkeypatch.setattr(upkeep, "_LAST_PASS", 25)
    await commit(store, 1, pool())
    for no in range(2, 302):
        await commit(store, no, lead(no % 7 + 1, attempts=no))
    assert (tmp_path / "a.db-wal").stat().st_size < 300 * 4_096


async def test_old_answers_are_deleted_not_only_hidden(store: SqliteStore) -> None:
    await commit(store, 1, rows={("answer", "k"): Answer("k", "sha", 200, b"{}", NOON)})
    await folded(store)
    assert await count(store, "answer") == 1
    await commit(store, 2, at_ms=NOON + DAY_MS + 1)
    await folded(store)
    assert await count(store, "answer") == 0


# -- what failures leave --------------------------------------------------------------------------------------------


async def test_disk_full(store: SqliteStore) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1)])
    used = await pragma(store._tables.file.writer, "page_count")
    await pragma(store._tables.file.writer, f"max_page_count = {used}")
    many = changes(fresh=[fresh(i) for i in range(2, 2_000)])
    with pytest.raises(StoreError, match=r"commit 2 failed: .*full"):
        await store.commit(Commit(2, NOON, many))
    assert [found.lead.id for found in await store.leads(LeadFilter())] == [1]
    with pytest.raises(StoreError, match="full"):
        await commit(store, 2, lead(1), events=[event(1, "x" * 100_000)])
    assert await store.history(1) == []
    await pragma(store._tables.file.writer, "max_page_count = 1000000")
    await store.commit(Commit(2, NOON, many))
    assert len((await load(store)).fresh) == 1_999


async def test_locked_by_a_stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_S", 0)
    store = SqliteStore(tmp_path / "a.db")
    await store.open()
    await store.claim()
    await commit(store, 1, pool())
    stranger = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="commit 2 failed: database is locked"):
        await commit(store, 2, lead(1))
    stranger.execute("ROLLBACK")
    stranger.close()
    await commit(store, 2, lead(1))
    assert [row.id for row in (await load(store)).leads] == [1]
    await store.close()


async def test_read_only(store: SqliteStore) -> None:
    await commit(store, 1, pool())
    await store._tables.file.writer.run(lambda db: db.execute("PRAGMA query_only = ON").fetchall())
    with pytest.raises(StoreError, match="readonly"):
        await commit(store, 2, lead(1))
    await store._tables.file.writer.run(lambda db: db.execute("PRAGMA query_only = OFF").fetchall())
    await commit(store, 2, lead(1))


@pytest.mark.parametrize("plain", [True, False])
async def test_an_error_after_the_commit_was_durable(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, *, plain: bool
) -> None:
    """Doubt is settled by asking the journal."""
    await commit(store, 1, pool())
    run = Connection.run
    broken = [True]

    async def break_once(self: Connection, work: Callable[..., object], *args: object) -> object:
        result = await run(self, work, *args)
        if self is store._tables.file.writer and broken and broken.pop():
            raise sqlite3.OperationalError("disk I/O error")
        return result

    monkeypatch.setattr(Connection, "run", break_once)
    await commit(store, 2, lead(1, last_commit=2), events=[event(1, "leased")], fresh=[] if plain else [fresh(1)])
    assert not broken
    assert [found.kind for found in await store.history(1)] == ["leased"]
    await commit(store, 3, lead(1, last_commit=3), events=[event(1, "finished", 2)])
    assert [found.kind for found in await store.history(1)] == ["leased", "finished"]


async def test_doubt_that_can_not_be_settled_now_is_settled_before_the_next_commit(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await commit(store, 1, pool())
    run = Connection.run
    broken = [2, 1]

    async def break_twice(self: Connection, work: Callable[..., object], *args: object) -> object:
        result = await run(self, work, *args)
        if self is store._tables.file.writer and broken and broken.pop():
            raise sqlite3.OperationalError("disk I/O error")
        return result

    monkeypatch.setattr(Connection, "run", break_twice)
    with pytest.raises(StoreError, match="in doubt"):
        await commit(store, 2, lead(1), fresh=[fresh(1)])
    await commit(store, 2, lead(1), fresh=[fresh(1)])
    await commit(store, 3, lead(2), fresh=[fresh(2)])
    assert sorted(row.id for row in (await load(store)).leads) == [1, 2]


async def test_a_cancelled_commit_is_settled_before_the_next(store: SqliteStore) -> None:
    """The thread goes on with what was sent to it; the next commit finds out."""
    await commit(store, 1, pool(), fresh=[fresh(1)])
    task = asyncio.create_task(commit(store, 2, lead(1, last_commit=2), events=[event(1, "leased")], gone=[]))
    await settled(lambda: store._doubt)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await commit(store, 3, lead(1, last_commit=3), events=[event(1, "finished", 2)])
    assert [found.kind for found in await store.history(1)] == ["leased", "finished"]


# -- folding that breaks off ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("breaks", ["fold_leads", "fold_rows", "set_folded"])
async def test_a_fold_that_breaks_off_loses_nothing(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, breaks: str
) -> None:
    """Wherever it stops, and the process dies: the next life reads the same."""
    await commit(store, 1, pool(), fresh=[fresh(i) for i in range(1, 601)])
    await commit(store, 2, *[lead(i, attempts=1) for i in range(1, 501)], LeadData(3, b'{"name":"Bob"}'))
    with monkeypatch.context() as patch:
        real = getattr(writes, breaks)

        def half(db: sqlite3.Connection, *args: object) -> None:
            real(db, *args)
            raise sqlite3.OperationalError("disk I/O error")

        patch.setattr(writes, breaks, half)
        with pytest.raises(StoreError, match="disk I/O error"):
            await folded(store)
    await commit(store, 3, lead(1, attempts=2), closed(2), gone=[4])
    assert [found.lead.attempts for found in await store.leads(LeadFilter(limit=4))] == [2, 0, 1, 1]
    assert [(await store.lead(i)).lead.attempts for i in (1, 3, 500)] == [2, 1, 1]  # type: ignore[union-attr]
    assert (await store.data([3]))[3] == b'{"name":"Bob"}'
    there = tmp_path / "there"
    copy_files(tmp_path / "a.db", there)
    for path in (there / "a.db", there / "a.db"):
        other = SqliteStore(path)
        await other.open()
        assert (await other.claim()).commit_no == 3
        whole = await load(other)
        assert sorted(row.id for row in whole.leads) == [1, 3, *range(5, 501)]
        assert {row.id: row.attempts for row in whole.leads}[1] == 2
        assert [row.id for row in whole.fresh] == list(range(501, 601))
        assert (await other.lead(3)).data == b'{"name":"Bob"}'  # type: ignore[union-attr]
        await other.close()
    await folded(store)
    assert await count(store, "state") == 499


async def test_commits_wait_for_folding_and_fail_when_it_fails(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tending, "FOLD_ROWS", 5)
    monkeypatch.setattr(tending, "ROWS_MAX", 5)
    await commit(store, 1, pool(), fresh=[fresh(i) for i in range(1, 21)])
    await commit(store, 2, *[lead(i) for i in range(1, 11)])
    await commit(store, 3, *[lead(i) for i in range(11, 21)])
    assert await count(store, "state") >= 10
    await settled(lambda: not store._overlay.behind)

    def broken(db: sqlite3.Connection, *args: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(writes, "fold_leads", broken)
        await commit(store, 4, *[lead(i) for i in range(1, 11)])
        with pytest.raises(StoreError, match="can't be folded: database or disk is full"):
            await commit(store, 5, lead(1))
    await folded(store)
    await commit(store, 5, lead(1, attempts=9))
    assert (await store.lead(1)).lead.attempts == 9  # type: ignore[union-attr]


# -- looking on -----------------------------------------------------------------------------------------------------


async def test_a_snapshot_beside_the_owner_sees_one_moment_and_never_claims(store: SqliteStore, tmp_path: Path) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1), fresh(2)])
    await commit(store, 2, lead(1, attempts=1))
    snapshot = SqliteStore(tmp_path / "a.db", read_only=True)
    await snapshot.open()
    await commit(store, 3, lead(1, attempts=2), lead(2))
    await folded(store)
    whole = await load(snapshot)
    assert whole.leads == [lead(1, attempts=1)]
    assert [row.id for row in whole.fresh] == [2]
    assert [found.lead.attempts for found in await snapshot.leads(LeadFilter())] == [1, 0]
    with pytest.raises(StoreRefused, match="reading only"):
        await snapshot.claim()
    with pytest.raises(StoreRefused, match="not claimed"):
        await commit(snapshot, 3, lead(1))
    await snapshot.close()
    await commit(store, 4, lead(1, attempts=3))


async def test_a_commit_without_a_claim_is_refused(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.db")
    await store.open()
    with pytest.raises(StoreRefused, match="not claimed"):
        await commit(store, 1, pool())
    await store.close()


async def test_organisations_share_a_file_and_see_nothing_of_each_other(store: SqliteStore, tmp_path: Path) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1), fresh(2), fresh(3)])
    await commit(store, 2, lead(1, last_commit=2), events=[event(1, "leased")])
    await store.close()
    other = SqliteStore(tmp_path / "a.db", org=2)
    await other.open()
    assert (await other.claim()).commit_no == 0
    assert not (await load(other)).rows
    await commit(other, 1, pool(), fresh=[fresh(1)])
    await commit(other, 2, lead(1, attempts=5), lead(2))
    await commit(other, 3, gone=[3])
    await other.close()
    again = SqliteStore(tmp_path / "a.db")
    await again.open()
    assert (await again.claim()).commit_no == 2
    whole = await load(again)
    assert whole.leads == [lead(1, last_commit=2)]
    assert [row.id for row in whole.fresh] == [2, 3]
    await again.close()


# -- what goes on behind --------------------------------------------------------------------------------------------


async def test_an_unforeseen_error_behind_the_commits_fails_the_next_commit(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would end the task, and nothing would ever be folded again."""
    monkeypatch.setattr(tending, "FOLD_ROWS", 1)

    def broken(db: sqlite3.Connection, *args: object) -> None:
        raise RuntimeError("a mistake")

    with monkeypatch.context() as patch:
        patch.setattr(writes, "fold_leads", broken)
        await commit(store, 1, pool(), lead(1))
        assert store._tending
        await settled(store._tending._task.done)
    with pytest.raises(StoreError, match="what goes on behind the commits has ended: RuntimeError"):
        await commit(store, 2, lead(1))
    with pytest.raises(StoreError, match="a mistake"):
        await store.erase([])
    with pytest.raises(StoreError, match="a mistake"):
        await store.close()
    again = SqliteStore(store._tables.file.path)
    await again.open()
    assert (await again.claim()).commit_no == 1
    await again.close()


async def test_a_commit_that_waits_for_folding_learns_of_its_end(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tending, "ROWS_MAX", 1)
    await commit(store, 1, pool(), lead(1))

    def broken(db: sqlite3.Connection, *args: object) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(writes, "fold_leads", broken)
    with pytest.raises(StoreError, match="a mistake"):
        await commit(store, 2, lead(1))
    with pytest.raises(StoreError, match="a mistake"):
        await store.close()


async def test_what_is_doomed_goes_in_slices_behind_the_commits(store: SqliteStore, tmp_path: Path) -> None:
    rows = [reject(row, "invalid", 1, 14155550000 + row) for row in range(1_000)]
    await commit(store, 1, pool(), rejects=rows, parts=[FilePart(3, no, b"x" * 9_000) for no in range(30)])
    await commit(store, 2, rows={("pool", 1): None, ("file", 3): None})
    assert await count(store, "reject") > 0
    there = tmp_path / "there"
    copy_files(tmp_path / "a.db", there)
    other = SqliteStore(there / "a.db")
    for one in (store, other):
        if one is other:
            await other.open()
            await other.claim()
        assert one._tending
        await one._tending.catch_up(2)
        assert [await count(one, table) for table in ("reject", "reject_number", "file_part", "doomed")] == [0, 0, 0, 0]
    await other.close()


async def test_every_connection_that_writes_overwrites_what_it_deletes(store: SqliteStore) -> None:
    # R10.6
    assert await pragma(store._tables.file.writer, "secure_delete") == 1
    assert await pragma(store._tables.file.back, "secure_delete") == 1


async def test_an_erased_lead_leaves_no_key_behind(store: SqliteStore) -> None:
    # R10.6: a digest of a name can be guessed
    await store.match_rule("name")
    await commit(store, 1, pool(), fresh=[fresh(1), fresh(2)])
    assert await count(store, "match_key") == 2
    await commit(store, 2, closed(1, erased=True, numbers=()))
    await store.erase([Erasure(1, 1, 1, 0)])
    assert await count(store, "match_key") == 1
