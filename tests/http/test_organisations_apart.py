"""Nothing crosses from one organisation to another (SPEC 0): two with the same codes, ids and numbers, side by side.

Everything that people write in one of them has its mark, so an answer to the other that has it tells.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import httpx
import pytest
from http_kit import OPERATOR, Caller, token_of
from organisations_kit import Street

from nextlead_adapters.http.app import routes
from nextlead_adapters.http.table import Access, Route

ACME, BIRCH = "Qacmeq", "Qbirchq"
ADA, BOB, CYD, DAN = (f"+1415555010{at}" for at in range(4))
BLOCKED = "+14155550109"
UNENDING = "/v1/events"
SHARED = ("/v1/limit-packs", "/v1/schemes", "/openapi.json", "/docs", "/healthz", "/readyz")
"""What is the daemon's, not an organisation's."""
TABLE = [route for route in routes(manual_clock=True) if route.path != UNENDING]


class Office:
    """An organisation, furnished; `mark` is in all that is written there."""

    def __init__(self, street: Street, admin: Caller, mark: str) -> None:
        self.street = street
        self.admin = admin
        self.mark = mark
        self.pools: list[int] = []
        self.leads: list[int] = []
        self.tokens: list[int] = []
        self.lease = ""
        self.agent: Caller

    async def furnish(self, more_leads: int) -> None:
        admin, mark = self.admin, self.mark
        result = {"code": "sold", "label": f"{mark} sold", "category": "success"}
        template = {"fields": [{"name": "name"}], "results": [result]}
        await admin.ok("PUT", "/v1/projects/p1", {"name": f"{mark} project"})
        await admin.ok("PUT", "/v1/campaigns/c1", {"name": f"{mark} campaign", "project": "p1", "template": template})
        await admin.ok("PUT", "/v1/teams/t1", {"name": f"{mark} team"})
        for agent in ("ann", "bob"):
            await admin.ok("PUT", f"/v1/agents/{agent}", {"name": f"{mark} {agent}", "team": "t1", "campaigns": ["c1"]})
            await admin.ok("PUT", f"/v1/agents/{agent}/session", {"campaigns": ["c1"]})
        await admin.ok("PUT", "/v1/filters/f1", {"filter": {"campaign": "c1"}})
        await admin.ok("POST", "/v1/do-not-call", {"number": BLOCKED, "reason": f"{mark} reason"})
        await self.enter(ADA, *(f"+1415555{at:04}" for at in range(120, 120 + more_leads)))
        await self.work()
        self.agent = self.street.caller(await token_of(admin, "agent", "ann"))
        await self.look()

    async def look(self) -> None:
        """Note the ids of what there is."""
        admin = self.admin
        self.pools = [pool["id"] for pool in (await admin.ok("GET", "/v1/pools"))["items"]]
        self.leads = [lead["id"] for lead in (await admin.ok("GET", "/v1/leads"))["items"]]
        self.tokens = [token["id"] for token in (await admin.ok("GET", "/v1/tokens"))["items"]]

    async def upload(self) -> None:
        mark = self.mark
        file = f"phone,name\n{BOB},{mark} Bob\n12,{mark} nobody\n{BOB},{mark} Bob again\n{CYD},{mark} Cyd\n".encode()
        options = {"campaign": "c1", "name": f"{mark} file", "description": f"{mark} words"}
        parts = {"file": (f"{mark}.csv", file), "options": (None, json.dumps(options))}
        assert (await self.admin.call("POST", "/v1/pools", files=parts)).status_code == 201

    async def enter(self, *numbers: str) -> None:
        leads = [{"phone": number, "data": {"name": f"{self.mark} {number}"}} for number in numbers]
        await self.admin.ok("POST", "/v1/leads", {"campaign": "c1", "name": f"{self.mark} leads", "leads": leads})

    async def work(self) -> None:
        """Ann has called one and promised to call it again; she holds another, bob one."""
        lease = await self.admin.ok("POST", "/v1/agents/ann/next")
        finish = {"outcome": "redial", "kind": "private", "at": "2026-03-03T10:00:00Z", "note": f"{self.mark} note"}
        await self.admin.ok("POST", f"/v1/leases/{lease['token']}/finish", finish)
        self.lease = (await self.admin.ok("POST", "/v1/agents/ann/next"))["token"]
        await self.admin.ok("POST", "/v1/agents/bob/next")

    def addresses(self, route: Route) -> Iterator[str]:
        """The route's address with everything of this organisation that can stand in it."""
        path = route.path
        kind = path.split("/")[2] if path.startswith("/v1/") else ""
        codes = {"teams": ["t1"], "agents": ["ann", "bob"], "projects": ["p1"], "campaigns": ["c1"]}.get(kind, ["acme"])
        ids = {"leads": self.leads, "pools": self.pools, "tokens": self.tokens}.get(kind, [])
        places: dict[str, Sequence[object]] = {"{code}": codes, "{id}": ids, "{token}": [self.lease]}
        places |= {"{number}": [BLOCKED, ADA], "{name}": ["f1"]}
        names = [name for name in places if name in path]
        for values in product(*(places[name] for name in names)):
            filled = path
            for name, value in zip(names, values, strict=True):
                filled = filled.replace(name, str(value))
            yield filled + ("?agent=ann" if path.endswith("/explain") else "")

    async def everything(self, token: Caller | None = None) -> dict[str, str]:
        """All that can be read, by address."""
        caller = token or self.admin
        found = {}
        for route in TABLE:
            if route.method == "GET" and route.path not in SHARED and route.access is not Access.OPERATOR:
                for address in self.addresses(route):
                    found[address] = whole(await caller.call("GET", address))
        return found


