"""Looks between two commits: they see all of the one before, and nothing of the one after."""

import pytest
from unit.runtime.centre import Centre, quiet

from nextlead.core.commands import PutTeam
from nextlead.core.engine import Engine
from nextlead.core.errors import NotFound, StorageFailed


def seen(engine: Engine) -> tuple[int, list[str]]:
    return engine.commit_no - 1, sorted(team.code for team in engine.teams if team.code.startswith("t"))


async def test_nothing_of_the_next_commit_is_seen(centre: Centre) -> None:  # R5.9
    last, _ = await centre.dialer.read_between(seen)
    centre.store.stall()
    first = centre.go(centre.dialer.submit(PutTeam(code="t1")))
    await quiet()  # in flight
    second = centre.go(centre.dialer.submit(PutTeam(code="t2")))
    await quiet()  # pending: it is of the commit after
    pending = centre.go(centre.dialer.read_between(seen))
    await quiet()
    third = centre.go(centre.dialer.submit(PutTeam(code="t3")))
    await quiet()  # joins the second
    assert not pending.done()
    centre.store.release()
    centre.store.stall()
    await quiet()
    assert first.done()
    fourth = centre.go(centre.dialer.submit(PutTeam(code="t4")))
    await quiet()
    assert not pending.done()  # seen, but not durable
    centre.store.release()
    assert await pending == (last + 2, ["t1", "t2", "t3"])
    for task in (second, third, fourth):
        await task


async def test_with_nothing_pending_it_waits_for_the_commit_in_flight(centre: Centre) -> None:  # R5.9
    last, _ = await centre.dialer.read_between(seen)
    centre.store.stall()
    centre.go(centre.dialer.submit(PutTeam(code="t1")))
    await quiet()
    look = centre.go(centre.dialer.read_between(seen))
    await quiet()
    assert not look.done()
    centre.store.release()
    assert await look == (last + 1, ["t1"])


async def test_a_refusal_is_given_and_harms_nobody(centre: Centre) -> None:
    centre.store.stall()
    centre.go(centre.dialer.submit(PutTeam(code="t1")))
    await quiet()
    other = centre.go(centre.dialer.submit(PutTeam(code="t2")))
    await quiet()
    refused = centre.go(centre.dialer.read_between(lambda engine: engine.teams.need("nobody")))
    await quiet()
    centre.store.release()
    with pytest.raises(NotFound):
        await refused
    await other


async def test_when_the_storage_fails_they_are_told(centre: Centre) -> None:
    centre.store.stall()
    flying = centre.go(centre.dialer.submit(PutTeam(code="t1")))
    await quiet()
    pending = centre.go(centre.dialer.submit(PutTeam(code="t2")))
    await quiet()
    look = centre.go(centre.dialer.read_between(seen))
    await quiet()
    centre.store.fail(1000)
    centre.store.release()
    for _ in range(100):
        centre.clock.advance(1000)  # type: ignore[attr-defined]
        await quiet()
    for task in (flying, pending, look):
        with pytest.raises(StorageFailed):
            await task
