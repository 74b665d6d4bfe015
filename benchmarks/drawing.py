"""Plots as SVG and PNG, by matplotlib; where that is not installed nothing is drawn, and the harness says so.

The same plot makes the same bytes with the same version of matplotlib: no date, no random names in the SVG. Its text
stays text, so that it can be searched and read aloud.
"""

from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from math import log10
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final

from .plots import OURS, Line, Plot, Scale, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis as DrawnAxis
    from matplotlib.figure import Figure

NO_LIBRARY: Final = "plots are not drawn: matplotlib is not installed (`pip install -e '.[dev]'`)"
# The palette of Okabe and Ito, which people tell apart whatever colours they see.
_OURS: Final = "#0072B2"
_SYSTEMS: Final = {
    "skip locked": "#D55E00",
    "redis": "#CC79A7",
    "buffer": "#E69F00",
    "heaps": "#009E73",
    "writer": "#56B4E9",
    "starlette": "#7A7A7A",
    "framework": "#7A7A7A",
    "disk": "#222222",
}
_OTHERS: Final = ("#009E73", "#56B4E9", "#E69F00", "#CC79A7", "#D55E00", "#7A7A7A")
_TONES: Final = {"good": "#0072B2", "bad": "#D55E00", "neither": "#7A7A7A"}
_STYLES: Final = ("-", "--", ":", "-.")
_MARKERS: Final = ("o", "s", "^", "D")
_INK: Final = "#333333"
_TAIL_TICKS: Final = ((0.0, ""), (50, "50"), (75, "75"), (90, "90"), (99, "99"), (99.9, "99.9"), (100, "all"))
_TAIL_END: Final = 3.6
_POINTS_MARKED: Final = 20
_DECADE: Final = 10
_LABEL_WIDTH: Final = 34
_TITLE_WIDTH: Final = 76
_DASHES: Final = (0, (5, 3))
_SETTINGS: Final[dict[Any, Any]] = {
    "svg.hashsalt": "nextlead",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": 10,
    "axes.edgecolor": "#888888",
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.8,
    "lines.linewidth": 2,
    "lines.markersize": 5,
    "legend.edgecolor": "none",
    "legend.fancybox": False,
    "legend.framealpha": 0.85,
}


def can_draw() -> bool:
    """Whether matplotlib is there."""
    return find_spec("matplotlib") is not None


def draw(plot: Plot, stem: Path) -> list[Path]:
    """Draw a plot as `stem.svg` and `stem.png`; the folder is made. Raises `ImportError` without matplotlib."""
    from matplotlib import rc_context  # noqa: PLC0415 - only who draws needs it
    from matplotlib.figure import Figure  # noqa: PLC0415

    stem.parent.mkdir(parents=True, exist_ok=True)
    files = [stem.with_name(f"{stem.name}.{kind}") for kind in ("svg", "png")]
    with rc_context(_SETTINGS):
        bars = plot.kind == "bars"
        drawn = Figure(figsize=(7.5, 1.6 + 0.42 * len(plot.series) if bars else 4.4), layout="constrained")
        axes = drawn.add_subplot()
        drawn.suptitle(fill(plot.title, _TITLE_WIDTH), x=0.012, ha="left", fontsize=11, fontweight="bold")
        if bars:
            _draw_bars(axes, plot)
        else:
            _draw_lines(axes, plot)
        _save(drawn, *files)
    return files


def _save(drawn: "Figure", svg: Path, png: Path) -> None:
    drawn.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    drawn.savefig(png, format="png", dpi=150, metadata={"Software": None})


def colours(series: Sequence[Series]) -> list[str]:
    """A colour for each series: one for a system, whatever else the plot shows."""
    systems = dict.fromkeys(_system(of.label) for of in series)
    known = {system: colour for system in systems if (colour := _known(system))}
    left = iter([colour for colour in _OTHERS if colour not in known.values()] or _OTHERS)
    found = {system: known.get(system) or next(left, _INK) for system in systems}
    return [_TONES[of.tone] if of.tone else found[_system(of.label)] for of in series]


def _system(label: str) -> str:
    return label.partition(",")[0]


def _known(system: str) -> str:
    if system.startswith(OURS):
        return _OURS
    return next((colour for name, colour in _SYSTEMS.items() if name in system.lower()), "")


# -- lines ----------------------------------------------------------------------------------------------------------


def _draw_lines(axes: "Axes", plot: Plot) -> None:
    seen = Counter[str]()
    for series, colour in zip(plot.series, colours(plot.series), strict=True):
        nth = seen[_system(series.label)]
        seen[_system(series.label)] += 1
        _draw_series(axes, plot, series, colour, nth)
    axes.set_xlabel(plot.x.label)
    axes.set_ylabel(plot.y.label)
    axes.grid(visible=True)
    _scale_x(axes, plot)
    _scale_y(axes, plot)
    for line in plot.lines:
        _draw_target(axes, plot, line)
    if len(plot.series) > 1:
        axes.legend(loc="best")


