"""Figures and their targets, and the tables that people read: on the terminal, and as Markdown."""

from collections.abc import Sequence
from statistics import median
from typing import Literal

from msgspec import Struct
from rich.console import Console
from rich.table import Table

Better = Literal["higher", "lower", ""]
"""Which way a figure is better; empty where neither is."""


class Figure(Struct, frozen=True):
    """A figure of the report: median, least and greatest of the repetitions, and each of them in `values`.

    `target` is what the median is held against; empty, and `met` None, where there is no target or it names another
    size. `limit` is its number at any size.
    """

    target_no: str
    what: str
    unit: str
    median: float
    least: float
    greatest: float
    target: str = ""
    met: bool | None = None
    better: Better = ""
    values: tuple[float, ...] = ()
    limit: float | None = None


class Target(Struct, frozen=True):
    """What the median of a figure is held against: `at_most` or `at_least` so much."""

    limit: float
    better: Better

    @property
    def text(self) -> str:
        """As `>= 40,000`."""
        return f"{'>=' if self.better == 'higher' else '<='} {self.limit:,g}"

    def holds(self, value: float) -> bool:
        """Whether a value is good enough."""
        return value >= self.limit if self.better == "higher" else value <= self.limit


def at_most(limit: float) -> Target:
    """The target is an upper bound."""
    return Target(limit, "lower")


def at_least(limit: float) -> Target:
    """The target is a lower bound."""
    return Target(limit, "higher")


def figure(
    target_no: str,
    what: str,
    unit: str,
    values: Sequence[float],
    target: Target | None = None,
    *,
    held: bool = True,
    better: Better | None = None,
) -> Figure:
    """A figure from the values of the repetitions.

    The target is only shown, and held against the median, when `held`: at the size that it names. Which way is better
    follows from the target, or from the unit: more per second, less of anything else; `better` says otherwise.
    """
    middle = median(values)
    text, met = (target.text, target.holds(middle)) if target is not None and held else ("", None)
    if better is None:
        better = target.better if target is not None else _better_of(unit)
    limit = None if target is None else target.limit
    return Figure(target_no, what, unit, middle, min(values), max(values), text, met, better, tuple(values), limit)


def _better_of(unit: str) -> Better:
    if not unit:
        return ""
    return "higher" if unit == "/s" else "lower"


def number(value: float) -> str:
    """Three digits that mean something: 0.123, 4.56, 78.9, 1,234; and 0."""
    if not value:
        return "0"
    for bound, digits in ((1, 3), (10, 2), (100, 1)):
        if abs(value) < bound:
            return f"{value:.{digits}f}"
    return f"{value:,.0f}"


def print_figures(console: Console, title: str, parts: Sequence[Sequence[Figure]], warnings: Sequence[str]) -> None:
    """The table, a part of it under the other. `met` says whether the median meets the target."""
    table = Table(title=title, title_justify="left")
    for name in ("", "what"):
        table.add_column(name)
    for name in ("median", "least", "greatest"):
        table.add_column(name, justify="right")
    for name in ("unit", "target", "met"):
        table.add_column(name)
    for figures in parts:
        for row in figures:
            met = {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[row.met]
            numbers = (number(value) for value in (row.median, row.least, row.greatest))
            table.add_row(row.target_no, row.what, *numbers, row.unit, row.target, met)
        table.add_section()
    console.print(table)
    for warning in warnings:
        console.print(warning, style="yellow", markup=False, highlight=False)


def table_rows(figures: Sequence[Figure]) -> list[str]:
    """The table as lines of Markdown."""
    rows = [
        "| | what | median | least | greatest | unit | target | met |",
        "| --- | --- | ---: | ---: | ---: | --- | --- | --- |",
    ]
    for row in figures:
        met = {True: "yes", False: "**no**", None: ""}[row.met]
        numbers = " | ".join(number(value) for value in (row.median, row.least, row.greatest))
        rows.append(f"| {row.target_no} | {row.what} | {numbers} | {row.unit} | {row.target} | {met} |")
    return rows
