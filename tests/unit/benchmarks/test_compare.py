"""Two runs beside each other: what changed is told from noise, and what was not measured alike is said."""

from collections.abc import Sequence

import pytest
from benchmarks.compare import Change, cautions, change_plot, compare, summary
from benchmarks.files import About, Measured, Outcome
from benchmarks.report import Better, Figure, at_least, at_most, figure
from msgspec.structs import replace

ABOUT = About(
    at="2026-01-02T03:04:05+00:00",
    command="python -m benchmarks engine",
    commit="a" * 40,
    changed_files=0,
    machine={"processor": "a processor", "cores": 2, "memory_gib": 24.0, "system": "Linux", "load_average": 0.1},
    versions={"python": "3.11.7"},
)
OTHER = replace(ABOUT, commit="b" * 40)


def run(*figures: Figure, about: About = ABOUT, **more: object) -> Measured:
    settings: dict[str, object] = {"sizes": [1000], "seed": 1, "repeat": 5}
    outcome = Outcome("engine", "The engine", "none: memory only", settings, list(figures))
    return Measured(about, [replace(outcome, **more)])


def row(values: Sequence[float], unit: str = "/s", better: Better | None = None) -> Figure:
    return figure("T1", "it", unit, values, better=better)


def change(old: Figure, new: Figure) -> Change:
    [found] = compare(run(old), run(new, about=OTHER))
    return found


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        ([100, 101, 102], [80, 81, 82], "worse"),
        ([80, 81, 82], [100, 101, 102], "better"),
        ([100, 101, 140], [80, 81, 101], "within noise"),  # one repetition of the new run lies among the old ones
        ([100, 101, 102], [97, 97, 98], "within noise"),  # apart, but by 4 % only
        ([100], [80], "within noise"),  # one repetition each: 20 % is nothing
        ([100], [60], "worse"),
        ([0, 0, 0], [5, 5, 5], "better"),
    ],
)
def test_what_lies_beyond_the_noise_has_changed(old: list[float], new: list[float], verdict: str) -> None:
    assert change(row(old), row(new)).verdict == verdict


def test_what_few_repetitions_show_is_not_sure() -> None:
    found = change(row([100, 101]), row([60, 61]))
    assert (found.verdict, found.words, found.sure) == ("worse", "slower?", False)
    assert change(row([100, 101, 102]), row([60, 61, 62])).sure


@pytest.mark.parametrize(
    ("unit", "better", "verdict", "words"),
    [
        ("/s", None, "better", "faster"),
        ("ms", None, "worse", "slower"),
        ("MB", None, "worse", "larger"),
        ("x", "higher", "better", "better"),
        ("", None, "changed", "changed"),
    ],
)
def test_the_same_change_is_good_or_bad_by_the_figure(
    unit: str, better: Better | None, verdict: str, words: str
) -> None:
    found = change(row([1, 1, 1], unit, better), row([2, 2, 2], unit, better))
    assert (found.verdict, found.words, found.ratio) == (verdict, words, 2)


def test_which_way_is_better_follows_from_the_target() -> None:
    assert figure("T3", "ours over it", "x", [1], at_least(0.7)).better == "higher"
    assert figure("T2", "over none", "x", [1], at_most(1.3), held=False).better == "lower"


def test_figures_of_one_run_only_are_new_or_gone() -> None:
    changes = compare(run(row([1]), figure("T7", "size", "MB", [3])), run(figure("T2", "ratio", "x", [3]), row([1])))
    assert [(found.what, found.verdict) for found in changes] == [
        ("ratio", "new"),
        ("it", "within noise"),
        ("size", "gone"),
    ]
    assert "1 new, 1 gone" in summary(changes)


def test_a_target_that_is_met_no_longer_is_said_also_within_noise() -> None:
    old, new = (figure("T5", "next p99", "ms", values, at_most(3)) for values in ([2.9, 2.8, 3.3], [3.1, 2.9, 3.2]))
    found = change(old, new)
    assert (found.verdict, found.missed) == ("within noise", True)
    assert summary([found]).endswith("No longer within its target: T5 next p99.")


def test_runs_that_were_not_made_alike_are_cautioned_about() -> None:
    rows = row([1, 2, 3])
    assert cautions(run(rows), run(rows, about=OTHER)) == []
    machine = replace(OTHER, machine=ABOUT.machine | {"cores": 8})
    settings: dict[str, object] = {"sizes": [2000], "seed": 1, "repeat": 3}
    for new, told in (
        (run(rows, about=machine), "another machine: cores 2, then 8"),
        (run(rows, about=replace(OTHER, versions={"python": "3.12.1"})), "other versions: python 3.11.7, then 3.12.1"),
        (run(rows, about=OTHER, settings=settings), "engine: other settings: sizes 1000, then 2000"),
        (run(rows, about=OTHER, durability="off"), "engine: another durability: none: memory only, then off"),
        (run(rows, about=OTHER, versions={"Redis": "7"}), "engine: other versions: Redis none, then 7"),
        (run(rows), "both are of the same commit: what differs is noise"),
        (
            run(row([1]), about=OTHER),
            "engine: fewer than 3 repetitions: changes of 25% and more are told, and may be noise",
        ),
        (
            run(rows, about=replace(OTHER, changed_files=2)),
            f"the new run was of a checkout with changes that are not in commit {'b' * 10}",
        ),
        (
            run(rows, about=replace(OTHER, machine=ABOUT.machine | {"load_average": 1.5})),
            "the machine was busy before the new run: load 1.5 on 2 cores",
        ),
    ):
        assert cautions(run(rows), new) == [told]


def test_what_changed_is_a_plot_and_nothing_is_none() -> None:
    changes = compare(run(row([1, 1, 1])), run(row([2, 2, 2])))
    plot = change_plot(changes)
    assert plot is not None
    assert [(series.label, series.points[0][1]) for series in plot.series] == [("T1 it: faster", 200)]
    assert change_plot(compare(run(row([1])), run(row([1])))) is None
