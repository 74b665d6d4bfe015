"""The clocks: what time it is for the engine, and alarms that ring at it.

Rules of this file:

1. Engine time never goes back: not when the wall clock does, not over a restart (`begin` brings the last time).
2. Engine time moves without commands only through a clock here. `call_at` rings by engine time (a lead comes due),
   `call_later` by real seconds (an agent's `wait`, the pause before a retry); a manual clock stops the first only.
3. An alarm may ring early, never late by more than the loop is busy: who set it looks at the time again.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from nextlead.core.errors import Invalid
from nextlead.ports import Clock

STEP_MS: Final = 60_000
"""A change of the wall clock against the monotonic one beyond this is a step: logged and counted."""

LOOK_MS: Final = 60_000
"""No alarm of the system clock is set further ahead: the loop's clock sees no step and no suspended computer."""

_log = structlog.get_logger("nextlead.clock")


class Alarm(Protocol):
    """Something that will ring unless it is cancelled."""

    def cancel(self) -> None:
        """Don't ring. Harmless when it rang already."""


class Timekeeper(Clock, Protocol):
    """A clock with alarms.

    `steps` counts steps of the wall clock; `slip_ms` is how far engine time has run ahead of the time that really
    passed.
    """

    steps: int
    slip_ms: int

    def begin(self, stored_ms: int) -> None:
        """Called once, before the first `now_ms`: the engine time of the last commit, 0 on a new store."""

    def call_at(self, when_ms: int, ring: Callable[[], None]) -> Alarm:
        """Ring at an engine time, or earlier."""
        ...

    def call_later(self, seconds: float, ring: Callable[[], None]) -> Alarm:
        """Ring after real seconds."""
        ...


class SystemClock:
    """Wall-clock time that never goes back.

    It is the monotonic clock plus an offset to the wall clock that is looked at in every call: a wall clock put forward
    is followed at once. While engine time is ahead of the wall clock (put back, or the store comes from a machine whose
    clock was ahead) it runs at half speed until the wall clock has caught up: it neither goes back nor stands still.
    """

    def __init__(
        self, wall_ns: Callable[[], int] = time.time_ns, monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.steps = 0
        self.slip_ms = 0
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._offset_ms = self._read()[0] - self._read()[1]
        self._last_ms = 0
        self._base_ms = self._offset_ms
        self._ahead: tuple[int, int] | None = None

    def begin(self, stored_ms: int) -> None:
        """Engine time starts at the wall clock's, never before `stored_ms`."""
        self._last_ms = max(self._last_ms, stored_ms)
        wall_ms, mono_ms = self._read()
        self._base_ms = max(self._last_ms, wall_ms) - mono_ms
        if stored_ms > wall_ms + STEP_MS:
            _log.warning("clock_behind_store", behind_s=(stored_ms - wall_ms) // 1000)

    def now_ms(self) -> int:
        """Epoch milliseconds; never less than the last answer."""
        wall_ms, mono_ms = self._read()
        step_ms = wall_ms - mono_ms - self._offset_ms
        if step_ms:
            self._offset_ms += step_ms
            if abs(step_ms) > STEP_MS:
                self.steps += 1
                _log.warning("clock_step", step_s=step_ms / 1000)
        self._last_ms = self._follow(wall_ms, mono_ms)
        self.slip_ms = self._last_ms - mono_ms - self._base_ms
        return self._last_ms

    def _follow(self, wall_ms: int, mono_ms: int) -> int:
        if wall_ms >= self._last_ms:
            self._ahead = None
            return wall_ms
        if self._ahead is None:
            self._ahead = (self._last_ms, mono_ms)
        ahead_ms, since_ms = self._ahead
        return ahead_ms + (mono_ms - since_ms) // 2

    def call_at(self, when_ms: int, ring: Callable[[], None]) -> Alarm:
        """Ring at `when_ms` or after a minute, whichever is sooner."""
        ahead_ms = min(max(when_ms - self.now_ms(), 1), LOOK_MS)
        return asyncio.get_running_loop().call_later(ahead_ms / 1000, ring)

    def call_later(self, seconds: float, ring: Callable[[], None]) -> Alarm:
        """Ring after real seconds."""
        return asyncio.get_running_loop().call_later(seconds, ring)

    def _read(self) -> tuple[int, int]:
        return self._wall_ns() // 1_000_000, self._monotonic_ns() // 1_000_000


class _Silent:
    """An alarm that never rings."""

    def cancel(self) -> None:
        """Nothing to stop."""


class ManualClock:
    """A clock that stands until `Dialer.advance` moves it: for training, demos and tests.

    It starts at the stored engine time, on a new store at the real time. A later `start_ms` counts on any store: to the
    engine, the daemon was down until then (SPEC R5.7).
    """

    def __init__(self, start_ms: int | None = None) -> None:
        self.steps = 0
        self.slip_ms = 0
        self._start_ms = start_ms
        self._now_ms = time.time_ns() // 1_000_000 if start_ms is None else start_ms

    def begin(self, stored_ms: int) -> None:
        """Stand at `stored_ms`, or at the start time if that is later or the store is new."""
        if stored_ms:
            self._now_ms = max(stored_ms, self._start_ms or 0)

    def now_ms(self) -> int:
        """Where it was put last."""
        return self._now_ms

    def put(self, now_ms: int) -> None:
        """Move to a time; `Invalid` when that is before now. Only `Dialer.advance` calls it: deadlines lie between."""
        if now_ms < self._now_ms:
            raise Invalid("now", "the clock never goes back")
        self._now_ms = now_ms

    def call_at(self, when_ms: int, ring: Callable[[], None]) -> Alarm:  # noqa: ARG002 - who moves it sees what is due
        """Nothing rings: `Dialer.advance` steps through what is due."""
        return _Silent()

    def call_later(self, seconds: float, ring: Callable[[], None]) -> Alarm:
        """Ring after real seconds: an agent's `wait` counts those with this clock too."""
        return asyncio.get_running_loop().call_later(seconds, ring)
