"""A seed does the same each time, in any process: else what failed could not be looked at again."""

from collections.abc import Callable
from subprocess import CompletedProcess

from msgspec import json

from nextlead.testing.simulation import simulate

Run = Callable[..., "CompletedProcess[str]"]


def test_two_processes_do_the_same_byte_for_byte(nextlead: Run) -> None:
    asked = ("simulate", "--seed", "6", "--seeds", "2", "--days", "0.1", "--jobs", "1", "--json")
    runs = [nextlead(*asked, PYTHONHASHSEED=seed) for seed in ("1", "2")]
    assert [run.returncode for run in runs] == [0, 0], runs[0].stderr
    assert runs[0].stdout == runs[1].stdout
    told = json.decode(runs[0].stdout)
    assert list(told["digests"]) == ["6", "7"]
    assert told["failures"] == []


def test_another_seed_does_something_else() -> None:
    assert simulate(6, 0.05).digest != simulate(7, 0.05).digest


def test_it_can_be_heard() -> None:
    lines: list[str] = []
    report = simulate(6, 0.05, listener=lines.append)
    assert len(lines) == sum(report.counts.values())
