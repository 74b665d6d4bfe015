"""Uvicorn's protocol, with the two hot calls taken from the socket before there is any ASGI.

Rules of this file:

1. What is taken is one whole request in one piece, of the form that `hot.py` calls ordinary, on a connection where
   nothing else is under way. Everything else is uvicorn's, byte for byte as it came.
2. Headers are read by httptools, as uvicorn reads them. Clients send the same headers with each request, so what a
   block of them says is kept by its SHA-256: no token is kept.
3. One call of a connection is answered at a time: what comes meanwhile waits, and nothing more is read.
4. A call under way is one of the server's tasks, so the orderly end waits for it as for any other.
"""

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .hot import Answer, Head, HotCall, head_of

if TYPE_CHECKING:
    from .hot import Hot
    from .lobby import Lobby

HEADS_MAX: Final = 10_000
"""Blocks of headers that are known; more are forgotten, all at once."""
_LINE: Final = re.compile(rb"POST /v1/(?:agents/([\w.~-]+)/next|leases/([\w-]+)/finish) HTTP/1\.1\r\n")
_END: Final = b"\r\n\r\n"
_PROBE: Final = b"POST / HTTP/1.1\r\n"

_heads: Final[dict[bytes, Head | None]] = {}
_last_defaults: tuple[list[tuple[bytes, bytes]], bytes] = ([], b"")


class _Reader:
    """Collects headers as httptools finds them. `keeps_alive`: they were all there, and the connection stays."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.keeps_alive = False
        self.parser = httptools.HttpRequestParser(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Httptools' own."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Httptools' own."""
        self.keeps_alive = self.parser.should_keep_alive() and not self.parser.should_upgrade()


def read_head(block: bytes) -> Head | None:
    """What a block of headers says, the empty line after it included; None if it is not an ordinary one."""
    reader = _Reader()
    try:
        reader.parser.feed_data(_PROBE + block)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    names = [name for name, _ in reader.headers]
    if not reader.keeps_alive or len(set(names)) < len(names):
        return None
    return head_of(reader.headers)


def _known_head(block: bytes) -> Head | None:
    key = sha256(block).digest()
    if key in _heads:
        return _heads[key]
    if len(_heads) >= HEADS_MAX:
        _heads.clear()
    head = _heads[key] = read_head(block)
    return head


class DirectProtocol(HttpToolsProtocol):
    """A connection. See the rules of this file."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lobby: Lobby = self.config.app  # type: ignore[assignment]
        self._midway = False
        self._answering = False
        self._closing = False
        self._later: list[bytes] = []
        self._answered_s = 0.0

    def data_received(self, data: bytes) -> None:
        """Asyncio's: something came."""
        if self._answering:
            self._later.append(data)
            self.flow.pause_reading()
        elif self._midway or self.pipeline or not (self.cycle is None or self.cycle.response_complete):
            super().data_received(data)
        else:
            self._take(data)

    def on_message_begin(self) -> None:
        """Httptools': uvicorn has the beginning of a request."""
        self._midway = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Httptools': it has all of it."""
        self._midway = False
        super().on_message_complete()

    def _take(self, data: bytes) -> None:
        hot = self._lobby.hot
        found = None if hot is None else _call_in(hot, data)
        if hot is None or found is None:
            super().data_received(data)
            return
        self._answering = True
        task = self.loop.create_task(self._answer(hot, *found, data))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, hot: "Hot", call: HotCall, raw: bytes, data: bytes) -> None:
        try:
            answer = await hot.answer(call, raw)
            if self.flow.write_paused:
                await self.flow.drain()
            self._answering = False
            if not self.transport.is_closing():
                self._send(answer, data)
                self._go_on()
        except BaseException:
            self.transport.close()
            raise

    def _send(self, answer: Answer | None, data: bytes) -> None:
        if answer is None:
            super().data_received(data)
            if self._closing:
                super().shutdown()
            return
        self.transport.write(self._bytes_of(answer))
        self.server_state.total_requests += 1
        if self._closing:
            self.transport.close()
            return
        self._answered_s = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._await_silence(self.timeout_keep_alive)

    def _bytes_of(self, answer: Answer) -> bytes:
        status, headers, payload = answer
        lines = [STATUS_LINE[status], _defaults(self.server_state.default_headers)]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        if self._closing:
            lines.append(b"connection: close\r\n")
        lines += (b"\r\n", payload)
        return b"".join(lines)

    def _go_on(self) -> None:
        """With what came meanwhile."""
        if self._later and not self.transport.is_closing():
            data = b"".join(self._later)
            self._later.clear()
            self.flow.resume_reading()
            self.data_received(data)

    def timeout_keep_alive_handler(self) -> None:
        """Uvicorn's: nothing may have come for as long as a connection is kept. Setting it anew each time is dear."""
        left_s = self._answered_s + self.timeout_keep_alive - self.loop.time()
        if self._answering or left_s > 0:
            self._await_silence(max(left_s, 1.0))
        else:
            super().timeout_keep_alive_handler()

    def _await_silence(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def shutdown(self) -> None:
        """Uvicorn's: the orderly end. A call under way is answered first."""
        if self._answering:
            self._closing = True
        else:
            super().shutdown()


def _call_in(hot: "Hot", data: bytes) -> tuple[HotCall, bytes] | None:
    """The call that came, and its body; None for any that is not whole and ordinary."""
    line = _LINE.match(data)
    if line is None:
        return None
    end = data.find(_END, line.end() - 2) + len(_END)
    head = _known_head(data[line.end() : end]) if end >= len(_END) else None
    if head is None or len(data) != end + head.length:
        return None
    code, lease = line.groups(b"")
    call = hot.call(head, code.decode("ascii"), lease.decode("ascii"))
    return None if call is None else (call, data[end:])


def _defaults(headers: list[tuple[bytes, bytes]]) -> bytes:
    """The lines of the headers that all answers have; they change once a second."""
    global _last_defaults  # noqa: PLW0603 - all connections of a server have the same
    known, lines = _last_defaults
    if known is not headers:
        lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        _last_defaults = headers, lines
    return lines
