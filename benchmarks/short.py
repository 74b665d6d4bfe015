"""Everything once, at small sizes (`make bench`): that it all works here, and roughly where it stands."""

from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from msgspec.structs import replace

from .child import ChildFailed
from .display import Display
from .figures import parse_size
from .files import Outcome
from .report import Figure, number
from .rounds import Run
from .running import NoDisk, run_scenario
from .scenarios.base import Scenario, Short, Wish


def short_wish(scenario: Scenario, short: Short, wish: Wish) -> Wish:
    """What `short` asks of a scenario; agents, seed and rivals are as wished."""
    return replace(
        wish,
        sizes=tuple(sorted(map(parse_size, short.leads))),
        operations=parse_size(short.operations),
        repeat=1,
        only=short.only,
        rivals=tuple(name for name in scenario.rivals if name in wish.rivals),
        options={option.name: option.default for option in scenario.options} | short.options,
    )


def run_short(
    scenarios: Sequence[Scenario], wish: Wish, folder: Path, display: Display, run: Run | None = None
) -> tuple[list[Outcome], list[str]]:
    """The small selection of each scenario that has one: outcomes, and what failed, with its reason."""
    chosen = [(scenario, scenario.short) for scenario in scenarios if scenario.short is not None]
    outcomes: list[Outcome] = []
    failed: list[str] = []
    expected_s, started = 0, monotonic()
    for at, (scenario, short) in enumerate(chosen):
        pace = (monotonic() - started) / expected_s if expected_s else 1.0
        later_s = pace * sum(later.seconds for _, later in chosen[at + 1 :])
        expected_s += short.seconds
        mine, mine_s = short_wish(scenario, short, wish), pace * short.seconds
        try:
            outcomes.append(run_scenario(scenario, mine, folder, display, expected_s=mine_s, later_s=later_s, run=run))
        except (ChildFailed, NoDisk) as error:
            failed.append(f"{scenario.name}: {error}")
    return outcomes, failed


def in_words(outcomes: Sequence[Outcome], failed: Sequence[str]) -> str:
    """A paragraph: what held, what did not, what was missing.

    A target that names a size is not held at another one; but what is short of it already, although small, is said.
    """
    figures = [row for outcome in outcomes for row in outcome.figures]
    absent = [*failed, *dict.fromkeys(text for outcome in outcomes for text in outcome.missing)]
    said = {
        "Held": [_named(row) for row in figures if row.met],
        "Did not hold": [_valued(row) for row in figures if row.met is False],
        "Short, already at this size, of what is wanted at full size": [
            _valued(row) for row in figures if row.met is None and row.limit is not None and not _within(row)
        ],
        "Not measured here": absent or ["nothing was missing"],
    }
    lines = [f"{begin}: {'; '.join(found)}." for begin, found in said.items() if found]
    return "\n".join([*lines, "Everything ran once and small; what counts is measured at the sizes of the README."])


def _within(row: Figure) -> bool:
    assert row.limit is not None
    return row.median >= row.limit if row.better == "higher" else row.median <= row.limit


def _named(row: Figure) -> str:
    return f"{row.target_no} {row.what}".strip()


def _valued(row: Figure) -> str:
    sign = ">=" if row.better == "higher" else "<="
    return f"{_named(row)} ({f'{number(row.median)} {row.unit}'.strip()}, wanted {sign} {row.limit:,g})"
