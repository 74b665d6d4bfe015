"""SQLite's files: who may hold them, what is refused, and what a kill leaves."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from contract.build import commit, event, fresh, lead, load, pool

from nextlead.ports import StoreRefused
from nextlead_adapters.sqlite import SqliteStore, files, schema


async def a_store(path: Path, commits: int = 3, **more: Any) -> None:
    """A file with some commits in it, closed."""
    store = SqliteStore(path, **more)
    await store.open()
    await store.claim()
    await commit(store, 1, pool(), fresh=[fresh(i) for i in range(1, 500)])
    for no in range(2, commits + 1):
        await commit(store, no, lead(no, last_commit=no), events=[event(no, "leased")])
    await store.close()


async def refused(path: Path) -> str:
    """Why it can't be opened and claimed."""
    store = SqliteStore(path)
    with pytest.raises(StoreRefused) as info:
        await store.open()
        await store.claim()
    await store.close()
    return str(info.value)


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            db.execute(statement)


@contextmanager
def a_process(code: str, *args: object) -> Iterator[subprocess.Popen[str]]:
    """Another Python process; killed at the end."""
    path = os.pathsep.join(sys.path)
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, args)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


# -- who holds it ---------------------------------------------------------------------------------------------------

HOLD = """
    import asyncio, os, sys, time
    from nextlead_adapters.sqlite import SqliteStore

    async def main():
        store = SqliteStore(sys.argv[1])
        await store.open()
        await store.claim()
        if sys.argv[2] == "fork" and os.fork() == 0:
            print(os.getpid(), flush=True)
            time.sleep(600)
        if sys.argv[2] != "fork":
            print("held", flush=True)
        time.sleep(600)

    asyncio.run(main())
"""


async def test_the_holder_is_named_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    # R5.4
    path = tmp_path / "a.db"
    with a_process(HOLD, path, "alone") as holder:
        assert holder.stdout
        holder.stdout.readline()
        assert await refused(path) == f"a.db is in use by process {holder.pid}"
    store = SqliteStore(path)
    await store.open()
    await store.claim()
    assert (tmp_path / "a.db.lock").read_text().strip() == str(os.getpid())
    await store.close()


