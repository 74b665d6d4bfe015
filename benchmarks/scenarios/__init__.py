"""All scenarios, each a subcommand of `python -m benchmarks`; `short` runs them in this order."""

from typing import Final

from . import bulk, durable, engine, freshness, http, postgres, scrape, week
from .base import Measure, Scenario

SCENARIOS: Final[tuple[Scenario, ...]] = (
    engine.SCENARIO,
    durable.SCENARIO,
    postgres.SCENARIO,
    bulk.SCENARIO,
    http.SCENARIO,
    scrape.SCENARIO,
    week.SCENARIO,
    freshness.SCENARIO,
)


def _measures() -> dict[str, Measure]:
    found: dict[str, Measure] = {}
    for scenario in SCENARIOS:
        for name, measure in scenario.measures.items():
            assert found.setdefault(name, measure) is measure, f"two scenarios measure {name}, each something else"
    return found


MEASURES: Final = _measures()
"""What a process of a measurement can be asked for, by `Task.measure`."""
