"""The hot calls of one connection, one at a time: what comes while one is answered waits, also in an orderly end."""

import asyncio
from typing import Any

import pytest
from test_direct import NEXT, NO_LEASE, request
from uvicorn.server import ServerState

from nextlead_adapters.config import HttpConfig
from nextlead_adapters.http.direct import DirectProtocol
from nextlead_adapters.http.hot import Answer, Head, HotCall
from nextlead_adapters.http.lobby import Lobby
from nextlead_adapters.server import uvicorn_config


class Slow:
    """Takes every hot call, and answers it with its name when it is told to."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.may_answer = asyncio.Event()

    def call(self, _head: Head, code: str, lease: str) -> HotCall:
        return HotCall(None, None, None, code or lease)  # type: ignore[arg-type]

    async def answer(self, call: HotCall, _raw: bytes) -> Answer:
        self.begun.append(call.name)
        await self.may_answer.wait()
        return 200, [(b"content-length", b"0"), (b"about", call.name.encode())], b""


class Line(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.reading = True
        self.closed = False

    def write(self, data: Any) -> None:
        self.sent.append(bytes(data))

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


class Connection:
    def __init__(self) -> None:
        lobby, self.hot, self.line, self.server = Lobby(), Slow(), Line(), ServerState()
        lobby.hot = self.hot  # type: ignore[assignment]
        config = uvicorn_config(lobby, HttpConfig())
        config.load()
        self.protocol = DirectProtocol(config, self.server, {}, asyncio.get_running_loop())
        self.protocol.connection_made(self.line)

    async def turn(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def answered(self) -> None:
        self.hot.may_answer.set()
        while self.server.tasks:
            await asyncio.wait(set(self.server.tasks))
            await self.turn()


@pytest.fixture
async def connection() -> Any:
    found = Connection()
    yield found
    found.protocol.connection_lost(None)


async def test_what_comes_meanwhile_waits_for_the_answer(connection: Connection) -> None:
    connection.protocol.data_received(NEXT)
    await connection.turn()
    connection.protocol.data_received(NO_LEASE[:70])
    connection.protocol.data_received(NO_LEASE[70:])
    await connection.turn()
    assert connection.hot.begun == ["a"]
    assert not connection.line.reading, "who sends more than is answered is not read from"
    await connection.answered()
    assert [b"about: a\r\n" in sent for sent in connection.line.sent] == [True, False]
    assert connection.hot.begun == ["a", "1-00000000000000000000000000000000"]
    assert connection.line.reading


async def test_a_call_under_way_is_answered_before_the_end(connection: Connection) -> None:
    connection.protocol.data_received(NEXT)
    await connection.turn()
    connection.protocol.shutdown()
    assert not connection.line.closed
    await connection.answered()
    [sent] = connection.line.sent
    assert b"about: a\r\n" in sent
    assert b"\r\nconnection: close\r\n" in sent
    assert connection.line.closed


async def test_who_has_nothing_under_way_is_closed_at_the_end(connection: Connection) -> None:
    connection.protocol.shutdown()
    assert connection.line.closed


async def test_a_body_is_no_call_whatever_it_looks_like(connection: Connection) -> None:
    connection.protocol.data_received(request("POST /v1/leads", NEXT).removesuffix(NEXT))
    await connection.answered()  # the lobby does not wait for the body
    connection.protocol.data_received(NEXT)
    await connection.answered()
    assert connection.hot.begun == []
    assert connection.line.sent[0].startswith(b"HTTP/1.1 503"), "the lobby's answer, of a daemon that is not open"
