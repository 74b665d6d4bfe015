"""`nextlead simulate`: what it prints and how it ends when a seed fails."""

import pytest
from msgspec import json
from typer.testing import CliRunner

from nextlead.testing.simulation import Failure, Report
from nextlead_adapters.cli import simulate as command
from nextlead_adapters.cli.main import app

FAILURE = Failure(7, 0.5, "2026-03-02 10:00:00.000", "R5.4", "lead 1 is on two screens", "2 agents", ("one", "two"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[range, float, int]]:
    """What is to be played; the second seed fails."""
    found: list[tuple[range, float, int]] = []

    def play(seeds: range, days: float, jobs: int) -> list[Report]:
        found.append((seeds, days, jobs))
        failures = {seeds[-1]: FAILURE} if len(seeds) > 1 else {}
        return [Report(seed, "d", {"offer": 2}, failures.get(seed)) for seed in seeds]

    monkeypatch.setattr(command, "_play", play)
    return found


def test_a_seed_that_fails_ends_it_with_1_and_says_how_to_see_it_again(asked: list[tuple[range, float, int]]) -> None:
    done = CliRunner().invoke(app, ["simulate", "--seeds", "7", "--days", "0.5", "--jobs", "2", "--json"])
    assert done.exit_code == 1
    assert asked == [(range(1, 8), 0.5, 2)]
    told = json.decode(done.stdout)
    assert told["counts"] == {"offer": 14}
    assert told["failures"] == [
        {
            "command": "nextlead simulate --seed 7 --days 0.5",
            "seed": 7,
            "days": 0.5,
            "at": FAILURE.at,
            "rule": "R5.4",
            "what": FAILURE.what,
            "plan": "2 agents",
            "tail": ["one", "two"],
        }
    ]


def test_one_seed_alone(asked: list[tuple[range, float, int]]) -> None:
    done = CliRunner().invoke(app, ["simulate", "--seed", "9"])
    assert done.exit_code == 0
    assert asked == [(range(9, 10), 1.0, 1)]
