"""What of a process's time an operation takes: other people's load makes it little longer, and waiting not at all."""

import gc
from time import perf_counter_ns, process_time_ns, thread_time_ns
from typing import Any

from .figures import Result

_NS_PER_US = 1_000


class Usage:
    """Call `begin` and `end` in the event loop's thread.

    What other threads took is writing, folding and reading: SQLite's part of it goes on beside the loop, Python's does
    not. Garbage collection is part of both, and is measured by the clock.
    """

    def __init__(self) -> None:
        self._all_ns = self._loop_ns = self._gc_ns = self._since_ns = 0

    def begin(self) -> None:
        """From now on it counts."""
        gc.callbacks.append(self._collecting)
        self._all_ns, self._loop_ns = -process_time_ns(), -thread_time_ns()

    def end(self) -> None:
        """Up to now. A second call changes nothing."""
        if self._collecting in gc.callbacks:
            gc.callbacks.remove(self._collecting)
            self._all_ns += process_time_ns()
            self._loop_ns += thread_time_ns()

    def result(self, operations: int) -> Result:
        """Microseconds per operation: processor time of the process, of the loop's thread, of the others; and gc."""
        per = max(1, operations) * _NS_PER_US
        others_ns = self._all_ns - self._loop_ns
        return {
            "cpu_us": self._all_ns / per,
            "cpu_loop_us": self._loop_ns / per,
            "cpu_threads_us": others_ns / per,
            "gc_us": self._gc_ns / per,
        }

    def _collecting(self, phase: str, _info: dict[str, Any]) -> None:
        if phase == "start":
            self._since_ns = perf_counter_ns()
        elif self._since_ns:
            self._gc_ns += perf_counter_ns() - self._since_ns
