"""Two files of runs beside each other: what got slower or faster beyond the noise of the repetitions.

A figure has changed when every repetition of one run lies beyond every one of the other and the medians differ by
`LEAST` at least; with fewer than three repetitions on a side chance alone does that easily, so the medians must differ
by `LEAST_OF_FEW`, and it is said with a question mark. All else is within noise.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from msgspec import Struct

from .files import About, Measured, Outcome, weaknesses
from .plots import Line, Plot, Series, bar_plot
from .report import Figure, number

LEAST: Final = 0.05
LEAST_OF_FEW: Final = 0.25
_FEW: Final = 3
_LESS_MORE: Final = {"MB": ("smaller", "larger"), "/s": ("faster", "slower")}
_TIMES: Final = frozenset({"ns", "us", "ms", "s"})

Verdict = Literal["better", "worse", "changed", "within noise", "new", "gone"]


class Change(Struct, frozen=True):
    """What became of a figure. `words` say the verdict as people do: faster, larger. Ratio of medians, new over old.

    It is `sure` when there are enough repetitions to know the noise.
    """

    scenario: str
    target_no: str
    what: str
    unit: str
    old: Figure | None
    new: Figure | None
    verdict: Verdict
    words: str
    ratio: float | None = None
    sure: bool = True

    @property
    def missed(self) -> bool:
        """It met its target, and does no longer."""
        return self.old is not None and self.new is not None and self.old.met is True and self.new.met is False


def compare(old: Measured, new: Measured) -> list[Change]:
    """Every figure of either, in the order of the new file; what is gone comes last in its scenario."""
    before, after = (_figures(measured) for measured in (old, new))
    order = dict.fromkeys(after) | dict.fromkeys(before)
    scenarios = list(dict.fromkeys(scenario for scenario, *_ in order))
    keys = sorted(order, key=lambda key: scenarios.index(key[0]))
    return [_change(key, before.get(key), after.get(key)) for key in keys]


Key = tuple[str, str, str]


def _figures(measured: Measured) -> dict[Key, Figure]:
    return {
        (outcome.scenario, row.target_no, row.what): row for outcome in measured.outcomes for row in outcome.figures
    }


def _change(key: Key, old: Figure | None, new: Figure | None) -> Change:
    row = new or old
    assert row is not None
    if old is None or new is None:
        verdict: Verdict = "new" if old is None else "gone"
        return Change(*key, row.unit, old, new, verdict, verdict)
    ratio = new.median / old.median if old.median else None
    sure = min(len(old.values), len(new.values)) >= _FEW
    verdict = _verdict(old, new, ratio, LEAST if sure else LEAST_OF_FEW)
    words = _words(verdict, row.unit)
    if verdict != "within noise" and not sure:
        words += "?"
    return Change(*key, row.unit, old, new, verdict, words, ratio, sure)


def _verdict(old: Figure, new: Figure, ratio: float | None, least: float) -> Verdict:
    apart = new.least > old.greatest or new.greatest < old.least
    large = ratio is None or abs(ratio - 1) >= least
    if not (apart and large):
        return "within noise"
    if not new.better:
        return "changed"
    return "better" if (new.median > old.median) == (new.better == "higher") else "worse"


def _words(verdict: Verdict, unit: str) -> str:
    if verdict not in ("better", "worse"):
        return verdict
    better, worse = ("faster", "slower") if unit in _TIMES else _LESS_MORE.get(unit, ("better", "worse"))
    return better if verdict == "better" else worse


# -- what makes a comparison say less -------------------------------------------------------------------------------


def cautions(old: Measured, new: Measured) -> list[str]:
    """Where the two were not measured alike: machines, versions, settings, durability; and what else weakens it."""
    said = list(_about_cautions(old.about, new.about))
    before = {outcome.scenario: outcome for outcome in old.outcomes}
    for outcome in new.outcomes:
        if outcome.scenario in before:
            said += _outcome_cautions(before[outcome.scenario], outcome)
    return said


def _about_cautions(old: About, new: About) -> Iterator[str]:
    machines = ({name: text for name, text in about.machine.items() if name != "load_average"} for about in (old, new))
    yield from _differences("another machine", *machines)
    versions = ({name: text for name, text in of.versions.items() if name != "nextlead"} for of in (old, new))
    yield from _differences("other versions", *versions)
    if old.commit == new.commit and not old.changed_files and not new.changed_files:
        yield "both are of the same commit: what differs is noise"
    for name, about in (("old", old), ("new", new)):
        yield from weaknesses(about, f"the {name} run")


def _outcome_cautions(old: Outcome, new: Outcome) -> Iterator[str]:
    settings = ({name: value for name, value in of.settings.items() if name != "repeat"} for of in (old, new))
    yield from _differences(f"{new.scenario}: other settings", *settings)
    yield from _differences(f"{new.scenario}: other versions", old.versions, new.versions)
    if old.durability != new.durability:
        yield f"{new.scenario}: another durability: {old.durability}, then {new.durability}"
    fewest = min((len(row.values) for of in (old, new) for row in of.figures), default=0)
    if fewest < _FEW:
        told = f"changes of {LEAST_OF_FEW:.0%} and more are told, and may be noise"
        yield f"{new.scenario}: fewer than {_FEW} repetitions: {told}"


def _differences(what: str, old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    if names:
        yield f"{what}: {', '.join(f'{name} {_text(old.get(name))}, then {_text(new.get(name))}' for name in names)}"


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)


# -- for people -----------------------------------------------------------------------------------------------------


def change_text(change: Change) -> str:
    """Of how much: `-12 %`; empty where one of them is not there or was 0."""
    return "" if change.ratio is None else f"{100 * (change.ratio - 1):+.0f} %"


def numbers_of(row: Figure | None) -> str:
    """Median and range of the repetitions: `4.00 (1.00 - 7.00)`."""
    if row is None:
        return ""
    return f"{number(row.median)} ({number(row.least)} - {number(row.greatest)})"


def summary(changes: list[Change]) -> str:
    """How many of each verdict, in one line."""
    counts = {verdict: sum(change.verdict == verdict for change in changes) for verdict in _VERDICTS}
    said = [f"{count} {verdict}" for verdict, count in counts.items() if count]
    missed = [f"{change.target_no} {change.what}" for change in changes if change.missed]
    lost = f" No longer within its target: {'; '.join(missed)}." if missed else ""
    return f"{', '.join(said) or 'nothing to compare'}.{lost}"


_VERDICTS: Final[tuple[Verdict, ...]] = ("worse", "better", "changed", "within noise", "new", "gone")


def change_plot(changes: list[Change]) -> Plot | None:
    """A bar for each figure that changed: the new median in per cent of the old one. None when nothing did."""
    told = [change for change in changes if change.verdict in ("better", "worse", "changed") and change.ratio]
    if not told:
        return None
    series = [
        Series(
            f"{change.target_no} {change.what}: {change.words}",
            [(0.0, 100 * (change.ratio or 0))],
            tone=_TONES.get(change.verdict, "neither"),
        )
        for change in told
    ]
    same = Line("the old", 100)
    return bar_plot("changes", "What changed beyond noise", "new median (per cent of the old)", series, same)


_TONES: Final[dict[str, Literal["good", "bad"]]] = {"better": "good", "worse": "bad"}
