"""Trying again after growing pauses, in real seconds."""

from collections.abc import Callable
from typing import Final

from nextlead.runtime.clock import Alarm, Timekeeper

FIRST_S: Final = 1.0
MOST_S: Final = 300.0


class Patience:
    """While `waiting`, nothing is to be tried; at the end of a pause `again` is called."""

    def __init__(self, clock: Timekeeper, again: Callable[[], None]) -> None:
        self._clock = clock
        self._again = again
        self._pause_s = FIRST_S
        self._alarm: Alarm | None = None

    @property
    def waiting(self) -> bool:
        """A pause is under way."""
        return self._alarm is not None

    def failed(self) -> float:
        """It went wrong: a pause begins, twice as long as the one before. How long, in seconds."""
        self.close()
        pause_s, self._pause_s = self._pause_s, min(self._pause_s * 2, MOST_S)
        self._alarm = self._clock.call_later(pause_s, self._over)
        return pause_s

    def worked(self) -> None:
        """The next pause is a short one."""
        self._pause_s = FIRST_S

    def close(self) -> None:
        """The pause, if there is one, never ends."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _over(self) -> None:
        self._alarm = None
        self._again()
