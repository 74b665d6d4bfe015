"""SPEC R10.6 on SQLite, byte by byte: after `erase`, the files don't hold a forgotten number or name anywhere."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from contract.build import NOON, commit, fresh, load, pool
from contract.conftest import copy_files
from contract.town import Town, found, traces

from nextlead.core.model import Erasure, File, FilePart
from nextlead.ports import LeadFilter, StoreError
from nextlead_adapters.journalled import tending
from nextlead_adapters.sqlite import SqliteStore, scrub, upkeep

LEADS = 20_000
TURNS = 150
LOST = random.Random(2).sample(range(1, LEADS + 1), 200)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "a.db")
    await store.open()
    await store.claim()
    yield store
    await store.close()


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on the log at once."""
    monkeypatch.setattr(upkeep, "_TRIES", 2)
    monkeypatch.setattr(scrub, "_PATIENCE_MS", 1)


async def intact(store: SqliteStore) -> bool:
    return await store._tables.file.back.run(lambda db: db.execute("PRAGMA integrity_check").fetchall() == [("ok",)])


@pytest.mark.parametrize("fold_rows", [300, tending.FOLD_ROWS])
async def test_nothing_is_left_after_page_splits_and_joins(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fold_rows: int
) -> None:
    # R10.6
    monkeypatch.setattr(tending, "FOLD_ROWS", fold_rows)
    town = Town(LEADS)
    await town.live(store, TURNS)
    erasures = await town.forget(store, LOST)
    assert found(tmp_path, LOST) == {"a.db", "a.db-wal"}
    await store.erase(erasures)
    assert found(tmp_path, LOST) == set()
    assert await intact(store)
    for _ in range(20):
        await town.turn(store)  # no page that was kept in memory brings anything back
    await store.close()
    assert found(tmp_path, LOST) == set()


