"""After a person was forgotten, no byte of the name or the numbers is anywhere (SPEC R10.6).

A whole daemon on a file: leads come in every way there is, are worked with, and two persons are forgotten. Then every
file and every answer is searched.
"""

import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from http_kit import Caller

from nextlead.core.matching import keys_of
from nextlead_adapters.bootstrap import build
from nextlead_adapters.config import parse_config
from nextlead_adapters.logs import configure_logs

START = "2026-03-02T09:00:00Z"
ANNA, ANNAS_OTHER, BERT, CARLA = 14155550123, 12125550145, 13055550167, 12025550188
GONE = (ANNA, ANNAS_OTHER, BERT)
NAMES = ("Annabella", "Vergissmeinnicht", "Bertram", "Wegwischer")
ANNAS_NAME, BERTS_NAME = f"{NAMES[0]} {NAMES[1]}", f"{NAMES[2]} {NAMES[3]}"
HEAD = "name,phone,phone2,city,age\n"
ROWS = f"""\
{ANNAS_NAME},(415) 555-0123,212-555-0145,Reno,33
{BERTS_NAME},305 555 0167,,Reno,44
{NAMES[0]} V.,+1 415-555-0123,,Elko,33
{NAMES[1]},415.555.0123,,Elko,young
{NAMES[2]} again,1-305-555-0167,12,Elko,44
Carla Stays,+1 202 555 0188,,Ely,55
Nobody,77,,Ely,55
"""
LEFT = """\
Carla Stays,+1 202 555 0188,,Ely,55
Nobody,77,,Ely,55
"""
CAMPAIGN = {
    "template": {
        "fields": [
            {"name": "name", "type": "text"},
            {"name": "city", "type": "text"},
            {"name": "age", "type": "number"},
        ]
    }
}


EVERY_HOUR = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
RULES = {
    "calling_hours": {"zone": "lead", "campaign_zone": "America/Denver", "windows": EVERY_HOUR},
    "contact_limits": [{"max": 40, "per": "P7D"}, {"max": 50, "per": "P1D", "scope": "lead", "promised": True}],
}
"""They forbid nothing, and count everything."""


class Daemon:
    """The daemon's files, its log, and a way to call it while it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = StringIO()
        self.admin: Caller

    @asynccontextmanager
    async def run(self) -> AsyncIterator["Daemon"]:
        configure_logs("json", "debug", self.log)
        config = parse_config(f'[store]\nurl = "sqlite:///{self.folder}/leads.db"')
        async with build(config, f"manual={START}") as built:
            self.dialer = built.dialer
            self.admin = Caller(built.app, built.token, {})
            yield self

    async def upload(self, campaign: str, rows: str = ROWS, head: str = HEAD, **options: Any) -> dict[str, Any]:
        options = {"campaign": campaign, "name": f"List of {campaign}"} | options
        parts = {"file": ("list.csv", (head + rows).encode(), "text/csv"), "options": (None, json.dumps(options))}
        made = await self.admin.call("POST", "/v1/pools", files=parts)
        assert made.status_code == 201, made.text
        pool: dict[str, Any] = made.json()
        return pool

    async def get(self, path: str) -> Any:
        return await self.admin.ok("GET", path)

    async def leads(self, number: int) -> list[int]:
        found = await self.get(f"/v1/leads?phone=%2B{number}")
        return [lead["id"] for lead in found["items"]]

    async def answers(self) -> AsyncIterator[tuple[str, bytes]]:
        """Every answer that says something of leads, and the documents."""
        paths = ["/openapi.json", "/docs", "/metrics", "/v1/leads?limit=1000", "/v1/pools", "/v1/do-not-call"]
        paths += ["/v1/do-not-call?scope=global", "/v1/agents/ann/redials", "/v1/agents/ann/unresolved"]
        paths += ["/v1/why-idle", "/v1/agents/ann/why-idle"]
        for pool in (await self.get("/v1/pools"))["items"]:
            of_pool = ("", "/invalid.csv", "/duplicates.csv", "/original", "/log", "/statistics.csv")
            paths += [f"/v1/pools/{pool['id']}{part}" for part in of_pool]
        for lead in (await self.get("/v1/leads?limit=1000"))["items"]:
            paths += [f"/v1/leads/{lead['id']}{part}" for part in ("", "/history", "/explain?agent=ann")]
        for path in paths:
            answer = await self.admin.call("GET", path)
            assert answer.status_code in (200, 404), (path, answer.status_code)
            yield path, answer.content

    async def traces(self, numbers: tuple[int, ...] = GONE, names: tuple[str, ...] = NAMES) -> list[str]:
        """Where something is left, in files, log and answers."""
        left = [f"log: {needle}" for needle in texts(numbers, names) if needle in self.log.getvalue()]
        needles = list(bytes_of(numbers, names))
        for file in sorted(file for file in self.folder.rglob("*") if file.is_file()):
            content = file.read_bytes()
            left += [f"{file.name}: {what}" for what, needle in needles if needle in content]
        async for path, content in self.answers():
            left += [f"{path}: {what}" for what, needle in needles if needle in content]
        return left


def texts(numbers: tuple[int, ...], names: tuple[str, ...]) -> Iterator[str]:
    """Names and numbers, in every way that the file and the calls write them."""
    yield from names
    for number in numbers:
        area, middle, end = (digits := str(number)[1:])[:3], digits[3:6], digits[6:]
        yield digits
        for form in ("{}-{}-{}", "{}.{}.{}", "{} {} {}", "({}) {}-{}"):
            yield form.format(area, middle, end)


def bytes_of(numbers: tuple[int, ...], names: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """The same as bytes, numbers as integers in the ways that a store may pack them, and keys of duplicate rules."""
    for text in texts(numbers, names):
        yield text, text.encode()
        yield f"{text} in UTF-16", text.encode("utf-16-le")
    for number in numbers:
        yield f"{number} packed", number.to_bytes(5, "big")
        yield f"{number} packed backwards", number.to_bytes(5, "little")
        yield f"{number} as SQLite's key", varint(number)
    for name, number in ((ANNAS_NAME, ANNA), (ANNAS_NAME, ANNAS_OTHER), (BERTS_NAME, BERT)):
        for rule in ("name", "name+phone") if number in numbers else ():
            for key in keys_of(rule, (number,), {"name": name}):
                yield f"the key of {name} by {rule}", key


def varint(number: int) -> bytes:
    """As SQLite writes a row's key."""
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.insert(0, number & 0x7F | 0x80)
    return bytes(digits)


