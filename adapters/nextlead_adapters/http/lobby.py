"""The application of a daemon that is not open yet: it lives, it is not ready, and everything else comes later.

A daemon listens from its first moment, so that whoever looks after it can tell one that loads, or waits as a standby,
from one that is dead.
"""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from nextlead.core.errors import NotReady

from . import problems
from .endpoint import send_reply
from .hot import Hot
from .table import Reply

LOADING: Final = "loading"
STANDBY: Final = "standby"
_RETRY: Final = (("retry-after", "1"),)


class Lobby:
    """An ASGI application that answers for itself until it is told which one to be. `status` is what /readyz says."""

    def __init__(self) -> None:
        self.status = LOADING
        self.hot: Hot | None = None
        self._app: ASGIApp = self._wait

    def become(self, app: Hot) -> None:
        """It is open: from now on this one answers."""
        self.hot = self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, send)

    async def _wait(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        reply = self._reply(scope["path"])
        await send_reply(send, reply, reply.payload())

    def _reply(self, path: str) -> Reply:
        if path == "/healthz":
            return Reply(200, {"status": "ok"})
        if path == "/readyz":
            return Reply(503, {"status": self.status}, _RETRY)
        return problems.problem_reply(problems.of_error(NotReady(f"the daemon is not open yet: {self.status}")))
