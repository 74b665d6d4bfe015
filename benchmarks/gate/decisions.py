"""What the engine does for a `next` and for a `finish`, and that blocked leads add nothing to it (T1, T2).

Counted with agents who have been at work for hours, so that half of the leads are redials. Blocked leads are counted
at two sizes: what `next` does with nine of ten leads blocked is held against what it does when none is (`over free`),
and against what it does with a quarter as many (`over a quarter as many leads`).
"""

from collections.abc import Iterator
from typing import Final

from ..calls import Shift, Tally
from ..cost import Cost, Steps, Veterans, count_turns, following
from ..job import Job, Scene, build_engine, make_centre
from .bounds import Figure

LEADS: Final = 20_000
CALLS_TURNS: Final = 500
STEPS_TURNS: Final = 200
"""Turns of a `finish` and a `next`; following each instruction takes a hundred times as long as carrying it out."""

OPERATIONS: Final = {
    "insertions": ("SortedList.add", "SortedDict.__setitem__", "insort_right", "insort_left", "heappush"),
    "removals": ("SortedList.remove", "SortedList.pop", "SortedList.__delitem__", "SortedDict.pop", "heappop"),
    "searches": ("SortedList.irange", "SortedList.bisect_left", "bisect_left", "bisect_right"),
    "timers set": ("Timers.add",),
    "timers stopped": ("Timers.remove",),
    "rows unpacked": ("Decoder.decode",),
    "rows packed": ("Encoder.encode", "Encoder.encode_into"),
    "rows copied": ("replace",),
}
"""Functions by what they do to what is in order, or to rows."""

SCENES: Final[tuple[Scene, ...]] = ("pools", "due", "owners", "hours", "limits")
MOST: Final = 1.3
"""T2: how much more a `next` may cost with nine of ten leads blocked; and with four times as many leads."""
GROWTH_SCENES: Final[tuple[Scene, ...]] = ("free", "pools", "limits")
SCENE_LEADS: Final = (4_000, 16_000)
SCENE_TURNS: Final = 40
SCENE_BEFORE: Final = 250
"""Turns that are not counted: every agent has had a lead, and knows its queues."""


def decisions() -> list[Figure]:
    """Of the job of TARGETS, per `next` and per `finish`."""
    veterans = Veterans(Job(LEADS))
    finish_calls, next_calls, finish_steps, next_steps = Cost(), Cost(), Steps(), Steps()
    veterans.count(finish_calls, next_calls, CALLS_TURNS)
    with following():
        veterans.count(finish_steps, next_steps, STEPS_TURNS)
    figures = []
    for name, calls, steps in (("next", next_calls, next_steps), ("finish", finish_calls, finish_steps)):
        figures += [Figure(f"{what} per {name}", value) for what, value in _of_calls(calls)]
        figures += [Figure(f"{what} per {name}", value) for what, value in _of_steps(steps)]
    return figures


def _of_calls(cost: Cost) -> Iterator[tuple[str, float]]:
    functions, builtins = cost.calls
    yield "functions", functions
    yield "built-in functions", builtins
    both = cost.functions + cost.builtins
    for what, names in OPERATIONS.items():
        suffixes = tuple(f".{name}" for name in names)
        count = sum(count for called, count in both.items() if called in names or called.endswith(suffixes))
        yield what, count / cost.times


def _of_steps(steps: Steps) -> Iterator[tuple[str, float]]:
    yield from zip(("instructions", "heads and limits compared", "turns of loops"), steps.each, strict=True)


def blocked() -> list[Figure]:
    """Of `next` with nine of ten leads blocked."""
    few, many = SCENE_LEADS
    found = {scene: _next(scene, many) for scene in ("free", *SCENES)}
    fewer = {scene: _next(scene, few) for scene in GROWTH_SCENES}
    figures = []
    for scene, there in found.items():
        for what, value in there.items():
            figures.append(Figure(f"{what}, {scene}", value))
            figures.append(Figure(f"{what}, {scene}, over free", value / found["free"][what], most=MOST))
            if scene in fewer:
                grown = value / fewer[scene][what]
                figures.append(Figure(f"{what}, {scene}, over a quarter as many leads", grown, most=MOST))
    return figures


def _next(scene: Scene, leads: int) -> dict[str, float]:
    job, steps = Job(leads, scene=scene), Steps()
    engine = build_engine(make_centre(job))
    shift = Shift(engine, job)
    shift.work(SCENE_BEFORE)
    with following():
        count_turns(engine, shift, SCENE_TURNS, None, steps, Tally())
    return dict(_of_steps(steps))
