"""Leads as JSON into a dialer (R9.1, R9.5)."""

import asyncio
from typing import Any

import pytest
from msgspec import json
from msgspec.structs import replace

from nextlead.core.commands import ActOnPool, PutCampaign, PutSettings
from nextlead.core.errors import Conflict, Invalid
from nextlead.core.row import MINUTE_MS
from nextlead.core.setup_model import UploadRules
from nextlead.runtime.dialer import Dialer
from nextlead.testing.clock import FakeClock
from nextlead_adapters.intake.options import DuplicateOptions
from nextlead_adapters.intake.service import Intake

from .conftest import OPTIONS


def lead(no: int, **more: object) -> dict[str, object]:
    return {"phone": f"(415) 555-{no:04d}", "data": {"name": f"Bakery {no}"}, **more}


async def test_leads_become_a_pool(dialer: Dialer, intake: Intake) -> None:
    leads = [
        lead(100, priority=3, owner="agent:ann", timezone="America/New_York"),
        lead(101),
        lead(100),
        {"phone": "1"},
        5,
    ]
    pool = await intake.add_leads(leads, OPTIONS, "admin")
    assert (pool.source, pool.state) == ("api", "active")
    assert (pool.valid, pool.invalid, pool.duplicate) == (2, 2, 1)
    first = dialer.engine.lead(1)
    assert first is not None
    assert (first.numbers, first.priority) == ((14155550100,), 3)
    assert json.decode((await dialer.archive.data([1]))[1]) == {"name": "Bakery 100"}
    assert dialer.engine.state.zones.names(first.zones) == ("America/New_York",)  # R11.1
    invalid = await dialer.archive.rejects(pool.id, "invalid")
    assert [(reject.row, reject.reasons, reject.cells) for reject in invalid] == [
        (4, ("phone: '1' is not a phone number",), ('{"phone": "1"}',)),
        (5, ("lead is not an object",), ("5",)),
    ]


async def test_calls_within_the_gap_share_a_pool(dialer: Dialer, intake: Intake, clock: FakeClock) -> None:
    # R9.1
    first = await intake.add_leads([lead(100), {"phone": ""}], OPTIONS, "admin")
    clock.advance(30 * MINUTE_MS)
    second = await intake.add_leads([lead(101), {"phone": ""}, lead(100)], OPTIONS, "admin")
    assert second.id == first.id
    assert (second.valid, second.invalid, second.duplicate) == (2, 2, 1)
    assert [reject.row for reject in await dialer.archive.rejects(first.id, "invalid")] == [2, 4]
    clock.advance(30 * MINUTE_MS + 1)
    assert (await intake.add_leads([lead(102)], OPTIONS, "admin")).id != first.id


async def test_a_pool_is_shared_over_a_restart(dialer: Dialer, intake: Intake, clock: FakeClock) -> None:
    # R9.1: nothing but the store remembers it.
    first = await intake.add_leads([lead(100)], OPTIONS, "admin", caller="token 7")
    clock.advance(MINUTE_MS)
    again = Intake(dialer)
    await again.start()
    assert (await again.add_leads([lead(101)], OPTIONS, "admin", caller="token 7")).id == first.id


async def test_leads_entered_by_hand_are_in_a_pool_of_that_user(intake: Intake, clock: FakeClock) -> None:
    # R9.1
    first = await intake.add_leads([lead(100)], OPTIONS, "admin", caller="7", source="manual")
    assert (first.source, first.name) == ("manual", "Entered by hand")
    clock.advance(MINUTE_MS)
    assert (await intake.add_leads([lead(101)], OPTIONS, "admin", caller="7", source="manual")).id == first.id
    assert (await intake.add_leads([lead(102)], OPTIONS, "admin", caller="8", source="manual")).id != first.id


