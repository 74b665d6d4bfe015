"""`RESULTS.md` from the files of runs: whole, so that nothing in it is older than anything else.

A scenario's section has what it was measured with, its plots, its table, and what `commentary/NAME.md` says about it
where there is such a file; `commentary/README.md` becomes the introduction. Plots are drawn anew from the files.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .drawing import NO_LIBRARY, can_draw, draw
from .files import Measured, Outcome, about_lines, read_file, weaknesses
from .report import Figure, number, table_rows

COMMENTARY: Final = Path(__file__).parent / "commentary"
TITLE: Final = "# Results"
REPEAT_LEAST: Final = 5
"""What a published run needs."""
ONCE: Final = frozenset({"week", "freshness"})
"""A week is long, and simulated hours are the same each time."""
_GENERATED: Final = (
    "<!-- Written by `python -m benchmarks publish`. What people wrote stands in `commentary/`: change it there. -->"
)


class NotPublished(Exception):
    """The files can't be published together; the message says why."""


def publish(files: Sequence[Path], page: Path, order: Sequence[str], commentary: Path = COMMENTARY) -> list[Path]:
    """Write the page, and the plots into `plots/` beside it; what was written.

    Plots of an older page go. Sections come in the order of scenarios' names given. Raises `NotPublished` when two
    files have the same scenario or nothing can be drawn here, `NotMeasured` when a file is none of a run.
    """
    if not can_draw():
        raise NotPublished(NO_LIBRARY)
    runs = [read_file(path) for path in files]
    found = _sections(runs)
    names = sorted(found, key=lambda name: (order.index(name) if name in order else len(order), name))
    folder = page.parent / "plots"
    for name in {*order, *names}:
        for old in folder.glob(f"{name}-*.*"):
            old.unlink()
    drawn = [
        written
        for name in names
        for plot in found[name].plots
        for written in draw(plot, folder / plot_stem(name, plot.name))
    ]
    lines = [TITLE, "", _GENERATED, "", *_comment(commentary / "README.md"), *_how(runs), *_glance(found, names)]
    for name in names:
        lines += _section(found[name], _comment(commentary / f"{name}.md"))
    page.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return [page, *drawn]


def plot_stem(scenario: str, plot: str) -> str:
    """What a scenario's plot is called: `durable-latency`."""
    return plot if plot.startswith(f"{scenario}-") else f"{scenario}-{plot}"


def _sections(runs: Sequence[Measured]) -> dict[str, Outcome]:
    found: dict[str, Outcome] = {}
    for outcome in (outcome for measured in runs for outcome in measured.outcomes):
        if outcome.scenario in found:
            raise NotPublished(f"two of the files have {outcome.scenario}: publish one of them")
        found[outcome.scenario] = outcome
    return found


def _comment(path: Path) -> list[str]:
    return [*path.read_text(encoding="utf-8").rstrip().splitlines(), ""] if path.is_file() else []


def _how(runs: Sequence[Measured]) -> list[str]:
    """Machine and versions once, when all runs share them; the commands that make it all again."""
    lines = ["## How it was measured", ""]
    abouts = [about_lines(measured.about) for measured in runs]
    shared = {tuple(about[1:]) for about in abouts}
    for about in abouts:
        lines += [f"- {about[0]}"] if len(shared) == 1 else [f"- {' '.join(about)}"]
    if len(shared) == 1:
        lines += ["", *shared.pop()]
    if said := doubts(runs):
        lines += ["", *(f"- **{text[:1].upper()}{text[1:]}.**" for text in said)]
    commands = dict.fromkeys(measured.about.command for measured in runs)
    return [*lines, "", "The same again, from the root of a checkout:", "", "```sh", *commands, "```", ""]


def doubts(runs: Sequence[Measured]) -> list[str]:
    """Why figures of the files should not stand on one page, or say less than they seem to."""
    found = []
    if len(commits := dict.fromkeys(measured.about.commit[:10] for measured in runs)) > 1:
        found.append(f"the files are of different commits: {', '.join(commits)}")
    if len({tuple(sorted(measured.about.versions.items())) for measured in runs}) > 1:
        found.append("the files were measured with different versions")
    for measured in runs:
        names = " and ".join(outcome.scenario for outcome in measured.outcomes)
        found += weaknesses(measured.about, f"the run of {names}")
        found += [
            f"{outcome.scenario} was run {_times(outcome)} only"
            for outcome in measured.outcomes
            if outcome.scenario not in ONCE and 0 < _repetitions(outcome) < REPEAT_LEAST
        ]
    return found


def _repetitions(outcome: Outcome) -> int:
    return min(map(len, outcome.repetitions.values()), default=0)


def _times(outcome: Outcome) -> str:
    times = _repetitions(outcome)
    return "once" if times == 1 else f"{times} times"


def _glance(found: dict[str, Outcome], names: Sequence[str]) -> list[str]:
    """All figures that a target was held against."""
    held = [row for name in names for row in found[name].figures if row.met is not None]
    if not held:
        return []
    met = sum(row.met is True for row in held)
    rows = ["| | what | measured | target | met |", "| --- | --- | ---: | ---: | --- |"]
    rows += [_glance_row(row) for row in sorted(held, key=_target_order)]
    return ["## Targets", "", f"{met} of {len(held)} figures with a target meet it.", "", *rows, ""]


def _glance_row(row: Figure) -> str:
    met = "yes" if row.met else "**no**"
    return f"| {row.target_no} | {row.what} | {number(row.median)} {row.unit} | {row.target} | {met} |"


def _target_order(row: Figure) -> int:
    digits = row.target_no.removeprefix("T")
    return int(digits) if digits.isdigit() else 0


def _section(outcome: Outcome, comment: Sequence[str]) -> list[str]:
    lines = [f"## {outcome.scenario}", "", f"{outcome.title}; {max(1, round(outcome.took_s / 60))} min.", ""]
    lines += [f"Durability: {outcome.durability}."]
    if outcome.versions:
        lines += [f"Beside it: {', '.join(f'{name} {text}' for name, text in outcome.versions.items())}."]
    lines += [f"Not run: {text}." for text in outcome.missing]
    lines += [f"Note: {text}." for text in outcome.warnings]
    lines += ["", *comment]
    for plot in outcome.plots:
        lines += [f"![{plot.title}](plots/{plot_stem(outcome.scenario, plot.name)}.svg)", ""]
    return [*lines, *table_rows(outcome.figures), ""]
