"""What goes on in slices, seen from the dialer: others are served, one answer comes, a restart goes on."""

import asyncio
import gc

import pytest
from unit.runtime.centre import Centre, quiet

from nextlead.core.commands import ActOnPool, KeepAnswer
from nextlead.core.errors import NotReady
from nextlead.core.model import Answer, Pool
from nextlead.core.replies import NoLead, Offer, PoolDeleted
from nextlead.runtime import desk

LEADS = 30


@pytest.fixture
async def centre() -> Centre:
    centre = Centre()
    await centre.open()
    await centre.set_up(LEADS)
    centre.dialer.engine.state.slice_leads = 2
    return centre


async def test_submit_answers_when_all_is_done(centre: Centre) -> None:  # R9.11
    assert await centre.dialer.submit(ActOnPool(pool=1, action="delete")) == PoolDeleted(LEADS, {})
    assert await centre.dialer.next("A") == NoLead("no_lead")
    await centre.leave()


async def test_agents_are_served_in_between(centre: Centre) -> None:  # R2.7
    shuffled = centre.go(centre.dialer.submit(ActOnPool(pool=1, action="shuffle", seed=3)))
    await quiet_turn()
    offer = await centre.dialer.next("A")
    assert isinstance(offer, Offer)
    pool = await shuffled
    assert isinstance(pool, Pool)
    assert pool.shuffled_to == LEADS
    await centre.leave()


async def test_two_who_ask_get_the_same_answer(centre: Centre) -> None:
    tasks = [centre.go(centre.dialer.submit(ActOnPool(pool=1, action="delete"))) for _ in range(2)]
    assert [await task for task in tasks] == [PoolDeleted(LEADS, {})] * 2
    await centre.leave()


async def test_what_is_kept_of_the_answer_is_of_the_end(centre: Centre) -> None:
    seen = []

    def then(reply: object) -> KeepAnswer:
        seen.append(reply)
        return KeepAnswer(answer=Answer("key", "", 200, b"{}", centre.dialer.now_ms()))

    await centre.dialer.submit(ActOnPool(pool=1, action="delete"), then)
    assert seen == [PoolDeleted(LEADS, {})]
    assert await centre.dialer.archive.answer("key") is not None
    await centre.leave()


async def test_closing_leaves_the_rest_to_the_next_start(centre: Centre) -> None:  # R5.7
    task = centre.go(centre.dialer.submit(ActOnPool(pool=1, action="delete")))
    await quiet_turn()
    await centre.dialer.close()
    with pytest.raises(NotReady):
        await task
    await centre.open()
    await centre.dialer.idle()
    assert 1 not in centre.dialer.engine.pools
    assert await centre.dialer.next("A") == NoLead("no_lead")
    await centre.leave()


async def test_a_crash_leaves_the_rest_to_the_next_start(centre: Centre) -> None:  # R5.7
    centre.go(centre.dialer.submit(ActOnPool(pool=1, action="delete")))
    await quiet_turn()
    await centre.dialer._desk.slices.stop()
    await centre.crash()
    await centre.open()
    await quiet()
    await centre.dialer.idle()
    assert 1 not in centre.dialer.engine.pools
    await centre.leave()


async def test_the_garbage_collector_need_not_look_at_what_lives_long(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:  # TARGETS T10
    frozen: list[str] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append("freeze"))
    monkeypatch.setattr(desk, "GROWTH", LEADS + 10)
    await centre.load(9)
    assert frozen == []
    await centre.load(1)
    assert len(frozen) == 1
    await centre.dialer.submit(ActOnPool(pool=1, action="shuffle", seed=3))
    await centre.dialer.idle()
    assert len(frozen) == 2
    await centre.leave()


async def quiet_turn() -> None:
    """A few turns of the loop: the work is begun, not done."""
    for _ in range(4):
        await asyncio.sleep(0)
