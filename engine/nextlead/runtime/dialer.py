"""The dialer: the engine with a clock, a store, and people who wait for answers.

What a command goes through: the door (`backlog.py`), the decision (`desk.py`), the commit (`writer.py`), the answer.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from time import perf_counter
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import structlog
from msgspec.structs import replace
from structlog.typing import FilteringBoundLogger

from nextlead.core.commands import Command, Finish, Next, Take
from nextlead.core.engine import Engine
from nextlead.core.errors import (
    Invalid,
    NextleadError,
    NotAllowed,
    NotReady,
    StorageFailed,
    UnknownLease,
    WrongStatus,
)
from nextlead.core.model import Erasure
from nextlead.core.order import LAST_MS
from nextlead.core.replies import Finished, NoLead, Offer
from nextlead.ports import Archive, Claim, Commit, Store, StoreRefused

from .backlog import BACKLOG_MAX, ROOM_S, Backlog
from .chores import Chore
from .clock import ManualClock, SystemClock, Timekeeper
from .closed_rows import ClosedRows
from .desk import Desk, Then
from .feed import Feed, News
from .listening import Listener
from .random_bytes import RandomBytes
from .recovery import load
from .refusals import with_archive
from .repeats import digest_of, first_answer
from .stats import Stats
from .waiting import Wait
from .writer import RETRY_S, Writer

T = TypeVar("T")

TOKEN_BYTES = 16


class Dialer:
    """Made by `open`, ended by `close`; `async with await Dialer.open(store)` does both.

    `fatal` is set when it can't go on, with the reason in `failure`: the process must then end with an error.
    """

    def __init__(
        self,
        store: Store,
        archive: Archive,
        clock: Timekeeper,
        engine: Engine,
        *,
        retry_s: float,
        backlog_max: int,
        room_s: float,
        token_bytes: Callable[[int], bytes],
        organisation: str,
    ) -> None:
        self.engine = engine
        self.archive = archive
        self.clock = clock
        self.stats = Stats()
        self.log: FilteringBoundLogger = structlog.get_logger(**_named(organisation))
        """For what happens in this dialer's organisation: each line says which that is."""
        self.reopening = ClosedRows(lambda: self.read(lambda _engine: None))
        """Held by whoever reads the row of a closed lead for a command, until that is decided: a closed lead is in no
        memory, so it must not be opened and closed again in between."""
        self._store = store
        self._token_bytes = token_bytes
        self._feed = Feed()
        self._writer = Writer(
            store,
            clock,
            self.stats,
            numbered=self._numbered,
            committed=self._committed,
            paid=self._paid,
            log=self.log,
            retry_s=retry_s,
        )
        self._desk = Desk(engine, clock, self._writer, self.stats, self.log)
        self._listeners: list[Listener] = []
        self._backlog = Backlog(self._writer, clock, most=backlog_max, room_s=room_s)
        self._advancing = asyncio.Lock()
        self._holds: Callable[[], bool] = bool  # False: nothing was claimed yet
        self._started = False
        self._draining = False
        self._closed = False

    # -- life -------------------------------------------------------------------------------------------------------

    @classmethod
    async def open(
        cls,
        store: Store,
        clock: Timekeeper | None = None,
        *,
        archive: Archive | None = None,
        engine: Engine | None = None,
        retry_s: float = RETRY_S,
        backlog_max: int = BACKLOG_MAX,
        room_s: float = ROOM_S,
        token_bytes: Callable[[int], bytes] | None = None,
        organisation: str = "",
    ) -> Self:
        """Claim the store, load it, run what came due meanwhile, and be ready. O(open leads).

        `archive` may be left out when the store is one too. `engine` is a new one unless given. A commit that fails is
        retried for `retry_s`; above `backlog_max` unanswered commands newcomers wait `room_s` for room. Lease tokens
        come from `token_bytes`, the system's unless given: who foresees them can end other people's leases, so only a
        simulation seeds it. `organisation` is named in the lines of its log, unless it is empty.

        Raises `StoreRefused` when the store can't be used, `StorageFailed` when it takes no writes.
        """
        dialer = cls(
            store,
            cast("Archive", store) if archive is None else archive,
            SystemClock() if clock is None else clock,
            Engine() if engine is None else engine,
            retry_s=retry_s,
            backlog_max=backlog_max,
            room_s=room_s,
            token_bytes=RandomBytes() if token_bytes is None else token_bytes,
            organisation=organisation,
        )
        await store.open()
        try:
            await dialer._begin(await store.claim())
        except BaseException:
            await dialer._break_off()
            raise
        return dialer

    async def _begin(self, claim: Claim) -> None:
        started = perf_counter()
        self._holds = claim.holds
        await load(self._store, self.engine, claim.at_ms)
        self.clock.begin(claim.at_ms)
        self._feed.start(claim.commit_no)
        self._writer.start(claim.commit_no)
        self._desk.start(claim.at_ms)
        await self._writer.owe(None)
        self.stats.recovery_seconds = perf_counter() - started
        self._started = True

    async def _break_off(self) -> None:
        """It could not be opened: nobody was served, and nothing goes on behind the store's back."""
        self._closed = True
        self._desk.stop()
        try:
            await self._desk.leave_off()
            await self._writer.break_off()
        finally:
            await self._store.close()

    def drain(self) -> None:
        """The end is near: nobody waits for a lead any more, `ready` is False. What comes in is still served."""
        self._draining = True
        self._desk.send_home()

    async def close(self) -> None:
        """Refuse what comes from now on, commit and answer what is in flight, give the store back. Harmless twice."""
        if self._closed:
            return
        self.drain()
        self._closed = True
        self._desk.stop()
        await self._desk.leave_off()
        await self._writer.close()
        self._feed.close()
        await self._store.close()

    def let_go(self) -> None:
        """The store may be another process's by now: who waits for an answer gets a refusal, rather than none for long.

        What was decided is written all the same, if it is ours yet; who asks again gets the first answer.
        """
        detail = "another process may own the store by now"
        self._writer.let_go(detail)
        self._desk.let_go(detail)
        self._backlog.make_room()

    def abandon(self, reason: str) -> None:
        """Another process has become the owner of the store: everybody is refused, `fatal` is set."""
        self._writer.fail(StoreRefused(reason))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def ready(self) -> bool:
        """It is loaded, the store is ours and takes writes, and it is not about to end."""
        return self._started and not (self._draining or self._closed or self._writer.failing) and self._holds()

    @property
    def fatal(self) -> asyncio.Event:
        """Set when it can't go on; see `failure`."""
        return self._writer.fatal

    @property
    def failure(self) -> BaseException | None:
        """Why it can't go on."""
        return self._writer.failure

    @property
    def queued(self) -> int:
        """Commands that wait to become durable, and those that wait for room."""
        return self._writer.owing + self._backlog.queued

    # -- time -------------------------------------------------------------------------------------------------------

    def now_ms(self) -> int:
        """Engine time, epoch milliseconds."""
        return self.clock.now_ms()

    async def advance(self, now_ms: int) -> None:
        """Move the manual clock to `now_ms`, stopping at every deadline on the way and serving those who wait.

        Answers when all of it is durable. `NotAllowed` with any other clock, `Invalid` when that is before now.
        """
        clock = self.clock
        if not isinstance(clock, ManualClock):
            raise NotAllowed("the clock is not a manual one")
        async with self._advancing:
            if now_ms < clock.now_ms():
                raise Invalid("now", "the clock never goes back")
            if now_ms >= LAST_MS:
                raise Invalid("now", "must be before 2248")
            await self._desk.idle()  # what is under way belongs to the time before
            while (deadline_ms := self._desk.next_deadline_ms()) is not None and deadline_ms <= now_ms:
                self._refuse_if_shut()
                clock.put(max(deadline_ms, clock.now_ms()))
                self._desk.tick()
                await asyncio.sleep(0)
                await self._desk.idle()
            self._refuse_if_shut()
            clock.put(now_ms)
            self._writer.mark(now_ms)
            await self._writer.owe(None)

    # -- work -------------------------------------------------------------------------------------------------------

    async def submit(
        self, command: Command | Callable[[], Command], then: Then | None = None, *, stay: bool = False
    ) -> Any:
        """Apply a command now; its reply when that is durable.

        When too much waits to become durable, now is when there is room; a function makes the command then. So it is
        for who changes a part of what is there: made before, the command would undo what others changed meanwhile.
        `then` is called with the reply at once, with no await between; a command that it returns is carried out in the
        same commit, and must be one that is never refused, such as `KeepAnswer`.
        With `stay`, who waits is not told off while the store may be another's (`let_go`), but waits until it is known
        what became of the command: for who would do it twice else. A `StorageFailed` that is not `fatal` says then that
        nothing was done.
        Raises what the engine refuses it with (nothing has changed then), `Overloaded`, or `StorageFailed`.
        """
        if self._must_stop:
            await self._enter()
        if not isinstance(command, Command):
            command = command()
        reply, owed = self._desk.decide(command, then)
        if stay:
            self._writer.stay(owed)
        try:
            return await (self._desk.deliver(reply, owed) if type(command) is Take and type(reply) is Offer else owed)
        except (UnknownLease, WrongStatus) as refusal:  # a lead that is not in memory closed, or was deleted
            raise await with_archive(self.archive, self.engine, command, refusal) from None

    async def next(self, agent: str, *, wait_s: float = 0.0, count: bool = False, by: str = "") -> Offer | NoLead:
        """The best lead for the agent, leased to it; with `wait_s`, the first one within so many real seconds.

        Only one call of an agent waits: an older one gets `superseded`. When the caller is cancelled before it was
        told, the lease goes back (SPEC R5.5). `count` also counts the leads it was chosen from; O(parts) more.
        """
        started = perf_counter()
        if self._must_stop:
            await self._enter()
        token, by = self._token_bytes(TOKEN_BYTES), by or "agent:" + agent
        if wait_s > 0 and not self._draining:
            waiter = self._desk.waits.next_waiter()
            command = Next(agent=agent, token=token, wait=True, waiter=waiter, count=count, by=by)
            reply, owed = self._desk.decide_or_wait(command)
            if type(reply) is Wait:
                return await self._desk.wait(reply, wait_s)
        else:
            reply, owed = self._desk.decide(Next(agent=agent, token=token, count=count, by=by))
        if type(reply) is Offer:
            await self._desk.deliver(reply, owed)
            self.stats.next_seconds["lead"].observe(perf_counter() - started)
            return reply
        answer: NoLead = await owed
        self.stats.next_seconds["none"].observe(perf_counter() - started)
        return answer

    async def finish(self, command: Finish, then: Then | None = None) -> Finished:
        """End a lease with what happened. The same finish sent again gets the first answer (SPEC R5.3).

        `then` is as in `submit`; it is not called for a finish sent again.
        Raises `LeaseEnded` when the lease ended otherwise, `UnknownLease`, and what a bad outcome is refused with.
        """
        started = perf_counter()
        if self._must_stop:
            await self._enter()
        if not command.digest:
            command = replace(command, digest=digest_of(command, self.engine.state.secret))
        reply, owed = self._desk.decide(command, None if then is None else _first_only(then))
        offer = reply.next if type(reply) is Finished else None
        try:
            finished: Finished = await (self._desk.deliver(offer, owed) if type(offer) is Offer else owed)
        except UnknownLease:  # a closed lead is not in memory
            return await first_answer(self.archive, self.read, command)
        if finished.commit_no:
            lead = await self.archive.lead_at(finished.commit_no, finished.lead.id)
            return replace(finished, lead=lead or finished.lead)
        self.stats.finish_seconds.observe(perf_counter() - started)
        return finished

    async def read(self, look: Callable[[Engine], T]) -> T:
        """What `look` sees now, given when that is durable (SPEC R5.9). It must not change the engine, nor keep it."""
        self._refuse_if_shut()
        return cast("T", await self._writer.owe(_seen(self.engine, look)))

    async def read_between(self, look: Callable[[Engine], T]) -> T:
        """The same between two commits: `look` sees what commit `engine.commit_no - 1` left, all of it and no more.

        So it goes together with what the archive says of commits. It may come a commit later than `read`.
        """
        self._refuse_if_shut()
        return cast("T", await self._writer.owe_between(lambda: _seen(self.engine, look)))

    async def erase(self, erasures: Sequence[Erasure]) -> None:
        """Make personal data go from the store, see `Store.erase`. Raises `StoreError` when it can't now."""
        self._refuse_if_shut()
        await self._store.erase(erasures)

    def add_chore(self, chore: Chore) -> None:
        """Have it run whenever its time comes (`chores.py`)."""
        self._desk.chores.add(chore)
        self.look()

    def look(self) -> None:
        """A chore wants to run at another time than before, and no command has told."""
        self._desk.look()

    async def idle(self) -> None:
        """Return when nothing goes on in slices and no chore is at work."""
        await self._desk.idle()

    def subscribe(self, after: int | None = None) -> AsyncIterator[News]:
        """Events of every commit after number `after` (None: from now on); see `Feed.watch`."""
        return self._feed.watch(after)

    def listen(self, listener: Listener) -> None:
        """Have it told of every commit from now on."""
        self._listeners.append(listener)

    # -- the door ---------------------------------------------------------------------------------------------------

    @property
    def _must_stop(self) -> bool:
        return self._closed or self._writer.failing or self._backlog.full or not self._holds()

    async def _enter(self) -> None:
        self._refuse_if_shut()
        if self._backlog.full:
            await self._backlog.enter()
            self._refuse_if_shut()

    def _refuse_if_shut(self) -> None:
        if self._writer.failing:
            raise StorageFailed("the storage does not take writes now")
        if self._closed or not self._started:
            raise NotReady("the dialer is not open")
        if not self._holds():
            raise NotReady("another process may own the store by now")

    # -- told by the writer -----------------------------------------------------------------------------------------

    def _numbered(self, commit_no: int) -> None:
        self.engine.commit_no = commit_no
        leads = self._desk.take_offered()
        if leads:
            for listener in self._listeners:
                listener.writing(leads)

    def _committed(self, commit: Commit) -> None:
        self._feed.publish(commit)
        for listener in self._listeners:
            listener.committed(commit)

    def _paid(self) -> None:
        if self._writer.failure is not None:
            self._desk.give_up()
        self._backlog.make_room()


def _named(organisation: str) -> dict[str, str]:
    return {"organisation": organisation} if organisation else {}


def _seen(engine: Engine, look: Callable[[Engine], object]) -> object:
    try:
        return look(engine)
    except NextleadError as refusal:
        return refusal


def _first_only(then: Then) -> Then:
    return lambda finished: None if finished.commit_no else then(finished)