@pytest.fixture
async def daemon(tmp_path: Path) -> Daemon:
    return Daemon(tmp_path)


async def set_up(daemon: Daemon) -> None:
    admin = daemon.admin
    for campaign in ("c1", "c2", "c3"):
        await admin.ok("PUT", f"/v1/campaigns/{campaign}", {"name": campaign, **CAMPAIGN, "dialer": RULES})
    await admin.ok("PATCH", "/v1/settings", {"contact_limits": [{"max": 99, "per": "P30D"}]})
    for agent in ("ann", "bob"):
        await admin.ok("PUT", f"/v1/agents/{agent}", {"name": agent, "campaigns": ["c1", "c2", "c3"]})
        await admin.ok("PUT", f"/v1/agents/{agent}/session", {"campaigns": ["c1", "c2"]})


async def load(daemon: Daemon) -> None:
    """Every way for a person to come in: lead, duplicate, invalid row, clone, closed lead, entry, held pool."""
    one = await daemon.upload("c1")
    assert [one["counts"][kind] for kind in ("valid", "invalid", "duplicates")] == [3, 2, 2]
    match = ["phone", "name", "name+phone"]
    await daemon.upload("c2", duplicates={"match": match, "scope": "campaign", "action": "clone"}, on_invalid="close")
    await daemon.upload("c2", duplicates={"match": match, "scope": "campaign", "action": "close"})
    held = await daemon.upload("c3", rows=f"{ANNAS_NAME},+14155550123,7\n", head="name,phone,unknown\n")
    assert held["state"] == "awaiting_confirmation"
    leads = [
        {"phone": ["+1 415 555 0123", "x"], "data": {"name": ANNAS_NAME}},
        {"phone": ["x", "+1 305 555 0167"], "data": {"name": BERTS_NAME, "age": "old"}},
    ]
    body = {"campaign": "c3", "leads": leads, "duplicates": {"action": "load"}}
    await daemon.admin.ok("POST", "/v1/leads", body, headers={"Idempotency-Key": "entries"})


async def lease(daemon: Daemon, agent: str, number: int) -> dict[str, Any]:
    """A lead with the number, taken."""
    for lead in await daemon.leads(number):
        row = await daemon.get(f"/v1/leads/{lead}")
        if row["status"] not in ("closed", "unresolved") and row["lease"] is None:
            body = {"lead": lead, "override": True}
            taken: dict[str, Any] = await daemon.admin.ok("POST", f"/v1/agents/{agent}/take", body)
            return taken
    raise AssertionError(f"nothing to take for {number}")


