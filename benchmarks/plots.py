"""What is drawn: a plot is data, so that scenarios say what it shows and need no plotting library for it.

Colours follow from the label of a series, which is the name of a system: ours is the same colour in every plot.
"""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from .figures import PERCENTILES, Result, spread_name

Scale = Literal["linear", "log", "tail"]
"""`tail` is for percentiles on x: 50, 90, 99, 99.9 stand equally far apart."""
OURS: Final = "nextlead"
"""The label of our own series in every plot."""


class Axis(Struct, frozen=True):
    """What an axis shows, with its unit in brackets: `operations/s`, `time of next (ms)`."""

    label: str
    scale: Scale = "linear"


class Series(Struct, frozen=True):
    """The points of one system, in order of x; `spread` has the least and the greatest y of each, or nothing."""

    label: str
    points: Sequence[tuple[float, float]]
    spread: Sequence[tuple[float, float]] = ()


class Line(Struct, frozen=True):
    """A target, drawn across at a value of y (bars: of the value)."""

    label: str
    value: float


class Plot(Struct, frozen=True):
    """`name` is the stem of its files, alone in its run. `bars` draws one bar for each series, of its first point."""

    name: str
    title: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    lines: Sequence[Line] = ()
    kind: Literal["lines", "bars"] = "lines"


def latency_series(label: str, results: Sequence[Result], name: str, unit: str) -> Series:
    """The distribution that `spread` left in the results of all repetitions: medians of each percentile."""
    keys = [(per_cent, spread_name(name, per_cent, unit)) for per_cent in PERCENTILES]
    columns = [(per_cent, sorted(result[key] for result in results)) for per_cent, key in keys]
    return Series(
        label,
        [(per_cent, values[len(values) // 2]) for per_cent, values in columns],
        [(values[0], values[-1]) for _, values in columns],
    )


def value_series(label: str, values: Sequence[float], x: float = 0.0) -> Series:
    """One point: the median of the repetitions, with the least and the greatest; what a bar is drawn from."""
    ordered = sorted(values)
    return Series(label, [(x, ordered[len(ordered) // 2])], [(ordered[0], ordered[-1])])
