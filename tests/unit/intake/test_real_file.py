"""A real file: San Francisco's food businesses, as the city publishes them. Not part of the project; skipped without it."""

import os
from pathlib import Path

import pytest
from msgspec import json
from msgspec.structs import replace

from nextlead.core.commands import ActOnPool
from nextlead.runtime.dialer import Dialer
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