def whole(answer: httpx.Response) -> str:
    """All that an answer says."""
    head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return f"{answer.status_code}\n{head}\n\n{answer.text}"


@pytest.fixture
async def offices(street: Street) -> tuple[Office, Office]:
    """Acme and Birch; Acme has more, so some ids are only there."""
    acme = Office(street, await street.admin_of("acme"), ACME)
    birch = Office(street, await street.admin_of("birch"), BIRCH)
    await asyncio.gather(acme.furnish(8), birch.furnish(2))
    await acme.enter(DAN)
    return acme, birch


@pytest.fixture
async def full(offices: tuple[Office, Office]) -> tuple[Office, Office]:
    """The same with a file in each, which takes a process to read."""
    await asyncio.gather(*(office.upload() for office in offices))
    for office in offices:
        await office.look()
    return offices


async def test_the_two_are_alike(full: tuple[Office, Office]) -> None:
    """What the other tests stand on: the same ids in both, the mark in what is read, nothing of the other's."""
    acme, birch = full
    assert set(birch.leads) < set(acme.leads)
    assert set(birch.pools) <= set(acme.pools)
    assert acme.tokens == birch.tokens
    for office, other in ((acme, BIRCH), (birch, ACME)):
        seen = await office.everything()
        marked = [address for address, text in seen.items() if office.mark in text]
        assert len(marked) > 25
        assert [address for address, text in seen.items() if other in text] == []
        own = await office.everything(office.agent)
        assert any(office.mark in text for text in own.values())
        assert [address for address, text in own.items() if other in text] == []


async def test_the_operator_sees_neither(street: Street, offices: tuple[Office, Office]) -> None:
    for office in offices:
        seen = await office.everything(street.caller())
        seen.pop("/metrics")
        assert [address for address, text in seen.items() if ACME in text or BIRCH in text] == []


BODIES: tuple[object, ...] = (
    None,
    {},
    {"name": "x"},
    {"ids": [1, 2, 3, 11], "action": "remove"},
    {"ids": [1, 2], "action": "deactivate"},
    {"outcome": "resolved", "result": "sold"},
    {"outcome": "cancelled"},
    {"lead": 3},
    {"lead": 11, "override": True},
    {"priority": 1},
    {"owner": "agent:ann"},
    {"phone": ADA},
    {"number": ADA, "reason": "x"},
    {"numbers": [ADA, BOB]},
    {"campaigns": ["c1"]},
    {"campaign": "c1", "leads": [{"phone": DAN}]},
    {"reason": "hot_lead", "expires": "2026-03-03T10:00:00Z"},
    {"interaction": "call", "direction": "out", "outcome": "sold", "agent": "ann"},
    {"role": "admin"},
    {"filter": {"campaign": "c1"}},
    {"passed": True},
)


async def test_nothing_that_one_does_reaches_the_other(full: tuple[Office, Office]) -> None:
    """Every call of the table, with all ids, codes and lease tokens of Acme, by an admin and an agent of Birch."""
    acme, birch = full
    before = await acme.everything()
    # An admin's calls end much of Birch, so those that end least come first, and deleting comes last.
    last = {"GET": 0, "POST": 1, "PATCH": 2, "PUT": 3, "DELETE": 4}
    calls = 0
    for route in sorted(TABLE, key=lambda route: last[route.method]):
        for caller, address in product((birch.agent, birch.admin), acme.addresses(route)):
            for body in BODIES if route.body is not None and caller is birch.admin else BODIES[:1]:
                answer = await caller.call(route.method, address, body)
                assert ACME not in whole(answer), (route.method, address, body)
                assert answer.status_code < 500, (route.method, address, body)
                calls += 1
    assert calls > 500
    assert await acme.everything() == before


