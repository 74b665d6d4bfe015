"""A real file: San Francisco's food businesses, as the city publishes them. Not part of the project; skipped without it."""

import os
from pathlib import Path

import pytest
from msgspec import json
from msgspec.structs import replace

from nextlead.core.commands import ActOnPool
from nextlead.runtime.dialer import Dialer
from nextlead_adapters.intake.kept import fetch
from nextlead_adapters.intake.originals import Originals
from nextlead_adapters.intake.service import Intake

from .conftest import OPTIONS

ROOT = Path(__file__).parents[3]
FILE = Path(os.environ.get("NEXTLEAD_TEST_DATA") or ROOT.parent / "shared" / "data") / "sf-businesses.csv"

pytestmark = pytest.mark.skipif(
    not FILE.exists(), reason=f"{FILE} is not there; NEXTLEAD_TEST_DATA names the folder that has sf-businesses.csv"
)


async def test_a_real_file_goes_in_with_exactly_its_counts(dialer: Dialer, intake: Intake) -> None:
    # R9.4, R9.6: 6,359 rows; 634 have no number, 3 an invalid one; 4,904 different ones.
    pool = await intake.upload(FILE, FILE.name, replace(OPTIONS, mapping={"phone_number": "phone"}), "admin")
    assert (pool.valid, pool.invalid, pool.duplicate) == (4_904, 637, 818)
    assert pool.state == "awaiting_confirmation"
    assert pool.unmatched == ("business_id", "address", "state", "postal_code", "latitude", "longitude")
    reasons = [reject.reasons for reject in await dialer.archive.rejects(pool.id, "invalid")]
    assert reasons.count(("no phone number",)) == 634
    assert sum("is too short" in reason for (reason,) in reasons) == 3
    confirmed = await dialer.submit(ActOnPool(pool=pool.id, action="confirm"))
    assert confirmed.state == "active"


async def test_the_second_time_every_lead_of_it_is_a_duplicate(dialer: Dialer, intake: Intake) -> None:
    # R9.6
    options = replace(OPTIONS, mapping={"phone_number": "phone"})
    await intake.upload(FILE, FILE.name, options, "admin")
    again = await intake.upload(FILE, FILE.name, options, "admin")
    assert (again.valid, again.invalid, again.duplicate) == (0, 637, 5_722)
    duplicates = await dialer.archive.rejects(again.id, "duplicate")
    assert all(0 < reject.lead <= 4_904 and reject.action == "skip" for reject in duplicates)


async def test_its_original_is_given_back_without_one_business(dialer: Dialer, intake: Intake, tmp_path: Path) -> None:
    # R10.6
    options = replace(OPTIONS, mapping={"phone_number": "phone"})
    pool = await intake.upload(FILE, FILE.name, options, "admin")
    lead = dialer.engine.lead(1)
    assert lead is not None
    number = str(lead.numbers[0])[1:]
    lines = FILE.read_bytes().splitlines(keepends=True)
    gone = await Originals(dialer).rewrite(pool.id, lead.numbers)
    path = tmp_path / "original"
    await fetch(dialer.archive, dialer.engine.pools[pool.id].file, path)
    assert gone == sum(number.encode() in line for line in lines) > 0
    assert path.read_bytes() == b"".join(line for line in lines if number.encode() not in line)


async def test_its_latin_1_names_read_right(dialer: Dialer, intake: Intake) -> None:
    pool = await intake.upload(FILE, FILE.name, replace(OPTIONS, mapping={"phone_number": "phone"}), "admin")
    stored = await dialer.archive.data(range(1, pool.ordinals + 1))
    names = {json.decode(data)["name"] for data in stored.values()}
    assert {"TROPISUEÑO", "LA NOISETTE CAFÉ AND DELI", "CRÈME BRULEE TO GO"} <= names
    cells = [
        reject.cells for kind in ("invalid", "duplicate") for reject in await dialer.archive.rejects(pool.id, kind)
    ]
    assert len(names | {row[1] for row in cells}) > 5_000
    assert not any("\ufffd" in name for name in names)
