"""Calls that wait, and a client that goes while they do (R5.5): straight to the ASGI application, no socket."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from http_kit import OPERATOR, Caller, House


class Client:
    """A call that takes its time. `leave` is what a closed connection looks like to the application."""

    def __init__(self, house: House, method: str, path: str, query: bytes = b"", body: bytes = b"") -> None:
        self.sent: list[dict[str, Any]] = []
        self._gone = asyncio.Event()
        self._body = [{"type": "http.request", "body": body, "more_body": False}]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query,
            "headers": [(b"authorization", f"Bearer {OPERATOR}".encode()), (b"content-type", b"application/json")],
        }
        self.task = asyncio.create_task(house.app(scope, self._receive, self._send))  # type: ignore[arg-type]

    async def _receive(self) -> dict[str, Any]:
        if self._body:
            return self._body.pop()
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    async def leave(self) -> None:
        self._gone.set()
        await self.task


class Tab(Client):
    """One waiting `next` of an agent."""

    def __init__(self, house: House, agent: str, wait: float = 60) -> None:
        super().__init__(house, "POST", f"/v1/agents/{agent}/next", body=b'{"wait": %d}' % wait)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def reason(self) -> bytes:
        return bytes(dict(self.sent[0]["headers"])[b"nextlead-reason"])


@pytest.fixture
async def empty(house: House, centre: Caller) -> House:
    """The four leads are out of reach; the agents have nothing."""
    await centre.ok("POST", "/v1/pools/1/deactivate")
    return house


async def until(happened: Callable[[], bool]) -> None:
    """Let the others run until it has happened; no time passes."""
    while not happened():
        await asyncio.sleep(0)


async def until_waiting(house: House, agents: int) -> None:
    await until(lambda: house.dialer.engine.waiting == agents)


async def test_a_waiting_next_is_answered_when_there_is_a_lead(empty: House, centre: Caller) -> None:
    tab = Tab(empty, "ann")
    await until_waiting(empty, 1)
    await centre.ok("POST", "/v1/pools/1/activate")
    await tab.task
    assert tab.status == 200


async def test_a_client_that_goes_waits_no_more(empty: House, centre: Caller) -> None:
    tab = Tab(empty, "ann")
    await until_waiting(empty, 1)
    await tab.leave()
    assert tab.sent == []
    assert empty.dialer.engine.waiting == 0
    await centre.ok("POST", "/v1/pools/1/activate")
    assert empty.dialer.engine.leases == 0


async def test_a_client_that_goes_as_its_lead_comes_gives_it_back(empty: House, centre: Caller) -> None:
    tab = Tab(empty, "ann")
    await until_waiting(empty, 1)
    opened = asyncio.create_task(centre.ok("POST", "/v1/pools/1/activate"))
    await until(lambda: empty.dialer.engine.leases == 1)
    await tab.leave()
    await opened
    assert tab.sent == []
    assert (await centre.ok("GET", "/v1/agents/ann/lease"))["items"] == []
    assert (await centre.ok("POST", "/v1/agents/bob/next"))["lead"]["id"] == 1


async def test_a_newer_call_takes_the_older_ones_place(empty: House) -> None:
    older = Tab(empty, "ann")
    await until_waiting(empty, 1)
    newer = Tab(empty, "ann")
    await older.task
    assert (older.status, older.reason) == (204, b"superseded")
    await newer.leave()


async def test_logging_off_ends_the_wait(empty: House, centre: Caller) -> None:
    tab = Tab(empty, "ann")
    await until_waiting(empty, 1)
    await centre.ok("DELETE", "/v1/agents/ann/session")
    await tab.task
    assert (tab.status, tab.reason) == (204, b"logged_off")


async def test_the_end_of_the_daemon_ends_the_wait(empty: House) -> None:
    tab = Tab(empty, "ann")
    await until_waiting(empty, 1)
    empty.dialer.drain()
    await tab.task
    assert tab.status == 204


async def test_a_refusal_of_a_waiting_next_is_a_problem(empty: House, centre: Caller) -> None:
    await centre.ok("DELETE", "/v1/agents/ann/session")
    assert (await centre.no(409, "POST", "/v1/agents/ann/next", {"wait": 10}))["code"] == "no_session"


@pytest.mark.parametrize("path", ["/v1/statistics", "/v1/statistics.csv"])
async def test_who_has_gone_takes_no_turn_of_those_who_ask_for_statistics(
    house: House, centre: Caller, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive: Any = house.dialer.archive
    begun = asyncio.Event()

    async def lead_from(_at_ms: int) -> int:
        begun.set()
        return await asyncio.get_running_loop().create_future()

    with monkeypatch.context() as endless:
        endless.setattr(archive, "lead_from", lead_from)
        first, second = (Client(house, "GET", path, b"from=2026-03-01T00:00:00Z") for _ in range(2))
        await begun.wait()
    last = asyncio.create_task(centre.call("GET", path, params={"from": "2026-03-01T00:00:00Z"}))
    await second.leave()
    await first.leave()
    assert (first.sent, second.sent) == ([], [])
    assert (await last).status_code == 200


async def test_smart_lists_are_not_counted_for_who_has_gone(
    house: House, centre: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        await centre.ok("PUT", f"/v1/filters/{name}", {"filter": {"last_by": "ann"}})
    counted = []

    async def count(which: object) -> int:
        counted.append(which)
        return await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(house.dialer.archive, "count", count)
    asking = Client(house, "GET", "/v1/filters")
    await until(lambda: bool(counted))
    await asking.leave()
    assert (asking.sent, len(counted)) == ([], 1)
