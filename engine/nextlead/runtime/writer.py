"""The group-commit writer: everything that was decided becomes durable, then those who asked are told.

Rules of this file:

1. One commit is written at a time, in rising numbers. What is decided meanwhile collects in the next one.
2. A reply, a refusal and a read are all *owed* until the state they were computed from is durable (SPEC R5.9): that
   is the pending batch if it has changes, else the one in flight, else nothing.
3. A batch that is durable pays all it owes in one go, in the order it was owed.
4. A commit that fails is retried for a while, with nothing new let in (`failing`). If it stays failed, memory is
   ahead of the disk for good: everything owed fails, `fatal` is set, and only a new process may go on.

Every reply has a bare future of its own, kept in its batch's list: a future that many await can't be awaited safely,
as the first of them to be cancelled cancels it for all. (0.9 us a reply; 0.7 with one shared future, 2.9 with a
shielded one.)
"""

import asyncio
from collections.abc import Callable, Collection
from time import perf_counter
from typing import Any, Final

from msgspec import Struct, field
from structlog.typing import FilteringBoundLogger

from nextlead.core.changes import Changes
from nextlead.core.errors import NextleadError, StorageFailed
from nextlead.ports import Commit, Store, StoreError

from .clock import Timekeeper
from .stats import Stats

RETRY_S: Final = 10.0
PAUSE_FIRST_S: Final = 0.05
PAUSE_MOST_S: Final = 1.0

Future = asyncio.Future[Any]


class Batch(Struct, eq=False):
    """What one commit will hold, and what is owed once it is durable: futures with their reply or refusal.

    One that is not `dirty` is not written: nothing happened since the commit before it.
    """

    no: int
    at_ms: int = 0
    changes: Changes = field(default_factory=Changes)
    owed: list[tuple[Future, object]] = field(default_factory=list)
    dirty: bool = False

    def pay(self) -> None:
        """All of it is durable: answer everybody who has not gone."""
        for future, reply in self.owed:
            if future.done():
                continue
            if isinstance(reply, NextleadError):
                future.set_exception(reply)
            else:
                future.set_result(reply)
        self.owed.clear()

    def default(self, detail: str, staying: Collection[Future]) -> None:
        """It can't be said that it will be durable: everybody but who stays is told so."""
        staying_on = [entry for entry in self.owed if entry[0] in staying]
        for future, _ in self.owed:
            if future not in staying:
                settle(future, StorageFailed(detail))
        self.owed = staying_on


def settle(future: Future, reply: object) -> None:
    """Answer one who waits, with a reply or a refusal; nothing if it was answered or has gone."""
    if future.done():
        return
    if isinstance(reply, NextleadError):
        future.set_exception(reply)
    else:
        future.set_result(reply)


