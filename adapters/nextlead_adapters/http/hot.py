"""The two calls that agents make all day, `next` and `finish`, by a shorter way than the others.

Rules of this file:

1. A call goes this way when it is of the ordinary form: a short body of JSON in one piece, no query, no
   Idempotency-Key, no waiting. Any other goes the way that all calls go (`endpoint.py`), with what was read of it.
2. It does what that way does, in the same order, and answers the same, byte for byte (`tests/http/test_hot.py`): who
   calls, and may they? -> body -> decision -> is the database ours? -> answer.
3. Nothing is made here that the answer does not need: no headers by name, no `Call`, no `Reply`.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nextlead.core.errors import NotFound
from nextlead.core.replies import NoLead

from .auth import Gatekeeper
from .endpoint import JSON, WHOSE, not_ours, reply_to, send_reply
from .reading import decode
from .services import Face, Services
from .table import Access, Caller, Reply
from .values import to_json
from .work import FINISH, NEXT, REASON, end_lease, offered
from .work_shapes import FinishBody, NextBody

_AGENTS, _NEXT = NEXT.split("{code}")
_LEASES, _FINISH = FINISH.split("{token}")
_UNUSUAL: Final = frozenset({b"idempotency-key", b"content-encoding", b"transfer-encoding"})
_LENGTH_DIGITS: Final = 4
"""Longer bodies go the long way, which looks at the limit before it reads."""
_REASON: Final = REASON.encode()

_Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
_Work = Callable[[Services, Caller, str, bytes], Awaitable[_Answer | None]]


class Hot:
    """An ASGI application: those two calls, and `others` for all the rest."""

    def __init__(self, face: Face, gatekeeper: Gatekeeper, others: ASGIApp) -> None:
        self._face = face
        self._gatekeeper = gatekeeper
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path: str = scope.get("path", "")
        name, pattern, work = "", "", _next
        if path.endswith(_NEXT) and path.startswith(_AGENTS):
            name, pattern = path[len(_AGENTS) : -len(_NEXT)], NEXT
        elif path.endswith(_FINISH) and path.startswith(_LEASES):
            name, pattern, work = path[len(_LEASES) : -len(_FINISH)], FINISH, _finish
        authorization = _authorization(scope) if name and "/" not in name else None
        if authorization is None or not self._face.holds():
            await self._others(scope, receive, send)
            return
        try:
            caller, services = self._gatekeeper.admit_token(Access.AGENT, authorization)
            scope[WHOSE] = services.tenant.organisation.code
            message = await receive()
            whole = message["type"] == "http.request" and not message.get("more_body", False)
            answer = await work(services, caller, name, message.get("body", b"")) if whole else None
        except Exception as fault:  # noqa: BLE001 - every one of them has its answer
            await self._send(send, reply_to(fault, scope, pattern))
            return
        if answer is None:
            await self._others(scope, _again(message, receive), send)
        elif self._face.holds():
            status, headers, payload = answer
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": payload})
        else:
            await self._send(send, not_ours())

    async def _send(self, send: Send, reply: Reply) -> None:
        reply = reply if self._face.holds() else not_ours()
        await send_reply(send, reply, reply.payload())


def _authorization(scope: Scope) -> str | None:
    """The header of that name; None where something is not as it mostly is."""
    if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"]:
        return None
    found = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            found = value.decode("latin-1")
        elif name == b"content-type":
            if value != b"application/json":
                return None
        elif name in _UNUSUAL or (name == b"content-length" and len(value) > _LENGTH_DIGITS):
            return None
    return found


def _again(message: Message, receive: Receive) -> Receive:
    """What receives a message that was received already, then those after it."""
    waiting = [message]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


async def _next(services: Services, caller: Caller, name: str, raw: bytes) -> _Answer | None:
    if caller.role == "agent" and caller.agent != name:
        raise NotFound("agent", name)
    if raw and decode(NextBody, raw).wait:
        return None
    answer = await services.dialer.next(name, by=caller.by)
    if isinstance(answer, NoLead):
        return 204, [(_REASON, answer.reason.encode())], b""
    return _ok(to_json(await offered(services, answer)))


async def _finish(services: Services, caller: Caller, name: str, raw: bytes) -> _Answer | None:
    return _ok(to_json(await end_lease(services, caller, name, decode(FinishBody, raw))))


def _ok(payload: bytes) -> _Answer:
    return 200, [JSON, (b"content-length", b"%d" % len(payload))], payload
