"""Leads as CSV: what is in it, that it is safe to open, that it costs no memory."""

import csv
import io
import json
from typing import Any

import pytest
from http_kit import Caller, House

from nextlead_adapters.http import lead_export
from nextlead_adapters.http.lead_export import COLUMNS

PATH = "/v1/leads.csv"


async def export(caller: Caller, **which: Any) -> list[dict[str, str]]:
    answer = await caller.call("GET", PATH, params=which)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def add(caller: Caller, campaign: str, *leads: dict[str, Any]) -> None:
    await caller.ok("POST", "/v1/leads", {"campaign": campaign, "name": "more", "leads": leads})


async def test_a_lead_as_a_line(centre: Caller) -> None:
    await add(centre, "c1", {"phone": ["+14155550160", "+14155550161"], "data": {"name": "Añn", "age": 40}})
    at = "2026-03-02T08:30:00Z"
    sold = {"interaction": "call", "outcome": "sold", "agent": "ann", "at": at}
    await centre.ok("POST", "/v1/leads/5/activities", sold)
    answer = await centre.call("GET", PATH)
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="leads.csv"')
    first, *_, last = await export(centre)
    assert tuple(first) == (*COLUMNS, "data.name", "data.age", "other_data")
    assert (first["id"], first["phone"], first["activity"], first["data.age"]) == ("1", "+14155550100", "", "")
    assert {name: value for name, value in last.items() if value} == {
        "id": "5",
        "campaign": "c1",
        "pool": "2",
        "phone": "+14155550160",
        "other_phones": "+14155550161",
        "status": "closed",
        "closure": "success",
        "public_status": "success",
        "label": "Success",
        "activity": "sold",
        "activity_at": at,
        "activity_agent": "ann",
        "owner": "team:root",
        "original_owner": "team:root",
        "priority": "5",
        "attempts": "0",
        "created": "2026-03-02T09:00:00Z",
        "data.name": "Añn",
        "data.age": "40",
    }


async def test_it_is_what_the_list_is(centre: Caller) -> None:  # R13.4
    await centre.ok("PATCH", "/v1/campaigns/c1", {"scheme": "luckyonline"})
    await centre.ok("POST", "/v1/leads/2/remove")
    for which in ({}, {"public_status": "Rejected"}, {"q": "lead 2"}, {"pool": 9}, {"scheme": "smartlists"}):
        listed = (await centre.ok("GET", "/v1/leads", params=which))["items"]
        lines = await export(centre, **which)
        shown = [(each["public_status"]["status"], each["public_status"]["label"]) for each in listed]
        assert [(line["public_status"], line["label"]) for line in lines] == shown
        assert [int(line["id"]) for line in lines] == [lead["id"] for lead in listed]


async def test_data_of_all_campaigns_and_of_fields_that_are_no_more(centre: Caller) -> None:
    await centre.ok("PUT", "/v1/campaigns/c2", {"template": {"fields": [{"name": "city"}, {"name": "name"}]}})
    await add(centre, "c2", {"phone": "+14155550170", "data": {"city": "=1+1", "name": "Bo"}})
    lines = await export(centre)
    assert list(lines[0])[len(COLUMNS) :] == ["data.name", "data.age", "data.city", "other_data"]
    assert (lines[-1]["data.city"], lines[-1]["data.name"]) == ("'=1+1", "Bo")
    await centre.ok("PATCH", "/v1/campaigns/c2", {"template": {"fields": [{"name": "name"}]}})
    for which in ({"campaign": "c2"}, {"pool": 2}):
        (line,) = await export(centre, **which)
        assert list(line)[len(COLUMNS) :] == ["data.name", "other_data"]
        assert line["other_data"] == '{"city":"=1+1"}'


async def test_an_erased_lead_has_no_phone_and_no_data(centre: Caller) -> None:  # R10.6
    await centre.ok("POST", "/v1/leads/1/anonymize")
    line = (await export(centre))[0]
    assert (line["phone"], line["data.name"], line["closure"]) == ("", "", "anonymized")


WIDTH = len(COLUMNS) + len(("data.name", "data.age", "other_data"))


@pytest.mark.parametrize(
    ("most", "cells", "rows"),
    [(1, 1000, 1), (2, 1000, 2), (4, 1000, 4), (5, 1000, 5), (5, 3 * WIDTH, 3), (5, 3 * WIDTH - 1, 2), (5, 1, 1)],
)
async def test_it_is_read_a_page_at_a_time(
    house: House, centre: Caller, most: int, cells: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lead_export, "PAGE_ROWS", most)
    monkeypatch.setattr(lead_export, "PAGE_CELLS", cells)
    archive: Any = house.dialer.archive
    read, limits = archive.leads, []

    async def counted(which: Any) -> Any:
        limits.append(which.limit)
        return await read(which)

    monkeypatch.setattr(archive, "leads", counted)
    assert [line["id"] for line in await export(centre)] == ["1", "2", "3", "4"]
    assert set(limits) == {rows}
    assert len(limits) == 4 // rows + 1


async def test_nothing_found_is_a_header(centre: Caller) -> None:
    assert await export(centre, status="closed") == []
    assert (await centre.call("HEAD", PATH)).content == b""


async def test_it_can_be_uploaded_again(centre: Caller) -> None:
    file = (await centre.call("GET", PATH, params={"pool": 1})).content
    await centre.ok("PUT", "/v1/campaigns/c2", {"template": {"fields": [{"name": "name"}]}})
    mapping = dict.fromkeys((*COLUMNS, "data.age", "other_data")) | {"phone": "phone", "data.name": "name"}
    options = {"campaign": "c2", "mapping": mapping}
    parts = {"file": ("leads.csv", file), "options": (None, json.dumps(options))}
    pool = await centre.ok("POST", "/v1/pools", files=parts)
    assert pool["counts"]["valid"] == 4
    leads = (await centre.ok("GET", "/v1/leads", params={"pool": pool["id"]}))["items"]
    assert leads[3]["data"] == {"name": "Lead 3"}
