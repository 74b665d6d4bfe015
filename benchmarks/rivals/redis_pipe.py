"""A connection to Redis with as little around it as there can be: hiredis packs and parses, asyncio carries.

Commands of one turn of the loop go out in one write, and answers come in the order of the commands.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, cast

import hiredis

Part = str | bytes | int
_pack = cast("Callable[[tuple[Part, ...]], bytes]", hiredis.pack_command)


def pack(*parts: Part) -> bytes:
    """A command as it goes over the wire."""
    return _pack(parts)


class RedisPipe(asyncio.Protocol):
    """Made by `connect`. Anybody may call at any time, each gets its own answer."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._unsent: list[bytes] = []
        self._transport: asyncio.WriteTransport | None = None

    @classmethod
    async def connect(cls, socket: Path) -> Self:
        """A connection to the server at a socket. Raises `OSError`."""
        _, pipe = await asyncio.get_running_loop().create_unix_connection(cls, str(socket))
        return pipe

    def call(self, *parts: Part) -> "asyncio.Future[Any]":
        """The answer to a command; `hiredis.ReplyError` when it is refused, `ConnectionError` when there is none."""
        return self.send(pack(*parts))

    def send(self, command: bytes) -> "asyncio.Future[Any]":
        """The same for a command that is packed already."""
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(command)
        answer = self._loop.create_future()
        self._waiting.append(answer)
        return answer

    def close(self) -> None:
        """Hang up."""
        assert self._transport is not None
        self._transport.close()

    def _flush(self) -> None:
        assert self._transport is not None
        self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    # -- asyncio.Protocol -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is one, too, but does not say so

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            waiting = self._waiting.popleft()
            if waiting.done():
                continue
            if isinstance(answer, hiredis.ReplyError):
                waiting.set_exception(answer)
            else:
                waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(ConnectionError(f"Redis hung up: {exc}"))
        self._waiting.clear()
