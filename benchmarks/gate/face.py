"""What the two hot calls cost over HTTP: functions from the application's door to the engine and back (T6).

One agent, one call after the other, on a store in memory; no socket, no server. Only our own functions count: those of
libraries change with the library.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import MutableMapping
from hashlib import sha256
from types import FrameType
from typing import Any, Final

from msgspec import json
from starlette.types import ASGIApp

from nextlead.runtime.dialer import Dialer
from nextlead_adapters.http.app import create_app
from nextlead_adapters.http.tenants import OneOrganisation
from nextlead_adapters.intake.originals import Originals
from nextlead_adapters.intake.service import Intake
from nextlead_adapters.privacy.service import Privacy

from ..durable import JobClock
from ..job import START_MS, Job, agent_code
from .bounds import Figure
from .dialer import opened

JOB: Final = Job(500, agents=10)
BEFORE: Final = 10
CALLS: Final = 40
OPERATOR: Final = "the-operator-of-the-gate"
_OURS: Final = ("nextlead", "nextlead_adapters")


class Caller:
    """Calls the application as a server would. `called` are the functions, by the name of the call."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.called: Counter[str] = Counter()
        self._app = app
        self._token = token

    async def call(self, path: str, body: object, name: str = "") -> Any:
        """The answer. Counted if it has a name."""

        def saw(frame: FrameType, event: str, _arg: object) -> None:
            if event == "call" and frame.f_globals.get("__name__", "").partition(".")[0] in _OURS:
                self.called[name] += 1

        before = sys.getprofile()
        if name:
            sys.setprofile(saw)
        try:
            return await self._call(path, json.encode(body))
        finally:
            sys.setprofile(before)

    async def _call(self, path: str, body: bytes) -> Any:
        parts = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            assert message.get("status", 200) < 300, message
            parts.append(message.get("body", b""))

        await self._app(self._scope(path, len(body)), receive, send)
        return json.decode(b"".join(parts))

    def _scope(self, path: str, size: int) -> dict[str, Any]:
        headers = {"host": "localhost", "content-type": "application/json", "content-length": str(size)}
        headers["authorization"] = f"Bearer {self._token}"
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8_700),
        }


def face() -> list[Figure]:
    """Per call of an agent."""
    return asyncio.run(_face())


async def _face() -> list[Figure]:
    async with await opened(JOB, JobClock(START_MS)) as dialer:
        caller = Caller(_app(dialer), OPERATOR)
        token = await caller.call("/v1/tokens", {"role": "agent", "agent": agent_code(0)})
        agent = Caller(_app(dialer), token["token"])
        for at in range(BEFORE + CALLS):
            counted = at >= BEFORE
            lease = await agent.call(f"/v1/agents/{agent_code(0)}/next", {}, "next" * counted)
            ending = {"outcome": "unreached", "cause": "no_answer"}
            await agent.call(f"/v1/leases/{lease['token']}/finish", ending, "finish" * counted)
    return [Figure(f"functions per {name}", count / CALLS) for name, count in agent.called.items()]


def _app(dialer: Dialer) -> ASGIApp:
    tenants = OneOrganisation(dialer, Intake(dialer), Privacy(dialer, Originals(dialer)))
    return create_app(tenants, operator_token_sha256=sha256(OPERATOR.encode()).hexdigest())