async def work(daemon: Daemon) -> None:
    """Notes, edited data, heartbeats, redials, lost numbers, sales: everything a lead's history may be made of."""
    admin = daemon.admin

    async def finish(token: str, **body: Any) -> Any:
        return await admin.ok("POST", f"/v1/leases/{token}/finish", body, headers={"Idempotency-Key": token})

    out = await lease(daemon, "ann", ANNA)
    await admin.ok("POST", f"/v1/leases/{out['token']}/heartbeat")
    await finish(
        out["token"],
        outcome="redial",
        kind="private",
        at="2026-03-02T10:00:00Z",
        note=f"{ANNAS_NAME} asked for 415-555-0123",
        data={"name": f"{NAMES[1]}, {NAMES[0]}"},
    )
    await admin.ok("POST", "/v1/clock", {"now": "2026-03-02T10:00:00Z"})
    out = await admin.ok("POST", "/v1/agents/ann/next", {"wait": 0})
    assert out["class"] == "private_redial"
    await finish(out["token"], outcome="unreached", cause="invalid_number", note=f"not {NAMES[0]}")
    out = await lease(daemon, "bob", BERT)
    await finish(out["token"], outcome="cancelled", reason=f"{BERTS_NAME} was on the other line")
    out = await lease(daemon, "ann", BERT)
    await finish(
        out["token"], outcome="resolved", result="success", note=f"sold to {BERTS_NAME}", number="+13055550167"
    )
    sold = out["lead"]["id"]
    edit = {"data": {"name": BERTS_NAME, "city": NAMES[3]}, "priority": 3}
    lead = next(iter(await daemon.leads(ANNA)))
    await admin.ok("PATCH", f"/v1/leads/{lead}", edit, headers={"Idempotency-Key": "an edit"})
    await admin.ok("PATCH", f"/v1/leads/{lead}", {"data": {"name": ANNAS_NAME, "city": None}})
    out = await lease(daemon, "bob", ANNA)
    await log(daemon, out["lead"]["id"], interaction="call", outcome="no_answer", explanation=f"not {ANNAS_NAME}")
    await log(daemon, out["lead"]["id"], interaction="email", outcome="no_sale", explanation=f"{NAMES[1]} wrote")
    await log(daemon, next(iter(await daemon.leads(BERT))), interaction="sms", direction="in", note=BERTS_NAME)
    await log(daemon, sold, interaction="sms", direction="out", note=f"Dear {NAMES[2]}, ring 305-555-0167")


async def log(daemon: Daemon, lead: int, **body: str) -> None:
    """An activity (R13.3) of an open lead, one on a screen, or a closed one."""
    await daemon.admin.ok("POST", f"/v1/leads/{lead}/activities", body)


async def statistics(daemon: Daemon) -> dict[str, Any]:
    """Counts by pool: as they came in, and how many there are."""
    pools = (await daemon.get("/v1/pools"))["items"]
    counts = {pool["id"]: pool["counts"] for pool in pools}
    return {
        str(id_): {
            **{kind: count[kind] for kind in ("valid", "invalid", "duplicates")},
            "success": count["closed"].get("success", 0),
            "duplicate": count["closed"].get("duplicate", 0),
            "not_accepted": count["closed"].get("not_accepted", 0),
            "all": count["open"] + sum(count["closed"].values()),
        }
        for id_, count in counts.items()
    }


@pytest.mark.parametrize("ending", ["finish", "activity"])
async def test_nothing_is_left(daemon: Daemon, ending: str) -> None:  # R10.6
    async with daemon.run():
        admin = daemon.admin
        await set_up(daemon)
        await load(daemon)
        await work(daemon)
        blocked = {"number": "+13055550167", "reason": f"{BERTS_NAME} asked"}
        before, screen = await statistics(daemon), await lease(daemon, "bob", BERT)
        found = await daemon.traces()
        for where in ("leads.db", "/v1/pools/1/original", "/v1/pools/1/invalid.csv", "/v1/pools/1/duplicates.csv"):
            assert any(trace.startswith(where) for trace in found), where
        for what in (*NAMES, f"{ANNA} packed", "the key of", "/history: Bertram", "/history: Vergissmeinnicht"):
            assert any(what in trace for trace in found), what
        contacted = daemon.dialer.engine.state.contacts.rows.values()
        assert {call.number for row in contacted for call in row.calls} == {ANNA, BERT}  # dropped, sold
        lines = [await daemon.get(f"/v1/leads/{lead}/history") for lead in range(1, 9)]
        names = {check["name"] for found in lines for line in found["items"] for check in line["checks"]}
        assert names == {"calling_hours", "max"}
        await admin.ok("POST", "/v1/do-not-call", blocked, headers={"Idempotency-Key": "blocked"})

        by_lead = await admin.ok("POST", f"/v1/leads/{(await daemon.leads(ANNA))[0]}/anonymize")
        assert (by_lead["marked"], by_lead["numbers"]) == (0, 2)
        assert await daemon.traces((ANNA, ANNAS_OTHER), NAMES[:2]) == []
        by_number = await admin.ok("POST", "/v1/anonymize", {"phone": "+1 305 555 0167"})
        assert by_number["marked"] >= 1
        assert await daemon.traces() != []  # Bert is on the screen

        await end_marked(daemon, screen, ending)
        await daemon.dialer.idle()
        assert await daemon.traces() == []
        assert await statistics(daemon) == before
        assert (await admin.call("GET", "/v1/pools/1/original")).text == HEAD + LEFT
        assert (await daemon.get(f"/v1/leads?phone=%2B{CARLA}"))["items"]
    await refused_for_ever(daemon)


