"""The one alarm of the runtime: it rings when the engine has something to do by time alone."""

from collections.abc import Callable

from .clock import Alarm, Timekeeper


class DeadlineAlarm:
    """Keeps one alarm of the clock set for the engine's next deadline. Nothing polls.

    A deadline that moves away leaves the alarm where it is: it rings early once, and is set anew. So the common case,
    a finish that takes the earliest lease's deadline away, costs one comparison.
    """

    def __init__(self, clock: Timekeeper, deadline_ms: Callable[[], int | None], tick: Callable[[], None]) -> None:
        self._clock = clock
        self._deadline_ms = deadline_ms
        self._tick = tick
        self._alarm: Alarm | None = None
        self._set_for_ms = 0

    def look(self) -> None:
        """Call after every command: sets the alarm when the next deadline is sooner than what it is set for."""
        deadline_ms = self._deadline_ms()
        if deadline_ms is None or (self._alarm is not None and deadline_ms >= self._set_for_ms):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._set_for_ms = deadline_ms
        self._alarm = self._clock.call_at(deadline_ms, self._ring)

    def stop(self) -> None:
        """No more ringing."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _ring(self) -> None:
        self._alarm = None
        deadline_ms = self._deadline_ms()
        if deadline_ms is not None and deadline_ms <= self._clock.now_ms():
            self._tick()
        self.look()
