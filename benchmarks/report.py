"""Figures for people and for files: a table on the terminal, JSON with every repetition."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

from msgspec import Struct, json
from rich.console import Console
from rich.table import Table

from .figures import Result, medians

Runs = dict[str, list[Result]]
"""Results of all repetitions, by step."""


class Figure(Struct, frozen=True):
    """A figure of the report: median, least and greatest of the repetitions; `met` is None where there is no target."""

    target_no: str
    what: str
    unit: str
    median: float
    least: float
    greatest: float
    target: str = ""
    met: bool | None = None


class Target(Struct, frozen=True):
    """What the median of a figure is held against."""

    text: str
    holds: Callable[[float], bool]


def figure(target_no: str, what: str, unit: str, values: Sequence[float], target: Target | None = None) -> Figure:
    """A figure from the values of the repetitions."""
    middle = median(values)
    text, met = ("", None) if target is None else (target.text, target.holds(middle))
    return Figure(target_no, what, unit, middle, min(values), max(values), text, met)


def at_most(most: float) -> Callable[[float], bool]:
    """The target is an upper bound."""
    return lambda value: value <= most


def at_least(least: float) -> Callable[[float], bool]:
    """The target is a lower bound."""
    return lambda value: value >= least


def number(value: float) -> str:
    """Three digits that mean something: 0.123, 4.56, 78.9, 1,234."""
    for bound, digits in ((1, 3), (10, 2), (100, 1)):
        if abs(value) < bound:
            return f"{value:.{digits}f}"
    return f"{value:,.0f}"


def print_figures(console: Console, title: str, figures: Sequence[Figure], warnings: Sequence[str]) -> None:
    """The table. `met` says whether the median meets the target."""
    table = Table(title=title, title_justify="left")
    for name in ("", "what"):
        table.add_column(name)
    for name in ("median", "least", "greatest"):
        table.add_column(name, justify="right")
    for name in ("unit", "target", "met"):
        table.add_column(name)
    for row in figures:
        met = {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[row.met]
        numbers = (number(value) for value in (row.median, row.least, row.greatest))
        table.add_row(row.target_no, row.what, *numbers, row.unit, row.target, met)
    console.print(table)
    for warning in warnings:
        console.print(f"[yellow]{warning}[/]")


def write_json(
    path: Path, about: Mapping[str, object], runs: Runs, figures: Sequence[Figure], warnings: Sequence[str]
) -> None:
    """Everything that was measured, and what on (`surroundings`, settings)."""
    found = {
        **about,
        "figures": figures,
        "warnings": warnings,
        "medians": {step: medians(results) for step, results in runs.items()},
        "repetitions": runs,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(json.format(json.encode(found), indent=2) + b"\n")


class Measured(Struct):
    """What is read back of a file of `write_json`."""

    figures: list[Figure]
    at: str
    commit: str
    changed_files: int
    machine: dict[str, str | int | float | None]
    versions: dict[str, str]
    settings: dict[str, object]
    warnings: list[str]


def markdown(path: Path) -> str:
    """A file of `write_json` as a table for the README, with what it was measured on above it."""
    found = json.decode(path.read_bytes(), type=Measured)
    machine, versions = found.machine, {name: text for name, text in found.versions.items() if text}
    changed = f" and {found.changed_files} changed files" if found.changed_files else ""
    size = f"{machine['cores']} cores, {machine['memory_gib']} GiB, load {machine['load_average']} before it began"
    about = [
        f"Measured {found.at}, commit `{found.commit[:10]}`{changed}.",
        f"Machine: {machine['processor']}, {size}; {machine['system']}.",
        f"Versions: {', '.join(f'{name} {text}' for name, text in versions.items())}.",
        f"Durability: {found.settings.get('durability', 'none')}.",
        *found.warnings,
    ]
    rows = [
        "| | what | median | least | greatest | unit | target | met |",
        "| --- | --- | ---: | ---: | ---: | --- | --- | --- |",
    ]
    for row in found.figures:
        met = {True: "yes", False: "**no**", None: ""}[row.met]
        numbers = " | ".join(number(value) for value in (row.median, row.least, row.greatest))
        rows.append(f"| {row.target_no} | {row.what} | {numbers} | {row.unit} | {row.target} | {met} |")
    return "\n".join([*about, "", *rows])