class Writer:
    """See the rules of this file. Everything but `run` is called between awaits, on the event loop's thread.

    `numbered` is told the number of the pending batch whenever it changes; `committed` each commit that is durable,
    before anybody is answered; `paid` is called when fewer wait. `retry_s` bounds the pauses between tries of one
    commit. `owing` is how many replies wait to become durable.
    """

    def __init__(
        self,
        store: Store,
        clock: Timekeeper,
        stats: Stats,
        *,
        numbered: Callable[[int], None],
        committed: Callable[[Commit], None],
        paid: Callable[[], None],
        log: FilteringBoundLogger,
        retry_s: float = RETRY_S,
    ) -> None:
        self.failing = False
        self.owing = 0
        self.fatal = asyncio.Event()
        self.failure: BaseException | None = None
        self._store = store
        self._clock = clock
        self._stats = stats
        self._numbered = numbered
        self._committed = committed
        self._paid = paid
        self._retry_s = retry_s
        self._log = log
        self.staying: set[Future] = set()
        self._pending = Batch(0)
        self._flying: Batch | None = None
        self._wake: Future | None = None
        self._between: list[tuple[Future, Callable[[], object]]] = []
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._future: Callable[[], Future] = asyncio.get_running_loop().create_future
        """A new future. Which loop runs does not change; asking each time costs as much as the future does."""

    def start(self, commit_no: int) -> None:
        """Begin; `commit_no` is the last durable commit's number."""
        self._number(commit_no + 1)
        self._task = asyncio.get_running_loop().create_task(self._run(), name="nextlead-writer")

    def add(self, changes: Changes, at_ms: int) -> None:
        """Take in what a command changed; O(size of `changes`). Nothing is owed by this alone."""
        if changes:
            pending = self._pending
            pending.changes.merge(changes)
            pending.at_ms = at_ms
            if not pending.dirty:
                pending.dirty = True
                self._rouse()

    def mark(self, at_ms: int) -> None:
        """Make the engine time durable, with or without changes."""
        self._pending.at_ms = at_ms
        self._pending.dirty = True
        self._rouse()

    def owe(self, reply: object) -> Future:
        """A future that gets `reply` (raises it, if it is a refusal) when what it was computed from is durable."""
        future = self._future()
        self.owe_to(future, reply)
        return future

    def owe_to(self, future: Future, reply: object) -> None:
        """The same, for a future that exists."""
        if self.failure is not None:
            settle(future, StorageFailed("the storage failed; the process must be restarted"))
        elif self._pending.dirty:
            self._pending.owed.append((future, reply))
            self.owing += 1
        elif self._flying is not None:
            self._flying.owed.append((future, reply))
            self.owing += 1
        else:
            settle(future, reply)

    def owe_between(self, look: Callable[[], object]) -> Future:
        """What `look` answers between two commits, when the first of them is durable.

        It is called now if nothing is pending, else when the pending batch is being written: what it sees is then what
        that batch leaves, and nothing of the next. It must not raise.
        """
        future = self._future()
        if self._pending.dirty and self.failure is None:
            self._between.append((future, look))
        else:
            self.owe_to(future, look())
        return future

    def stay(self, future: Future) -> None:
        """Whoever awaits it is not let go: it is told what became of it, or that the storage failed for good."""
        self.staying.add(future)
        future.add_done_callback(self.staying.discard)

    def let_go(self, detail: str) -> None:
        """Tell everybody who waits that it can't be said whether it will be durable. What was decided is still written.

        They ask again, and get the first answer if it was. Who could not do that (`stay`) waits on.
        """
        for batch in (self._flying, self._pending):
            if batch is not None:
                batch.default(detail, self.staying)
        for future, _ in self._between:
            settle(future, StorageFailed(detail))
        self._between.clear()
        self.owing = sum(len(batch.owed) for batch in (self._flying, self._pending) if batch is not None)

    def fail(self, error: BaseException) -> None:
        """Give up: memory can't be trusted, or is ahead of the disk. Everything owed fails.

        Only the first call counts.
        """
        if self.failure is not None:
            return
        self.failure = error
        self.failing = True
        self._log.critical("writer_failed", error=str(error), kind=type(error).__name__)
        self.staying.clear()
        self.let_go("the storage failed")
        self.fatal.set()
        self._paid()
        self._rouse()

    async def close(self) -> None:
        """Write what is pending, pay it, stop. Returns when the writer has stopped, failed or not."""
        self._closing = True
        self._rouse()
        if self._task is not None:
            await self._task

    async def break_off(self) -> None:
        """Stop at once. What was pending is not written; what was being written is there or not."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    # -- the one task -----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            while self.failure is None:
                if self._pending.dirty:
                    await self._write(self._take())
                elif self._closing:
                    return
                else:
                    self._wake = self._future()
                    await self._wake
        except Exception as error:  # noqa: BLE001 - whatever it is, `fail` ends the process with it
            self.fail(error)

    def _take(self) -> Batch:
        batch = self._flying = self._pending
        self._number(batch.no + 1)
        for future, look in self._between:
            self.owe_to(future, look())
        self._between.clear()
        return batch

    def _number(self, no: int) -> None:
        self._pending = Batch(no)
        self._numbered(no)

    async def _write(self, batch: Batch) -> None:
        commit = Commit(batch.no, batch.at_ms, batch.changes)
        started = perf_counter()
        await self._commit(commit)
        self._stats.commit_seconds.observe(perf_counter() - started)
        self._stats.commit_batch_size.observe(len(batch.owed))
        self._stats.committed(commit.changes)
        self._flying = None
        self._committed(commit)
        self.owing -= len(batch.owed)
        batch.pay()
        self._paid()

    async def _commit(self, commit: Commit) -> None:
        """Try until it is durable, or the pauses between tries come to `retry_s`; then the last `StoreError`."""
        pause_s, left_s = PAUSE_FIRST_S, self._retry_s
        while True:
            try:
                await self._store.commit(commit)
                break
            except StoreError as error:
                self._stats.storage_errors += 1
                self.failing = True
                self._log.error("commit_failed", commit_no=commit.no, error=str(error), retry_for_s=round(left_s, 2))
                if left_s <= 0 or self.failure is not None:
                    raise
            await self._rest(min(pause_s, left_s))
            left_s -= pause_s
            pause_s = min(pause_s * 2, PAUSE_MOST_S)
        self.failing = self.failure is not None

    async def _rest(self, seconds: float) -> None:
        rested = self._future()
        alarm = self._clock.call_later(seconds, lambda: settle(rested, None))
        try:
            await rested
        finally:
            alarm.cancel()

    def _rouse(self) -> None:
        if self._wake is not None:
            settle(self._wake, None)
            self._wake = None
