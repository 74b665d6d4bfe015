"""What PostgreSQL's store promises beyond the suite: what it refuses, how it writes, what failures leave behind."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from contract.build import NOON, commit, event, fresh, lead, load, pool
from contract.test_postgres_ownership import NEVER, contents
from postgres import Admin, asyncpg, schema_of
from postgres_cable import Cable, cable

from nextlead.core.model import LeadData
from nextlead.ports import StoreError, StoreRefused
from nextlead_adapters.postgres import PostgresDatabase, PostgresStore, schema
from nextlead_adapters.postgres.connection import Server


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(postgres_url, times=NEVER)
    await store.open()
    await store.claim()
    yield store
    await store.close()


def sessions(store: PostgresStore, *, writes: bool = True) -> list[Any]:
    """Those that nobody uses now."""
    assert store._database._pool
    return store._database._pool._idle[writes]


async def refused(url: str, match: str, times: Any = None) -> None:
    store = PostgresStore(url, times=times)
    with pytest.raises(StoreRefused, match=match):
        await store.open()
    await store.close()


# -- what is refused ------------------------------------------------------------------------------------------------


def lies(admin: Admin, url: str, setting: str, value: str) -> str:
    """The URL of a server that says this of itself: the schema's functions come before the server's own."""
    name = schema_of(url)
    admin.execute(
        f"CREATE FUNCTION {name}.current_setting(text) RETURNS text LANGUAGE sql AS "
        f"$$SELECT CASE $1 WHEN '{setting}' THEN '{value}' ELSE pg_catalog.current_setting($1) END$$"
    )
    return f"{url},pg_catalog"


@pytest.mark.parametrize(
    ("setting", "value", "match"),
    [
        ("fsync", "off", "fsync = off: it would lose"),
        ("full_page_writes", "off", "full_page_writes = off: a crash"),
        ("server_version_num", "120022", "must be 13 or newer"),
        ("synchronous_commit", "off", "does not take synchronous_commit = on: it stays off"),
    ],
)
async def test_a_server_that_would_lose_what_it_said_is_refused(
    postgres: Admin, setting: str, value: str, match: str
) -> None:
    with postgres.schema() as url:
        await refused(lies(postgres, url, setting, value), match)
        assert tables(postgres, url) == []


async def test_a_hot_standby_is_refused(postgres: Admin) -> None:
    with postgres.schema() as url:
        name = schema_of(url)
        postgres.execute(f"CREATE FUNCTION {name}.pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT true'")
        await refused(f"{url},pg_catalog", "is a hot standby")


def tables(admin: Admin, url: str) -> list[str]:
    which = (
        "SELECT relname::text FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind = 'r' ORDER BY 1"
    )
    return [name for (name,) in admin.fetch(which, schema_of(url))]


async def test_tables_of_another_program_are_left_alone(postgres: Admin) -> None:
    with postgres.schema() as url:
        postgres.execute(f"CREATE TABLE {schema_of(url)}.journal (entry text); CREATE TABLE {schema_of(url)}.team ()")
        await refused(url, r"tables of another program \(journal\)")
        assert tables(postgres, url) == ["journal", "team"]


async def test_a_newer_version_is_refused(postgres: Admin) -> None:
    with postgres.schema() as url:
        database = PostgresDatabase(url)
        await database.open()
        await database.close()
        postgres.execute(f"INSERT INTO {schema_of(url)}.schema_version VALUES (99)")
        await refused(url, "of version 99, this program knows versions up to")


async def test_an_older_version_is_brought_up_by_the_owner_only(
    postgres: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres.schema() as url:
        owner, other = PostgresDatabase(url, NEVER), PostgresDatabase(url, NEVER)
        await owner.open()
        await owner.claim()

        async def step(db: Any) -> None:
            await db.execute("CREATE TABLE more ()")

        monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
        await other.open()
        with pytest.raises(StoreRefused, match="in use"):
            await other.claim()
        assert "more" not in tables(postgres, url)
        snapshot = PostgresStore(url, read_only=True)
        with pytest.raises(StoreRefused, match="older version; migrate it first"):
            await snapshot.open()
        await owner.close()
        await other.claim()
        assert "more" in tables(postgres, url)
        assert postgres.fetch(f"SELECT max(version) FROM {schema_of(url)}.schema_version") == [(2,)]
        await other.close()


async def test_a_step_to_a_newer_version_is_taken_whole_or_not_at_all(
    postgres: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres.schema() as url:
        database = PostgresDatabase(url, NEVER)
        await database.open()

        async def step(db: Any) -> None:
            await db.execute("CREATE TABLE more ()")
            await db.execute("SELECT 1 / 0")

        monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
        with pytest.raises(StoreError, match="division by zero"):
            await database.claim()
        await database.close()
        assert "more" not in tables(postgres, url)
        monkeypatch.undo()
        again = PostgresStore(url, times=NEVER)
        await again.open()
        await again.claim()
        await again.close()


async def test_a_server_that_is_not_there_is_refused_without_a_word_of_the_password() -> None:
    store = PostgresStore("postgresql://desk:hush@127.0.0.1:1/leads")
    with pytest.raises(
        StoreRefused, match=r"postgresql://127.0.0.1:1/leads can't be used: .*Connect call failed"
    ) as found:
        await store.open()
    assert "hush" not in str(found.value)


async def test_a_database_or_schema_that_is_not_there_is_refused(postgres: Admin) -> None:
    await refused(postgres.url.replace("/postgres", "/no_such_database", 1), "no_such_database")
    await refused(f"{postgres.url}&search_path=no_such_schema", "no schema that the search_path names")
    await refused(f"{postgres.url}&no_such_setting=1", "no_such_setting")


async def test_sessions_are_what_they_are_asked_to_be_whatever_the_url_says(postgres_url: str) -> None:
    db = await Server(f"{postgres_url}&synchronous_commit=off&timezone=Asia/Tokyo").connect()
    assert await db.fetchval("SHOW synchronous_commit") == "on"
    assert await db.fetchval("SHOW timezone") == "UTC"
    assert await db.fetchval("SHOW idle_in_transaction_session_timeout") == "2s"
    await db.close()


# -- reading only ---------------------------------------------------------------------------------------------------


async def test_a_snapshot_stays_as_it_was_and_keeps_nobody_waiting(store: PostgresStore, postgres_url: str) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1), fresh(2)])
    snapshot = PostgresStore(postgres_url, read_only=True)
    await snapshot.open()
    await commit(store, 2, lead(1), gone=[2])
    whole = await load(snapshot)
    assert ([row.id for row in whole.fresh], whole.leads) == ([1, 2], [])
    assert await snapshot.existing([1, 2]) == {1, 2}
    with pytest.raises(StoreRefused, match="for reading only"):
        await snapshot.claim()
    await commit(store, 3, lead(1, attempts=2))


async def test_what_is_opened_for_reading_makes_nothing(postgres: Admin) -> None:
    with postgres.schema() as url:
        snapshot = PostgresStore(url, read_only=True)
        with pytest.raises(StoreRefused, match="has no store"):
            await snapshot.open()
        assert tables(postgres, url) == []


# -- how it writes --------------------------------------------------------------------------------------------------


async def test_a_commit_is_one_statement(store: PostgresStore) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1)])
    asked: list[str] = []
    for db in sessions(store):
        db.add_query_logger(lambda record: asked.append(record.query))
    await commit(store, 2, lead(1, last_commit=2), LeadData(1, b"{}"), events=[event(1, "leased")])
    await asyncio.sleep(0)  # it is told in the next turn
    assert len(asked) == 1
    assert "INSERT INTO journal" in asked[0]


async def test_reads_do_not_wait_behind_a_commit(store: PostgresStore, postgres: Admin, postgres_url: str) -> None:
    """Somebody holds the row that a commit locks."""
    await commit(store, 1, pool(), fresh=[fresh(1)])
    async with store._database.writer() as other, other.transaction():
        await other.execute("SELECT 1 FROM organisation FOR NO KEY UPDATE")
        task = asyncio.create_task(commit(store, 2, lead(1)))
        await waiting_for_a_lock(postgres)
        found = await store.lead(1)
        assert found is not None
        assert found.lead.attempts == 0
        assert not task.done()
    await task


async def test_the_server_hears_how_many_leads_there_are_soon_after_they_came(
    store: PostgresStore, postgres: Admin, postgres_url: str
) -> None:
    """Else it reads a whole table of leads to find a few, until it looks by itself."""
    await commit(store, 1, pool(), fresh=[fresh(i) for i in range(1, 5_001)])
    counted = f"SELECT reltuples FROM pg_class WHERE oid = '{schema_of(postgres_url)}.lead'::regclass"
    while postgres.fetch(counted) != [(5_000,)]:
        await asyncio.sleep(0.01)
    assert not store._tables.due()


async def waiting_for_a_lock(postgres: Admin) -> None:
    which = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO journal%'"
    while not await asyncio.to_thread(postgres.fetch, which):
        await asyncio.sleep(0.001)


async def test_a_commit_that_does_not_follow_is_refused_by_the_database_too(
    store: PostgresStore, postgres: Admin, postgres_url: str
) -> None:
    """As when two processes were taken for one."""
    await commit(store, 1, pool())
    store._no = 5
    with pytest.raises(StoreRefused, match="commit 5 is missing"):
        await commit(store, 6, lead(1))
    assert postgres.fetch(f"SELECT no FROM {schema_of(postgres_url)}.journal") == [(1,)]
    assert postgres.fetch(f"SELECT id FROM {schema_of(postgres_url)}.state") == []


@pytest.mark.parametrize("more", [{}, {"fresh": [fresh(2)]}])
async def test_a_commit_is_not_taken_for_another_one_with_its_number(
    store: PostgresStore, postgres: Admin, postgres_url: str, more: dict[str, Any]
) -> None:
    """As when somebody of this process was still writing when the journal was read."""
    await commit(store, 1, pool())
    await commit(store, 2, lead(1, attempts=1))
    store._no = 1
    with pytest.raises(StoreRefused, match="commit 2 is there already, and is another one"):
        await commit(store, 2, lead(1, attempts=2), **more)
    assert postgres.fetch(f"SELECT id FROM {schema_of(postgres_url)}.lead") == []
    store._no = 2
    assert [row.attempts for row in (await load(store)).leads] == [1]


# -- what failures leave --------------------------------------------------------------------------------------------


@pytest.fixture
async def line(postgres_url: str) -> AsyncIterator[Cable]:
    async with cable(postgres_url) as found:
        yield found


@pytest.fixture
async def far(line: Cable) -> AsyncIterator[PostgresStore]:
    """A store at the other end of a cable, with a pool and a lead, and all statements prepared."""
    store = PostgresStore(line.url, times=NEVER)
    await store.open()
    await store.claim()
    await commit(store, 1, pool(), fresh=[fresh(1)])
    await commit(store, 2, lead(1))
    yield store
    await store.close()


HOW: dict[str, Callable[[int], dict[str, Any]]] = {
    "journal": lambda no: {},
    "tables": lambda no: {"fresh": [fresh(no)]},
}


@pytest.mark.parametrize("how", HOW)
async def test_a_commit_whose_answer_is_lost_is_found_to_be_there(
    far: PostgresStore, line: Cable, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """TARGETS: a connection that dies in COMMIT leaves doubt, which is settled before anything else is written."""
    if how == "tables":
        lose_the_answer_to_a_transaction(line, monkeypatch)
    else:
        line.cut_on_answer()
    await commit(far, 3, lead(1, attempts=7), at_ms=NOON + 1, **HOW[how](3))
    await commit(far, 4, lead(1, attempts=8))
    assert [row.attempts for row in (await load(far)).leads] == [8]
    assert await far.existing([1, 3]) == ({1, 3} if how == "tables" else {1})


def lose_the_answer_to_a_transaction(line: Cable, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the next COMMIT."""
    execute = asyncpg.Connection.execute

    async def watched(self: Any, query: str, *values: Any, **more: Any) -> str:
        if query == "COMMIT;":
            monkeypatch.undo()
            line.cut_on_answer()
        return await execute(self, query, *values, **more)

    monkeypatch.setattr(asyncpg.Connection, "execute", watched)


