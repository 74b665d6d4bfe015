"""Where commands are decided: engine, writer, alarm, and those who wait, joined up.

Rules of this file:

1. A command is decided at once, between two awaits, on the event loop's thread: calling `Engine.apply` is exclusive.
2. Whoever asked is answered when that is durable, refusals too (SPEC R5.9); `writer.py` sees to it.
3. A lease that nobody was told of goes back (SPEC R5.5).
4. Time goes on with a refused command too: what fell due by then comes with the refusal (`NextleadError.outcome`).
5. After every command the alarm looks at the engine's next deadline; nothing polls.
6. The engine raises refusals only. Anything else means that memory can't be trusted: the writer fails, the process
   ends.
"""

import asyncio
import gc
from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any, Final

from structlog.typing import FilteringBoundLogger

from nextlead.core.commands import Command, EndLease, Next, StopWaiting, Tick, Work
from nextlead.core.engine import Engine
from nextlead.core.errors import NextleadError, NotReady, StorageFailed
from nextlead.core.order import NEVER
from nextlead.core.replies import Begun, Done, NoLead, Offer, Outcome, Waiting
from nextlead.core.tokens import token_text

from .alarm import DeadlineAlarm
from .chores import Chores
from .clock import Timekeeper
from .slices import Slices
from .stats import Stats
from .waiting import Deliveries, Wait, Waits
from .writer import Future, Writer, settle

Then = Callable[[Any], Command | None]
"""Called with a reply the moment it is decided; the command it returns is carried out in the same commit."""

GROWTH: Final = 50_000
"""New leads between two freezes: a full collection with a million leads to look at stops everything for 20 ms."""

SLIP_MS: Final = 1000
"""How far engine time may run ahead of the monotonic clock, or behind it, before leases are moved along."""


