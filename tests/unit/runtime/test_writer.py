"""The group-commit writer: who is answered when."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import structlog

from nextlead.core.changes import Changes
from nextlead.core.errors import Conflict, StorageFailed
from nextlead.core.setup_model import Team
from nextlead.ports import Commit, StoreError
from nextlead.runtime.stats import Stats
from nextlead.runtime.writer import Writer
from nextlead.testing.clock import FakeClock


class OpenHand:
    """A store whose commits wait for the test: `let` lets the one in flight through, or raises an error in it."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self.open = False
        self._turn: asyncio.Future[None] | None = None

    async def commit(self, commit: Commit) -> None:
        self.commits.append(commit)
        if not self.open:
            self._turn = asyncio.get_running_loop().create_future()
            await self._turn

    async def let(self, error: Exception | None = None) -> None:
        await quiet()
        assert self._turn is not None, "no commit is in flight"
        turn, self._turn = self._turn, None
        if error is None:
            turn.set_result(None)
        else:
            turn.set_exception(error)
        await quiet()


async def quiet() -> None:
    """Let every task run until it waits for something."""
    for _ in range(20):
        await asyncio.sleep(0)


def change(no: int) -> Changes:
    return Changes(rows={("team", no): Team(no, f"t{no}", f"Team {no}", 1)})


class Bench:
    def __init__(self, retry_s: float = 10.0) -> None:
        self.store = OpenHand()
        self.clock = FakeClock()
        self.stats = Stats()
        self.numbers: list[int] = []
        self.committed: list[int] = []
        self.paid = 0
        self.writer = Writer(
            self.store,  # type: ignore[arg-type]
            self.clock,
            self.stats,
            numbered=self.numbers.append,
            committed=lambda commit: self.committed.append(commit.no),
            paid=self._count_paid,
            log=structlog.get_logger(),
            retry_s=retry_s,
        )
        self.writer.start(0)

    def _count_paid(self) -> None:
        self.paid += 1

    def ask(self, no: int) -> asyncio.Future[object]:
        self.writer.add(change(no), no)
        return self.writer.owe(no)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    bench.store.open = True
    if bench.store._turn is not None:
        await bench.store.let()
    await bench.writer.close()


async def test_no_reply_before_its_commit_is_durable(bench: Bench) -> None:  # R5.9
    reply = bench.ask(1)
    await quiet()
    assert [commit.no for commit in bench.store.commits] == [1]
    assert not reply.done()
    await bench.store.let()
    assert reply.result() == 1


async def test_what_is_decided_during_a_commit_goes_into_the_next_one_together(bench: Bench) -> None:
    first = bench.ask(1)
    await quiet()
    later = [bench.ask(no) for no in (2, 3, 4)]
    await bench.store.let()
    assert first.done()
    assert not any(reply.done() for reply in later)
    await bench.store.let()
    assert [reply.result() for reply in later] == [2, 3, 4]
    assert [(commit.no, len(commit.changes.rows)) for commit in bench.store.commits] == [(1, 1), (2, 3)]


async def test_commands_of_one_turn_share_a_commit(bench: Bench) -> None:
    replies = [bench.ask(no) for no in range(1, 201)]
    await bench.store.let()
    assert all(reply.done() for reply in replies)
    assert len(bench.store.commits) == 1
    assert bench.stats.commit_batch_size.total == 200


async def test_a_commit_carries_the_time_of_its_last_command(bench: Bench) -> None:
    bench.ask(5)
    bench.ask(9)
    await quiet()
    assert bench.store.commits[0].at_ms == 9


async def test_a_later_change_of_a_row_wins(bench: Bench) -> None:
    bench.writer.add(change(1), 1)
    renamed = Team(1, "t1", "Renamed", 1)
    bench.writer.add(Changes(rows={("team", 1): renamed}), 2)
    await quiet()
    assert bench.store.commits[0].changes.rows == {("team", 1): renamed}


async def test_the_number_named_is_always_the_pending_batch(bench: Bench) -> None:
    assert bench.numbers == [1]
    bench.ask(1)
    await quiet()
    assert bench.numbers == [1, 2], "what is decided while 1 is written belongs to 2"
    await bench.store.let()
    assert bench.committed == [1]


