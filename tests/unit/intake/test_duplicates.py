"""Duplicates by numbers and fields, against the archive and inside a file, with every action (R9.6, R9.8)."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec import json
from msgspec.structs import replace

from nextlead.core.commands import ActOnPool, EditLead, Finish, PutCampaign, PutSession
from nextlead.core.model import Pool, Status
from nextlead.core.replies import Offer
from nextlead.core.setup_model import Duplicates, UploadRules
from nextlead.core.tokens import token_text
from nextlead.runtime.dialer import Dialer
from nextlead_adapters.intake import loading
from nextlead_adapters.intake.loading import RestlessOriginal
from nextlead_adapters.intake.options import DuplicateOptions, PoolOptions
from nextlead_adapters.intake.service import Intake

from .conftest import OPTIONS, Write

ADMIN = "admin"


def asking(campaign: str = "c1", **duplicates: object) -> PoolOptions:
    return PoolOptions(campaign=campaign, duplicates=DuplicateOptions(**duplicates))  # type: ignore[arg-type]


def counts(pool: Pool) -> tuple[int, int, int]:
    return pool.valid, pool.invalid, pool.duplicate


async def load(intake: Intake, write: Write, text: str, options: PoolOptions = OPTIONS) -> Pool:
    return await intake.upload(write("phone,name,city\n" + text), "list.csv", options, ADMIN)


async def data_of(dialer: Dialer, lead: int) -> dict[str, object]:
    return json.decode((await dialer.archive.data([lead]))[lead], type=dict[str, object])


async def close_first(dialer: Dialer) -> int:
    """Ann takes the best lead and closes it; its id."""
    await dialer.submit(PutSession(agent="ann", campaigns=("c1",)))
    offer = await dialer.next("ann")
    assert isinstance(offer, Offer)
    assert offer.lead.lease is not None
    token = token_text(offer.lead.id, offer.lead.lease.token)
    await dialer.finish(Finish(token=token, outcome="resolved", result="success", by="agent:ann"))
    return offer.lead.id


async def done_to(dialer: Dialer, pool: Pool) -> list[tuple[int, int, str]]:
    """Rows that were duplicates: of which lead, and what was done."""
    return [(reject.row, reject.lead, reject.action) for reject in await dialer.archive.rejects(pool.id, "duplicate")]


# -- what matches -----------------------------------------------------------------------------------------------------


async def test_a_field_makes_a_duplicate_across_pools_and_in_a_file(
    dialer: Dialer, intake: Intake, write: Write
) -> None:
    # R9.6
    await load(intake, write, "4155550100,Acme,Oslo\n")
    by_name = asking(match=("name",))
    pool = await load(
        intake, write, "4155550101, ACME,Rome\n4155550100,b,\n4155550102,B ,\n4155550103,,\n4155550104,,\n", by_name
    )
    assert counts(pool) == (3, 0, 2)
    assert await done_to(dialer, pool) == [(2, 1, "skip"), (4, 2, "skip")]


async def test_joined_fields_must_agree_together(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.6
    await load(intake, write, "4155550100,Acme,Oslo\n")
    options = asking(match=("City+name", "phone+city"))
    rows = "4155550101,Acme,Rome\n4155550102,acme,OSLO\n4155550100,b,oslo\n4155550100,c,Bonn\n4155550103,Acme,\n"
    pool = await load(intake, write, rows, options)
    assert await done_to(dialer, pool) == [(3, 1, "skip"), (4, 1, "skip")]


async def test_a_closed_lead_matches_by_its_fields(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.6
    await load(intake, write, "4155550100,Acme,\n")
    assert await close_first(dialer) == 1
    row = "4155550101,Acme,\n"
    assert counts(await load(intake, write, row, asking(match=("name",), among="open", action="load"))) == (1, 0, 0)
    pool = await load(intake, write, row, asking(match=("name",), among="all"))
    assert await done_to(dialer, pool) == [(2, 1, "skip")]


async def test_the_original_is_the_first_of_all_that_match(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.6: by number it is the third, by name the second, closed it is the first.
    await load(intake, write, "4155550100,a,x\n4155550101,b,\n4155550102,c,\n")
    options = asking(match=("phone", "name", "city"))
    pool = await load(intake, write, "4155550102,b,X\n", options)
    assert await done_to(dialer, pool) == [(2, 1, "skip")]
    assert await close_first(dialer) == 1
    assert await done_to(dialer, await load(intake, write, "4155550102,b,X\n", options)) == [(2, 1, "skip")]
    only_open = asking(match=("phone", "name", "city"), among="open")
    assert await done_to(dialer, await load(intake, write, "4155550102,b,X\n", only_open)) == [(2, 2, "skip")]


async def test_fields_that_were_edited_count_as_they_are_now(dialer: Dialer, intake: Intake, write: Write) -> None:
    await load(intake, write, "4155550100,Acme,\n")
    await dialer.archive.match_rule("name")
    await dialer.submit(EditLead(lead=1, data=b'{"name":"Bolt"}'))
    pool = await load(intake, write, "4155550101,Acme,\n4155550102,Bolt,\n", asking(match=("name",)))
    assert await done_to(dialer, pool) == [(3, 1, "skip")]


async def test_other_campaigns_do_not_count_by_their_fields(dialer: Dialer, intake: Intake, write: Write) -> None:
    await load(intake, write, "4155550100,Acme,\n")
    row = "4155550101,Acme,\n"
    assert counts(await load(intake, write, row, asking("c2", match=("name",)))) == (1, 0, 0)
    assert counts(await load(intake, write, row, asking("c2", match=("name",), scope="project"))) == (0, 0, 1)


async def test_uploads_at_once_by_a_field_are_decided_as_if_one_came_first(
    dialer: Dialer, intake: Intake, tmp_path: Path
) -> None:
    # R9.6
    paths = [tmp_path / f"{no}.csv" for no in range(3)]
    for at, path in enumerate(paths):
        path.write_text("phone,name\n" + "".join(f"(212) 55{at}-{no:04d},n{no}\n" for no in range(600)))
    options = asking(match=("name",))
    pools = await asyncio.gather(*(intake.upload(path, path.name, options, ADMIN) for path in paths))
    assert sum(pool.valid for pool in pools) == 600
    assert all(pool.valid + pool.duplicate == 600 for pool in pools)


# -- what is done -----------------------------------------------------------------------------------------------------


async def test_update_merges_the_fields_of_an_open_original(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.8
    await load(intake, write, "4155550100,Acme,Oslo\n4155550101,Bolt,Rome\n")
    options = asking(action="update")
    pool = await load(
        intake, write, "4155550100,,Bergen\n4155550101,Bolts,\n4155550101,,Bari\n4155550102,new,\n", options
    )
    assert counts(pool) == (1, 0, 3)
    assert await done_to(dialer, pool) == [(2, 1, "update"), (3, 2, "update"), (4, 2, "update")]
    assert await data_of(dialer, 1) == {"name": "Acme", "city": "Bergen"}
    assert await data_of(dialer, 2) == {"name": "Bolts", "city": "Bari"}


async def test_update_looks_at_open_leads_by_number_too(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.8
    await load(intake, write, "4155550100,Acme,Oslo\n")
    pool = await load(intake, write, "4155550100,,Bergen\n", asking(action="update", among="open"))
    assert await done_to(dialer, pool) == [(2, 1, "update")]
    assert await data_of(dialer, 1) == {"name": "Acme", "city": "Bergen"}


async def test_update_of_a_closed_original_skips(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.8
    await load(intake, write, "4155550100,Acme,Oslo\n")
    await close_first(dialer)
    pool = await load(intake, write, "4155550100,x,\n", asking(action="update"))
    assert counts(pool) == (0, 0, 1)
    assert await done_to(dialer, pool) == [(2, 1, "skip")]
    assert (await data_of(dialer, 1))["name"] == "Acme"


async def test_data_that_changed_since_it_was_looked_up_is_looked_up_again(
    dialer: Dialer, intake: Intake, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    # R9.6, R9.8: nothing of an edit is lost.
    await load(intake, write, "4155550100,Acme,Oslo\n4155550101,b,\n")
    data = dialer.archive.data
    asked: list[Sequence[int]] = []

    async def data_then_edit(leads: Sequence[int]) -> dict[int, bytes]:
        found = await data(leads)
        if not asked:
            await dialer.submit(EditLead(lead=1, data=b'{"name":"Edited","city":"Oslo"}'))
        asked.append(leads)
        return found

    monkeypatch.setattr(dialer.archive, "data", data_then_edit)
    pool = await load(intake, write, "4155550102,c,\n4155550100,,Bergen\n4155550101,d,\n", asking(action="update"))
    assert counts(pool) == (1, 0, 2)
    assert asked == [[1, 2], [1, 2]]
    assert json.decode((await data([1]))[1]) == {"name": "Edited", "city": "Bergen"}


async def test_an_original_that_never_rests_fails_the_upload(
    dialer: Dialer, intake: Intake, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    await load(intake, write, "4155550100,Acme,Oslo\n")
    data = dialer.archive.data

    async def data_then_edit(leads: Sequence[int]) -> dict[int, bytes]:
        found = await data(leads)
        await dialer.submit(EditLead(lead=1, data=b"{}"))
        return found

    monkeypatch.setattr(dialer.archive, "data", data_then_edit)
    monkeypatch.setattr(loading, "_TRIES_MAX", 3)
    with pytest.raises(RestlessOriginal, match="row 2"):
        await load(intake, write, "4155550100,,Bergen\n", asking(action="update"))
    assert dialer.engine.pools[2].state == "failed"


async def test_replace_removes_an_original_that_nobody_saw(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.8
    await load(intake, write, "4155550100,Acme,Oslo\n")
    pool = await load(intake, write, "4155550100,New,\n", asking(action="replace"))
    assert await done_to(dialer, pool) == [(2, 1, "replace")]
    old = await dialer.archive.lead(1)
    assert old is not None
    assert (old.lead.status, old.lead.closure) == (Status.CLOSED, "removed")
    assert await data_of(dialer, 2) == {"name": "New"}


async def test_clones_know_their_master_by_number_and_by_field(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.8
    await load(intake, write, "4155550100,Acme,Oslo\n")
    await close_first(dialer)
    pool = await load(
        intake, write, "4155550100,x,\n4155550101,Acme,\n", asking(match=("phone", "name"), action="clone")
    )
    assert await done_to(dialer, pool) == [(2, 1, "clone"), (3, 1, "clone")]
    clones = [dialer.engine.lead(lead) for lead in (2, 3)]
    assert [clone.master for clone in clones if clone] == [1, 1]


async def test_closed_duplicates_are_leads_all_the_same(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.8, R1.4
    await load(intake, write, "4155550100,Acme,Oslo\n")
    pool = await load(intake, write, "4155550100,x,\n4155550101,y,\n4155550101,z,\n", asking(action="close"))
    assert counts(pool) == (1, 0, 2)
    closed = await dialer.archive.lead(2)
    assert closed is not None
    assert (closed.lead.closure, closed.lead.numbers) == ("duplicate", (14155550100,))


@pytest.mark.parametrize("action", ["skip", "load", "update", "replace", "clone", "close"])
async def test_valid_invalid_and_duplicates_are_the_rows(
    dialer: Dialer, intake: Intake, write: Write, action: str
) -> None:
    # R9.8
    await load(intake, write, "4155550100,Acme,Oslo\n4155550101,b,\n")
    await close_first(dialer)
    rows = "4155550100,x,\n4155550101,y,\n,none,\n4155550102,z,\n4155550102,w,\n4155550103,v\n"
    for on_invalid in ("file", "close"):
        pool = await load(intake, write, rows, replace(asking(action=action), on_invalid=on_invalid))
        assert sum(counts(pool)) == 6
        assert counts(pool)[1] == 2


# -- invalid leads ----------------------------------------------------------------------------------------------------


async def test_invalid_leads_are_loaded_closed(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.4: so that every submitted lead has a status.
    await dialer.submit(PutCampaign(code="c1", upload_rules=UploadRules(countries=("US",), on_invalid="close")))
    rows = "7,a,\n+44 20 7946 0018,b,\n4155550100,c,d,e\n4155550101,f,\n"
    pool = await load(intake, write, rows)
    assert counts(pool) == (1, 3, 0)
    assert pool.on_invalid == "close"
    leads = [found.lead for lead in (1, 2, 3, 4) if (found := await dialer.archive.lead(lead))]
    assert [(lead.closure, lead.numbers) for lead in leads if lead.status is Status.CLOSED] == [
        ("invalid_phone_number", ()), ("not_accepted", (442079460018,)), ("not_accepted", (14155550100,)),
    ]  # fmt: skip
    causes = [(await dialer.archive.history(lead.id))[0].cause for lead in leads if lead.status is Status.CLOSED]
    assert causes == ["phone", "countries", "row"]
    assert await data_of(dialer, 1) == {"name": "a"}


async def test_an_upload_takes_what_its_campaign_has(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.4, R13.2
    usual = Duplicates(match=("name",), scope="project", among="open", action="close")
    await dialer.submit(PutCampaign(code="c1", upload_rules=UploadRules(on_invalid="close", duplicates=usual)))
    pool = await load(intake, write, "4155550100,a,\n")
    assert (pool.duplicates, pool.on_invalid) == (usual, "close")
    other = await load(intake, write, "4155550100,a,\n", replace(asking(action="skip"), on_invalid="file"))
    assert (other.duplicates, other.on_invalid) == (replace(usual, action="skip"), "file")


async def test_numbers_that_a_lead_lost_are_in_the_log(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.4
    path = write("phone,phone2\n4155550100,123\n4155550101,\n")
    pool = await intake.upload(path, "list.csv", OPTIONS, ADMIN)
    assert counts(pool) == (2, 0, 0)
    log = await dialer.archive.rejects(pool.id, "log")
    assert [(line.row, line.reasons) for line in log] == [(2, ("phone2: '123' is too short",))]


async def test_the_log_is_empty_when_all_went_well(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.12
    pool = await load(intake, write, "4155550100,a,b\n")
    assert not await dialer.archive.rejects(pool.id, "log")


# -- who does not count -----------------------------------------------------------------------------------------------


async def test_a_rejected_list_makes_no_duplicates_of_the_corrected_one(
    dialer: Dialer, intake: Intake, write: Write
) -> None:
    # R9.3, R9.6: leads that came in closed with it stay, and are not what a new list repeats
    rules = UploadRules(countries=("GB",))
    await dialer.submit(PutCampaign(code="c1", upload_rules=rules))
    closing = replace(OPTIONS, on_invalid="close")
    held = await intake.upload(write("phone,name,shoe\n4155550100,Acme,9\n"), "list.csv", closing, ADMIN)
    assert (held.state, held.invalid) == ("awaiting_confirmation", 1)
    await dialer.submit(PutCampaign(code="c1", upload_rules=UploadRules()))
    wanted = await load(intake, write, "4155550100,Acme,\n")
    assert counts(wanted) == (0, 0, 1)
    await dialer.submit(ActOnPool(pool=held.id, action="reject"))
    again = await load(intake, write, "4155550100,Acme,\n")
    assert counts(again) == (1, 0, 0)


@pytest.mark.parametrize("among", ["open", "all"])
async def test_a_number_that_an_open_lead_lost_is_still_known_as_its_number(
    dialer: Dialer, intake: Intake, write: Write, among: str
) -> None:
    # R6.4, R9.6
    both = "phone,phone2,name\n4155550100,4155550101,Acme\n"
    await intake.upload(write(both), "list.csv", OPTIONS, ADMIN)
    await dialer.submit(PutSession(agent="ann", campaigns=("c1",)))
    offer = await dialer.next("ann")
    assert isinstance(offer, Offer)
    assert offer.lead.lease is not None
    token = token_text(offer.lead.id, offer.lead.lease.token)
    await dialer.finish(Finish(token=token, outcome="unreached", cause="invalid_number", by="agent:ann"))
    pool = await load(intake, write, "4155550100,a,\n4155550101,b,\n", asking(among=among))
    assert await done_to(dialer, pool) == [(2, 1, "skip"), (3, 1, "skip")]
