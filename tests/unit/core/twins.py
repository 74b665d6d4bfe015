"""Two engines that are given the same commands: one as it is, and one that takes no short way and keeps nothing.

The slow one leases and takes back by the whole way, asks every rule, looks at all queues that it has just found anew,
tries everybody who waits after every command, and looks at all timers.
"""

from collections.abc import Callable, Collection
from contextlib import suppress

import pytest
from msgspec.structs import replace
from unit.core.centre import MINUTE_MS, restore
from unit.core.idle_shop import AGENTS, CAMPAIGNS, Shop, Zoned

from nextlead.core import choose as choices
from nextlead.core import commands as c
from nextlead.core import leases
from nextlead.core.changes import Changes
from nextlead.core.engine import Engine
from nextlead.core.errors import NextleadError
from nextlead.core.model import Lead, Lease
from nextlead.core.order import limit
from nextlead.core.replies import Outcome
from nextlead.core.rules import reserved_until_ms
from nextlead.core.setup_model import Agent
from nextlead.core.sight import Sight, build_sight
from nextlead.core.state import State
from nextlead.core.tokens import token_text


class SlowState(State):
    """Every row goes the whole way."""

    def lease_out(
        self,
        old: Lead,
        lease: Lease,
        actor: str,
        offer: tuple[int, int, int],
        note: str,
        checks: tuple[tuple[str, str], ...],
    ) -> Lead:
        pauses = tuple(pause for pause in old.pauses if pause[1] > self.now_ms)
        new = replace(old, lease=lease, shown=True, ended=None, pauses=pauses)
        at, new = len(self.changes.events), self.put(old, new, "leased", actor, number=lease.number, note=note)
        rank, priority, due_ms = offer
        told = replace(self.changes.events[at], rank=rank, priority=priority, due_ms=due_ms, checks=checks)
        self.changes.events[at] = told
        return new

    def swap(self, old: Lead, new: Lead) -> None:
        if new.lease is not None and new.lease is old.lease:
            super().swap(old, new)
            return
        self._recount(old, new)
        self.changes.leads[new.id] = new
        self._swap_whole(old, new)


class SlowEngine(Engine):
    """Nothing that it kept is believed."""

    def __init__(self) -> None:
        super().__init__(almanac=Zoned())
        self.state.__class__ = SlowState

    def _begin(self, now_ms: int) -> State:
        self.state.changed_world()
        return super()._begin(now_ms)

    def _end(self, reply: object) -> Outcome:
        self.state.changed_world()
        return super()._end(reply)


