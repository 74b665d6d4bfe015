"""Health, metrics, the manual clock, events."""

import asyncio
import json
from typing import Any

import pytest
from http_kit import OPERATOR, Caller, House, token_of
from prometheus_client.parser import text_string_to_metric_families

from nextlead_adapters.http import watching
from nextlead_adapters.http.app import create_app


async def scrape(caller: Caller, **labels: str) -> dict[str, float]:
    """Samples by name and labels, the organisation's own label checked and left out."""
    answer = await caller.call("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            given = dict(sample.labels)
            assert given.pop("organisation") == "default", sample
            found[" ".join([sample.name, *(given[name] for name in sorted(given))])] = sample.value
    return found


NAMES = [
    "leads",
    "leads_ready",
    "leads_by_public_status",
    "leases",
    "agents_waiting",
    "timers_pending",
    "next_seconds",
    "finish_seconds",
    "commit_seconds",
    "commit_batch_size",
    "commit_queue",
    "redial_lateness_seconds",
    "recovery_seconds",
    "releases",
    "closed",
    "attempts",
    "storage_errors",
    "leads_blocked",
    "agents_idle",
    "next_opening_timestamp_seconds",
    "faults",
    "clock_steps",
]


async def test_the_metrics_are_those_of_the_api(centre: Caller) -> None:
    text = (await centre.call("GET", "/metrics")).text
    assert {family.name for family in text_string_to_metric_families(text)} == {f"nextlead_{name}" for name in NAMES}


async def test_metrics_count_what_happens(centre: Caller) -> None:
    redial = {"outcome": "redial", "kind": "private", "at": "2026-03-02T10:00:00Z"}
    for body in ({"outcome": "resolved", "result": "success"}, {"outcome": "unreached", "cause": "busy"}, redial):
        lease = await centre.ok("POST", "/v1/agents/ann/next")
        await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", body)
    await centre.ok("POST", "/v1/agents/bob/next")
    await centre.call("POST", "/v1/agents/ann/next")
    now = await scrape(centre)
    expected = {
        "nextlead_leads c1 closed": 1,
        "nextlead_leads c1 automatic_redial": 1,
        "nextlead_leads c1 private_redial": 1,
        "nextlead_leases": 1,
        "nextlead_agents_waiting": 0,
        "nextlead_next_seconds_count lead": 4,
        "nextlead_next_seconds_count none": 1,
        "nextlead_finish_seconds_count": 3,
        "nextlead_closed_total c1 success": 1,
        "nextlead_attempts_total c1 unreached": 1,
        "nextlead_storage_errors_total": 0,
    }
    assert {name: now[name] for name in expected} == expected
    assert now["nextlead_next_seconds_bucket lead +Inf"] == 4
    await centre.ok("POST", "/v1/clock", {"now": "2026-03-02T10:02:00Z"})
    assert (await scrape(centre))["nextlead_leads_ready c1 private_redial"] == 1
    await centre.ok("POST", "/v1/agents/ann/next")
    late = await scrape(centre)
    assert late["nextlead_redial_lateness_seconds_sum private"] == 120
    assert late["nextlead_redial_lateness_seconds_bucket private 60.0"] == 0
    assert late["nextlead_redial_lateness_seconds_bucket private 300.0"] == 1


async def test_releases_are_counted_by_kind_and_cause(centre: Caller) -> None:
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    redial = {"outcome": "redial", "kind": "vip", "at": "2026-03-02T10:00:00Z"}
    await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", redial)
    await centre.ok("POST", "/v1/clock", {"advance": "PT5H"})
    releases = {name: n for name, n in (await scrape(centre)).items() if name.startswith("nextlead_releases_total")}
    ((name, count),) = releases.items()
    assert (name.rpartition(" ")[2], count) == ("vip", 1)


LOCAL = [
    (True, {}, 200),
    (False, {}, 401),
    (True, {"x-forwarded-for": "10.0.0.1"}, 401),
    (True, {"forwarded": "for=10.0.0.1"}, 401),
    (True, {"via": "1.1 proxy"}, 401),
    (True, {"authorization": "Bearer nobody"}, 401),
]


@pytest.mark.parametrize(("loopback", "headers", "status"), LOCAL)
async def test_metrics_without_a_token(house: House, loopback: bool, headers: dict[str, str], status: int) -> None:
    app = create_app(house.tenants, loopback=loopback)
    assert (await Caller(app, None, headers).call("GET", "/metrics")).status_code == status
    assert (await Caller(app, None, headers).call("GET", "/v1/teams")).status_code == 401


async def test_health(house: House) -> None:
    anyone = house.caller(None)
    assert await anyone.ok("GET", "/healthz") == {"status": "ok"}
    assert await anyone.ok("GET", "/readyz") == {"status": "ready"}
    house.dialer.drain()
    answer = await anyone.call("GET", "/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})
    assert answer.headers["retry-after"] == "1"
    assert await anyone.ok("GET", "/healthz") == {"status": "ok"}


async def test_a_closed_dialer_is_a_503_with_retry_after(house: House, centre: Caller) -> None:
    await house.dialer.close()
    for method, path in (("POST", "/v1/agents/ann/next"), ("GET", "/v1/teams"), ("PUT", "/v1/teams/x")):
        answer = await centre.call(method, path, {} if method != "GET" else None)
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        assert answer.headers["retry-after"] == "1"


async def test_the_manual_clock(centre: Caller) -> None:
    assert await centre.ok("GET", "/v1/clock") == {"now": "2026-03-02T09:00:00Z"}
    assert await centre.ok("POST", "/v1/clock", {"advance": "PT1H"}) == {"now": "2026-03-02T10:00:00Z"}
    assert await centre.ok("POST", "/v1/clock", {"now": "2026-03-02T12:30:00.5+02:00"}) == {
        "now": "2026-03-02T10:30:00.500Z"
    }


async def test_every_timer_has_fired_when_the_clock_answers(centre: Caller) -> None:
    await centre.ok("POST", "/v1/agents/ann/next")
    await centre.ok("POST", "/v1/clock", {"advance": "PT1H"})
    assert (await centre.ok("GET", "/v1/leads/1"))["status"] == "unresolved"
    await centre.ok("POST", "/v1/clock", {"advance": "P7D"})
    assert (await centre.ok("GET", "/v1/leads/1"))["closure"] == "abandoned"


class Watcher:
    """A client of `/v1/events`, straight to the application."""

    def __init__(self, house: House, **headers: str) -> None:
        self.start: dict[str, Any] = {}
        self._text = b""
        self._gone = asyncio.Event()
        self._came = asyncio.Event()
        self._asked = False
        given = {"authorization": f"Bearer {OPERATOR}", **headers}
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/v1/events",
            "query_string": b"",
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()],
        }
        self.task = asyncio.create_task(house.app(scope, self._receive, self._send))  # type: ignore[arg-type]

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        self._text += message.get("body", b"")
        self._came.set()

    async def until(self, events: int) -> list[dict[str, Any]]:
        """The events, once there are so many."""
        while len(self.events) < events:
            self._came.clear()
            await self._came.wait()
        return self.events

    @property
    def events(self) -> list[dict[str, Any]]:
        found = []
        for block in self._text.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if fields:
                found.append(fields | {"data": json.loads(fields["data"])})
        return found

    async def leave(self) -> None:
        self._gone.set()
        await self.task


