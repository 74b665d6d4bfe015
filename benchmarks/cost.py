"""What an operation costs whatever else the machine does: function calls, counted.

The interpreter tells of every call of a Python function and of a built-in one. For a fixed seed the counts are the same
in every run of one version of Python, so a change of the code shows at once, and noise never. The garbage collector
rests meanwhile: what it calls, finalizers and callbacks of others, would be counted as the operation's.
"""

import gc
import sys
from collections import Counter
from collections.abc import Callable
from types import BuiltinFunctionType, FrameType
from typing import Final, ParamSpec, TypeVar

from msgspec import Struct, field

from nextlead.core.engine import Engine

from .calls import STEP_MS, Shift, Tally
from .engine import load
from .job import Job

WARM_UP: Final = ((3_000, STEP_MS), (370, 17_000))
"""Turns, and how far the clock moves with each. At the end the first retries fall due, two hours after the first
calls, so that about half of what is counted are retries and promised calls, as in a long shift."""

T = TypeVar("T")
P = ParamSpec("P")


class Cost(Struct):
    """Calls counted over `times` operations: by Python function, and by built-in one."""

    times: int = 0
    functions: Counter[str] = field(default_factory=Counter)
    builtins: Counter[str] = field(default_factory=Counter)

    @property
    def calls(self) -> tuple[float, float]:
        """Python functions and built-in ones per operation."""
        return self.functions.total() / max(1, self.times), self.builtins.total() / max(1, self.times)

    def count(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make a call and count it, with all that it calls, as one operation."""
        self.times += 1
        sys.setprofile(self._saw)
        try:
            return call(*args, **kwargs)
        finally:
            sys.setprofile(None)

    def _saw(self, frame: FrameType, event: str, arg: object) -> None:
        if event == "call":
            module = frame.f_globals.get("__name__", "?").removeprefix("nextlead.")
            self.functions[f"{module}.{frame.f_code.co_qualname}"] += 1
        elif event == "c_call" and isinstance(arg, BuiltinFunctionType) and arg is not sys.setprofile:
            self.builtins[arg.__qualname__] += 1


def count_calls(job: Job, operations: int) -> tuple[dict[str, Cost], Tally]:
    """Calls per `next` and per `finish`, and what the leases of the run were.

    Needs enough leads for the warm-up: about 5,000.
    """
    engine = load(job)
    shift = Shift(engine, job)
    for turns, shift.step_ms in WARM_UP:
        shift.work(turns)
    shift.step_ms = STEP_MS
    gc.disable()
    try:
        return _count(engine, shift, operations // 2)
    finally:
        gc.enable()


def _count(engine: Engine, shift: Shift, turns: int) -> tuple[dict[str, Cost], Tally]:
    costs, tally = {"next": Cost(), "finish": Cost()}, Tally()
    for _ in range(turns):
        finish, ask = shift.commands()
        if finish is not None:
            costs["finish"].count(engine.apply, finish, shift.now_ms)
        shift.now_ms += shift.step_ms
        outcome = costs["next"].count(engine.apply, ask, shift.now_ms)
        shift.took(outcome.reply, tally)
    return costs, tally
