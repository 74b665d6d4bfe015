"""Restoring: what comes out is what went in, and works; what is not sound does not come out."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from contract.old_files import written
from crash.twins import SECRET, World, differences
from operating.kit import a_centre, findings, rows_of

from nextlead.core.engine import Engine
from nextlead.ports import StoreRefused
from nextlead.runtime.recovery import load
from nextlead_adapters.backup.restoring import NotSound, restore_store
from nextlead_adapters.sqlite import SqliteStore, files
from nextlead_adapters.store_url import BadUrl


async def restored(file: Path, to: Path) -> Any:
    return await restore_store(file, f"sqlite:///{to}")


async def test_there_and_back(tmp_path: Path) -> None:
    one, other = tmp_path / "a.db", tmp_path / "c.db"
    centre = await a_centre(one)
    found = await restored(one, other)  # a store that is in use is a backup, too
    assert rows_of(other) == rows_of(one)
    assert (found.organisations[0].commits, found.organisations[0].leads) == (
        centre.commits,
        len(centre.fresh),
    )
    store = SqliteStore(other)
    await store.open()
    assert (await store.claim()).commit_no == centre.commits
    engine = Engine(SECRET, World())
    await load(store, engine)
    engine.commit_no = centre.commits + 1
    engine.start(centre.now_ms, centre.now_ms)
    twin, _ = await centre.twin(centre.now_ms)
    assert differences(twin, engine) == []
    archive: Any = centre.store
    for lead in sorted(centre.fresh):
        assert await store.history(lead) == await archive.history(lead)
    await store.close()
    await centre.store.close()


async def test_ids_go_on_rising(tmp_path: Path) -> None:
    centre = await a_centre(tmp_path / "a.db", moves=20)
    last = centre.engine.sequences.lead
    await centre.store.close()
    await restored(tmp_path / "a.db", tmp_path / "b.db")
    centre.store, centre.path = SqliteStore(tmp_path / "b.db"), tmp_path / "b.db"
    await centre.store.open()
    await centre.store.claim()
    before = set(centre.fresh)
    await centre.add_leads()
    await centre.settle()
    assert min(set(centre.fresh) - before) == last
    assert await findings(tmp_path / "b.db") == []
    await centre.store.close()


async def test_an_older_backup_is_brought_up_to_date(tmp_path: Path) -> None:
    old = written(tmp_path, "version_3.sql")
    before = old.read_bytes()
    found = await restored(old, tmp_path / "b.db")
    assert found.organisations[0].leads == 11
    assert await findings(tmp_path / "b.db") == []
    assert old.read_bytes() == before


def _there(folder: Path) -> None:
    (folder / "b.db").write_text("mine")


def _log_there(folder: Path) -> None:
    (folder / "b.db-wal").write_text("of another")


@pytest.mark.parametrize(("make", "message"), [(_there, "b.db is there already"), (_log_there, "b.db-wal is there")])
async def test_what_is_there_is_never_overwritten(make: Callable[[Path], None], message: str, tmp_path: Path) -> None:
    centre = await a_centre(tmp_path / "a.db", moves=0)
    await centre.store.close()
    make(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(StoreRefused, match=message):
        await restored(tmp_path / "a.db", tmp_path / "b.db")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


async def test_what_is_not_sound_is_not_restored(tmp_path: Path) -> None:
    centre = await a_centre(tmp_path / "a.db")
    await centre.store.close()
    with closing(sqlite3.connect(tmp_path / "a.db")) as db, db:
        db.execute("DELETE FROM lead_data WHERE lead = (SELECT min(id) FROM lead)")
    with pytest.raises(NotSound) as error:
        await restored(tmp_path / "a.db", tmp_path / "b.db")
    (finding,) = error.value.findings
    assert "has lost its data" in finding
    assert not list(tmp_path.glob("b.db*"))
    assert not list(tmp_path.glob(".nextlead-*"))


async def test_what_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="there is no file"):
        await restored(tmp_path / "a.db", tmp_path / "b.db")
    (tmp_path / "a.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreRefused, match="is not a database"):
        await restored(tmp_path / "a.db", tmp_path / "b.db")
    with pytest.raises(BadUrl, match="memory: keeps nothing"):
        await restore_store(tmp_path / "a.db", "memory:")
    with closing(sqlite3.connect(tmp_path / "c.db")) as db, db:
        db.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StoreRefused, match="another program"):
        await restored(tmp_path / "c.db", tmp_path / "b.db")
    assert not list(tmp_path.glob("b.db*"))


async def test_a_newer_backup_is_refused(tmp_path: Path) -> None:
    centre = await a_centre(tmp_path / "a.db", moves=0)
    await centre.store.close()
    with closing(sqlite3.connect(tmp_path / "a.db")) as db, db:
        db.execute("INSERT INTO schema_version VALUES (99, '2036-01-01')")
    with pytest.raises(StoreRefused, match="version 99, this program knows versions up to"):
        await restored(tmp_path / "a.db", tmp_path / "b.db")


async def test_what_a_lock_says_of_a_store_before_goes(tmp_path: Path) -> None:
    """It may say how many commits that one had."""
    centre = await a_centre(tmp_path / "a.db", moves=5)
    await centre.store.close()
    (tmp_path / "b.db.lock").write_text("1\n999999\n")
    await restored(tmp_path / "a.db", tmp_path / "b.db")
    store = SqliteStore(tmp_path / "b.db")
    await store.open()
    assert (await store.claim()).commit_no == centre.commits
    await store.close()


async def test_nobody_restores_where_somebody_is_at_work(tmp_path: Path) -> None:
    centre = await a_centre(tmp_path / "a.db", moves=5)
    await centre.store.close()
    lock = files.Lock(tmp_path / "b.db")
    lock.take()
    with pytest.raises(StoreRefused, match=f"b.db is in use by process {os.getpid()}"):
        await restored(tmp_path / "a.db", tmp_path / "b.db")
    lock.give_back()
    assert not (tmp_path / "b.db").exists()