async def test_a_worker_that_outlives_the_holder_does_not_hold_it_on(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with a_process(HOLD, path, "fork") as holder:
        assert holder.stdout
        worker = int(holder.stdout.readline())
    try:
        store = SqliteStore(path)
        await store.open()
        await store.claim()
        await store.close()
    finally:
        os.kill(worker, signal.SIGKILL)


async def test_a_refused_claim_leaves_the_holders_lock_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    holder = SqliteStore(path)
    await holder.open()
    await holder.claim()
    for _ in range(2):
        assert "in use by process" in await refused(path)
    with a_process(HOLD, path, "alone") as other:
        assert other.stdout
        assert other.stdout.readline() == ""  # it was refused, too
    await commit(holder, 1, pool())
    await holder.close()


# -- where it may live ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [":memory:", "", "."])
async def test_only_files(name: str) -> None:
    assert "needs the name of a file" in await refused(Path(name))


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert await refused(tmp_path / "no" / "a.db") == f"there is no folder {tmp_path / 'no'}"


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse.sshfs"])
async def test_network_file_systems_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(files, "file_system", lambda _: kind)
    assert f"network file system ({kind})" in await refused(tmp_path / "a.db")
    assert not list(tmp_path.glob("*"))


def test_the_deepest_and_last_mount_tells_the_file_system(tmp_path: Path) -> None:
    here = tmp_path / "my data"
    here.mkdir()
    mounts = tmp_path / "mounts"
    quoted = str(here).replace(" ", "\\040")
    mounts.write_text(
        f"/dev/a / ext4 rw 0 0\nold {quoted} xfs rw 0 0\nserver:/x {quoted} nfs4 rw 0 0\nproc /proc proc rw 0 0\n"
    )
    assert files.file_system(here, mounts) == "nfs4"
    assert files.file_system(tmp_path, mounts) == "ext4"
    assert files.file_system(here, tmp_path / "none") == ""


# -- what is refused ------------------------------------------------------------------------------------------------


async def test_not_a_database(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_text("name,phone\nAda,+14155550100\n" * 100)
    before = path.read_bytes()
    assert await refused(path) == f"{path} is not a database"
    assert path.read_bytes() == before


async def test_a_database_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    sql(path, "CREATE TABLE customer (id INTEGER)")
    assert "another program" in await refused(path)


async def test_a_newer_version(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await a_store(path)
    sql(path, f"INSERT INTO schema_version VALUES ({len(schema.MIGRATIONS) + 1}, '2031-01-01')")
    assert f"version {len(schema.MIGRATIONS) + 1}, this program knows" in await refused(path)


async def test_an_older_version_is_brought_forward_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.db"
    await a_store(path)

    def add(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE added (org INTEGER)")

    def fail(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE half (org INTEGER)")
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, add, fail))
        assert "disk I/O error" in await refused(path)
    with closing(sqlite3.connect(path)) as db:
        assert not db.execute("SELECT 1 FROM sqlite_schema WHERE name IN ('added', 'half')").fetchall()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, add))
    snapshot = SqliteStore(path, read_only=True)
    with pytest.raises(StoreRefused, match="migrate it first"):
        await snapshot.open()
    store = SqliteStore(path)
    await store.open()
    assert (await store.claim()).commit_no == 3
    await store.close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT max(version) FROM schema_version").fetchone() == (len(schema.MIGRATIONS),)


@pytest.mark.parametrize("part", [0.3, 0.7, 0.98])
async def test_truncated(tmp_path: Path, part: float) -> None:
    path = tmp_path / "a.db"
    await a_store(path)
    os.truncate(path, int(path.stat().st_size * part))
    assert "is damaged: its header promises" in await refused(path)


async def test_truncated_to_nothing_with_a_log_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await a_store(path)
    os.truncate(path, 0)
    (tmp_path / "a.db-wal").write_bytes(b"x" * 5_000)
    assert "is empty, but it has a log" in await refused(path)


async def test_overwritten_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await a_store(path)
    data = path.read_bytes()
    path.write_bytes(data[:100] + random.Random(7).randbytes(len(data) - 100))
    assert "can't be used" in await refused(path)


async def test_a_hole_in_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await a_store(path, commits=9)
    sql(path, "UPDATE owner SET folded_to = 4", "DELETE FROM journal WHERE no = 7")
    assert "commit 7 is missing" in await refused(path)


async def test_tables_ahead_of_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await a_store(path, commits=9)
    sql(path, "DELETE FROM journal WHERE no > 6")
    (tmp_path / "a.db.lock").unlink()  # which knows how many commits there were
    assert "tables are at commit 9, its journal at 6" in await refused(path)


async def test_a_commit_that_cant_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await a_store(path, commits=9)
    sql(path, "UPDATE owner SET folded_to = 4", "UPDATE journal SET body = x'00' WHERE no = 8")
    assert "commit 8 can't be read" in await refused(path)


# -- kill -----------------------------------------------------------------------------------------------------------

WORK = """
    import asyncio, sys
    from nextlead_adapters.journalled import tending
    from nextlead_adapters.sqlite import SqliteDatabase, upkeep
    from contract.build import commit, event, fresh, lead, pool

    async def work(store, org):
        await store.open()
        no = (await store.claim()).commit_no
        while True:
            no += 1
            ids = [no * 7 % 101 + org + i for i in range(20)]
            rows = [lead(i, attempts=no, last_commit=no) for i in ids]
            new = [fresh(1000 * no + i) for i in range(3)]
            await commit(store, no, pool(ordinals=no), *rows, events=[event(i, f"at {no}", 0) for i in ids], fresh=new)
            print(org, no, flush=True)

    async def main():
        tending.FOLD_ROWS, upkeep.PAGES = 60, 100
        database = SqliteDatabase(sys.argv[1])
        await database.open()
        await database.claim()
        await asyncio.gather(*(work(database.store(org), org) for org in (1, 2)))

    asyncio.run(main())
"""


async def test_killed_under_load_again_and_again(tmp_path: Path) -> None:
    # R5.1: what was acknowledged is there, what was not is there whole or not at all, of two organisations
    path = tmp_path / "a.db"
    rng = random.Random(3)
    for _ in range(5):
        with a_process(WORK, path) as worker:
            assert worker.stdout
            said = [worker.stdout.readline() for _ in range(rng.randrange(10, 240))]
            worker.kill()
            said += [line for line in worker.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        told = dict(map(int, line.split()) for line in said)
        for org, no in told.items():
            store = SqliteStore(path, org)
            await store.open()
            last = (await store.claim()).commit_no
            assert last in (no, no + 1)
            whole = await load(store)
            assert [row.ordinals for _, row in whole.rows if hasattr(row, "ordinals")] == [last]
            assert len(whole.fresh) == 3 * last
            for row in whole.leads:
                newest = max(at for at in range(1, last + 1) if 0 <= row.id - (at * 7 % 101 + org) < 20)
                assert row.attempts == newest
                assert [found.kind for found in await store.history(row.id)] == [f"at {newest}"]
            await store.close()
        assert len(told) == 2
