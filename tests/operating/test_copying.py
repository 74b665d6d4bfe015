"""Copies of a store that is worked on: one moment, nothing that was erased, nothing left behind."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from operating.kit import a_centre, findings, rows_of

from nextlead.core import commands as c
from nextlead.core.errors import Conflict
from nextlead.ports import StoreError, StoreRefused
from nextlead_adapters.backup.contents import contents_of
from nextlead_adapters.backup.copying import NoRoom, copy_store
from nextlead_adapters.backup.landing import landing
from nextlead_adapters.bootstrap import open_dialer
from nextlead_adapters.http.backup import Backups
from nextlead_adapters.http.reading import ClientGone
from nextlead_adapters.intake.originals import Originals
from nextlead_adapters.privacy.service import Privacy


async def test_under_load_a_copy_has_the_commits_up_to_one_number(tmp_path: Path) -> None:
    store, copies = tmp_path / "leads.db", [tmp_path / f"{at}.db" for at in range(3)]
    async with await open_dialer(f"sqlite:///{store}") as dialer:
        await dialer.submit(c.PutCampaign(code="c1"))
        working = True

        async def work(caller: int) -> None:
            done = 0
            while working or done < 20:
                pool = await dialer.submit(c.OpenPool(campaign="c1", source="api"))
                row = c.IntakeRow(row=1, numbers=(14155550100 + (caller + done) % 9,))
                await dialer.submit(c.LoadRows(pool=pool.id, rows=(row,)))
                await dialer.submit(c.ClosePool(pool=pool.id))
                done += 1

        callers = [asyncio.create_task(work(caller)) for caller in range(3)]
        for copy in copies:
            await copy_store(store, copy)
        working = False
        await asyncio.gather(*callers)
    journal = rows_of(store)["journal"]
    found = [rows_of(copy)["journal"] for copy in copies]
    assert [len(rows) for rows in found] == sorted(len(rows) for rows in found)
    for copy, rows in zip(copies, found, strict=True):
        by_no = sorted(rows)
        assert by_no == sorted(journal)[: len(by_no)]
        assert await findings(copy) == []
        (share,) = contents_of(copy).organisations
        assert share.commits == len(by_no)


def test_what_was_deleted_and_lies_in_a_gap_is_not_copied(tmp_path: Path) -> None:
    # R10.6
    marker = b"Adelheid Nobody"
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as db:
        db.execute("PRAGMA secure_delete = OFF")
        db.execute("CREATE TABLE lead_data (org INTEGER, lead INTEGER PRIMARY KEY, body BLOB)")
        db.execute("BEGIN")
        db.executemany("INSERT INTO lead_data VALUES (1, ?, ?)", [(lead, marker) for lead in range(500)])
        db.execute("DELETE FROM lead_data WHERE lead > 3")
        db.execute("UPDATE lead_data SET body = 'x'")
        db.execute("COMMIT")
    assert marker in (tmp_path / "a.db").read_bytes()
    asyncio.run(copy_store(tmp_path / "a.db", tmp_path / "b.db"))
    assert marker not in (tmp_path / "b.db").read_bytes()
    assert (tmp_path / "b.db").stat().st_mode & 0o777 == 0o600


async def test_who_was_forgotten_is_in_no_backup_made_afterwards(tmp_path: Path) -> None:
    # R10.6
    number, name = 14155550123, b"Adelheid Nobody"
    async with await open_dialer(f"sqlite:///{tmp_path}/leads.db") as dialer:
        await dialer.submit(c.PutCampaign(code="c1"))
        pool = await dialer.submit(c.OpenPool(campaign="c1", source="api"))
        row = c.IntakeRow(row=1, numbers=(number,), data=b'{"name":"' + name + b'"}')
        await dialer.submit(c.LoadRows(pool=pool.id, rows=(row,)))
        await dialer.submit(c.ClosePool(pool=pool.id))
        await copy_store(tmp_path / "leads.db", tmp_path / "before.db")
        privacy = Privacy(dialer, Originals(dialer))
        privacy.start()
        assert (await privacy.anonymise(number=number, by="m")).closed == 1
        await copy_store(tmp_path / "leads.db", tmp_path / "after.db")
        await privacy.close()
    forms = (name, str(number).encode(), number.to_bytes(8, "big"), number.to_bytes(5, "big"))
    assert [any(form in (tmp_path / f"{when}.db").read_bytes() for form in forms) for when in ("before", "after")] == [
        True,
        False,
    ]
    assert await findings(tmp_path / "after.db") == []


async def test_a_copy_is_the_same_store(tmp_path: Path) -> None:
    centre = await a_centre(tmp_path / "a.db")
    await copy_store(tmp_path / "a.db", tmp_path / "b.db")
    assert rows_of(tmp_path / "b.db") == rows_of(tmp_path / "a.db")
    await centre.store.close()


async def test_a_copy_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    centre = await a_centre(tmp_path / "a.db", moves=5)
    copying = asyncio.create_task(copy_store(tmp_path / "a.db", tmp_path / "b.db"))
    await asyncio.sleep(0)
    copying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await copying
    assert not list(tmp_path.glob("b.db*"))
    await centre.store.close()


class Usage(NamedTuple):
    total: int
    used: int
    free: int


async def test_who_has_no_room_is_told_how_much_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    centre = await a_centre(tmp_path / "a.db", moves=0)
    await centre.store.close()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 0, 200_000_000))
    with pytest.raises(
        NoRoom, match=r"takes about [\d,]+ bytes in .*, where 200,000,000 are free and 300,000,000 must"
    ):
        await copy_store(tmp_path / "a.db", tmp_path / "b.db", spare_bytes=300_000_000)
    assert not (tmp_path / "b.db").exists()
    await copy_store(tmp_path / "a.db", tmp_path / "b.db", spare_bytes=100_000_000)


async def test_what_is_damaged_is_not_copied(tmp_path: Path) -> None:
    centre = await a_centre(tmp_path / "a.db", moves=5)
    await centre.store.close()
    whole = (tmp_path / "a.db").read_bytes()
    (tmp_path / "a.db").write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    with pytest.raises(StoreRefused, match="damaged"):
        await copy_store(tmp_path / "a.db", tmp_path / "b.db")
    assert not list(tmp_path.glob("b.db*"))


async def test_one_backup_at_a_time(tmp_path: Path) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(file: Path) -> None:
        asked.set()
        await go_on.wait()
        file.write_bytes(b"all of it")

    async def nothing() -> dict[str, str]:
        await asyncio.Event().wait()
        return {}

    backups = Backups(slowly, tmp_path)
    first = asyncio.create_task(backups.make(nothing))
    await asked.wait()
    with pytest.raises(Conflict, match="another backup"):
        await backups.make(nothing)
    go_on.set()
    source, length, _ = await first
    assert (source.read(), length) == (b"", 9)  # it was read for its digest
    source.close()
    assert not list(tmp_path.iterdir())


async def test_a_client_that_goes_away_ends_the_backup(tmp_path: Path) -> None:
    async def for_ever(file: Path) -> None:
        file.write_bytes(b"some of it")
        await asyncio.Event().wait()

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGone):
        await Backups(for_ever, tmp_path).make(gone)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("over", [False, True])
def test_a_file_lands_whole_or_not_at_all(over: bool, tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    if over:
        file.write_text("old")
    with pytest.raises(StoreError), landing(file, over=over) as part:
        part.write_text("half")
        raise StoreError("the disk is full")
    assert [path.read_text() for path in tmp_path.iterdir()] == (["old"] if over else [])
    with landing(file, over=over) as part:
        part.write_text("new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["new"]


def test_what_came_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    with pytest.raises(StoreRefused, match="there already"), landing(file) as part:
        part.write_text("new")
        file.write_text("somebody else's")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["somebody else's"]


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    for over in (False, True):
        with pytest.raises(StoreRefused, match="is a folder"), landing(tmp_path, over=over):
            raise AssertionError("not reached")


@pytest.mark.parametrize("beside", ["x.db.lock", "x.db-wal"])
def test_a_store_is_not_replaced_by_a_backup(beside: str, tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("a daemon's")
    (tmp_path / beside).touch()
    with pytest.raises(StoreRefused, match="is a daemon's store"), landing(tmp_path / "x.db", over=True):
        raise AssertionError("not reached")
    assert (tmp_path / "x.db").read_text() == "a daemon's"
