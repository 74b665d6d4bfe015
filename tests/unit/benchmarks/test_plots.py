"""Plots: everything that they show is in the picture, and the same plot is the same bytes."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from benchmarks.figures import PERCENTILES, spread, spread_name
from benchmarks.plots import OURS, Axis, Line, Plot, Series, bar, bar_plot, by_x, latency_plot, latency_series

pytest.importorskip("matplotlib", reason="matplotlib draws the plots: pip install -e '.[dev]'")

from benchmarks.drawing import colours, draw

RESULTS = [spread("next", [float(at * factor) for at in range(1, 1001)], "ms", 10) for factor in (1, 3, 2)]
LATENCY = latency_plot(
    "latency",
    "How long `next` takes",
    "next",
    "ms",
    [latency_series(OURS, RESULTS, "next", "ms"), latency_series("Redis, AOF always", RESULTS[:1], "next", "ms")],
    Line("target: 20 ms", 20, 99),
)
THROUGHPUT = Plot(
    "throughput",
    "By number of leads",
    Axis("leads", "log"),
    Axis("next + finish (operations/s)"),
    [by_x(OURS, [(1e5, [2.0, 4.0, 3.0]), (1e6, [1.0])]), by_x("plain heaps", [(1e5, [9.0])])],
    [Line("everywhere: 2", 2)],
)
RATES = bar_plot("rates", "Durable", "operations/s", [bar(OURS, [5.0, 4.0]), bar("writer", [6.0])], Line("target", 5))


def text_of(path: Path) -> str:
    return " ".join(part for node in ET.parse(path).iter() for part in (node.text or "").split())  # noqa: S314 - ours


@pytest.mark.parametrize("plot", [LATENCY, THROUGHPUT, RATES], ids=lambda plot: plot.name)
def test_the_picture_has_every_name_and_is_the_same_every_time(plot: Plot, tmp_path: Path) -> None:
    svg, png = draw(plot, tmp_path / "new" / plot.name)
    said = text_of(svg)
    for text in (plot.title, plot.x.label, plot.y.label, *(of.label for of in (*plot.series, *plot.lines))):
        assert text in said
    assert png.read_bytes().startswith(b"\x89PNG")
    again = draw(plot, tmp_path / "again" / plot.name)
    assert [path.read_bytes() for path in again] == [svg.read_bytes(), png.read_bytes()]


def test_nothing_is_a_value_that_a_logarithmic_axis_can_show(tmp_path: Path) -> None:
    never = Series(OURS, [(50, 0.0), (99, 0.0)], [(0.0, 0.0), (0.0, 0.0)])
    draw(latency_plot("lateness", "Lateness", "lateness", "ms", [never]), tmp_path / "lateness")


def test_a_system_has_one_colour_in_every_plot() -> None:
    def coloured(*labels: str) -> list[str]:
        return colours([Series(label, []) for label in labels])

    assert coloured(OURS, "Redis, 32 connections")[1] == coloured("Redis, AOF always")[0]
    ours, worked, other, third = coloured(f"{OURS}, loaded", f"{OURS}, worked", "something", "something else")
    assert ours == worked == coloured(f"{OURS} on PostgreSQL")[0]
    assert len({ours, other, third}) == 3


def test_a_distribution_is_drawn_from_what_the_file_keeps_of_it() -> None:
    series = latency_series(OURS, RESULTS, "next", "ms")
    assert [x for x, _ in series.points] == list(PERCENTILES)
    assert dict(series.points)[99] == 198
    assert dict(zip(PERCENTILES, series.spread, strict=True))[99.9] == (99.9, 299.7)


def test_a_spread_has_values_that_were_measured_and_zeros_when_there_are_none() -> None:
    found = spread("next", [5_000, 1_000, 3_000], "us", 1_000)
    assert (found["next_p1_us"], found["next_p50_us"], found["next_p99.9_us"], found["next_p100_us"]) == (1, 3, 5, 5)
    assert set(spread("next", [], "us").values()) == {0.0}
    assert set(found) == {spread_name("next", per_cent, "us") for per_cent in PERCENTILES}