async def test_events_as_they_become_durable(house: House, centre: Caller) -> None:
    watcher = Watcher(house)
    while not watcher.start:
        await asyncio.sleep(0)
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", {"outcome": "resolved", "result": "success"})
    leased, resolved = await watcher.until(2)
    assert dict(watcher.start["headers"])[b"content-type"] == b"text/event-stream"
    assert (leased["event"], leased["data"]["lead"], leased["data"]["actor"]) == ("leased", 1, "agent:ann")
    assert (resolved["event"], resolved["data"]["closure"]) == ("resolved", "success")
    assert int(resolved["id"]) > int(leased["id"])
    assert lease["token"] not in str(watcher.events)
    await watcher.leave()


async def test_events_say_what_leads_are_shown_as(house: House, centre: Caller) -> None:  # R13.1
    await centre.ok("PATCH", "/v1/campaigns/c1", {"scheme": "luckyonline"})
    watcher = Watcher(house)
    while not watcher.start:
        await asyncio.sleep(0)
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", {"outcome": "resolved", "result": "client_refused"})
    labels = [event["data"]["public_status"]["label"] for event in await watcher.until(2)]
    assert labels == ["In Progress", "Rejected: Client refused"]
    await watcher.leave()


async def test_events_resume_behind_the_last_one_seen(house: House, centre: Caller) -> None:
    first = Watcher(house)
    while not first.start:
        await asyncio.sleep(0)
    await centre.ok("POST", "/v1/agents/ann/next")
    (seen,) = await first.until(1)
    await first.leave()
    await centre.ok("POST", "/v1/agents/bob/next")
    second = Watcher(house, last_event_id=seen["id"])
    (missed,) = await second.until(1)
    assert missed["data"]["actor"] == "agent:bob"
    await second.leave()