async def test_an_option_that_is_said_and_one_that_the_campaign_has_are_the_same(
    dialer: Dialer, intake: Intake
) -> None:
    # R9.1
    first = await intake.add_leads([lead(100)], OPTIONS, "admin")
    said = replace(OPTIONS, duplicates=DuplicateOptions(scope="campaign"), on_invalid="file")
    assert (await intake.add_leads([lead(101)], said, "admin")).id == first.id
    await dialer.submit(PutCampaign(code="c1", upload_rules=UploadRules(on_invalid="close")))
    other = await intake.add_leads([lead(102)], OPTIONS, "admin")
    assert other.id != first.id
    assert other.on_invalid == "close"


async def test_broken_entries_keep_the_numbers_that_are_in_them(dialer: Dialer, intake: Intake) -> None:
    # R10.6: so that a person is found in them.
    broken = {"phone": "(415) 555-0100", "data": {"Name": "a", "name": "b"}}
    pool = await intake.add_leads([broken], OPTIONS, "admin")
    [reject] = await dialer.archive.rejects(pool.id, "invalid")
    assert reject.numbers == (14155550100,)


async def test_leads_of_a_long_call_stay_in_their_order_good_ones_and_closed_ones(
    dialer: Dialer, intake: Intake
) -> None:
    # R9.4, R9.10
    leads = [{"phone": "7" if no % 3 == 0 else f"(212) 555-{no:04d}", "data": {"name": str(no)}} for no in range(700)]
    pool = await intake.add_leads(leads, replace(OPTIONS, on_invalid="close"), "admin")
    assert (pool.valid, pool.invalid) == (466, 234)
    stored = await dialer.archive.data(range(1, 701))
    assert [json.decode(stored[lead])["name"] for lead in range(1, 701)] == [str(no) for no in range(700)]


async def test_the_gap_is_a_setting(dialer: Dialer, intake: Intake, clock: FakeClock) -> None:
    await dialer.submit(PutSettings(manual_pool_gap_ms=MINUTE_MS))
    first = await intake.add_leads([lead(100)], OPTIONS, "admin")
    clock.advance(MINUTE_MS + 1)
    assert (await intake.add_leads([lead(101)], OPTIONS, "admin")).id != first.id


async def test_other_callers_options_and_names_have_pools_of_their_own(intake: Intake) -> None:
    # R9.1
    named = replace(OPTIONS, name="Fair")
    pools = [
        await intake.add_leads([lead(100)], OPTIONS, "admin"),
        await intake.add_leads([lead(101)], OPTIONS, "admin", caller="another token"),
        await intake.add_leads([lead(102)], replace(OPTIONS, priority=9), "admin"),
        await intake.add_leads([lead(103)], OPTIONS, "admin", source="manual"),
        await intake.add_leads([lead(104)], named, "admin"),
        await intake.add_leads([lead(105)], named, "admin"),
    ]
    assert len({pool.id for pool in pools}) == len(pools)


async def test_a_pool_that_was_deleted_is_not_shared(dialer: Dialer, intake: Intake) -> None:
    first = await intake.add_leads([lead(100)], OPTIONS, "admin")
    await dialer.submit(ActOnPool(pool=first.id, action="delete"))
    assert (await intake.add_leads([lead(100)], OPTIONS, "admin")).valid == 1


async def test_a_pool_that_was_switched_off_is_still_theirs(dialer: Dialer, intake: Intake) -> None:
    first = await intake.add_leads([lead(100)], OPTIONS, "admin")
    await dialer.submit(ActOnPool(pool=first.id, action="deactivate"))
    second = await intake.add_leads([lead(101)], OPTIONS, "admin")
    assert (second.id, second.state, second.valid) == (first.id, "inactive", 2)


async def test_keys_of_data_that_match_no_field_hold_the_pool(dialer: Dialer, intake: Intake) -> None:
    # R9.3
    stray = [lead(100), {"phone": "4155550101", "data": {"name": "b", "fax": "1"}}]
    plain = await intake.add_leads([lead(102)], OPTIONS, "admin")
    held = await intake.add_leads(stray, OPTIONS, "admin")
    assert (held.state, held.unmatched, held.valid) == ("awaiting_confirmation", ("fax",), 2)
    assert held.id != plain.id
    log = await dialer.archive.rejects(held.id, "log")
    assert [line.reasons for line in log] == [("key 'fax' matches no field and is left out",)]
    good = await intake.add_leads([{"phone": "4155550177"}], OPTIONS, "admin")
    assert (good.id, good.state) == (plain.id, "active"), "a held pool takes no leads whose keys all match"
    await dialer.submit(ActOnPool(pool=held.id, action="confirm"))
    again = await intake.add_leads([{"phone": "4155550103", "data": {"fax": "2"}}], OPTIONS, "admin")
    assert (again.id, again.state, again.valid) == (held.id, "active", 3)


