"""Promised redials that fall due while agents wait for them: how late they are offered (T13).

Agents of a campaign of their own wait with the long-poll `next`. There is a lead for each; whoever gets one promises
it again for one to three seconds later, to itself (private, VIP) or to anybody (common), and waits again. Late is the
time between the moment at which somebody could have had it and the answer's arrival, by the same machine's clock: the
promised moment, or that in which its owner began to wait, if it is its owner's alone and that was later.
"""

import asyncio
import time
from array import array
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Final

from .clients import Client, LoadFailed, connect, head, secret_of, unexpected, with_body
from .figures import Result, spread
from .load import lease_of

CAMPAIGN: Final = "late"
WAITERS: Final = 100
WAIT_S: Final = 60
AHEAD_MS: Final = (1_000, 3_000)
_KINDS: Final = (b"private", b"vip", b"common")
_PROMISED: Final = b'"promised":"'
_SHARED: Final = b'"status":"common_redial"'


def waiter_code(at: int) -> str:
    """The code of an agent who waits."""
    return f"w{at:03}"


class Waiter(Client):
    """Waits for a lead, promises it again, waits."""

    def __init__(self, waiters: "Waiters", code: str) -> None:
        super().__init__()
        token = secret_of(code)
        self._waiters = waiters
        self._wait = head("POST", f"/v1/agents/{code}/next", token) + with_body(b'{"wait":%d}' % WAIT_S)
        self._finish_start, self._finish_end = head("POST", "/v1/leases/@/finish", token).split(b"@")
        self._finishing = False
        self._since_ms = 0.0

    def wait(self) -> None:
        """For the next lead."""
        self._finishing = False
        self._since_ms = time.time_ns() / 1e6
        self.transport.write(self._wait)

    def answered(self, status: int, body: bytes) -> None:
        """See `Client`."""
        now_ms = time.time_ns() / 1e6
        if status not in (200, 204):
            self._waiters.fail(unexpected(status, body))
        elif status == 200 and not self._finishing:
            self._waiters.came(body, now_ms, self._since_ms)
            self._finishing = True
            end = self._waiters.promise(now_ms)
            self.transport.write(b"".join((self._finish_start, lease_of(body), self._finish_end, end)))
        else:
            self.wait()

    def lost(self) -> None:
        """See `Client`."""
        self._waiters.fail(LoadFailed("a connection was closed"))


class Waiters:
    """All who wait. `late_ms` are the times of promised redials, in the order in which they came."""

    def __init__(self, port: int, seed: int) -> None:
        self.late_ms = array("d")
        self._port = port
        self._rng = Random(seed)
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait(self, seconds: float) -> Result:
        """Let all of them wait for so long; the spread of lateness. Raises `LoadFailed`."""
        waiters = [await connect(self._port, Waiter(self, waiter_code(at))) for at in range(WAITERS)]
        for waiter in waiters:
            waiter.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._over, seconds)
        for waiter in waiters:
            waiter.transport.close()
        return {"redials": float(len(self.late_ms)), **spread("late", self.late_ms, "ms")}

    def came(self, body: bytes, now_ms: float, since_ms: float) -> None:
        """A lead was offered to one who waited since then; one that was never promised is not late."""
        at = body.find(_PROMISED)
        if at >= 0:
            text = body[at + len(_PROMISED) : body.find(b'"', at + len(_PROMISED))]
            due_ms = datetime.fromisoformat(text.decode()).timestamp() * 1000
            self.late_ms.append(now_ms - (due_ms if _SHARED in body else max(due_ms, since_ms)))

    def promise(self, now_ms: float) -> bytes:
        """The end of a `finish` that promises a call."""
        at_ms = int(now_ms) + self._rng.randint(*AHEAD_MS)
        second = datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()
        kind = self._rng.choice(_KINDS)
        return with_body(b'{"outcome":"redial","kind":"%s","at":"%s.%03dZ"}' % (kind, second, at_ms % 1000))

    def fail(self, failure: LoadFailed) -> None:
        """End the measurement with an error."""
        if not self._over.done():
            self._over.set_exception(failure)
