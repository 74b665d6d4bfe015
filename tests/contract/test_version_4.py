"""A file that a program of version 4 wrote (`version_4.sql` is its dump): its organisations are in a list from now on.

It was made by the code of that version. Two organisations are in it, as who uses the library could have them. The last
commit of the first is not folded.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from contract.build import NOON, commit, lead, load
from contract.old_files import written

from nextlead.core.matching import keys_of
from nextlead.ports import DEFAULT, KeyUse, LeadFilter, NumberUse, Organisation
from nextlead_adapters.sqlite import SqliteDatabase, SqliteStore, schema

ADA = 14155550101
OTHER = Organisation(2, "organisation-2", "Organisation 2")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path, "version_4.sql")


async def claimed(path: Path) -> SqliteDatabase:
    database = SqliteDatabase(path)
    await database.open()
    await database.claim()
    return database


async def test_the_organisations_of_a_file_are_listed(path: Path) -> None:
    for _ in range(2):
        database = await claimed(path)
        assert await database.organisations() == [DEFAULT, OTHER]
        await database.close()


async def test_each_has_what_it_had(path: Path) -> None:
    for _ in range(2):  # the second time everything is folded
        database = await claimed(path)
        first, second = database.store(1), database.store(2)
        for store, last in ((first, 5), (second, 2)):
            await store.open()
            assert (await store.claim()).commit_no == last
        assert [row.attempts for row in (await load(first)).leads] == [1]
        assert [row.id for row in (await load(first)).fresh] == [3, 4, 6]
        assert [row.campaign for row in (await load(second)).leads] == [30]
        assert await first.numbers([ADA]) == [NumberUse(ADA, 1, 1, 10, False)]
        assert await second.numbers([ADA]) == [NumberUse(ADA, 1, 1, 30, False)]
        assert [found.kind for found in await first.history(1)] == ["leased", "finished"]
        assert [found.kind for found in await second.history(1)] == ["leased"]
        assert await first.data([3]) == {3: b'{"name":"Edited"}'}
        assert await second.data([1]) == {1: b'{"name":"Other"}'}
        (key,) = keys_of("name", (), {"name": "N2"})
        assert await first.matches("name", [key]) == [KeyUse(key, 2, 1, 10, True)]
        assert await first.answer("k")
        assert await first.file_part(3, 0) == b"phone\n"
        for store in (first, second):
            await store.close()
        await database.close()


async def test_a_store_alone_brings_it_up_too(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    assert (await store.claim()).commit_no == 5
    await commit(store, 6, lead(6), at_ms=NOON + 1)
    await store.close()
    snapshot = SqliteDatabase(path, read_only=True)
    await snapshot.open()
    assert await snapshot.organisations() == [DEFAULT, OTHER]
    await snapshot.close()


async def test_what_is_not_claimed_is_not_brought_up(path: Path) -> None:
    """Another process may be writing it."""
    database = SqliteDatabase(path)
    await database.open()
    await database.close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT max(version) FROM schema_version").fetchone() == (4,)


async def test_the_version_keeps_older_programs_away(path: Path) -> None:
    await (await claimed(path)).close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT max(version) FROM schema_version").fetchone() == (5,)
    assert len(schema.MIGRATIONS) == 5
    store = SqliteStore(path)
    await store.open()
    assert await store.count(LeadFilter()) == 5
    await store.close()
