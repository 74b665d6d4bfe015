"""What is drawn: a plot is data, so that scenarios say what it shows and need no plotting library for it.

The label of a series begins with the name of its system, up to a comma if more is said: `nextlead, 60 % worked`. Its
colour follows from that name, so a system has the same one in every plot (`drawing.py`).
"""

from collections.abc import Sequence
from statistics import median
from typing import Final, Literal

from msgspec import Struct

from .figures import PERCENTILES, Result, spread_name

Scale = Literal["linear", "log", "tail"]
"""`tail` is for percentiles on x: 50, 90, 99, 99.9 stand about equally far apart."""
OURS: Final = "nextlead"
"""How the labels of our own series begin."""


class Axis(Struct, frozen=True):
    """What an axis shows, with its unit in brackets: `time of next (ms)`. A linear one begins at 0."""

    label: str
    scale: Scale = "linear"


class Series(Struct, frozen=True):
    """The points of one system, in order of x; `spread` has the least and the greatest y of each, or is empty.

    A `tone` colours it by what it says, not by its system.
    """

    label: str
    points: Sequence[tuple[float, float]]
    spread: Sequence[tuple[float, float]] = ()
    tone: Literal["", "good", "bad", "neither"] = ""


class Line(Struct, frozen=True):
    """A target: a line across at a value of y (bars: of what they are long by), or only about the x that it is for."""

    label: str
    value: float
    x: float | None = None


class Plot(Struct, frozen=True):
    """A plot of lines, or of `bars`: one for each series, of the y of its first point, along the axis `y`.

    `name` is the stem of its files, unique in its scenario: letters, digits and hyphens.
    """

    name: str
    title: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    lines: Sequence[Line] = ()
    kind: Literal["lines", "bars"] = "lines"


def latency_series(label: str, results: Sequence[Result], name: str, unit: str) -> Series:
    """The distribution that `spread` left in the results of the repetitions, by percentile."""
    columns = [
        (per_cent, [result[spread_name(name, per_cent, unit)] for result in results]) for per_cent in PERCENTILES
    ]
    return by_x(label, columns)


def latency_plot(name: str, title: str, what: str, unit: str, series: Sequence[Series], *lines: Line) -> Plot:
    """Distributions of times beside each other; `what` was timed, as `next` or `lateness of redials`."""
    return Plot(name, title, Axis("percentile", "tail"), Axis(f"{what} ({unit})", "log"), series, lines)


def bar_plot(name: str, title: str, of: str, series: Sequence[Series], *lines: Line) -> Plot:
    """Systems beside each other; `of` is what the bars are long by, with its unit."""
    return Plot(name, title, Axis(""), Axis(of), series, lines, kind="bars")


def bar(label: str, values: Sequence[float]) -> Series:
    """A bar: the median of the repetitions, with the least and the greatest."""
    return by_x(label, [(0.0, values)])


def by_x(label: str, columns: Sequence[tuple[float, Sequence[float]]]) -> Series:
    """A line: at each x the median of the repetitions, with the least and the greatest."""
    return Series(
        label,
        [(x, median(values)) for x, values in columns],
        [(min(values), max(values)) for _, values in columns],
    )
