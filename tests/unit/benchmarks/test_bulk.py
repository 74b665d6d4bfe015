"""Big work at a small size: every figure is there, and the lists are what they say."""

import csv
from pathlib import Path

import phonenumbers
import pytest
from benchmarks import bulk
from benchmarks.bulk import measure_bulk, write_list
from benchmarks.job import Job
from benchmarks.scenarios.base import Wish
from benchmarks.scenarios.bulk import BULK_WORK
from benchmarks.scenarios.bulk import figures as bulk_figures


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
