"""What an operation costs whatever else the machine does: function calls, counted.

The interpreter tells of every call of a Python function and of a built-in one. For a fixed seed the counts are the same
in every run of one version of Python, so a change of the code shows at once, and noise never.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import BuiltinFunctionType, FrameType
from typing import Final

from msgspec import Struct, field

from nextlead.core.engine import Engine

from .calls import Shift, Tally
from .engine import load
from .job import Job

WARM_UP_TURNS: Final = 3_000
WARM_UP_STEP_MS: Final = 4_000
"""So the warm-up takes 3.3 simulated hours, and retries and promised calls are among what is counted."""


class Cost(Struct):
    """Calls counted over `times` operations: by Python function, and by built-in one."""

    times: int = 0
    functions: Counter[str] = field(default_factory=Counter)
    builtins: Counter[str] = field(default_factory=Counter)

    @property
    def calls(self) -> tuple[float, float]:
        """Python functions and built-in ones per operation."""
        return self.functions.total() / max(1, self.times), self.builtins.total() / max(1, self.times)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count what is called inside the block as one operation."""
        self.times += 1
        sys.setprofile(self._saw)
        try:
            yield
        finally:
            sys.setprofile(None)

    def _saw(self, frame: FrameType, event: str, arg: object) -> None:
        if event == "call":
            code = frame.f_code
            if code.co_filename not in _OURS:
                module = frame.f_globals.get("__name__", "?")
                self.functions[f"{module.removeprefix('nextlead.')}.{code.co_qualname}"] += 1
        elif event == "c_call" and isinstance(arg, BuiltinFunctionType) and arg is not sys.setprofile:
            self.builtins[arg.__qualname__] += 1


_OURS: Final = {__file__, contextmanager.__code__.co_filename}


def count_calls(job: Job, operations: int) -> tuple[dict[str, Cost], Tally]:
    """Calls per `next` and per `finish`, and what the leases of the run were.

    Needs enough leads for the warm-up: about 5,000.
    """
    engine = load(job)
    shift = Shift(engine, job, step_ms=WARM_UP_STEP_MS)
    shift.work(WARM_UP_TURNS)
    shift.step_ms = 300
    return _count(engine, shift, operations // 2)


def _count(engine: Engine, shift: Shift, turns: int) -> tuple[dict[str, Cost], Tally]:
    costs, tally = {"next": Cost(), "finish": Cost()}, Tally()
    for _ in range(turns):
        finish, ask = shift.commands()
        if finish is not None:
            with costs["finish"].counted():
                engine.apply(finish, shift.now_ms)
        shift.now_ms += shift.step_ms
        with costs["next"].counted():
            reply = engine.apply(ask, shift.now_ms).reply
        shift.took(reply, tally)
    return costs, tally
