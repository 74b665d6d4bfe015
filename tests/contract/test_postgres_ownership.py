"""Who may write to a PostgreSQL database: one process, until it gives the right back or is taken for dead."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from contract.build import commit, fresh, lead, pool
from contract.owners import AT_ONCE, NEVER, Told, claimed, owner_of, tables_of, until
from msgspec import structs
from postgres import Admin, schema_of
from structlog.testing import capture_logs

from nextlead.core.model import Erasure
from nextlead.ports import DEFAULT, Organisation, StoreError, StoreRefused
from nextlead_adapters.journalled.codec import encode
from nextlead_adapters.journalled.match_keys import Rule
from nextlead_adapters.journalled.packed import columns_of
from nextlead_adapters.journalled.tables import Direct, Entry
from nextlead_adapters.postgres import PostgresDatabase, PostgresStore
from nextlead_adapters.postgres import ownership as ownership_module
from nextlead_adapters.postgres.connection import Server
from nextlead_adapters.postgres.ownership import Ownership, Times

# -- one writer -----------------------------------------------------------------------------------------------------


async def test_a_second_claim_is_refused_and_names_the_owner(standby: PostgresDatabase) -> None:
    # R5.4
    with pytest.raises(StoreRefused, match=r"in use by process \d+ on .+"):
        await standby.claim()
    assert not standby.holds()


async def test_a_claim_raises_the_epoch_everywhere(owner: PostgresDatabase, postgres: Admin, postgres_url: str) -> None:
    await owner.put(Organisation(2, "second", "Second"))
    first = owner.ownership.epoch
    await owner.close()
    async with owner_of(postgres_url, NEVER) as after:
        assert after.ownership.epoch == first + 1
        for table in ("owner", "organisation", "folding"):
            found = postgres.fetch(f"SELECT DISTINCT epoch FROM {schema_of(postgres_url)}.{table}")
            assert found == [(first + 1,)]


async def test_a_former_owner_can_write_nothing(owner: PostgresDatabase, postgres_url: str) -> None:
    """Each statement finds out by itself; the message says who is the owner now."""
    store = await claimed(owner)
    await commit(store, 1, pool(), fresh=[fresh(1)])
    tables = tables_of(store)
    async with owner_of(postgres_url, AT_ONCE) as other:
        entry = Entry(2, 0, b"\x94\x90\x90\x90\x90")
        writes = [
            lambda: tables.write(entry, Direct()),
            lambda: tables.write(entry, Direct(mentions=[5], trails=[(1, 1)], doomed=[("pool", 1)])),
            lambda: tables.write(entry, Direct(fresh=[fresh(2)])),
            lambda: tables.fold_leads([columns_of(encode(lead(1)))]),
            lambda: tables.fold_rows({("pool", 1): None}),
            lambda: tables.set_folded(1, 0),
            tables.take_away,
            lambda: tables.add_rule("name", 1),
            lambda: tables.fill("name", Rule(1), [(b"k", 1)]),
            lambda: tables.rewrite({1: {1}}),
            lambda: tables.delete_data([1]),
            lambda: tables.delete_rejects(5),
            lambda: tables.delete_uses(14155550001, 0),
            lambda: tables.rewrite_mentions(1, [1], []),
            lambda: tables.rewrite_erasures([1]),
            lambda: owner.put(Organisation(1, "default", "Another name")),
            lambda: owner.keep_key(b"mark"),
        ]
        before = await contents(other)
        for write in writes:
            with pytest.raises(StoreRefused, match=r"taken over by process \d+ on"):
                await finding_out(write)
        assert await contents(other) == before
        other_store = await claimed(other)
        await commit(other_store, 2, lead(1))
        await other_store.close()


async def finding_out(write: Callable[[], Any]) -> None:
    """The claim ended its session: it may find that first, and tries again, as the runtime does."""
    try:
        await write()
    except StoreError:
        await write()


async def contents(database: PostgresDatabase) -> list[list[tuple[Any, ...]]]:
    """All rows of all tables that have an organisation's."""
    tables = ("organisation", "journal", "folding", "lead", "state", "row", "lead_data", "number", "doomed", "mention",
              "trail", "match_rule", "match_key")  # fmt: skip
    async with database.reader() as db:
        return [[tuple(row) for row in await db.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")] for table in tables]


async def test_a_store_of_a_former_owner_refuses_its_commit_and_its_erasing(
    owner: PostgresDatabase, postgres_url: str
) -> None:
    store = await claimed(owner)
    await commit(store, 1, pool(), fresh=[fresh(1)])
    async with owner_of(postgres_url, AT_ONCE):
        with pytest.raises(StoreRefused, match="taken over"):
            await finding_out(lambda: commit(store, 2, lead(1)))
        with pytest.raises(Exception, match="taken over"):
            await finding_out(lambda: store.erase([Erasure(1, 1, 1, 0)]))
        await store.close()


@pytest.mark.parametrize("table", ["organisation", "folding"])
async def test_a_claim_waits_for_what_the_former_owner_has_begun_or_ends_it(
    owner: PostgresDatabase, made: Callable[[Times], PostgresDatabase], table: str
) -> None:
    """It stands with a transaction open, in a commit or in a fold: its session is ended, and nothing of it is there."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def stall() -> None:
        async with owner.writer() as db, db.transaction():
            await db.execute(f"SELECT 1 FROM {table} FOR NO KEY UPDATE")
            await db.execute("INSERT INTO journal VALUES (1, 1, 0, 1, '')")
            begun.set()
            await go_on.wait()

    task = asyncio.create_task(stall())
    await begun.wait()
    other = made(AT_ONCE)
    await other.open()
    await other.claim()
    go_on.set()
    with pytest.raises(Exception, match=r"closed|terminat|lost"):
        await task
    store = await claimed(other)
    await commit(store, 1, pool())
    await store.close()


async def test_a_claim_finds_out_what_happened_since_it_was_looked(
    owner: PostgresDatabase, standby: PostgresDatabase
) -> None:
    """The owner has said again that it lives; or another one was faster, and has gone, too."""
    ownership = standby.ownership
    db = await ownership._session()
    found = await ownership_module._look(db, 60)
    assert not await ownership._claim(db, found, None)
    await owner.close()
    assert not await ownership._claim(db, structs.replace(found, epoch=found.epoch - 1), None)
    assert not ownership.taken
    assert await ownership._claim(db, found, None)


@pytest.mark.parametrize("direct", [Direct(), Direct(mentions=[5]), Direct(fresh=[fresh(2)]), None])
async def test_what_comes_while_a_claim_is_under_way_waits_for_it_and_is_refused(
    owner: PostgresDatabase, postgres: Admin, postgres_url: str, direct: Direct | None
) -> None:
    """Commits, and folding (None): neither may read the epoch of before and write afterwards."""
    store = await claimed(owner)
    await commit(store, 1, pool())
    tables, entry = tables_of(store), Entry(2, 0, b"\x94\x90\x90\x90\x90")
    other = PostgresDatabase(postgres_url, NEVER)
    async with other.writer() as db:
        async with db.transaction():
            await db.execute("UPDATE organisation SET epoch = epoch + 1")
            await db.execute("UPDATE folding SET epoch = epoch + 1")
            writing = (
                tables.write(entry, direct) if direct is not None else tables.fold_leads([columns_of(encode(lead(1)))])
            )
            task = asyncio.create_task(writing)
            waits = f"SELECT 1 FROM pg_locks WHERE NOT granted AND {db.get_server_pid()} = ANY(pg_blocking_pids(pid))"
            while not (task.done() or await asyncio.to_thread(postgres.fetch, waits)):
                await asyncio.sleep(0.001)
        with pytest.raises(StoreRefused, match="taken over"):
            await task
    await other.close()


async def test_an_organisation_that_is_not_there_has_no_store(owner: PostgresDatabase) -> None:
    with pytest.raises(StoreRefused, match="no organisation 7"):
        await claimed(owner, 7)


# -- waiting --------------------------------------------------------------------------------------------------------


async def test_who_waits_is_woken_when_the_owner_goes(owner: PostgresDatabase, standby: PostgresDatabase) -> None:
    """Nothing would be heard for an hour."""
    told = Told()
    waiting = asyncio.create_task(standby.claim(told))
    await told.once.wait()
    assert not standby.holds()
    await owner.close()
    await waiting
    assert standby.holds()
    assert len(told.names) == 1
    assert told.names[0].startswith("process ")


async def test_who_waits_takes_over_when_nothing_was_heard_for_so_long(
    owner: PostgresDatabase, made: Callable[[Times], PostgresDatabase]
) -> None:
    """A slow machine needs so long to look that there is nothing to wait for any more: then it is for longer."""
    told, takeover_s = Told(), 0.2
    while not told.names:
        patient = made(Times(renew_s=3_600, hold_s=7_200, takeover_s=takeover_s))
        await patient.open()
        await patient.claim(told)
        assert patient.ownership.epoch == owner.ownership.epoch + 1
        owner, takeover_s = patient, 2 * takeover_s
    assert len(told.names) == 1


async def test_a_clock_of_the_server_that_was_put_back_does_not_keep_a_dead_owner_alive(
    owner: PostgresDatabase, made: Callable[[Times], PostgresDatabase], postgres: Admin, postgres_url: str
) -> None:
    postgres.execute(f"UPDATE {schema_of(postgres_url)}.owner SET renewed_at = clock_timestamp() + interval '1 hour'")
    patient = made(Times(takeover_s=0.2))
    await patient.open()
    await patient.claim(Told())
    assert patient.ownership.epoch == owner.ownership.epoch + 1


async def test_a_clock_that_was_put_back_makes_nobody_take_over_sooner(
    owner: PostgresDatabase,
    standby: PostgresDatabase,
    postgres: Admin,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    postgres.execute(f"UPDATE {schema_of(postgres_url)}.owner SET renewed_at = clock_timestamp() + interval '1 hour'")
    waited: list[float] = []

    async def within(seconds: float, _event: asyncio.Event) -> bool:
        waited.append(seconds)
        return False

    monkeypatch.setattr(ownership_module, "_within", within)
    await standby.claim(Told())
    assert waited == [NEVER.takeover_s]


async def test_an_owner_that_lives_is_never_taken_over(
    made: Callable[[Times], PostgresDatabase], postgres: Admin, postgres_url: str
) -> None:
    """It says so many times while the other one waits."""
    lively = made(Times(renew_s=0.02, hold_s=60, takeover_s=60))
    await lively.open()
    await lively.claim()
    patient = made(Times(takeover_s=60))
    await patient.open()
    told = Told()
    waiting = asyncio.create_task(patient.claim(told))
    await told.once.wait()
    epoch = lively.ownership.epoch
    seen = set[Any]()
    while len(seen) < 5:
        seen |= {row[0] for row in postgres.fetch(f"SELECT renewed_at FROM {schema_of(postgres_url)}.owner")}
        await asyncio.sleep(0.005)
    assert not waiting.done()
    assert lively.holds()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert lively.ownership.epoch == epoch


async def test_a_wait_that_is_given_up_leaves_nothing(owner: PostgresDatabase, standby: PostgresDatabase) -> None:
    told = Told()
    waiting = asyncio.create_task(standby.claim(told))
    await told.once.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await owner.put(Organisation(2, "second", "Second"))
    await owner.close()
    await standby.claim()
    assert [found.no for found in await standby.organisations()] == [1, 2]


async def test_who_waits_goes_on_when_its_connection_is_cut(
    owner: PostgresDatabase, standby: PostgresDatabase, postgres: Admin
) -> None:
    told = Told()
    waiting = asyncio.create_task(standby.claim(told))
    await told.once.wait()
    old = standby.ownership._db
    assert old is not None
    postgres.execute(f"SELECT pg_terminate_backend({old.get_server_pid()})")
    await until(lambda: standby.ownership._db not in {None, old} or waiting.done())
    await owner.close()
    await waiting
    assert len(told.names) == 1


class Shy(Server, kw_only=True):
    """Not there at first."""

    problems: list[Exception]

    async def connect(self, within_s: float | None = None, **settings: str) -> Any:
        if self.problems:
            raise self.problems.pop(0)
        return await super().connect(within_s, **settings)


async def test_who_waits_says_why_it_reaches_no_server(
    owner: PostgresDatabase, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership_module, "_AGAIN_S", 0.0)
    told, gone = Told(), OSError("connection refused")
    server = Shy(postgres_url, problems=[gone, gone, gone, StoreRefused("runs with fsync = off"), gone])
    with capture_logs() as lines:
        waiting = asyncio.create_task(Ownership(server, NEVER).take(told))
        await told.once.wait()
        waiting.cancel()
        await asyncio.wait([waiting])
    assert [(line["event"], line.get("error")) for line in lines] == [
        ("database_not_reached", "connection refused"),
        ("database_not_reached", "runs with fsync = off"),
        ("database_not_reached", "connection refused"),
        ("database_reached", None),
    ]


async def test_who_waits_takes_over_though_all_its_other_sessions_were_cut_meanwhile(
    owner: PostgresDatabase, standby: PostgresDatabase, postgres: Admin
) -> None:
    """As when the server was started anew, or nothing was said for hours."""
    told = Told()
    waiting = asyncio.create_task(standby.claim(told))
    await told.once.wait()
    assert standby._pool is not None
    idle = [db for sessions in standby._pool._idle.values() for db in sessions]
    assert idle
    for db in idle:
        postgres.execute(f"SELECT pg_terminate_backend({db.get_server_pid()})")
    await until(lambda: all(db.is_closed() for db in idle))
    await owner.close()
    await waiting
    assert standby.holds()


# -- the key's mark, and several at once ----------------------------------------------------------------------------


async def test_the_first_mark_of_a_key_stays(owner: PostgresDatabase, standby: PostgresDatabase) -> None:
    assert await standby.knows_key(b"any")
    await owner.keep_key(b"first")
    await owner.keep_key(b"second")
    for database in (owner, standby):
        assert await database.knows_key(b"first")
        assert not await database.knows_key(b"second")
    await owner.close()
    await standby.claim()
    assert not await standby.knows_key(b"second")


async def test_of_many_that_start_at_once_one_becomes_the_owner(postgres: Admin) -> None:
    """Tables are made once, and claimed once."""
    with postgres.schema() as url:
        many = [PostgresDatabase(url, NEVER) for _ in range(5)]
        await asyncio.gather(*(database.open() for database in many))
        found = await asyncio.gather(*(database.claim() for database in many), return_exceptions=True)
        assert [isinstance(one, StoreRefused) for one in found].count(False) == 1
        assert [database.holds() for database in many].count(True) == 1
        assert await many[0].organisations() == [DEFAULT]
        for database in many:
            await database.close()


async def test_a_store_alone_gives_back_what_it_claimed(postgres_url: str) -> None:
    for no in (1, 2):
        store = PostgresStore(postgres_url, times=NEVER)
        await store.open()
        await store.claim()
        await commit(store, no, pool())
        await store.close()