async def test_a_reply_that_changed_nothing_waits_for_the_pending_batch(bench: Bench) -> None:  # R5.9
    bench.ask(1)
    await quiet()
    bench.ask(2)
    read = bench.writer.owe("read")
    await bench.store.let()
    assert not read.done(), "it saw command 2, which is not durable"
    await bench.store.let()
    assert read.result() == "read"


async def test_a_reply_that_changed_nothing_waits_for_the_commit_in_flight(bench: Bench) -> None:  # R5.9
    bench.ask(1)
    await quiet()
    read = bench.writer.owe("read")
    await quiet()
    assert not read.done()
    await bench.store.let()
    assert read.result() == "read"


async def test_a_reply_waits_for_nothing_when_all_is_durable(bench: Bench) -> None:
    assert bench.writer.owe("read").result() == "read"
    bench.ask(1)
    await bench.store.let()
    assert bench.writer.owe("read").done()


async def test_a_refusal_waits_for_what_it_was_computed_from(bench: Bench) -> None:  # R5.9
    bench.ask(1)
    refusal = bench.writer.owe(Conflict("no"))
    await quiet()
    assert not refusal.done()
    await bench.store.let()
    with pytest.raises(Conflict):
        refusal.result()


async def test_a_caller_who_is_cancelled_takes_nobody_along(bench: Bench) -> None:
    async def wait_for(reply: asyncio.Future[object]) -> object:
        return await reply

    gone, stays = (asyncio.create_task(wait_for(bench.ask(no))) for no in (1, 2))
    await quiet()
    gone.cancel()
    await quiet()
    assert gone.cancelled(), "at once, not only when the disk is done"
    await bench.store.let()
    assert await stays == 2


async def test_a_failed_commit_is_tried_again_with_nothing_new_let_in(bench: Bench) -> None:
    reply = bench.ask(1)
    await bench.store.let(StoreError("disk full"))
    assert bench.writer.failing
    assert not reply.done()
    bench.clock.advance(50)
    await bench.store.let()
    assert reply.result() == 1
    assert not bench.writer.failing
    assert [commit.no for commit in bench.store.commits] == [1, 1]
    assert bench.stats.storage_errors == 1


async def test_the_pause_between_tries_doubles(bench: Bench) -> None:
    bench.ask(1)
    pauses = []
    for _ in range(6):
        await bench.store.let(StoreError("locked"))
        due_ms = bench.clock.next_alarm_ms()
        assert due_ms is not None
        pauses.append(due_ms - bench.clock.now_ms())
        bench.clock.advance(pauses[-1])
    assert pauses == [50, 100, 200, 400, 800, 1000]


async def test_a_commit_that_stays_failed_is_fatal_and_fails_all_who_wait() -> None:
    bench = Bench(retry_s=0.1)
    replies = [bench.ask(1)]
    await quiet()
    replies.append(bench.ask(2))
    await bench.store.let(StoreError("gone"))
    bench.clock.advance(50)
    await bench.store.let(StoreError("gone"))
    assert not bench.writer.fatal.is_set()
    bench.clock.advance(50)
    await bench.store.let(StoreError("gone"))
    assert bench.writer.fatal.is_set()
    assert bench.writer.failing
    for reply in replies:
        with pytest.raises(StorageFailed):
            reply.result()
    assert len(bench.store.commits) == 3, "the batch behind it is never written"
    await bench.writer.close()


async def test_any_other_error_of_the_store_is_fatal_at_once(bench: Bench) -> None:
    reply = bench.ask(1)
    await bench.store.let(ValueError("a bug"))
    assert bench.writer.fatal.is_set()
    assert isinstance(bench.writer.failure, ValueError)
    with pytest.raises(StorageFailed):
        reply.result()
    with pytest.raises(StorageFailed):
        bench.writer.owe("late").result()
    assert bench.paid == 1, "who queues at the door must hear of it"


async def test_close_writes_what_is_pending(bench: Bench) -> None:
    bench.ask(1)
    await quiet()
    reply = bench.ask(2)
    closing = asyncio.create_task(bench.writer.close())
    await bench.store.let()
    await bench.store.let()
    await closing
    assert reply.result() == 2


async def test_owing_counts_pending_and_in_flight(bench: Bench) -> None:
    bench.ask(1)
    await quiet()
    bench.ask(2)
    bench.ask(3)
    assert bench.writer.owing == 3
    await bench.store.let()
    assert bench.writer.owing == 2