async def test_ids_of_another_are_as_if_they_were_not_there(offices: tuple[Office, Office]) -> None:
    acme, birch = offices
    theirs, nobodys = max(acme.leads), 999_999
    lease, no_lease = acme.lease, f"{acme.lease[:-4]}0000"
    agents = (birch.agent, birch.admin)
    for route in TABLE:
        if not route.path.startswith("/v1/leads/{id}") and "{token}" not in route.path:
            continue
        for caller, body in product(agents, BODIES):
            answers: list[str] = []
            for lead, token in ((theirs, lease), (nobodys, no_lease)):
                address = route.path.replace("{id}", str(lead)).replace("{token}", token)
                answer = await caller.call(route.method, address, body)
                answers.append(answer.text.replace(str(lead), "?").replace(token, "?"))
            assert answers[0] == answers[1], (route.method, route.path, body)


async def test_agents_of_the_same_code(street: Street, offices: tuple[Office, Office]) -> None:  # R5.1
    acme, birch = offices
    held = [(await office.agent.ok("GET", "/v1/agents/ann/lease"))["items"] for office in offices]
    assert [[lease["token"] for lease in leases] for leases in held] == [[acme.lease], [birch.lease]]
    finish = {"outcome": "resolved", "result": "sold"}
    for caller in (birch.agent, birch.admin, street.caller()):
        problem = await caller.no(404, "POST", f"/v1/leases/{acme.lease}/finish", finish)
        assert problem["code"] == "unknown_lease"
        await caller.no(404, "POST", f"/v1/leases/{acme.lease}/heartbeat")
    await birch.admin.no(404, "POST", f"/v1/leases/{acme.lease}/end", {"outcome": "cancelled"})
    await birch.admin.ok("PATCH", "/v1/agents/ann", {"enabled": False})
    assert (await acme.agent.ok("POST", f"/v1/leases/{acme.lease}/finish", finish))["lead"]["closure"] == "sold"


async def test_the_same_number_is_on_a_screen_in_both(offices: tuple[Office, Office]) -> None:
    """R3.7 and contact limits are each organisation's own."""
    numbers = []
    for office in offices:
        (lease,) = (await office.admin.ok("GET", "/v1/agents/ann/lease"))["items"]
        numbers.append(lease["number"])
    assert numbers[0] == numbers[1]


async def test_the_same_key_and_body_in_both(offices: tuple[Office, Office]) -> None:
    acme, birch = offices
    body = {"campaign": "c1", "leads": [{"phone": "+14155550190"}]}
    key = {"Idempotency-Key": "the-same"}
    for office in offices:
        answer = await office.admin.call("POST", "/v1/leads", body, headers=key)
        assert "nextlead-repeated" not in answer.headers
        assert (await office.admin.ok("GET", "/v1/leads?phone=%2B14155550190"))["items"]
    other = {"campaign": "c1", "leads": [{"phone": "+14155550191"}]}
    await acme.admin.no(409, "POST", "/v1/leads", other, headers=key)
    again = await birch.admin.call("POST", "/v1/leads", body, headers=key)
    assert again.headers["nextlead-repeated"] == "true"


async def test_a_token_deleted_in_one(street: Street, offices: tuple[Office, Office]) -> None:
    """Ids of tokens are the same in both; the role and the agent are not looked up in the other."""
    acme, birch = offices
    await birch.admin.ok("DELETE", "/v1/agents/ann/session")
    made = [await office.admin.ok("POST", "/v1/tokens", {"role": "supervisor"}) for office in offices]
    assert made[0]["id"] == made[1]["id"]
    await birch.admin.ok("DELETE", f"/v1/tokens/{made[0]['id']}")
    assert (await street.caller(made[0]["token"]).call("GET", "/v1/teams")).status_code == 200
    assert (await street.caller(made[1]["token"]).call("GET", "/v1/teams")).status_code == 401
    for token in birch.tokens:
        await birch.admin.call("DELETE", f"/v1/tokens/{token}")
    await birch.admin.no(401, "GET", "/v1/teams")
    await acme.admin.ok("GET", "/v1/teams")
    await acme.agent.ok("GET", "/v1/agents/ann/lease")


