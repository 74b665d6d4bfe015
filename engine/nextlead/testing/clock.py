"""A clock for tests: it moves only by hand, and takes every alarm with it."""

import heapq
from collections.abc import Callable
from itertools import count

MONDAY_MS = 1_772_409_600_000
"""2026-03-02 00:00 UTC, a Monday."""


class FakeAlarm:
    """An alarm of a `FakeClock`."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring: Callable[[], None] | None = ring

    @property
    def armed(self) -> bool:
        """It neither rang nor was cancelled."""
        return self._ring is not None

    def cancel(self) -> None:
        """Don't ring."""
        self._ring = None

    def ring(self) -> None:
        """Ring, once."""
        ring, self._ring = self._ring, None
        if ring is not None:
            ring()


class FakeClock:
    """Engine time and real seconds in one: `advance` moves both, and rings what is due in order of time.

    Nothing ever sleeps: a test of an hour's waiting takes as long as its code runs.
    """

    def __init__(self, now_ms: int = MONDAY_MS) -> None:
        self.steps = 0
        self.slip_ms = 0
        self._now_ms = now_ms
        self._alarms: list[tuple[int, int, FakeAlarm]] = []
        self._order = count()

    def begin(self, stored_ms: int) -> None:
        """Never before the stored engine time."""
        self._now_ms = max(self._now_ms, stored_ms)

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return self._now_ms

    def slip(self, by_ms: int) -> None:
        """The wall clock is put forward: engine time jumps, real seconds don't; nothing rings."""
        self.steps += 1
        self.slip_ms += by_ms
        self._now_ms += by_ms

    def call_at(self, when_ms: int, ring: Callable[[], None]) -> FakeAlarm:
        """Ring when `advance` comes to `when_ms`; what is past rings at the next `advance`, of 0 too."""
        alarm = FakeAlarm(ring)
        heapq.heappush(self._alarms, (when_ms, next(self._order), alarm))
        return alarm

    def call_later(self, seconds: float, ring: Callable[[], None]) -> FakeAlarm:
        """Ring after seconds of `advance`."""
        return self.call_at(self._now_ms + round(seconds * 1000), ring)

    def advance(self, ms: int) -> None:
        """Move on, ringing alarms at their times, those that they set on the way too."""
        assert ms >= 0, "time never goes back"
        target_ms = self._now_ms + ms
        while self._alarms and self._alarms[0][0] <= target_ms:
            when_ms, _, alarm = heapq.heappop(self._alarms)
            self._now_ms = max(self._now_ms, when_ms)
            alarm.ring()
        self._now_ms = target_ms

    def next_alarm_ms(self) -> int | None:
        """When the next alarm rings; None when none is set."""
        return min((when_ms for when_ms, _, alarm in self._alarms if alarm.armed), default=None)
