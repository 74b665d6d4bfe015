"""The agents of a job over HTTP: in closed loop, or at a pace.

Rules of this file:

1. An agent in closed loop (`Shift.work`) makes its next call when the last one is answered. Paced (`Shift.pace`), calls
   have a time at which they are due, whatever became of the ones before; an answer's time counts from there, so a
   daemon that stops for a second is slow for all who would have called in that second (no coordinated omission).
2. Every other call of an agent is a `finish`: of an answer only the lease's token is looked for.
"""

import asyncio
from collections import deque
from datetime import UTC, datetime
from random import Random
from time import perf_counter_ns
from types import TracebackType
from typing import Final, Self

from .calls import OUTCOMES, PROMISE_MINUTES, RESULTS, STEP_MS
from .clients import Asker, Client, LoadFailed, Tally, connect, head, secret_of, unexpected, with_body
from .job import agent_code

_TOKEN: Final = b'"token":"'
_TICK_S: Final = 0.001
_CLOCK_S: Final = 0.05


def time_text(ms: int) -> str:
    """A time as the interface wants it, without its milliseconds."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Outcomes:
    """Throws the dice of the calls, as `calls.Calls` does; `draw` makes the body of a finish."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(seed)
        self._drawn: list[str] = []
        self._closed = [with_body(b'{"outcome":"resolved","result":"%s"}' % code.encode()) for code in RESULTS]
        self._no_answer = with_body(b'{"outcome":"unreached","cause":"no_answer"}')

    def draw(self, now_ms: int) -> bytes:
        """What comes after the head of a `finish`. Promises outside calling hours are forced, as in `calls.py`."""
        if not self._drawn:
            self._drawn = self._rng.choices(tuple(OUTCOMES), tuple(OUTCOMES.values()), k=10_000)
        kind = self._drawn.pop()
        if kind == "no_answer":
            return self._no_answer
        if kind == "closed":
            return self._rng.choice(self._closed)
        at = time_text(now_ms + self._rng.randint(*PROMISE_MINUTES) * 60_000)
        return with_body(b'{"outcome":"redial","kind":"%s","at":"%s","force":true}' % (kind.encode(), at.encode()))


class Shift:
    """All agents of a job, each on a connection of its own, and the clock that their daemon goes by.

    `outstanding` are calls that were made, or are due, and not answered. The clock, if it is a manual one, moves 0.3 s
    with every `next`: the daemon is told twenty times a second.
    """

    def __init__(self, port: int, agents: int, seed: int) -> None:
        self.tally = Tally()
        self.outcomes = Outcomes(seed)
        self.now_ms = 0
        self.agents = [Agent(self, agent_code(at)) for at in range(agents)]
        self.outstanding = 0
        self._left = 0
        self._port = port
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._moving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        for agent in self.agents:
            await connect(self._port, agent)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._moving is not None:
            self._moving.cancel()
            await asyncio.wait([self._moving])
        for agent in self.agents:
            agent.transport.close()
        await asyncio.sleep(0)

    async def move_clock(self, token: str) -> None:
        """From now on a manual clock goes with the calls. Raises `LoadFailed` if it can't be moved."""
        asker = await connect(self._port, Asker())
        now = await asker.ask(head("GET", "/v1/clock", token) + with_body(b""))
        self.now_ms = round(datetime.fromisoformat(now.split(b'"')[3].decode()).timestamp() * 1000)
        self._moving = asyncio.create_task(self._move(asker, token))

    async def _move(self, asker: Asker, token: str) -> None:
        start = head("POST", "/v1/clock", token)
        try:
            while True:
                await asyncio.sleep(_CLOCK_S)
                await asker.ask(start + with_body(b'{"now":"%s"}' % time_text(self.now_ms).encode()))
        except LoadFailed as failure:
            self.fail(failure)
        finally:
            asker.transport.close()

    async def work(self, operations: int) -> Tally:
        """So many calls in closed loop."""
        self._begin(operations)
        for agent in self.agents:
            self.answered(agent)
        return await self._end()

    async def pace(self, rate: float, seconds: float) -> Tally:
        """Calls at an even pace, the agents' in turn, for so long."""
        self._begin(0)
        total, sent, began_ns = max(1, int(rate * seconds)), 0, perf_counter_ns()
        while sent < total and not self._over.done():
            due = min(total, int((perf_counter_ns() - began_ns) * rate / 1e9) + 1)
            self.outstanding += due - sent
            for no in range(sent, due):
                self.agents[no % len(self.agents)].come_due(began_ns + int(no / rate * 1e9))
            sent = due
            await asyncio.sleep(_TICK_S)
        self._done()
        return await self._end()

    def _begin(self, operations: int) -> None:
        self._left = operations
        self.tally = Tally()
        self._over = asyncio.get_running_loop().create_future()
        self.outstanding = len(self.agents) if operations else 1  # all agents' next calls, or the pacing itself

    async def _end(self) -> Tally:
        await self._over
        self.tally.end()
        return self.tally

    def answered(self, agent: "Agent") -> None:
        """An agent's call was answered; in closed loop it makes the next one."""
        if self._left:
            self._left -= 1
            agent.call(perf_counter_ns())
        else:
            self._done()

    def _done(self) -> None:
        self.outstanding -= 1
        if self.outstanding == 0 and not self._over.done():
            self._over.set_result(None)

    def fail(self, failure: LoadFailed) -> None:
        """End the measurement with an error."""
        if not self._over.done():
            self._over.set_exception(failure)


class Agent(Client):
    """Finishes the call of the lead that it has, else asks for one."""

    def __init__(self, shift: Shift, code: str) -> None:
        super().__init__()
        token = secret_of(code)
        self._shift = shift
        self._next = head("POST", f"/v1/agents/{code}/next", token) + with_body(b"")
        self._finish_start, self._finish_end = head("POST", "/v1/leases/@/finish", token).split(b"@")
        self._lease = b""
        self._busy = self._finishing = False
        self._due_ns = 0
        self._waiting: deque[int] = deque()

    def come_due(self, due_ns: int) -> None:
        """The next call is due; it is made when the last one is answered."""
        if self._busy:
            self._waiting.append(due_ns)
        else:
            self.call(due_ns)

    def call(self, due_ns: int) -> None:
        """Make the next call."""
        self._busy, self._due_ns = True, due_ns
        self._finishing = bool(self._lease)
        if self._finishing:
            body = self._shift.outcomes.draw(self._shift.now_ms)
            self.transport.write(b"".join((self._finish_start, self._lease, self._finish_end, body)))
        else:
            self._shift.now_ms += STEP_MS
            self.transport.write(self._next)

    def answered(self, status: int, body: bytes) -> None:
        """See `Client`."""
        now_ns = perf_counter_ns()
        shift = self._shift
        if self._finishing and status == 200:
            shift.tally.finish_ns.append(now_ns - self._due_ns)
            self._lease = b""
        elif not self._finishing and status in (200, 204):
            shift.tally.next_ns.append(now_ns - self._due_ns)
            self._lease = lease_of(body)
            shift.tally.none += not self._lease
        else:
            shift.fail(unexpected(status, body))
            return
        self._busy = False
        shift.answered(self)
        if self._waiting and not self._busy:
            self.call(self._waiting.popleft())

    def lost(self) -> None:
        """See `Client`."""
        if self._shift.outstanding:
            self._shift.fail(LoadFailed("a connection was closed"))


def lease_of(body: bytes) -> bytes:
    """The token of a lease; empty without one."""
    at = body.find(_TOKEN)
    return body[at + len(_TOKEN) : body.find(b'"', at + len(_TOKEN))] if at >= 0 else b""