async def test_forgetting_a_person_in_one(full: tuple[Office, Office]) -> None:  # R10.6
    acme, birch = full
    before = await birch.everything()
    assert (await acme.admin.ok("POST", "/v1/anonymize", {"phone": BOB}))["leads"]
    for lead in acme.leads:
        await acme.admin.call("POST", f"/v1/leads/{lead}/anonymize")
    assert await birch.everything() == before
    dan = {"campaign": "c1", "leads": [{"phone": DAN}]}
    await acme.admin.ok("POST", "/v1/anonymize", {"phone": DAN})
    counts = [(await office.admin.ok("POST", "/v1/leads", dan))["counts"] for office in full]
    assert [(count["valid"], count["invalid"]) for count in counts] == [(0, 1), (1, 0)]


async def test_deleting_and_blocking_in_one(full: tuple[Office, Office]) -> None:  # R9.11, R10.3
    acme, birch = full
    before = await birch.everything()
    for number in (ADA, BOB, CYD):
        await acme.admin.ok("POST", "/v1/do-not-call", {"number": number})
    await acme.admin.ok("POST", "/v1/pools/bulk", {"ids": acme.pools, "action": "delete"})
    await acme.admin.ok("PATCH", "/v1/settings", {"redial_restrictions": True, "contact_limits": [{"min_gap": "P1D"}]})
    await acme.admin.ok("POST", "/v1/campaigns/c1/deactivate")
    await acme.admin.ok("DELETE", "/v1/filters/f1")
    assert await birch.everything() == before


async def test_files_of_the_same_name_at_once(offices: tuple[Office, Office]) -> None:
    async def upload(office: Office, at: int) -> tuple[bytes, bytes]:
        file = f"phone,name\n+1415555{at + 150:04},{office.mark} {at}\n".encode()
        parts = {"file": ("list.csv", file), "options": (None, json.dumps({"campaign": "c1"}))}
        made = (await office.admin.call("POST", "/v1/pools", files=parts)).json()
        return file, (await office.admin.call("GET", f"/v1/pools/{made['id']}/original")).content

    found = await asyncio.gather(*(upload(office, at) for at in range(5) for office in offices))
    assert all(given == kept for given, kept in found)


# -- events ---------------------------------------------------------------------------------------------------------


class Watcher:
    """A client of `/v1/events`, straight to the application."""

    def __init__(self, street: Street, admin: Caller, *more: tuple[bytes, bytes]) -> None:
        self.text = ""
        self._came, self._gone, self._asked = asyncio.Event(), asyncio.Event(), False
        authorization = admin.http.headers["authorization"].encode()
        headers = [(b"authorization", authorization), *more]
        scope = {"type": "http", "method": "GET", "path": UNENDING, "query_string": b"", "headers": headers}
        self.task: asyncio.Task[None] = asyncio.create_task(street.app(scope, self._receive, self._send))  # type: ignore[arg-type]

    async def _receive(self) -> dict[str, Any]:
        if self._asked:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: Any) -> None:
        self.text += message.get("body", b"").decode()
        self._came.set()

    async def until(self, text: str) -> None:
        while text not in self.text:
            self._came.clear()
            await self._came.wait()

    async def leave(self) -> None:
        self._gone.set()
        await self.task


async def test_events_are_each_organisations_own(street: Street, offices: tuple[Office, Office]) -> None:
    acme, birch = offices
    watchers = [Watcher(street, admin) for admin in (birch.admin, street.caller(OPERATOR))]
    own = Watcher(street, acme.admin)
    for watcher in (*watchers, own):
        await watcher.until(":")
    await acme.upload()
    note = f"{ACME} note"
    await acme.agent.ok("POST", f"/v1/leases/{acme.lease}/finish", {"outcome": "unresolved", "note": note})
    await own.until("event: unresolved")
    assert "event: pool" in own.text
    assert ACME in own.text
    for watcher in watchers:
        assert "event" not in watcher.text
    await birch.agent.ok("POST", f"/v1/leases/{birch.lease}/finish", {"outcome": "cancelled"})
    await watchers[0].until("event: cancelled")
    assert ACME not in watchers[0].text
    assert "cancelled" not in own.text
    for watcher in (*watchers, own):
        await watcher.leave()


async def test_another_organisations_event_id_gives_none_of_its_events(
    street: Street, offices: tuple[Office, Office]
) -> None:
    """Ids are numbers of commits, which are each organisation's own."""
    _, birch = offices
    watcher = Watcher(street, birch.admin, (b"last-event-id", b"1"))
    await watcher.until("event: ")
    assert ACME not in watcher.text
    await watcher.leave()
