"""Clients over HTTP that cost little: raw sockets, requests made beforehand, answers hardly looked at.

Rules of this file:

1. The load must not be what limits the server, nor what the machine does instead of it. So an answer is searched for
   its status and its length, and nothing else; `Tally.cpu_s` says what the load costs all the same.
2. Every answer that is not one of those expected ends the measurement: a figure with errors in it is none.
"""

import asyncio
from array import array
from hashlib import sha256
from time import perf_counter, perf_counter_ns, process_time
from typing import Final, Self, TypeVar, cast

from .figures import Result, spread

P = TypeVar("P", bound=asyncio.BaseProtocol)

NS_PER_MS: Final = 1e6
_LENGTH: Final = b"content-length: "


class LoadFailed(Exception):
    """The daemon answered what it should not, or broke a connection off; the message is what it said."""


class Client(asyncio.Protocol):
    """One connection, kept alive: a request, its answer, the next request. `answered` gets status and body."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by class

    def data_received(self, data: bytes) -> None:
        """Nearly always one whole answer."""
        if self._rest:
            data = self._rest + data
        end = data.find(b"\r\n\r\n") + 4
        at = data.find(_LENGTH, 0, end)
        length = int(data[at + len(_LENGTH) : data.find(b"\r\n", at)]) if at >= 0 else 0
        if end < 4 or len(data) < end + length:
            self._rest = data
            return
        self._rest = b""
        self.answered(int(data[9:12]), data[end:])

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio has it
        """Asyncio's."""
        self.lost()

    def answered(self, status: int, body: bytes) -> None:
        """An answer is there, all of it."""
        raise NotImplementedError

    def lost(self) -> None:
        """The connection is over."""


class Asker(Client):
    """A connection for whoever wants to await an answer."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None

    async def ask(self, request: bytes) -> bytes:
        """The body of a 200 or 204. Raises `LoadFailed` for any other answer."""
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        status, body = await self._waiting
        if status not in (200, 204):
            raise unexpected(status, body)
        return body

    def answered(self, status: int, body: bytes) -> None:
        """See `Client`."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result((status, body))

    def lost(self) -> None:
        """See `Client`."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(LoadFailed("the connection was closed"))


def unexpected(status: int, body: bytes) -> LoadFailed:
    """For an answer that should not have been."""
    return LoadFailed(f"{status}: {body[:500].decode('utf-8', 'replace')}")


async def connect(port: int, protocol: P) -> P:
    """A connection to the daemon on this machine."""
    await asyncio.get_running_loop().create_connection(lambda: protocol, "127.0.0.1", port)
    return protocol


# -- requests -------------------------------------------------------------------------------------------------------


def secret_of(code: str) -> str:
    """The bearer token of a measurement's agent: no secret at all."""
    return sha256(code.encode()).hexdigest()


def head(method: str, path: str, token: str) -> bytes:
    """A request's first lines, up to the length of its body."""
    lines = (f"{method} {path} HTTP/1.1", "host: localhost", f"authorization: Bearer {token}")
    return "\r\n".join((*lines, "content-type: application/json", "content-length: ")).encode()


def with_body(body: bytes) -> bytes:
    """What comes after `head`."""
    return b"%d\r\n\r\n%s" % (len(body), body)


class Tally:
    """What was measured: times in nanoseconds, answers without a lead, and how long it took, `cpu_s` for the load."""

    def __init__(self) -> None:
        self.next_ns = array("q")
        self.finish_ns = array("q")
        self.none = 0
        self.elapsed_s = self.cpu_s = 0.0
        self._began_s, self._began_cpu_s = perf_counter(), process_time()

    @property
    def operations(self) -> int:
        """`next` and `finish`, together."""
        return len(self.next_ns) + len(self.finish_ns)

    def end(self) -> None:
        """That was all."""
        self.elapsed_s = perf_counter() - self._began_s
        self.cpu_s = process_time() - self._began_cpu_s

    def __iadd__(self, other: "Tally") -> Self:
        """Another period of the same."""
        self.next_ns += other.next_ns
        self.finish_ns += other.finish_ns
        self.none += other.none
        self.elapsed_s += other.elapsed_s
        self.cpu_s += other.cpu_s
        return self

    def result(self) -> Result:
        """Rates, percentiles in milliseconds, the load's own share of a core in per cent."""
        elapsed_s = max(1e-9, self.elapsed_s)
        return {
            "operations": float(self.operations),
            "operations_per_s": self.operations / elapsed_s,
            "share_none": 100 * self.none / max(1, len(self.next_ns)),
            "load_core_share": 100 * self.cpu_s / elapsed_s,
            **spread("next", self.next_ns, "ms", NS_PER_MS),
            **spread("finish", self.finish_ns, "ms", NS_PER_MS),
        }


# -- one request, again and again -----------------------------------------------------------------------------------


class Repeater(Client):
    """Sends the same request whenever the answer to the last one is there, until nothing is left for anybody."""

    def __init__(self, rounds: "Rounds") -> None:
        super().__init__()
        self._rounds = rounds
        self._asked_ns = 0

    def ask(self) -> None:
        """Once more."""
        self._asked_ns = perf_counter_ns()
        self.transport.write(self._rounds.request)

    def answered(self, status: int, body: bytes) -> None:
        """See `Client`."""
        rounds = self._rounds
        rounds.tally.next_ns.append(perf_counter_ns() - self._asked_ns)
        if status != 200:
            rounds.fail(unexpected(status, body))
        elif rounds.left > 0:
            rounds.left -= 1
            self.ask()
        else:
            rounds.one_ends()

    def lost(self) -> None:
        """See `Client`."""
        self._rounds.fail(LoadFailed("a connection was closed"))


class Rounds:
    """A request from many connections in closed loop, each of which sends it anew when it is answered."""

    def __init__(self, request: bytes, operations: int) -> None:
        self.request = request
        self.left = operations
        self.tally = Tally()
        self._at_work = 0
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, port: int, connections: int) -> Tally:
        """All of it; times are under `next`."""
        repeaters = [await connect(port, Repeater(self)) for _ in range(connections)]
        self.tally = Tally()
        self._at_work = connections
        self.left -= connections
        for repeater in repeaters:
            repeater.ask()
        await self._over
        self.tally.end()
        for repeater in repeaters:
            repeater.transport.close()
        await asyncio.sleep(0)
        return self.tally

    def one_ends(self) -> None:
        """A connection has nothing more to do."""
        self._at_work -= 1
        if self._at_work == 0 and not self._over.done():
            self._over.set_result(None)

    def fail(self, failure: LoadFailed) -> None:
        """End the measurement with an error."""
        if not self._over.done():
            self._over.set_exception(failure)
