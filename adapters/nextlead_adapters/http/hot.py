"""The two calls that agents make all day, `next` and `finish`, by a shorter way than the others.

Rules of this file:

1. A call goes this way when it is of the ordinary form: a short body of JSON, no query, no
   Idempotency-Key, no waiting. Any other goes the way that all calls go (`endpoint.py`), with what was read of it.
2. It does what that way does, in the same order, and answers the same, byte for byte (`tests/http/test_hot.py`): who
   calls, and may they? -> body -> decision -> is the database ours? -> answer.
3. Nothing is made here that the answer does not need: no headers by name, no `Call`, no `Reply`.

`Hot` is an ASGI application; `direct.py` takes the same calls from uvicorn before there is any ASGI.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nextlead.core.errors import NotFound
from nextlead.core.replies import NoLead

from .auth import Gatekeeper, digest_of_bearer
from .endpoint import JSON, WHOSE, headers_of, not_ours, reply_to
from .reading import decode
from .services import Face, Services
from .table import Access, Caller, Reply
from .values import to_json
from .work import FINISH, NEXT, REASON, end_lease, offered
from .work_shapes import FinishBody, NextBody

BODY_MAX: Final = 9_999
"""Longer bodies go the long way, which looks at the limit before it reads."""
_AGENTS, _NEXT = NEXT.split("{code}")
_LEASES, _FINISH = FINISH.split("{token}")
_UNUSUAL: Final = frozenset({b"idempotency-key", b"content-encoding", b"transfer-encoding", b"expect", b"upgrade"})
_REASON: Final = REASON.encode()

Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, Headers, bytes]
"""Status, headers, body."""
_Work = Callable[[Services, Caller, str, bytes], Awaitable[Answer | None]]


class HotCall(NamedTuple):
    """One of the two, from somebody who may make it. `name` is the agent's code or the lease's token."""

    work: _Work
    services: Services
    caller: Caller
    name: str


class Head(NamedTuple):
    """What the headers of an ordinary call say."""

    token_sha256: str
    length: int


def head_of(headers: Iterable[tuple[bytes, bytes]]) -> Head | None:
    """None where something is not as it mostly is."""
    token, length = "", 0
    for name, value in headers:
        if name == b"authorization":
            token = digest_of_bearer(value.decode("latin-1"))
        elif name == b"content-length":
            length = int(value) if value.isdigit() and len(value) <= 5 else BODY_MAX + 1
        elif name in _UNUSUAL or (name == b"content-type" and value != b"application/json"):
            return None
    return Head(token, length) if token and length <= BODY_MAX else None


class Hot:
    """An ASGI application: those two calls, and `others` for all the rest."""

    def __init__(self, face: Face, gatekeeper: Gatekeeper, others: ASGIApp) -> None:
        self._face = face
        self._gatekeeper = gatekeeper
        self._others = others
        self._body_max = min(BODY_MAX, face.limits.body_max_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = self._call_of(scope)
        if call is None:
            await self._others(scope, receive, send)
            return
        message = await receive()
        if message.get("more_body", False):
            message = await _whole(message, receive)
        whole = message["type"] == "http.request" and not message.get("more_body", False)
        answer = await self.answer(call, message.get("body", b"")) if whole else None
        if answer is None:
            await self._others(scope, _again(message, receive), send)
            return
        status, headers, payload = answer
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": payload})

    def _call_of(self, scope: Scope) -> HotCall | None:
        path: str = scope.get("path", "")
        if path.endswith(_NEXT) and path.startswith(_AGENTS):
            code, lease = path[len(_AGENTS) : -len(_NEXT)], ""
        elif path.endswith(_FINISH) and path.startswith(_LEASES):
            code, lease = "", path[len(_LEASES) : -len(_FINISH)]
        else:
            return None
        if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"] or "/" in code or "/" in lease:
            return None
        head = head_of(scope["headers"])
        return None if head is None else self.call(head, code, lease)

    def call(self, head: Head, code: str, lease: str) -> HotCall | None:
        """`next` of the agent of that code, or `finish` of that lease, of which one is given; None for neither.

        None too for who may not make it, and while the database may be another's: the long way says so.
        """
        known = self._gatekeeper.known(head.token_sha256)
        if known is None or head.length > self._body_max or not self._face.holds():
            return None
        caller, services = known
        if caller.role not in Access.AGENT.value:
            return None
        if code:
            return HotCall(_next, services, caller, code)
        return HotCall(_finish, services, caller, lease) if lease else None

    async def answer(self, call: HotCall, raw: bytes) -> Answer | None:
        """Carry it out; None if it is to go the long way, and nothing was done."""
        work, services, caller, name = call
        try:
            answer = await work(services, caller, name, raw)
        except Exception as fault:  # noqa: BLE001 - every one of them has its answer
            about = {"method": "POST", WHOSE: services.tenant.organisation.code}
            answer = _answer_of(reply_to(fault, about, NEXT if work is _next else FINISH))
        return answer if self._face.holds() else _answer_of(not_ours())


def _answer_of(reply: Reply) -> Answer:
    payload = reply.payload()
    return reply.status, headers_of(reply, payload), payload


async def _whole(message: Message, receive: Receive) -> Message:
    """The message of a body with those after it, up to `BODY_MAX`; the last one if the client has gone."""
    body = message["body"]
    while message.get("more_body", False) and len(body) <= BODY_MAX:
        message = await receive()
        if message["type"] != "http.request":
            return message
        body += message.get("body", b"")
    return {"type": "http.request", "body": body, "more_body": message.get("more_body", False)}


def _again(message: Message, receive: Receive) -> Receive:
    """What receives a message that was received already, then those after it."""
    waiting = [message]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


async def _next(services: Services, caller: Caller, name: str, raw: bytes) -> Answer | None:
    if caller.role == "agent" and caller.agent != name:
        raise NotFound("agent", name)
    if raw and decode(NextBody, raw).wait:
        return None
    answer = await services.dialer.next(name, by=caller.by)
    if isinstance(answer, NoLead):
        return 204, [(_REASON, answer.reason.encode())], b""
    return _ok(to_json(await offered(services, answer)))


async def _finish(services: Services, caller: Caller, name: str, raw: bytes) -> Answer | None:
    return _ok(to_json(await end_lease(services, caller, name, decode(FinishBody, raw))))


def _ok(payload: bytes) -> Answer:
    return 200, [JSON, (b"content-length", b"%d" % len(payload))], payload
