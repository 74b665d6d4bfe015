"""Leads that close, or go, between the look into the archive and the decision on a row (R9.6)."""

from typing import Any

import pytest
from msgspec.structs import replace

from nextlead.core.commands import ActOnPool, Remove
from nextlead.runtime.dialer import Dialer
from nextlead_adapters.intake.options import DuplicateOptions
from nextlead_adapters.intake.service import Intake

from .conftest import OPTIONS

LEAD = {"phone": "+14155550100", "data": {"name": "Ann"}}


@pytest.mark.parametrize(("among", "end", "valid"), [("open", "remove", 1), ("all", "remove", 0), ("all", "delete", 1)])
@pytest.mark.parametrize(("match", "action"), [("phone", "update"), ("name", "skip")])
async def test_a_row_is_decided_by_what_is_there_then(
    dialer: Dialer, intake: Intake, match: str, action: str, among: str, end: str, valid: int
) -> None:
    options = replace(OPTIONS, duplicates=DuplicateOptions(match=(match,), among=among, action=action))
    first = await intake.add_leads([LEAD], replace(options, name="first"), "bob")
    archive: Any = dialer.archive
    name = "numbers" if match == "phone" else "matches"
    look_up = getattr(archive, name)

    async def slow(*asked: Any) -> Any:
        found = await look_up(*asked)
        setattr(archive, name, look_up)
        await dialer.submit(Remove(lead=1) if end == "remove" else ActOnPool(pool=first.id, action="delete"))
        return found

    setattr(archive, name, slow)
    second = await intake.add_leads([LEAD], replace(options, name="second"), "bob")
    assert (second.valid, second.duplicate) == (valid, 1 - valid)