@pytest.mark.parametrize("how", HOW)
async def test_a_commit_that_did_not_arrive_fails_and_may_be_tried_again(
    far: PostgresStore, line: Cable, how: str
) -> None:
    line.cut_on_question()
    with pytest.raises(StoreError, match="commit 3 failed: PostgreSQL"):
        await commit(far, 3, lead(1, attempts=7), **HOW[how](3))
    assert await far.existing([3]) == set()
    await commit(far, 3, lead(1, attempts=8), **HOW[how](3))
    assert [row.attempts for row in (await load(far)).leads] == [8]


async def test_an_answer_that_does_not_come_is_waited_for_until_the_deadline(far: PostgresStore, line: Cable) -> None:
    far._database.server.answer_s = far._database.server.connect_s = 0.2
    line.silent = True
    task = asyncio.create_task(commit(far, 3, lead(1, attempts=7)))
    await asyncio.wait([task])
    line.silent = False
    with pytest.raises(StoreError, match="in doubt"):
        await task
    far._database.server.answer_s = far._database.server.connect_s = 30.0
    await commit(far, 3, lead(1, attempts=7))
    assert [row.attempts for row in (await load(far)).leads] == [7]


async def test_a_session_that_was_cut_at_work_is_ended_before_anybody_asks_what_is_there(
    far: PostgresStore, line: Cable, postgres: Admin, postgres_url: str
) -> None:
    """It waits for a lock and does not hear that nobody is there any more: it would write later, unasked."""
    holder = PostgresDatabase(postgres_url, NEVER)
    async with holder.writer() as other:
        begin = other.transaction()
        await begin.start()
        await other.execute("SELECT 1 FROM organisation FOR NO KEY UPDATE")
        task = asyncio.create_task(commit(far, 3, lead(1, attempts=9)))
        await waiting_for_a_lock(postgres)
        line.cut()
        with pytest.raises(StoreError, match="commit 3 failed"):
            await task
        await begin.rollback()
    name = schema_of(postgres_url)
    assert postgres.fetch(f"SELECT max(no) FROM {name}.journal") == [(2,)]
    await commit(far, 3, lead(1, attempts=10))
    assert [row.attempts for row in (await load(far)).leads] == [10]
    await holder.close()


