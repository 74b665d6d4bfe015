"""The time of a simulated machine: a wall clock that somebody sets now and then, and each process's view of it."""

from collections.abc import Callable

from nextlead.runtime.clock import LOOK_MS, Alarm, SystemClock


class Wall:
    """The machine's clocks. The monotonic one is the loop's; the wall clock is that plus what it was set to."""

    def __init__(self, start_ms: int, time_s: Callable[[], float]) -> None:
        self._start_ms = start_ms
        self._time_s = time_s
        self._offset_ms = 0
        self._set_at_ms = 0

    def true_ms(self) -> int:
        """Epoch milliseconds as they would be had nobody touched the clock."""
        return self._start_ms + round(self._time_s() * 1000)

    def step(self, by_ms: int) -> None:
        """Somebody sets the wall clock."""
        self._offset_ms += by_ms
        self._set_at_ms = self.true_ms()

    def is_settled(self) -> bool:
        """Whether every process has had the time to see that the clock was set: it looks once a minute."""
        return self.true_ms() > self._set_at_ms + LOOK_MS

    def wall_ns(self) -> int:
        """As `time.time_ns`."""
        return (self.true_ms() + self._offset_ms) * 1_000_000

    def monotonic_ns(self) -> int:
        """As `time.monotonic_ns`."""
        return round(self._time_s() * 1000) * 1_000_000


class ProcessClock(SystemClock):
    """The real clock of the runtime, over a simulated machine's. Its alarms end with the process."""

    def __init__(self, wall: Wall) -> None:
        super().__init__(wall.wall_ns, wall.monotonic_ns)
        self._stopped = False

    def stop(self) -> None:
        """The process is gone: nothing rings any more."""
        self._stopped = True

    def call_at(self, when_ms: int, ring: Callable[[], None]) -> Alarm:
        """See `Timekeeper.call_at`."""
        return super().call_at(when_ms, lambda: self._ring(ring))

    def call_later(self, seconds: float, ring: Callable[[], None]) -> Alarm:
        """See `Timekeeper.call_later`."""
        return super().call_later(seconds, lambda: self._ring(ring))

    def _ring(self, ring: Callable[[], None]) -> None:
        if not self._stopped:
            ring()