def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on slow states choose and look slowly."""
    fast_choice, fast_glance = leases.choose, leases.passes_at_a_glance

    def choose(
        state: State, sight: Sight, agent: Agent, now_ms: int, refused: Collection[int] = ()
    ) -> choices.Choice | choices.Nothing:
        if not isinstance(state, SlowState):
            return fast_choice(state, sight, agent, now_ms, refused)
        sight, below = build_sight(state, agent), limit(now_ms)
        but = {0, *choices.paused(state, agent, now_ms), *refused, *state.leaving}
        if sight.reserves and reserved_until_ms(state, sight, agent, now_ms) is not None:
            return choices._own_only(sight, below, but) or choices.Nothing("reserved")
        return choices._ahead(sight, below, but) or choices._choose_lower(state, sight, agent, below, but)

    def glance(state: State, sight: Sight, agent: Agent, lead: Lead) -> bool:
        return not isinstance(state, SlowState) and fast_glance(state, sight, agent, lead)

    monkeypatch.setattr(leases, "choose", choose)
    monkeypatch.setattr(leases, "passes_at_a_glance", glance)


class Twins(Shop):
    """A shop with both; what they say, store and give to those who wait must be the same."""

    waiters = 0

    def found(self) -> None:
        self.engine, self.slow = Engine(almanac=Zoned()), SlowEngine()
        for engine in (self.engine, self.slow):
            engine.state.slice_leads = 2
            engine.start(self.now_ms)

    def __call__(self, command: c.Command) -> object:
        ours, refusal = _applied(self.engine, command, self.now_ms)
        theirs, other_refusal = _applied(self.slow, command, self.now_ms)
        assert repr(refusal) == repr(other_refusal)
        self.compare(ours, theirs)
        if refusal is not None:
            raise refusal
        return ours.reply

    def compare(self, ours: Outcome, theirs: Outcome) -> None:
        assert ours.reply == theirs.reply
        assert ours.served == theirs.served
        assert ours.changes == theirs.changes
        assert ours.done == theirs.done
        assert ours.faults == theirs.faults == ()

    # -- what happens besides -----------------------------------------------------------------------------------------

    def live(self) -> None:
        """One thing: mostly what happens in any shop."""
        moves = (
            (super().happen, 16),
            (self.load, 3),
            (self.call, 10),
            (self.await_one, 6),
            (self.end, 5),
            (self.wait, 2),
            (self.work, 3),
            (self.hand_over, 3),
            (self.cut, 1),
            (self.slip, 1),
            (self.die, 1),
        )
        move: Callable[[], object] = self.random.choices([move for move, _ in moves], [often for _, often in moves])[0]
        with suppress(NextleadError):
            move()

    def await_one(self) -> None:
        self.tokens += 1
        self.waiters += 1
        token = self.tokens.to_bytes(16, "big")
        count = self.random.random() < 0.2
        self(c.Next(agent=self.random.choice(AGENTS), token=token, wait=True, waiter=self.waiters, count=count))

    def work(self) -> None:
        """Some slices."""
        while self.engine.working and self.random.random() < 0.8:
            self(c.Work())

    def wait(self) -> None:
        """Alarms ring meanwhile; the slow one needs none."""
        until_ms = self.now_ms + self.random.choice([1, 5, 20, 60, 180, 600]) * MINUTE_MS
        while self.now_ms < until_ms:
            stop_ms = min(until_ms, self.now_ms + self.random.choice([1, 7, 45, 200]) * MINUTE_MS)
            deadline_ms = self.engine.next_deadline_ms()
            self.now_ms = max(self.now_ms, min(stop_ms, deadline_ms or stop_ms))
            self(c.Tick())
            if deadline_ms is not None and self.now_ms >= deadline_ms == self.engine.next_deadline_ms():
                self.now_ms = stop_ms
                self(c.Tick())

    def hand_over(self) -> None:
        """'Redial & next', or a heartbeat."""
        for offer in self.engine.leases_of(self.random.choice(AGENTS)):
            assert offer.lead.lease is not None
            token = token_text(offer.lead.id, offer.lead.lease.token)
            if self.random.random() < 0.3:
                self(c.Heartbeat(token=token))
            self.tokens += 1
            cause = self.random.choice(["dropped", "congestion", "invalid_number"])
            following = self.tokens.to_bytes(16, "big")
            self(c.Finish(token=token, outcome="unreached", cause=cause, next_token=following))

    def cut(self) -> None:
        """A supervisor ends leases, or takes over."""
        for offer in self.engine.leases_of(self.random.choice(AGENTS)):
            assert offer.lead.lease is not None
            token = token_text(offer.lead.id, offer.lead.lease.token)
            self(c.EndLease(token=token, outcome=self.random.choice(["unresolved", "cancelled"]), by="sup"))
        self.tokens += 1
        token_bytes = self.tokens.to_bytes(16, "big")
        self(c.Take(agent=self.random.choice(AGENTS), lead=self.lead(), token=token_bytes, override=True, by="sup"))

    def slip(self) -> None:
        """The clock was wrong."""
        by_ms = self.random.choice([MINUTE_MS, 20 * MINUTE_MS, -MINUTE_MS])
        self.now_ms += max(0, by_ms)
        self.compare(*(engine.clock_slipped(by_ms, self.now_ms) for engine in (self.engine, self.slow)))

    def die(self) -> None:
        """Both start anew from their rows."""
        before, before_ms = (self.engine, self.slow), self.now_ms
        self.now_ms += self.random.choice([0, 1, 90]) * MINUTE_MS
        self.engine, self.slow = Engine(almanac=Zoned()), SlowEngine()
        started = []
        for old, engine in zip(before, (self.engine, self.slow), strict=True):
            engine.state.slice_leads = 2
            restore(old.state, engine)
            started.append(engine.start(self.now_ms, before_ms))
        self.compare(*started)
        for agent in AGENTS:
            self(c.PutSession(agent=agent, campaigns=CAMPAIGNS))


def _applied(engine: Engine, command: c.Command, now_ms: int) -> tuple[Outcome, NextleadError | None]:
    try:
        return engine.apply(command, now_ms), None
    except NextleadError as error:
        return error.outcome or Outcome(None, Changes(), []), error
