"""A dialer whose claim on the store may not be relied on any more: another process may be the owner by now."""

import pytest
from unit.runtime.centre import Centre, finish, quiet
from unit.runtime.test_slices import quiet_turn

from nextlead.core.commands import ActOnPool, EditLead, KeepAnswer
from nextlead.core.errors import NotReady, StorageFailed
from nextlead.core.model import Answer, Status
from nextlead.core.replies import Offer
from nextlead.ports import StoreRefused

NEW_OWNER = "process 7 on host b is the owner now"


async def test_it_answers_nothing_while_it_may_not_be_the_owner(centre: Centre) -> None:
    centre.store.holds = False
    assert not centre.dialer.ready
    for asking in (
        centre.dialer.next("A"),
        centre.dialer.submit(EditLead(lead=1, priority=3)),
        centre.dialer.read(lambda engine: engine.leases),
        centre.dialer.read_between(lambda engine: engine.leases),
    ):
        with pytest.raises(NotReady, match="another process may own the store"):
            await asking
    assert centre.dialer.engine.leases == 0
    centre.store.holds = True
    assert centre.dialer.ready
    assert isinstance(await centre.dialer.next("A"), Offer)


async def test_who_waits_is_told_when_another_has_become_the_owner() -> None:
    empty = Centre()
    dialer = await empty.open()
    await empty.set_up()
    waiting = empty.go(dialer.next("A", wait_s=60))
    await quiet()
    assert not waiting.done()
    dialer.abandon(NEW_OWNER)
    with pytest.raises(StorageFailed):
        await waiting
    assert dialer.fatal.is_set()
    assert isinstance(dialer.failure, StoreRefused)
    assert not dialer.ready
    with pytest.raises(StorageFailed):
        await dialer.next("A")
    await empty.leave()


async def test_a_refused_commit_is_not_tried_again(centre: Centre) -> None:
    tried = len(centre.store.commits)
    centre.store.fence(NEW_OWNER)
    with pytest.raises(StorageFailed):
        await centre.dialer.next("A")
    assert len(centre.store.commits) == tried + 1
    assert str(centre.dialer.failure) == NEW_OWNER
    assert centre.dialer.fatal.is_set()


async def test_who_waits_for_a_commit_that_hangs_is_told_and_gets_the_first_answer_when_asking_again(
    centre: Centre,
) -> None:  # R5.3
    dialer = centre.dialer
    offer = await dialer.next("A")
    assert isinstance(offer, Offer)
    centre.store.stall()
    asking = (
        centre.go(dialer.finish(finish(offer))),
        centre.go(dialer.read(lambda engine: engine.leases)),
        centre.go(dialer.read_between(lambda engine: engine.leases)),
        centre.go(dialer.submit(EditLead(lead=3, priority=5))),
    )
    await quiet()
    dialer.let_go()
    for told in asking:
        with pytest.raises(StorageFailed, match="another process may own the store"):
            await told
    assert dialer.queued == 0
    centre.store.release()
    assert (await dialer.finish(finish(offer))).lead.status == Status.CLOSED
    assert await dialer.read(lambda engine: engine.state.need_lead(3).priority) == 5


async def test_what_goes_on_in_slices_keeps_its_first_answer_though_nobody_waits_for_it_any_more(
    centre: Centre,
) -> None:
    dialer = centre.dialer
    dialer.engine.state.slice_leads = 1
    answers: list[object] = []

    def then(reply: object) -> KeepAnswer:
        answers.append(reply)
        return KeepAnswer(answer=Answer("key", "", 200, b"{}", dialer.now_ms()))

    asking = centre.go(dialer.submit(ActOnPool(pool=1, action="delete"), then))
    await quiet_turn()
    centre.store.stall()
    await quiet()
    dialer.let_go()
    with pytest.raises(StorageFailed, match="another process may own the store"):
        await asking
    centre.store.release()
    await dialer.idle()
    assert len(answers) == 1
    assert await dialer.archive.answer("key") is not None


async def test_a_lease_of_which_nobody_was_told_goes_back() -> None:  # R5.5
    centre = Centre()
    dialer = await centre.open()
    await centre.set_up(leads=1)
    centre.store.stall()
    asking = centre.go(dialer.next("A"))
    await quiet()
    dialer.let_go()
    with pytest.raises(StorageFailed):
        await asking
    centre.store.release()
    assert isinstance(await dialer.next("B"), Offer)
    await centre.leave()


async def test_who_waits_for_a_lead_is_told_and_waits_no_more() -> None:
    centre = Centre()
    dialer = await centre.open()
    await centre.set_up()
    waiting = centre.go(dialer.next("A", wait_s=60))
    await quiet()
    dialer.let_go()
    with pytest.raises(StorageFailed, match="another process may own the store"):
        await waiting
    assert dialer.engine.waiting == 0
    await centre.leave()
