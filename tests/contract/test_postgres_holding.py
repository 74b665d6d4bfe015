"""What the owner of a PostgreSQL database does to stay it, and how it finds out that it no longer is."""

import asyncio
from collections.abc import Callable

import pytest
from contract.owners import AT_ONCE, NEVER, Hands, owner_of, until
from postgres import Admin, schema_of

from nextlead.ports import Organisation, StoreError, StoreRefused
from nextlead_adapters.postgres import PostgresDatabase
from nextlead_adapters.postgres.connection import Server
from nextlead_adapters.postgres.ownership import Ownership, Times
from nextlead_adapters.postgres.renewing import Renewing


async def test_it_holds_for_two_seconds_from_the_last_word_that_was_answered(postgres_url: str) -> None:
    database = PostgresDatabase(postgres_url)
    await database.open()
    clock = Hands()
    ownership = Ownership(Server(postgres_url), Times(renew_s=3_600), clock)
    await ownership.take()
    assert ownership.holds()
    clock.now += 1.999
    assert ownership.holds()
    clock.now += 0.002
    assert not ownership.holds()
    await ownership.give_back()
    assert not ownership.holds()
    await database.close()


async def test_it_renews_again_and_again_also_when_its_connection_is_cut(
    made: Callable[[Times], PostgresDatabase], postgres: Admin, postgres_url: str
) -> None:
    database = made(Times(renew_s=0.01))
    await database.open()
    await database.claim()
    for _ in range(2):
        before = renewing(database).renewed
        await until(lambda before=before: renewing(database).renewed > before)
        old = renewing(database).db
        assert old is not None
        postgres.execute(f"SELECT pg_terminate_backend({old.get_server_pid()})")
        await until(lambda old=old: renewing(database).db not in {None, old})
    assert database.holds()


def renewing(database: PostgresDatabase) -> Renewing:
    found = database.ownership._renewing
    assert found is not None
    return found


async def test_it_renews_while_the_event_loop_is_busy_and_not_when_it_stands_still(
    made: Callable[[Times], PostgresDatabase], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = made(Times(renew_s=0.01))
    await database.open()
    await database.claim()
    before = renewing(database).renewed
    while renewing(database).renewed == before:  # no await: the loop does not turn
        pass
    monkeypatch.setattr("nextlead_adapters.postgres.renewing.STANDS_S", -1.0)
    await asyncio.to_thread(lambda: None)
    last = -1.0
    while renewing(database).renewed > last:  # what was on its way may still come
        last = renewing(database).renewed
        await asyncio.sleep(0.2)
    monkeypatch.undo()
    await until(lambda: renewing(database).renewed > last)


async def test_what_counts_is_when_a_word_was_sent_not_when_it_was_answered(postgres: Admin, postgres_url: str) -> None:
    """Somebody holds the row, so the answer is late; the owner may be relied on for no longer than without that."""
    database = PostgresDatabase(postgres_url)
    await database.open()
    clock = Hands()
    ownership = Ownership(Server(postgres_url), Times(renew_s=0.2, hold_s=60), clock)
    await ownership.take()
    async with database.writer() as db, db.transaction():
        await db.execute("SELECT 1 FROM owner FOR UPDATE")
        clock.now += 5
        waits = f"SELECT 1 FROM pg_locks WHERE NOT granted AND {db.get_server_pid()} = ANY(pg_blocking_pids(pid))"
        while not await asyncio.to_thread(postgres.fetch, waits):
            await asyncio.sleep(0.001)
        clock.now += 0.1
    found = ownership._renewing
    assert found is not None
    await until(lambda: found.renewed > 1_000)
    assert found.renewed == 1_005
    await ownership.give_back()
    await database.close()


async def test_who_is_in_doubt_waits_for_no_answer_any_more(made: Callable[[Times], PostgresDatabase]) -> None:
    database = made(Times(renew_s=3_600, hold_s=0.2))
    await database.open()
    await database.claim()
    asked = asyncio.Event()

    async def ask() -> None:
        async with database.reader() as db:
            asked.set()
            await db.execute("SELECT pg_sleep(60)")

    asking = asyncio.create_task(ask())
    await asked.wait()
    await database.doubted()
    with pytest.raises(StoreError, match=r"closed|lost"):
        await asking


async def test_who_is_in_doubt_hears_of_it(postgres_url: str) -> None:
    database = PostgresDatabase(postgres_url)
    await database.open()
    ownership = Ownership(Server(postgres_url), Times(renew_s=3_600, hold_s=0.05))
    await ownership.take()
    await ownership.doubted()
    assert not ownership.holds()
    await ownership.give_back()
    await database.close()


async def test_who_lost_it_hears_of_it(
    made: Callable[[Times], PostgresDatabase], postgres: Admin, postgres_url: str
) -> None:
    database = made(Times(renew_s=0.01))
    await database.open()
    await database.claim()
    assert database.holds()
    async with owner_of(postgres_url, AT_ONCE):
        assert "taken over by process" in await database.lost()
        assert not database.holds()
    assert "taken over by process" in await database.lost()


async def test_who_lost_it_hears_of_it_at_once_whatever_the_clocks_say(
    made: Callable[[Times], PostgresDatabase], postgres: Admin, postgres_url: str
) -> None:
    """The server's clock was put forward while the owner was alive. Its next word is due in an hour."""
    alive = made(Times(renew_s=3_600, hold_s=7_200))
    await alive.open()
    await alive.claim()
    await until(lambda: renewing(alive).db is not None)
    postgres.execute(f"UPDATE {schema_of(postgres_url)}.owner SET renewed_at = clock_timestamp() - interval '1 hour'")
    async with owner_of(postgres_url, Times()):
        assert "taken over by process" in await alive.lost()
    assert not alive.holds()


@pytest.mark.parametrize("fault", [ValueError("nobody foresaw it"), asyncio.CancelledError("nobody foresaw it")])
async def test_who_can_never_again_say_that_it_lives_has_lost_it(
    made: Callable[[Times], PostgresDatabase], monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    """Else the daemon would stand there for ever, and answer nothing."""
    database = made(Times(renew_s=0.01))
    await database.open()
    await database.claim()

    async def fail(_: Renewing) -> bool:
        raise fault

    monkeypatch.setattr(Renewing, "_renew", fail)
    assert "nobody foresaw it" in await database.lost()
    assert not database.holds()


async def test_closing_after_a_loss_leaves_the_new_owner_alone(
    owner: PostgresDatabase, postgres_url: str, made: Callable[[Times], PostgresDatabase]
) -> None:
    async with owner_of(postgres_url, AT_ONCE) as other:
        await owner.close()
        third = made(NEVER)
        await third.open()
        with pytest.raises(StoreRefused, match="in use"):
            await third.claim()
        assert other.holds()
        await other.put(Organisation(2, "second", "Second"))