async def test_mapping_works_on_keys_of_data(dialer: Dialer, intake: Intake) -> None:
    options = replace(OPTIONS, mapping={"company": "name", "tel": "phone", "fax": None})
    given = {"data": {"Company": "a", "tel": "4155550100", "fax": "1"}}
    assert (await intake.add_leads([given], options, "admin")).state == "active"
    assert json.decode((await dialer.archive.data([1]))[1]) == {"name": "a"}


async def test_calls_in_the_same_moment_are_decided_as_if_one_came_first(dialer: Dialer, intake: Intake) -> None:
    # R9.6
    calls = [intake.add_leads([lead(no % 10 + 100)], OPTIONS, "admin") for no in range(30)]
    pools = await asyncio.gather(*calls)
    assert len({pool.id for pool in pools}) == 1
    pool = dialer.engine.pools[pools[0].id]
    assert (pool.valid, pool.duplicate) == (10, 20)


async def test_what_is_wrong_with_the_call_is_refused(dialer: Dialer, intake: Intake) -> None:
    with pytest.raises(Invalid, match="sheet: is for Excel"):
        await intake.add_leads([lead(100)], replace(OPTIONS, sheet="a"), "admin")
    with pytest.raises(Invalid, match="leads"):
        await intake.add_leads([], OPTIONS, "admin")
    with pytest.raises(Invalid, match="campaign"):
        await intake.add_leads([lead(100)], replace(OPTIONS, campaign="c9"), "admin")
    with pytest.raises(Invalid, match=r"^leads: has 1\d\d\d columns"):
        await intake.add_leads([{"phone": "1", "data": {f"k{no}": 1 for no in range(1_100)}}], OPTIONS, "admin")
    assert not dialer.engine.pools


async def test_a_shared_pool_that_is_deleted_before_the_leads_are_in(dialer: Dialer, intake: Intake) -> None:  # R9.11
    first = await intake.add_leads([{"phone": "12"}], OPTIONS, "bob")
    reads: Any = dialer.archive
    numbers = reads.numbers

    async def slow(asked: Any) -> Any:
        reads.numbers = numbers
        await dialer.submit(ActOnPool(pool=first.id, action="delete"))
        return await numbers(asked)

    reads.numbers = slow
    with pytest.raises(Conflict):
        await intake.add_leads([lead(1)], OPTIONS, "bob")
    pool = await intake.add_leads([lead(1)], OPTIONS, "bob")
    assert (pool.id, pool.valid) == (first.id + 1, 1)


async def test_a_pool_that_is_deleted_at_once_is_told_as_it_was(dialer: Dialer, intake: Intake) -> None:  # R9.11
    reading: Any = dialer
    read = dialer.read

    async def slow(look: Any) -> Any:
        for pool in [pool.id for pool in dialer.engine.pools.values() if pool.state == "active"]:
            await dialer.submit(ActOnPool(pool=pool, action="delete"))
        return await read(look)

    reading.read = slow
    assert (await intake.add_leads([lead(1)], OPTIONS, "bob")).valid == 1
    assert not dialer.engine.pools


async def test_leads_that_make_too_wide_a_table_are_refused_before_it_is_made(intake: Intake) -> None:
    """Each has a key of its own: the table would have a hundred million cells."""
    leads = [{"phone": "1", "data": {f"k{no}": no}} for no in range(10_000)]
    with pytest.raises(Invalid) as refusal:
        await intake.add_leads(leads, OPTIONS, "bob")
    assert refusal.value.field == "leads"
