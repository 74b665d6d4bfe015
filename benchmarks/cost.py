"""What an operation costs whatever else the machine does: function calls, and what the interpreter does in them.

The interpreter tells of every call of a Python function and of a built-in one, and, when asked to, of every instruction
that it carries out. For a fixed seed the counts are the same in every run of one version of Python, so a change of the
code shows at once, and noise never. The garbage collector rests meanwhile: what it calls, finalizers and callbacks of
others, would be counted as the operation's.

Time that is spent inside one built-in call (a `min` over a long list) is not seen; what feeds it mostly is.
"""

import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dis import get_instructions
from inspect import currentframe
from types import BuiltinFunctionType, CodeType, FrameType
from typing import Any, Final, ParamSpec, Protocol, TypeVar

from msgspec import Struct, field

from nextlead.core.engine import Engine

from .calls import STEP_MS, Shift, Tally
from .engine import load
from .job import Job

WARM_UP: Final = ((3_000, STEP_MS), (370, 17_000))
"""Turns, and how far the clock moves with each. At the end the first retries fall due, two hours after the first
calls, so that about half of what is counted are retries and promised calls, as in a long shift."""

_ORDER: Final = frozenset("<>")

T = TypeVar("T")
P = ParamSpec("P")


class Counted(Protocol):
    """What counts."""

    times: int

    def count(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make a call and count it, with all that it calls, as one operation."""
        ...


class Steps(Struct):
    """Instructions of the interpreter over `times` operations, and two kinds of them; counted while `following`.

    `looks`: which of two comes first (`<`, `<=`, `>`, `>=`), which is how the order looks at heads. `turns`: of loops.
    """

    times: int = 0
    instructions: int = 0
    looks: int = 0
    turns: int = 0

    @property
    def each(self) -> tuple[float, float, float]:
        """Instructions, looks and turns per operation."""
        times = max(1, self.times)
        return self.instructions / times, self.looks / times, self.turns / times

    def count(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Counted.count`."""
        assert _follower.on, "somebody is `following`"
        self.times += 1
        _follower.steps = self
        try:
            return call(*args, **kwargs)
        finally:
            _follower.steps = None


class _Follower:
    """Follows each instruction, and adds it to `steps`.

    One function follows all the time: from Python 3.13 on, one that comes anew sees only some of the code that was
    followed before.
    """

    def __init__(self) -> None:
        self.on = False
        self.steps: Steps | None = None
        self._by_code: dict[CodeType, Callable[[FrameType, str, object], Any]] = {}

    def entered(self, frame: FrameType, _event: str, _arg: object) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        code = frame.f_code
        return self._by_code.get(code) or self._by_code.setdefault(code, self._in(code))

    def _in(self, code: CodeType) -> Callable[[FrameType, str, object], Any]:
        looks, turns = _kinds_of(code)

        def step(frame: FrameType, event: str, _arg: object) -> Any:
            steps = self.steps
            if event == "opcode" and steps is not None:
                steps.instructions += 1
                at = frame.f_lasti
                if at in looks:
                    steps.looks += 1
                elif at in turns:
                    steps.turns += 1
            return step

        return step


_follower: Final = _Follower()


@contextmanager
def following() -> Iterator[None]:
    """In here `Steps` can count."""
    before, _follower.on = sys.gettrace(), True
    frame = currentframe()
    assert frame is not None, "CPython has frames"
    frame.f_trace_opcodes = True  # Python 3.12 looks at this only when somebody begins to follow
    sys.settrace(_follower.entered)
    try:
        yield
    finally:
        sys.settrace(before)
        _follower.on = False


class Cost(Struct):
    """Calls counted over `times` operations: by Python function, and by built-in one; `steps` are of others."""

    times: int = 0
    functions: Counter[str] = field(default_factory=Counter)
    builtins: Counter[str] = field(default_factory=Counter)
    steps: Steps = field(default_factory=Steps)

    @property
    def calls(self) -> tuple[float, float]:
        """Python functions and built-in ones per operation."""
        return self.functions.total() / max(1, self.times), self.builtins.total() / max(1, self.times)

    def count(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Counted.count`."""
        self.times += 1
        before = sys.getprofile()
        sys.setprofile(self._saw)
        try:
            return call(*args, **kwargs)
        finally:
            sys.setprofile(before)

    def _saw(self, frame: FrameType, event: str, arg: object) -> None:
        if event == "call":
            module = frame.f_globals.get("__name__", "?").removeprefix("nextlead.")
            self.functions[f"{module}.{frame.f_code.co_qualname}"] += 1
        elif event == "c_call" and isinstance(arg, BuiltinFunctionType) and arg is not sys.setprofile:
            self.builtins[arg.__qualname__] += 1


def _kinds_of(code: CodeType) -> tuple[set[int], set[int]]:
    """Where a function looks which of two comes first, and where it takes the next turn of a loop."""
    looks, turns = set(), set()
    for instruction in get_instructions(code):
        if instruction.opname == "FOR_ITER":
            turns.add(instruction.offset)
        elif instruction.opname == "COMPARE_OP" and not _ORDER.isdisjoint(instruction.argrepr):
            looks.add(instruction.offset)
    return looks, turns


class Veterans:
    """The agents of a job at work on an engine for some hours: retries and promised calls fall due.

    Needs enough leads for the warm-up: about 5,000.
    """

    def __init__(self, job: Job) -> None:
        self.tally = Tally()
        self.engine: Engine = load(job)
        self.shift = Shift(self.engine, job)
        for turns, self.shift.step_ms in WARM_UP:
            self.shift.work(turns)
        self.shift.step_ms = STEP_MS

    def count(self, finish: Counted, ask: Counted, turns: int) -> None:
        """So many turns of a `finish` and a `next` each."""
        count_turns(self.engine, self.shift, turns, finish, ask, self.tally)


def count_turns(engine: Engine, shift: Shift, turns: int, finish: Counted | None, ask: Counted, tally: Tally) -> None:
    """So many turns of a shift, counted, each `next` and unless `finish` is None each of those; the collector rests."""
    gc.disable()
    try:
        for _ in range(turns):
            finished, asked = shift.commands()
            if finished is not None and finish is not None:
                finish.count(engine.apply, finished, shift.now_ms)
            elif finished is not None:
                engine.apply(finished, shift.now_ms)
            shift.now_ms += shift.step_ms
            shift.took(ask.count(engine.apply, asked, shift.now_ms).reply, tally)
    finally:
        gc.enable()


def count_calls(job: Job, operations: int) -> tuple[dict[str, Cost], Tally]:
    """Calls per `next` and per `finish`, and what the leases of the run were; then the steps of a tenth as many."""
    veterans, costs = Veterans(job), {"next": Cost(), "finish": Cost()}
    veterans.count(costs["finish"], costs["next"], operations // 2)
    tally, veterans.tally = veterans.tally, Tally()
    with following():
        veterans.count(costs["finish"].steps, costs["next"].steps, max(1, operations // 20))
    return costs, tally