async def end_marked(daemon: Daemon, screen: dict[str, Any], ending: str) -> None:
    """The lease of a lead that is to be forgotten ends; its agent doesn't know, and writes down what was said."""
    if ending == "activity":
        await log(daemon, screen["lead"]["id"], interaction="sms", direction="in", note=BERTS_NAME)
        said = {"outcome": "no_sale", "explanation": f"{BERTS_NAME} has moved", "note": BERTS_NAME}
        await log(daemon, screen["lead"]["id"], interaction="call", **said)
        return
    note = {"outcome": "resolved", "result": "not_interested", "note": BERTS_NAME, "data": {"name": BERTS_NAME}}
    await daemon.admin.ok("POST", f"/v1/leases/{screen['token']}/finish", note)


async def refused_for_ever(daemon: Daemon) -> None:
    """After a restart too: by file, by API, by a pool that was held when it happened."""
    async with daemon.run():
        assert await daemon.traces() == []
        for number in GONE:
            body = {"campaign": "c1", "leads": [{"phone": f"+{number}"}], "duplicates": {"action": "load"}}
            entered = await daemon.admin.ok("POST", "/v1/leads", body)
            assert entered["counts"]["ready"] == 0
            assert await daemon.leads(number) == []
            answer = await daemon.admin.call("GET", f"/v1/do-not-call/+{number}")
            assert answer.json()["blocked"] is True
        again = await daemon.upload("c1", duplicates={"action": "load"})
        assert again["counts"]["ready"] == 1  # Carla once more
        held = next(
            pool for pool in (await daemon.get("/v1/pools"))["items"] if pool["state"] == "awaiting_confirmation"
        )
        confirmed = await daemon.admin.ok("POST", f"/v1/pools/{held['id']}/confirm")
        assert confirmed["counts"]["ready"] == 0
        assert [lead for number in GONE for lead in await daemon.leads(number)] == []
        await daemon.dialer.idle()
        assert await daemon.traces() == []  # the file that was sent again is not kept with their rows


async def test_nothing_is_left_when_the_time_is_over(daemon: Daemon) -> None:  # R10.7
    async with daemon.run():
        await set_up(daemon)
        await daemon.admin.ok("PATCH", "/v1/campaigns/c1", {"dialer": {"retention": {"success": "P2D"}}})
        rows = f"{BERTS_NAME},305 555 0167,,Reno,44\nCarla Stays,+1 202 555 0188,,Ely,55\n"
        pool = await daemon.upload("c1", rows)
        out = await lease(daemon, "ann", BERT)
        sale = {"outcome": "resolved", "result": "success", "note": f"sold to {BERTS_NAME}"}
        await daemon.admin.ok("POST", f"/v1/leases/{out['token']}/finish", sale)
        before = await statistics(daemon)
        await daemon.admin.ok("POST", "/v1/clock", {"now": "2026-03-04T08:59:59Z"})
        assert await daemon.traces((BERT,), NAMES[2:]) != []
        await daemon.admin.ok("POST", "/v1/clock", {"now": "2026-03-04T09:00:00Z"})
        assert await daemon.traces((BERT,), NAMES[2:]) == []
        assert await statistics(daemon) == before
        view = await daemon.get(f"/v1/pools/{pool['id']}")
        assert (view["counts"]["closed"], view["original"]["erased_rows"]) == ({"success": 1}, 1)
        assert (await daemon.get(f"/v1/leads/{out['lead']['id']}"))["closure"] == "success"
        again = await daemon.upload("c2", rows, duplicates={"action": "load"})
        assert again["counts"]["ready"] == 2  # the number may come again


def test_the_search_finds_what_it_is_for(tmp_path: Path) -> None:
    """The needles are what SQLite writes."""
    with sqlite3.connect(tmp_path / "x.db") as store:
        store.execute("CREATE TABLE x (a INTEGER PRIMARY KEY, b, c)")
        store.execute("INSERT INTO x VALUES (?, ?, ?)", (ANNA, BERT, ANNAS_NAME))
    store.close()
    content = (tmp_path / "x.db").read_bytes()
    found = {what for what, needle in bytes_of(GONE, NAMES) if needle in content}
    assert found == {*NAMES[:2], f"{ANNA} as SQLite's key", f"{BERT} packed"}
