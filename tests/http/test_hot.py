"""The shorter way of `next` and `finish` against the way of all calls: the same answers, byte for byte."""

from hashlib import sha256
from typing import Any

import httpx
import pytest
from http_kit import OPERATOR, Caller, House, token_of

from nextlead.ports import StoreError
from nextlead_adapters.http import hot
from nextlead_adapters.http.direct import read_head

NEXT = "/v1/agents/ann/next"
NO_ANSWER = {"outcome": "unreached", "cause": "no_answer"}


@pytest.fixture(autouse=True)
def taken(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Counts the answers that came the shorter way."""
    count = {"taken": 0}
    answer = hot.Hot.answer

    async def counted(self: hot.Hot, call: hot.HotCall, raw: bytes) -> hot.Answer | None:
        found = await answer(self, call, raw)
        count["taken"] += found is not None
        return found

    monkeypatch.setattr(hot.Hot, "answer", counted)
    return count


def long_way(house: House, token: str = OPERATOR) -> Caller:
    assert isinstance(house.app, hot.Hot)
    return Caller(house.app._others, token, {})


def same(one: httpx.Response, other: httpx.Response) -> None:
    assert (one.status_code, one.content, one.headers.raw) == (other.status_code, other.content, other.headers.raw)


async def test_the_same_lease_by_both_ways(house: House, centre: Caller, taken: dict[str, int]) -> None:
    for body in (None, {}, {"wait": 0}):
        same(await centre.call("POST", NEXT, body), await long_way(house).call("POST", NEXT, body))
    assert taken["taken"] == 3


@pytest.mark.parametrize(
    "said",
    [
        NO_ANSWER,
        {"outcome": "unresolved", "note": "they call back"},
        {"outcome": "cancelled", "reason": "line down"},
        {"outcome": "resolved", "result": "success", "data": {"name": "Somebody else"}},
        {"outcome": "redial", "kind": "private", "at": "2026-03-02T10:00:00.250Z", "next": True},
        {"outcome": "redial", "kind": "common", "at": "2026-03-02T12:00:00+01:00", "number": "+14155550100"},
    ],
)
async def test_the_same_finish_by_both_ways(house: House, centre: Caller, said: Any, taken: dict[str, int]) -> None:
    path = f"/v1/leases/{(await centre.ok('POST', NEXT))['token']}/finish"
    same(await centre.call("POST", path, said), await long_way(house).call("POST", path, said))
    assert taken["taken"] == 2


async def test_nobody_to_call_by_both_ways(house: House, centre: Caller, taken: dict[str, int]) -> None:
    for lead in (1, 2, 3, 4):
        await centre.ok("POST", f"/v1/leads/{lead}/remove")
    answer = await centre.call("POST", NEXT)
    assert (answer.status_code, answer.headers["nextlead-reason"]) == (204, "no_lead")
    same(answer, await long_way(house).call("POST", NEXT))
    assert taken["taken"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (NEXT, {"wait": -1}),
        (NEXT, {"wait": "long"}),
        (NEXT, {"waits": 1}),
        ("/v1/agents/nobody/next", {}),
        ("/v1/agents/bob%2Fann/next", {}),
        ("/v1/leases/no-token/finish", NO_ANSWER),
        ("/v1/leases/1-00000000000000000000000000000000/finish", NO_ANSWER),
        ("/v1/leases/1-00000000000000000000000000000000/finish", {"outcome": "unreached", "cause": "tired"}),
        ("/v1/leases/1-00000000000000000000000000000000/finish", {"outcome": "maybe"}),
        ("/v1/leases/1-00000000000000000000000000000000/finish", None),
    ],
)
@pytest.mark.parametrize("role", ["admin", "agent", "metrics", "stranger"])
async def test_the_same_refusals_by_both_ways(house: House, centre: Caller, path: str, body: Any, role: str) -> None:
    agent = "ann" if role == "agent" else None
    token = "a-strangers" if role == "stranger" else await token_of(centre, role, agent)
    short = await house.caller(token).call("POST", path, body)
    assert short.status_code >= 400
    same(short, await long_way(house, token).call("POST", path, body))


@pytest.mark.parametrize("raw", [b"{", b"\xff", b"[]", b"null", b'{"wait": 1e999}'])
async def test_the_same_for_what_is_no_body(house: House, centre: Caller, raw: bytes, taken: dict[str, int]) -> None:
    same(await centre.call("POST", NEXT, content=raw), await long_way(house).call("POST", NEXT, content=raw))
    assert taken["taken"] == 1


@pytest.mark.parametrize(
    "more",
    [
        {"body": {"wait": 60}},
        {"params": {"explain": "true"}},
        {"headers": {"Idempotency-Key": "one"}},
        {"headers": {"Content-Type": "text/plain"}, "content": b"{}"},
        {"headers": {"Content-Encoding": "gzip"}, "content": b"{}"},
        {"content": b" " * (hot.BODY_MAX + 1) + b"{}"},
    ],
)
async def test_what_is_not_ordinary_goes_the_long_way(centre: Caller, more: Any, taken: dict[str, int]) -> None:
    await centre.call("POST", NEXT, **more)
    assert taken["taken"] == 0


async def test_an_agent_may_call_for_itself_only(house: House, centre: Caller, taken: dict[str, int]) -> None:
    ann, bob = [house.caller(await token_of(centre, "agent", code)) for code in ("ann", "bob")]
    await bob.no(404, "POST", NEXT, {})
    path = f"/v1/leases/{(await ann.ok('POST', NEXT))['token']}/finish"
    await bob.no(404, "POST", path, NO_ANSWER)
    assert (await ann.ok("POST", path, NO_ANSWER))["lead"]["status"] == "automatic_redial"
    assert taken["taken"] == 4


async def test_a_token_that_is_deleted_is_refused_at_once(house: House, centre: Caller) -> None:
    made = await centre.ok("POST", "/v1/tokens", {"role": "agent", "agent": "ann"})
    ann = house.caller(made["token"])
    await ann.ok("POST", NEXT)
    await centre.ok("DELETE", f"/v1/tokens/{made['id']}")
    await ann.no(401, "POST", NEXT)


async def test_the_history_names_an_agent_by_its_new_rows(house: House, centre: Caller) -> None:
    """A caller is kept with the rows that it was made of; a session makes another row of the agent."""
    ann = house.caller(await token_of(centre, "agent", "ann"))
    await ann.ok("POST", NEXT)
    await centre.ok("PUT", "/v1/agents/ann/session", {"campaigns": ["c1"]})
    await ann.ok("POST", NEXT)
    await centre.ok("PATCH", "/v1/agents/ann", {"enabled": False})
    assert (await ann.call("POST", NEXT)).status_code >= 400


async def test_where_data_can_not_be_read_it_says_so(
    house: House, centre: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(house.dialer.archive, "data", fails)
    assert (await centre.no(503, "POST", NEXT))["code"] == "storage_failed"


async def test_nothing_is_answered_while_the_database_may_be_anothers(
    house: House, centre: Caller, monkeypatch: pytest.MonkeyPatch, taken: dict[str, int]
) -> None:
    assert isinstance(house.app, hot.Hot)
    held = [True]
    monkeypatch.setattr(house.app._face, "holds", lambda: held[0])

    async def lost(*_: object) -> dict[int, bytes]:
        held[0] = False
        return {}

    monkeypatch.setattr(house.dialer.archive, "data", lost)
    during = await centre.call("POST", NEXT, {})
    assert (during.status_code, taken["taken"]) == (503, 1)
    after = await centre.call("POST", NEXT, {})
    assert (after.status_code, taken["taken"]) == (503, 1), "the long way says so"
    assert during.content == after.content


# -- headers from a socket ------------------------------------------------------------------------------------------

BEARER = b"Authorization: Bearer some-token\r\n"


@pytest.mark.parametrize(
    "block",
    [
        BEARER,
        BEARER + b"Content-Length: 12\r\nContent-Type: application/json\r\nX-Else: \xff\r\n",
        b"hOST: x\r\nAUTHORIZATION:bearer  some-token \r\nconnection: keep-alive\r\n",
    ],
)
def test_ordinary_headers(block: bytes) -> None:
    head = read_head(block + b"\r\n")
    assert head is not None
    assert head.token_sha256 == sha256(b"some-token").hexdigest()
    assert head.length == (12 if b"12" in block else 0)


@pytest.mark.parametrize(
    "block",
    [
        b"Content-Length: 2\r\n",
        b"Authorization: Basic abc\r\n",
        BEARER + BEARER,
        BEARER + b"Content-Length: 2\r\nContent-Length: 2\r\n",
        BEARER + b"Content-Length: 12345678\r\n",
        BEARER + b"Content-Length: -1\r\n",
        BEARER + b"Transfer-Encoding: chunked\r\n",
        BEARER + b"Connection: close\r\n",
        BEARER + b"Connection: upgrade\r\nUpgrade: websocket\r\n",
        BEARER + b"Expect: 100-continue\r\n",
        BEARER + b"Idempotency-Key: one\r\n",
        BEARER + b"Content-Type: text/plain\r\n",
        BEARER + b" folded: yes\r\n",
        BEARER + b"no colon\r\n",
        BEARER + b"Bad\x00Name: x\r\n",
    ],
)
def test_headers_that_go_the_long_way(block: bytes) -> None:
    assert read_head(block + b"\r\n") is None