class Desk:
    """See the rules of this file."""

    def __init__(
        self, engine: Engine, clock: Timekeeper, writer: Writer, stats: Stats, log: FilteringBoundLogger
    ) -> None:
        self.waits = Waits()
        self._engine = engine
        self._clock = clock
        self._writer = writer
        self._stats = stats
        self._log = log
        self._deliveries = Deliveries()
        self.chores = Chores(self.look)
        self.slices = Slices(lambda: engine.working, self._slice)
        self._alarm = DeadlineAlarm(clock, self.next_deadline_ms, self.tick)
        self._offered: list[int] = []
        self._begun: dict[int, list[tuple[Future, Then | None]]] = {}
        self._stopped = False
        self._grown = 0
        self._slip_ms = 0

    # -- deciding ---------------------------------------------------------------------------------------------------

    def start(self, last_ms: int) -> None:
        """Run what came due since engine time `last_ms`, when nothing ran, and set the alarm."""
        now_ms = self._clock.now_ms()
        self._slip_ms = self._clock.slip_ms
        self._take(self._engine.start(now_ms, last_ms), now_ms)

    def stop(self) -> None:
        """Decide nothing more of our own accord."""
        self._stopped = True
        self._alarm.stop()

    async def leave_off(self) -> None:
        """Stop what goes on in slices, and chores: the next start goes on. Those who wait for it are told so."""
        await self.chores.stop()
        await self.slices.stop()
        self._drop_begun(NotReady("the dialer is closing; it goes on with this when it is open again"))

    def _drop_begun(self, refusal: NextleadError) -> None:
        for waiting in self._begun.values():
            for future, _ in waiting:
                settle(future, refusal)
        self._begun.clear()

    def decide(self, command: Command, then: Then | None = None) -> tuple[Any, Future]:
        """The reply as computed, for the runtime's own use, and the future that gets it when it is durable.

        `then` is not called for a refusal. What it adds is durable with `command` or not at all. The reply of what goes
        on in slices is `Begun`; the future gets what comes of it, and `then` is called at its end.
        """
        try:
            reply = self._apply(command)
        except NextleadError as refusal:
            return None, self._writer.owe(refusal)
        if type(reply) is Begun:
            future: Future = asyncio.get_running_loop().create_future()
            self._begun.setdefault(reply.job, []).append((future, then))
            return reply, future
        if then is not None and (more := then(reply)) is not None:
            self._apply(more)
        return reply, self._writer.owe(reply)

    def tell(self, command: Command) -> None:
        """Apply a command of the runtime's own. Nobody waits for it; a refusal means that its reason has gone."""
        if self._stopped:
            return
        try:
            self._apply(command)
        except NextleadError:
            return

    def tick(self) -> None:
        """Let time act: what is due fires, those who wait are served, chores begin."""
        self.tell(Tick())

    def next_deadline_ms(self) -> int | None:
        """When time alone next has something to do: the engine's deadline, or a chore's."""
        engine_ms, chore_ms = self._engine.next_deadline_ms(), self.chores.next_ms
        if engine_ms is None or chore_ms < engine_ms:
            return None if chore_ms == NEVER else chore_ms
        return engine_ms

    def look(self) -> None:
        """A chore wants to run at another time: begin it, or set the alarm anew."""
        if not self._stopped:
            self.chores.start_due(self._clock.now_ms())
            self._alarm.look()

    async def idle(self) -> None:
        """Return when nothing goes on in slices and no chore is at work."""
        await self.slices.idle()
        await self.chores.idle()

    def _apply(self, command: Command) -> Any:
        now_ms = self._clock.now_ms()
        slip_ms = self._clock.slip_ms - self._slip_ms
        if abs(slip_ms) >= SLIP_MS:  # lease timeouts run on the monotonic clock: leases move along
            self._slip_ms += slip_ms
            self._take(self._engine.clock_slipped(slip_ms, now_ms), now_ms)
        try:
            outcome = self._engine.apply(command, now_ms)
        except NextleadError as refusal:
            if refusal.outcome is not None:
                self._take(refusal.outcome, now_ms)
            raise
        except Exception as fault:
            self._writer.fail(fault)
            raise NotReady("the engine failed; the process must be started anew") from fault
        self._take(outcome, now_ms)
        return outcome.reply

    def _take(self, outcome: Outcome, now_ms: int) -> None:
        self._writer.add(outcome.changes, now_ms)
        if outcome.changes.fresh:
            self._grow(len(outcome.changes.fresh))
        for served in outcome.served:
            wait = self.waits.served(served)
            if type(served.answer) is Offer:
                self._start(served.answer)
            if wait is not None:
                self._writer.owe_to(wait.future, served.answer)
            elif type(served.answer) is Offer:
                self.lost(served.answer)
        for done in outcome.done:
            self._tell_done(done)
        for fault in outcome.faults:  # no agent saw it; a person has to find out why the order was wrong (SPEC R14.4)
            self._log.error("offer_stopped", lead=fault.lead, agent=fault.agent, rule=fault.rule)
        if self._engine.working:
            self.slices.rouse()
        if not self._stopped:
            self.chores.start_due(now_ms)
        self._alarm.look()

    def _grow(self, leads: int) -> None:
        """Leads live long: now and then what is in memory is kept from the garbage collector (see `GROWTH`)."""
        self._grown += leads
        if self._grown >= GROWTH:
            self._grown = 0
            gc.freeze()

    def _tell_done(self, done: Done) -> None:
        for future, then in self._begun.pop(done.job, ()):
            try:
                more = None if then is None else then(done.reply)
            except NextleadError as refusal:  # what it was about is gone since it began
                self._writer.owe_to(future, refusal)
                continue
            if more is not None:
                self._apply(more)
            self._writer.owe_to(future, done.reply)

    async def _slice(self) -> None:
        owed = self.decide(Work())[1]
        while self._writer.failure is None:
            try:
                await owed
            except StorageFailed:  # nobody waits any more (`let_go`), but for us: it is being written yet
                owed = self._writer.owe(None)
            else:
                return
        await owed

    # -- those who wait ---------------------------------------------------------------------------------------------

    def decide_or_wait(self, command: Next) -> tuple[Any, Future]:
        """As `decide`; when the engine says `Waiting`, the future is the one that gets the answer later."""
        wait = self.waits.add(command.agent, command.waiter)
        reply, owed = self.decide(command)
        if type(reply) is Waiting:
            owed.cancel()  # nobody awaits this one: should the storage fail, it would be told as an error of its own
            return wait, wait.future
        self.waits.drop(wait)
        return reply, owed

    async def wait(self, wait: Wait, wait_s: float) -> Offer | NoLead:
        """The answer to a `next` that the engine keeps waiting; after `wait_s` real seconds there is none."""
        if wait.answer is None:
            wait.alarm = self._clock.call_later(wait_s, partial(self._stop_waiting, wait, "timeout"))
        try:
            answer: Offer | NoLead = await wait.future
        except BaseException:
            self._gone(wait)
            raise
        if type(answer) is Offer:
            self._told(answer)
        return answer

    def send_home(self) -> None:
        """Everybody who waits is told that there is no lead."""
        for wait in self.waits.all():
            self._stop_waiting(wait, "closing")

    def give_up(self) -> None:
        """The writer has failed: so has everybody who waits."""
        self.stop()
        self._drop_begun(StorageFailed("the storage failed"))
        for wait in self.waits.all():
            self._turn_away(wait, "the storage failed")

    def let_go(self, detail: str) -> None:
        """Nobody waits any more, for a lead or for what goes on in slices: they are told why.

        What goes on in slices comes to its end all the same, and with it what is kept of its answer.
        """
        for future, _ in chain.from_iterable(self._begun.values()):
            if future not in self._writer.staying:
                settle(future, StorageFailed(detail))
        for wait in self.waits.all():
            self._turn_away(wait, detail)
            self.tell(StopWaiting(agent=wait.agent, waiter=wait.waiter))

    def _turn_away(self, wait: Wait, detail: str) -> None:
        self.waits.drop(wait)
        wait.decided(None)
        settle(wait.future, StorageFailed(detail))

    def _stop_waiting(self, wait: Wait, reason: str) -> None:
        # One who was served in the same moment keeps the offer: it is no longer among the waits.
        if self.waits.drop(wait):
            answer = NoLead(reason)
            wait.decided(answer)
            self.tell(StopWaiting(agent=wait.agent, waiter=wait.waiter))
            self._writer.owe_to(wait.future, answer)

    def _gone(self, wait: Wait) -> None:
        if self.waits.drop(wait):
            wait.decided(None)
            self.tell(StopWaiting(agent=wait.agent, waiter=wait.waiter))
        elif type(wait.answer) is Offer:
            self.lost(wait.answer)

    # -- delivering -------------------------------------------------------------------------------------------------

    async def deliver(self, offer: Offer, owed: Future) -> Any:
        """The owed reply, which tells a caller of this lease. When the caller has gone, the lease goes back."""
        self._start(offer)
        try:
            reply = await owed
        except BaseException:
            self.lost(offer)
            raise
        self._told(offer)
        return reply

    def take_offered(self) -> list[int]:
        """Leads of new leases that callers are about to be told of, since this was asked last."""
        offered, self._offered = self._offered, []
        return offered

    def _start(self, offer: Offer) -> None:
        self._deliveries.start(offer)
        if not offer.repeated:
            self._offered.append(offer.lead.id)

    def lost(self, offer: Offer) -> None:
        """A caller who was to be told of a lease has gone."""
        if self._deliveries.lost(offer) and offer.lead.lease is not None:
            token = token_text(offer.lead.id, offer.lead.lease.token)
            self.tell(EndLease(token=token, outcome="cancelled", gone=True))

    def _told(self, offer: Offer) -> None:
        self._deliveries.told(offer)
        self._stats.offered(offer)
