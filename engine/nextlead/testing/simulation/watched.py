"""An engine that is looked at: whatever it is told, and whatever it answers, is written down and checked."""

from collections.abc import Mapping
from typing import Protocol

from nextlead.core import commands as c
from nextlead.core.almanac import Almanac
from nextlead.core.changes import Changes
from nextlead.core.engine import Engine
from nextlead.core.errors import NextleadError
from nextlead.core.replies import Outcome
from nextlead.core.schemes import Scheme


class Watcher(Protocol):
    """Who looks."""

    def before(self, engine: "WatchedEngine", command: c.Command, now_ms: int) -> bool:
        """A command comes. Whether the time is to be told first, by a `Tick` of its own."""
        ...

    def after(
        self,
        engine: "WatchedEngine",
        command: c.Command,
        now_ms: int,
        outcome: Outcome | None,
        error: NextleadError | None,
    ) -> None:
        """It was carried out, or refused (then `outcome` is what time did, if it did anything)."""
        ...

    def started(self, engine: "WatchedEngine", now_ms: int, last_ms: int, outcome: Outcome) -> None:
        """It was built from what was durable."""
        ...

    def slipped(self, engine: "WatchedEngine", by_ms: int, now_ms: int, outcome: Outcome) -> None:
        """The clock was set."""
        ...


class WatchedEngine(Engine):
    """`dead`: its process is gone, and it does nothing any more."""

    def __init__(self, watcher: Watcher, secret: bytes, almanac: Almanac, schemes: Mapping[str, Scheme]) -> None:
        super().__init__(secret, almanac, schemes)
        self.dead = False
        self._watcher = watcher

    def apply(self, command: c.Command, now_ms: int) -> Outcome:
        """See `Engine.apply`."""
        if self.dead:
            return _nothing()
        earlier = _nothing()
        if self._watcher.before(self, command, now_ms):
            earlier = self._carry_out(c.Tick(), now_ms)
        try:
            return joined(earlier, self._carry_out(command, now_ms))
        except NextleadError as error:
            if error.outcome is not None:
                error.outcome = joined(earlier, error.outcome)
            raise

    def _carry_out(self, command: c.Command, now_ms: int) -> Outcome:
        try:
            outcome = self.execute(command, now_ms)
        except NextleadError as error:
            self._watcher.after(self, command, now_ms, error.outcome, error)
            raise
        self._watcher.after(self, command, now_ms, outcome, None)
        return outcome

    def execute(self, command: c.Command, now_ms: int) -> Outcome:
        """What the engine does; a test that plants a fault does it here."""
        return super().apply(command, now_ms)

    def clock_slipped(self, by_ms: int, now_ms: int) -> Outcome:
        """See `Engine.clock_slipped`."""
        if self.dead:
            return _nothing()
        outcome = super().clock_slipped(by_ms, now_ms)
        self._watcher.slipped(self, by_ms, now_ms, outcome)
        return outcome

    def start(self, now_ms: int, last_ms: int = 0) -> Outcome:
        """See `Engine.start`."""
        outcome = super().start(now_ms, last_ms)
        self._watcher.started(self, now_ms, last_ms, outcome)
        return outcome


def joined(first: Outcome, second: Outcome) -> Outcome:
    """What came of two commands in a row; the reply is the second's."""
    changes = Changes()
    changes.merge(first.changes)
    changes.merge(second.changes)
    served, done = [*first.served, *second.served], (*first.done, *second.done)
    return Outcome(second.reply, changes, served, done, (*first.faults, *second.faults))


def _nothing() -> Outcome:
    return Outcome(None, Changes(), [])
