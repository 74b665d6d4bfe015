"""The sample list that the demo calls: numbers reserved for fiction, every row a lead of its own."""

import csv
import re
import runpy
import shutil
from pathlib import Path

from nextlead_adapters.intake.numbers import Numbers
from nextlead_adapters.resources import resource

FICTION = re.compile(r"1[2-9]\d\d55501\d\d|44(207946|113496|114496|121496|131496|141496|151496|161496)0\d{3}")
"""555-0100 to 555-0199 of any North American area code; the ranges that Britain's regulator keeps for drama."""
MAKER = Path(__file__).parents[3] / "config" / "sample" / "make_sample.py"


def rows() -> list[dict[str, str]]:
    with resource("sample/leads.csv").open("r", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_every_number_is_valid_fictional_and_there_once() -> None:
    numbers = [Numbers("US").read(row["phone"]) for row in rows()]
    assert 300 <= len(numbers) <= 500
    assert len(set(numbers)) == len(numbers)
    assert [number for number in numbers if not FICTION.fullmatch(str(number))] == []


def test_the_script_makes_the_list(tmp_path: Path) -> None:
    runpy.run_path(str(shutil.copy(MAKER, tmp_path / MAKER.name)), run_name="__main__")
    assert (tmp_path / "leads.csv").read_bytes() == MAKER.with_name("leads.csv").read_bytes()
