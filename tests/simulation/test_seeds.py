"""A few hours of some seeds. `make simulate SEEDS=10000` plays whole days of as many as one likes."""

import os

import pytest

from nextlead.testing.simulation import draw_plan, simulate
from nextlead.testing.simulation.plan import FAULTS, FEATURES

FIRST = int(os.environ.get("NEXTLEAD_FIRST_SEED", "1"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("NEXTLEAD_SEEDS", "16")))


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_and_the_order_is_exact(seed: int) -> None:
    report = simulate(seed, 0.2)
    assert report.failure is None, report.failure.text()
    assert report.counts["offer"] > 0
    assert report.counts["audit"] > 2


def test_these_seeds_have_everything_between_them() -> None:
    plans = [draw_plan(seed, 1.0) for seed in range(1, 17)]
    missing = {name for name in (*FEATURES, *FAULTS) if not any(plan.has(name) for plan in plans)}
    assert not missing
    assert {plan.oracle for plan in plans} == {True, False}
