"""Where log lines leave the process: a log must never stop what it tells about.

A disk that is full takes no log line either, and a collector that hangs leaves its pipe full: a write that fails would
be an error in the middle of handling another one, and a write that waits would stop every agent. So lines are handed to
a thread. It keeps what comes while a write hangs, up to `LINES_MAX`; beyond that, and when a write fails, lines are
lost, and how many is said as soon as one gets through again.
"""

import atexit
import os
import queue
import threading
from collections.abc import Callable
from typing import Final, TextIO

LINES_MAX: Final = 10_000
"""Lines that wait for a stream that hangs: some megabytes."""
_END_S: Final = 2.0
"""How long the end of the process waits for the last lines."""


class Outlet:
    """A text stream over the file of another one, of which `write` and `flush` neither fail nor wait.

    `lost` makes the line that says how many were lost; it ends with a new line.
    """

    def __init__(self, stream: TextIO, lost: Callable[[int], str]) -> None:
        stream.flush()
        self._stream = stream
        self._fd = os.dup(stream.fileno())  # ours, for the stream may be closed before the last line is out
        self._lost = lost
        self._lines: queue.Queue[str | None] = queue.Queue(LINES_MAX)
        self._missing = 0
        self._counting = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="nextlead-log", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def write(self, text: str) -> int:
        """Hand over whole lines."""
        try:
            self._lines.put_nowait(text)
        except queue.Full:
            self._miss(1)
        return len(text)

    def flush(self) -> None:
        """Nothing is kept here."""

    def isatty(self) -> bool:
        """The stream's."""
        return self._stream.isatty()

    def close(self) -> None:
        """Write what waits, as far as that takes no longer than two seconds."""
        atexit.unregister(self.close)
        try:
            self._lines.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(_END_S)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            missing = self._missing
            try:
                self._out((self._lost(missing) if missing else "") + line)
            except OSError:
                self._miss(1)
            else:
                self._miss(-missing)

    def _miss(self, count: int) -> None:
        with self._counting:
            self._missing += count

    def _out(self, text: str) -> None:
        left = memoryview(text.encode(errors="backslashreplace"))
        while left:
            left = left[os.write(self._fd, left) :]