async def test_without_cleaning_pages_something_would_be_left(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`secure_delete` alone is not enough; if this fails, SQLite has learnt it, and `scrub.py` may go."""
    monkeypatch.setattr(scrub, "find", lambda *_: [])
    town = Town(6_000)
    await town.live(store, 400)
    lost = random.Random(2).sample(range(1, 6_001), 600)
    await store.erase(await town.forget(store, lost))
    assert found(tmp_path, lost) == {"a.db"}


@pytest.mark.parametrize("who", ["writer", "back"])
async def test_pages_that_a_connection_keeps_in_memory_bring_nothing_back(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """A write that was rolled back leaves pages in memory as they were before they were cleaned."""
    town = Town(3_000)
    await town.live(store, 200)
    lost = random.Random(2).sample(range(1, 3_001), 600)
    real = scrub.clean
    db = getattr(store._tables.file, who)._conn

    def clean_after_a_rollback(back: sqlite3.Connection, fd: int, pages: list[int]) -> None:
        db.execute("PRAGMA cache_size = -100000")
        db.execute("BEGIN IMMEDIATE")
        db.execute("SELECT sum(length(body)) FROM lead_data NOT INDEXED").fetchone()
        db.execute("ROLLBACK")
        real(back, fd, pages)

    monkeypatch.setattr(scrub, "clean", clean_after_a_rollback)
    await store.erase(await town.forget(store, lost))
    await getattr(store._tables.file, who).run(lambda db: db.execute("UPDATE lead_data SET body = body || ' '"))
    assert found(tmp_path, lost) == set()


async def test_commits_beside_it_bring_nothing_back(store: SqliteStore, tmp_path: Path) -> None:
    town = Town(6_000)
    await town.live(store, 100)
    lost = random.Random(2).sample(range(1, 6_001), 40)
    task = asyncio.create_task(store.erase(await town.forget(store, lost)))
    turns = 0
    while not task.done():
        await town.turn(store)
        turns += 1
    await task
    assert turns > 3
    assert found(tmp_path, lost) == set()
    assert await intact(store)


async def test_it_may_be_broken_off_and_begun_again_by_the_next_life(store: SqliteStore, tmp_path: Path) -> None:
    town = Town(1_000)
    await town.live(store, 30)
    lost = list(range(1, 1_001, 50))
    task = asyncio.create_task(store.erase(await town.forget(store, lost)))
    lives: list[Path] = []
    while not task.done():
        lives.append(tmp_path / str(len(lives)))
        copy_files(tmp_path / "a.db", lives[-1])  # as a kill at this moment would leave it
        for _ in range(len(lives) * 8):
            await asyncio.sleep(0)
    assert len(lives) > 5
    for folder in lives:
        other = SqliteStore(folder / "a.db")
        await other.open()
        await other.claim()
        rows = [row for _, row in (await load(other)).rows if isinstance(row, Erasure)]
        assert len(rows) > 1
        await other.erase(rows)
        assert found(folder, lost) == set()
        assert all([await other.history(row.lead) for row in rows if row.lead])
        await other.close()


@pytest.mark.usefixtures("brief")
async def test_a_stranger_who_reads_makes_it_wait(store: SqliteStore, tmp_path: Path) -> None:
    """The log can't be emptied under one who reads it: erasing says so, and does it when asked again."""
    town = Town(500)
    await town.live(store, 10)
    erasures = await town.forget(store, [1, 2, 3])
    stranger = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    stranger.execute("BEGIN")
    stranger.execute("SELECT count(*) FROM lead").fetchone()
    with pytest.raises(StoreError, match="somebody else reads"):
        await store.erase(erasures)
    await town.turn(store)
    stranger.execute("ROLLBACK")
    stranger.close()
    await store.erase(erasures)
    assert found(tmp_path, [1, 2, 3]) == set()


async def test_our_own_reads_do_not_stop_it(store: SqliteStore, tmp_path: Path) -> None:
    town = Town(2_000)
    await town.live(store, 30)
    task = asyncio.create_task(store.erase(await town.forget(store, [1, 2, 3])))
    while not task.done():
        await store.leads(LeadFilter(text="zo", limit=1_000))
    await task
    assert found(tmp_path, [1, 2, 3]) == set()


async def test_the_original_that_was_swapped_is_gone_before_it_returns(store: SqliteStore, tmp_path: Path) -> None:
    """The caller writes an original anew and drops the old one; its parts go in slices, but not later than that."""
    trace = b"Zo-in-the-file "
    parts = [FilePart(3, no, trace * 20_000) for no in range(40)]
    for no, part in enumerate(parts, start=1):
        await commit(store, no, pool(), File(3, no), parts=[part])
    await commit(store, 41, Erasure(1, 0, 0, 0, forget=(5,)), rows={("file", 3): None})
    assert any(trace in file.read_bytes() for file in tmp_path.glob("a.db*"))
    await store.erase([Erasure(1, 0, 0, 0, forget=(5,))])
    assert not any(trace in file.read_bytes() for file in tmp_path.glob("a.db*"))


async def test_the_last_resort_for_a_file_whose_pages_do_not_tell_what_they_are(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrub, "_PAGES_MAX", 0)
    town = Town(3_000)
    await town.live(store, 60)
    await store.erase(await town.forget(store, [1, 2, 3]))
    assert found(tmp_path, [1, 2, 3]) == set()
    await town.turn(store)
    assert await intact(store)


# -- what is cleaned ------------------------------------------------------------------------------------------------


async def test_a_page_that_is_cleaned_keeps_every_row(store: SqliteStore) -> None:
    await commit(store, 1, pool(), fresh=[fresh(i) for i in range(1, 3_001)])
    await commit(store, 2, gone=list(range(2, 3_000, 3)), at_ms=NOON)
    before = [(found.lead, found.data) for found in await store.leads(LeadFilter(limit=5_000))]
    await store.erase([])
    assert [(found.lead, found.data) for found in await store.leads(LeadFilter(limit=5_000))] == before
    assert await intact(store)


def page(kind: int, cells: int, top: int, free: int = 0) -> bytearray:
    made = bytearray(512)
    made[0:8] = bytes([kind]) + free.to_bytes(2) + cells.to_bytes(2) + top.to_bytes(2) + b"\0"
    return made


class OnePage(scrub.Shape):
    def __init__(self) -> None:
        self.page_bytes, self.usable, self.pages = 512, 500, 9


@pytest.mark.parametrize(("kind", "start"), [(13, 12), (10, 12), (5, 16), (2, 16)])
def test_what_is_left_lies_between_pointers_and_cells(kind: int, start: int) -> None:
    made = page(kind, 2, 400)
    made[:] = made[:start] + b"\xaa" * (512 - start)
    assert list(scrub._left(2, bytes(made), OnePage())) == [(start, 400)]
    made[start:400] = bytes(400 - start)
    assert list(scrub._left(2, bytes(made), OnePage())) == []


def test_what_is_left_may_lie_in_freed_cells() -> None:
    made = page(13, 0, 300, free=310)
    made[310:314] = (420).to_bytes(2) + (20).to_bytes(2)
    made[420:424] = (0).to_bytes(2) + (30).to_bytes(2)
    made[430] = 7
    assert list(scrub._left(2, bytes(made), OnePage())) == [(424, 450)]


@pytest.mark.parametrize(
    "made", [bytes(512), b"\0\0\0\5" + b"x" * 508, bytes(page(13, 300, 100)), bytes(page(13, 0, 510))]
)
def test_a_page_that_is_no_tree_is_left_alone(made: bytes) -> None:
    assert list(scrub._left(2, made, OnePage())) == []


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    for trace in traces(7):
        (tmp_path / "a.db").write_bytes(b"\2" + trace + b"\3")
        assert found(tmp_path, [6, 7]) == {"a.db"}
        assert found(tmp_path, [6, 8]) == set()