def _draw_series(axes: "Axes", plot: Plot, series: Series, colour: str, nth: int) -> None:
    places = [_place(x, plot.x.scale) for x, _ in series.points]
    floor = _floor(plot)
    axes.plot(
        places,
        [max(floor, y) for _, y in series.points],
        color=colour,
        linestyle=_STYLES[nth % len(_STYLES)],
        marker=_MARKERS[nth % len(_MARKERS)] if len(places) <= _POINTS_MARKED else "",
        label=series.label,
        clip_on=False,
        zorder=3,
    )
    if series.spread:
        least, greatest = ([max(floor, y) for y in found] for found in zip(*series.spread, strict=True))
        axes.fill_between(places, least, greatest, color=colour, alpha=0.15, linewidth=0)


def _floor(plot: Plot) -> float:
    """A logarithmic axis has no place for 0: it is drawn as the smallest value that has one."""
    if plot.y.scale != "log":
        return 0.0
    return min((y for series in plot.series for _, y in series.points if y > 0), default=1.0)


def _draw_target(axes: "Axes", plot: Plot, line: Line) -> None:
    if line.x is None:
        axes.axhline(line.value, color=_INK, linewidth=1.2, linestyle=_DASHES)
        _say(axes, line.label, (0.995, line.value), (0, 3), xycoords=("axes fraction", "data"), ha="right")
        return
    place = (_place(line.x, plot.x.scale), line.value)
    axes.plot(*place, marker="_", markersize=30, markeredgewidth=2, color=_INK)
    _say(axes, line.label, place, (0, 4), ha="center")


def _say(axes: "Axes", text: str, place: tuple[float, float], offset: tuple[float, float], **more: Any) -> None:
    halo = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
    axes.annotate(text, place, offset, textcoords="offset points", size=9, bbox=halo, **more)


def _place(x: float, scale: Scale) -> float:
    if scale != "tail":
        return x
    return min(_TAIL_END, -log10(1 - x / 100)) if x < 100 else _TAIL_END


def _scale_x(axes: "Axes", plot: Plot) -> None:
    if plot.x.scale == "tail":
        axes.set_xlim(-0.05, _TAIL_END + 0.1)
        axes.set_xticks([_place(at, "tail") for at, _ in _TAIL_TICKS], [text for _, text in _TAIL_TICKS])
        return
    xs = sorted({x for series in plot.series for x, _ in series.points})
    if plot.x.scale == "log":
        axes.set_xscale("log")
        axes.set_xticks(xs, [_short(x) for x in xs])
        axes.xaxis.minorticks_off()
    else:
        _write_numbers(axes.xaxis)


def _scale_y(axes: "Axes", plot: Plot) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter  # noqa: PLC0415 - only who draws needs it

    if plot.y.scale == "log":
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high > _DECADE * low else (1, 1.5, 2, 3, 4, 5, 7)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        tops = [y for series in plot.series for _, y in (*series.points, *series.spread)]
        axes.set_ylim(0, max([*tops, *(line.value for line in plot.lines)], default=1) * 1.1 or 1)
    _write_numbers(axes.yaxis)


def _write_numbers(axis: "DrawnAxis") -> None:
    axis.set_major_formatter(lambda value, _at: _short(value))


def _short(value: float) -> str:
    """As short as people write it: 0.05, 12, 2.5k, 100k, 1.5M."""
    for factor, suffix in ((1_000_000, "M"), (1_000, "k")):
        if abs(value) >= factor:
            return f"{value / factor:g}{suffix}"
    return f"{value:g}"


# -- bars -----------------------------------------------------------------------------------------------------------


def _draw_bars(axes: "Axes", plot: Plot) -> None:
    labels = [fill(series.label, _LABEL_WIDTH) for series in plot.series]
    values = [series.points[0][1] for series in plot.series]
    places = range(len(labels))
    axes.barh(places, values, color=colours(plot.series), height=0.62)
    ends = []
    for at, (series, value) in enumerate(zip(plot.series, values, strict=True)):
        least, greatest = series.spread[0] if series.spread else (value, value)
        if least < greatest:
            axes.errorbar(value, at, xerr=[[value - least], [greatest - value]], color=_INK, capsize=3, linewidth=1)
        _say(axes, _figure(value), (greatest, at), (6, 0), va="center")
        ends.append(greatest)
    for line in plot.lines:
        axes.axvline(line.value, color=_INK, linewidth=1.2, linestyle=_DASHES)
        _say(axes, line.label, (line.value, 1), (4, -2), xycoords=("data", "axes fraction"))
        ends.append(line.value)
    axes.set_yticks(places, labels)
    axes.invert_yaxis()
    axes.set_xlabel(plot.y.label)
    axes.grid(visible=True, axis="x")
    axes.tick_params(axis="y", length=0)
    if plot.y.scale == "log":
        axes.set_xscale("log")
    else:
        axes.set_xlim(0, max(ends, default=1) * 1.2 or 1)
    _write_numbers(axes.xaxis)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