async def test_a_commit_that_is_cancelled_leaves_doubt_that_is_settled(
    store: PostgresStore, postgres: Admin, postgres_url: str
) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1)])
    async with store._database.writer() as other, other.transaction():
        await other.execute("SELECT 1 FROM organisation FOR NO KEY UPDATE")
        task = asyncio.create_task(commit(store, 2, lead(1, attempts=7)))
        await waiting_for_a_lock(postgres)
        task.cancel()
        await asyncio.wait([task])
        assert store._database._pool is not None
        assert len(store._database._pool._cut) == 1  # it is ended before anybody is lent another one
    await commit(store, 2, lead(1, attempts=7))
    await commit(store, 3, lead(2))
    assert [(row.id, row.attempts) for row in (await load(store)).leads] == [(1, 7), (2, 0)]


async def test_all_sessions_may_be_cut_at_once(far: PostgresStore, line: Cable) -> None:
    for no in range(3, 6):
        line.cut()
        try:
            await commit(far, no, lead(1, attempts=no))
        except StoreError:
            await commit(far, no, lead(1, attempts=no))
    line.cut()
    await asyncio.sleep(0)
    store = PostgresStore(line.url, read_only=True)
    await store.open()
    assert [row.attempts for row in (await load(store)).leads] == [5]
    await store.close()


async def test_a_decoder_that_fails_is_an_error_of_the_store(
    store: PostgresStore, postgres: Admin, postgres_url: str
) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1)])
    postgres.execute(f"UPDATE {schema_of(postgres_url)}.lead SET body = 'broken'")
    with pytest.raises(StoreError, match="can't be read"):
        await store.lead(1)


async def test_a_journal_with_a_hole_is_refused(postgres_url: str, postgres: Admin) -> None:
    store = PostgresStore(postgres_url, times=NEVER)
    await store.open()
    await store.claim()
    for no in (1, 2, 3):
        await commit(store, no, lead(no))
    postgres.execute(f"DELETE FROM {schema_of(postgres_url)}.journal WHERE no = 2")
    postgres.disown(postgres_url)
    await store.close()
    await refused(postgres_url, "commit 2 is missing from the journal")


async def test_contents_are_read_whole(store: PostgresStore) -> None:
    """What the tests of ownership compare is there."""
    await commit(store, 1, pool(), fresh=[fresh(1)])
    assert [len(rows) for rows in await contents(store._database)][:4] == [1, 1, 1, 1]
