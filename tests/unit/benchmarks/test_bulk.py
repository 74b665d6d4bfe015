"""Big work at a small size: every figure is there, and the lists are what they say."""

import asyncio
import csv
from pathlib import Path
from time import perf_counter
from typing import cast

import phonenumbers
import pytest
from benchmarks import bulk
from benchmarks.bulk import Floor, measure_bulk, write_list
from benchmarks.figures import Result
from benchmarks.job import Job
from benchmarks.scenarios.base import Wish
from benchmarks.scenarios.bulk import BULK_WORK
from benchmarks.scenarios.bulk import figures as bulk_figures

from nextlead.runtime.dialer import Dialer


def test_every_row_has_a_valid_number_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    write_list(path, 2_000)
    with path.open(encoding="utf-8") as text:
        found = [row["phone"] for row in csv.DictReader(text)]
    assert len(set(found)) == 2_000
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(number)) for number in found)


def test_big_work_is_done_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # TARGETS T9, T10
    monkeypatch.setattr(bulk, "QUIET_S", 0.0)
    job = Job(leads=400, agents=5)
    stages: list[str] = []
    result = measure_bulk(job, tmp_path / "bulk.db", stages.append)
    assert {f"{name}_s" for name in BULK_WORK} <= result.keys()
    assert all(value >= 0 for value in result.values())
    assert "expire" in stages
    wish = Wish((400,), 1, 5, 1, 1)
    figures = bulk_figures({"bulk": [result]}, wish)
    assert {figure.target_no for figure in figures} == {"T9", "T10"}
    assert all(figure.met is None for figure in figures)
    assert not any(figure.what.startswith("next p") for figure in figures), "hardly anybody asked in such a short time"
    often = result | {name: 100.0 for name in result if name.endswith("_next")}
    assert sum(figure.what.startswith("next p99") for figure in bulk_figures({"bulk": [often]}, wish)) == len(BULK_WORK)


class Slow:
    """A dialer that has no lead, and keeps everybody waiting: with each second one who asks, the loop stands still."""

    def __init__(self) -> None:
        self.asked = 0

    async def next(self, _agent: str) -> None:
        self.asked += 1
        until = perf_counter() + 0.02
        while self.asked % 2 and perf_counter() < until:
            pass


def test_a_loop_that_stands_still_is_slow_for_those_who_would_have_asked_meanwhile() -> None:
    async def some() -> Result:
        floor = Floor(cast("Dialer", Slow()), agents=100, seed=1)
        async with floor.at_work():
            return await floor.during("work", asyncio.sleep(0.6))

    result = asyncio.run(some())
    assert result["work_next_p50_ms"] > 20, "200 a second ask, and half of them take 20 ms: they wait for each other"
    assert result["work_share_none"] == 100
    assert result["work_next"] > 0
