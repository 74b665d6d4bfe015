"""Recorded bounds, and how figures are held against them.

Rules of this file:

1. A bound is what was recorded and a little more (`ALLOWANCE`, `LITTLE`); of an `exact` figure, what was recorded; of a
   figure that says itself how much is too much, that. Less is always good; a tenth less is told, so that the bound
   follows.
2. Figures depend on the version of Python (3.11, 3.12 ...), and are recorded for each. Where there is no record for
   one, the bound is half more than the greatest recorded; of an exact figure the greatest.
3. A figure without a bound fails, and so does a bound without a figure: else both could be forgotten.
4. What is recorded with one version moves what is recorded for the others by the same factor.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct, json

FILE: Final = Path(__file__).with_name("bounds.json")
RECORD: Final = "python -m benchmarks gate --record"
VERSION: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
ALLOWANCE: Final = 1.05
"""A bound is at least this times what was recorded."""
LITTLE: Final = 0.05
"""And at least so much more: figures that are nearly nothing may be a little more than that."""
UNKNOWN: Final = 1.5
"""How much more than the greatest recorded figure a version of Python without a record may need."""
WORTH_TELLING: Final = 0.9
NOISE: Final = 0.005
"""By how much of itself a figure of memory may be another in the next run."""
_DIGITS: Final = 5
_ROUNDED: Final = 10**-_DIGITS

Recorded = dict[str, dict[str, dict[str, float]]]
"""Figures by version of Python, group and name."""


class Figure(Struct, frozen=True):
    """Something counted. `exact`: no more than recorded will do. `most`: no more than that, and nothing is recorded."""

    name: str
    value: float
    exact: bool = False
    most: float | None = None


class Finding(Struct, frozen=True):
    """What there is to say of a figure: it `fails`, or it is `better` than its bound knows."""

    kind: Literal["fails", "better"]
    text: str


def read(path: Path = FILE) -> Recorded:
    """What is recorded; nothing if there is no file."""
    return json.decode(path.read_bytes(), type=Recorded) if path.exists() else {}


def write(recorded: Recorded, path: Path = FILE) -> None:
    """In an order that shows in a diff what changed."""
    path.write_bytes(json.format(json.encode(recorded, order="sorted"), indent=2) + b"\n")


def hold(group: str, figures: Iterable[Figure], recorded: Recorded, version: str = VERSION) -> list[Finding]:
    """What there is to say of the figures of a group."""
    found = {figure.name: figure for figure in figures}
    findings = [_held(group, figure, recorded, version) for figure in found.values()]
    known = {name for groups in recorded.values() for name in groups.get(group, {})}
    gone = [Finding("fails", f"{group}: {name} has a bound and is not counted any more") for name in known - {*found}]
    return [finding for finding in findings if finding is not None] + sorted(gone, key=lambda finding: finding.text)


def _held(group: str, figure: Figure, recorded: Recorded, version: str) -> Finding | None:
    what = f"{group}: {figure.name} is {_text(figure.value)}"
    if figure.most is not None:
        return Finding("fails", f"{what}, over {_text(figure.most)}") if figure.value > figure.most else None
    own = recorded.get(version, {}).get(group, {}).get(figure.name)
    others = [groups[group][figure.name] for groups in recorded.values() if figure.name in groups.get(group, {})]
    if not others:
        return Finding("fails", f"{what}, and has no bound")
    base = max(others) if own is None else own
    bound = base if figure.exact else max(base * (UNKNOWN if own is None else ALLOWANCE), base + LITTLE)
    if figure.value > bound + _ROUNDED:
        return Finding("fails", f"{what}, over its bound {_text(bound)} ({_text(base)} recorded)")
    if own is not None and figure.value < base * WORTH_TELLING:
        return Finding("better", f"{what}, well below the {_text(base)} recorded")
    return None


def record(recorded: Recorded, group: str, figures: Iterable[Figure], version: str = VERSION) -> list[str]:
    """Take the figures of a group as its bounds; what changed, in words."""
    before = recorded.setdefault(version, {}).get(group, {})
    after = {figure.name: _taken(figure, before.get(figure.name)) for figure in figures if figure.most is None}
    recorded[version][group] = after
    for other, groups in recorded.items():
        if other != version and group in groups:
            theirs = groups[group]
            groups[group] = {
                name: _moved(theirs[name], before.get(name), after[name]) for name in theirs if name in after
            }
    return _changes(group, before, after)


def _taken(figure: Figure, old: float | None) -> float:
    """What is recorded of a figure; what it was, where only noise is between."""
    if old is not None and not figure.exact and abs(figure.value - old) <= NOISE * old:
        return old
    return round(figure.value, _DIGITS)


def _moved(theirs: float, old: float | None, new: float) -> float:
    """What is recorded for another version, after this one's went from `old` to `new`; None if it had none."""
    return theirs if old is None else round(theirs * new / old, _DIGITS) if old else new


def _changes(group: str, before: Mapping[str, float], after: Mapping[str, float]) -> list[str]:
    lines = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            lines.append(
                f"{group}: {name}: " + (f"gone, was {_text(old)}" if old is not None else f"new, {_text(new)}")
            )
        elif _text(old) != _text(new):
            lines.append(f"{group}: {name}: {_text(old)} -> {_text(new)}{_per_cent(old, new)}")
    return lines


def _per_cent(old: float, new: float) -> str:
    return f" ({100 * (new - old) / old:+.1f} %)" if old else ""


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:,.{_DIGITS}g}" if abs(value) < 1_000 else f"{value:,.1f}"