@pytest.mark.parametrize("last", ["x", "-1", "9" * 20])
async def test_an_event_id_that_is_none(centre: Caller, last: str) -> None:
    problem = await centre.no(400, "GET", "/v1/events", headers={"last-event-id": last})
    assert problem["errors"][0]["field"] == "Last-Event-ID"


async def test_the_end_of_the_daemon_ends_the_events(house: House, centre: Caller) -> None:
    watcher = Watcher(house)
    while not watcher.start:
        await asyncio.sleep(0)
    await house.dialer.close()
    await watcher.task


async def test_events_are_for_supervisors(house: House, centre: Caller) -> None:
    await house.caller(await token_of(centre, "agent", "ann")).no(403, "GET", "/v1/events")


async def test_whose_token_is_deleted_sees_no_more(
    house: House, centre: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Watcher(house, authorization=f"Bearer {await token_of(centre, 'supervisor')}")
    while not seen.start:
        await asyncio.sleep(0)
    await centre.ok("POST", "/v1/agents/ann/next")
    await seen.until(1)
    (token,) = (await centre.ok("GET", "/v1/tokens"))["items"]
    await centre.ok("DELETE", f"/v1/tokens/{token['id']}")
    await centre.ok("POST", "/v1/agents/bob/next")
    await seen.task
    assert len(seen.events) == 1

    monkeypatch.setattr(watching, "LOOK_S", 0)
    quiet = Watcher(house, authorization=f"Bearer {await token_of(centre, 'supervisor')}")
    while not quiet.start:
        await asyncio.sleep(0)
    (token,) = (await centre.ok("GET", "/v1/tokens"))["items"]
    await centre.ok("DELETE", f"/v1/tokens/{token['id']}")
    await quiet.task


async def pool_events(watcher: Watcher, until: str) -> list[dict[str, Any]]:
    """The pool events up to the first one of that state."""
    seen = 1
    while True:
        events = await watcher.until(seen)
        found = [event for event in events if event["event"] == "pool"]
        if any(event["data"]["state"] == until for event in found):
            return found
        seen = len(events) + 1


async def test_the_life_of_a_pool_can_be_watched(house: House, centre: Caller) -> None:
    watcher = Watcher(house)
    while not watcher.start:
        await asyncio.sleep(0)
    house.intake._small_bytes = 10
    rows = b"".join(b"+1%s5550%d\n" % (area, at) for area in (b"212", b"617") for at in range(100, 200))
    options = json.dumps({"campaign": "c1"})
    await centre.ok("POST", "/v1/pools", files={"file": ("l.csv", b"phone\n" + rows), "options": (None, options)})
    loading = await pool_events(watcher, "active")
    assert loading[0]["data"] == {
        "pool": 2,
        "state": "loading",
        "campaign": "c1",
        "valid": 0,
        "invalid": 0,
        "duplicates": 0,
        "deleted": 0,
        "error": "",
    }
    counts = [event["data"]["valid"] for event in loading]
    assert counts == sorted(counts)
    assert counts[-1] > 100
    await centre.ok("DELETE", "/v1/pools/2")
    gone = (await pool_events(watcher, "deleted"))[-1]
    assert (gone["data"]["pool"], gone["data"]["state"]) == (2, "deleted")
    ids = [int(event["id"]) for event in watcher.events if "id" in event]
    assert ids == sorted(set(ids))
    await watcher.leave()


async def test_a_pool_that_fails_says_why(house: House, centre: Caller) -> None:
    watcher = Watcher(house)
    while not watcher.start:
        await asyncio.sleep(0)
    house.intake._small_bytes = 10
    files = {"file": ("l.csv", b"phone\n+14155550160\n"), "options": (None, json.dumps({"campaign": "c1"}))}
    pool = await centre.ok("POST", "/v1/pools", files=files)
    await centre.ok("POST", f"/v1/pools/{pool['id']}/cancel")
    assert (await pool_events(watcher, "failed"))[-1]["data"]["error"] == "cancelled"
    await watcher.leave()


async def test_news_of_pools_resume_behind_the_last_one_seen(house: House, centre: Caller) -> None:
    first = Watcher(house)
    while not first.start:
        await asyncio.sleep(0)
    await centre.ok("POST", "/v1/pools/1/deactivate")
    (seen,) = await first.until(1)
    await first.leave()
    await centre.ok("POST", "/v1/pools/1/activate")
    second = Watcher(house, last_event_id=seen["id"])
    (missed,) = await second.until(1)
    assert (seen["data"]["state"], missed["data"]["state"]) == ("inactive", "active")
    await second.leave()
