"""One address: from a request to its answer, the same steps for every call.

    who calls, and may they? -> query -> body -> (Idempotency-Key) -> handler -> is the database ours? -> answer

Everything that goes wrong on the way becomes a problem answer here, and nowhere else. What is left is our own fault: it
is logged for a person to act on, and answered with a 500.

Whether the database is ours is asked just before a byte is sent: a process that was stopped and wakes up may have an
answer that another has made untrue. It says no more than that it is not ready; what it was sending breaks off.
"""

import traceback
from collections.abc import Mapping
from functools import partial
from typing import Final

import structlog
from msgspec import UNSET
from starlette.types import Message, Receive, Scope, Send

from nextlead.core.errors import NextleadError, NotFound, NotReady, StorageFailed
from nextlead.ports import StoreError

from . import idempotency, problems
from .auth import Gatekeeper
from .reading import ClientGone, check_json_type, decode, decode_query, read_body
from .services import Face
from .table import Call, Reply, Route, Stream
from .uploads import is_form, receive_upload

JSON: Final = (b"content-type", b"application/json")

_log = structlog.get_logger("nextlead.http")
WHOSE: Final = "nextlead.organisation"
"""Where a call's scope has the organisation's code, once the token has told it."""


class NotOurs(Exception):
    """The database may be another process's by now: what is being sent breaks off."""


def not_ours() -> Reply:
    """The only answer while that is so."""
    return problems.problem_reply(problems.of_error(NotReady("another process may own the database by now")))


class Endpoint:
    """The calls of one path, by method. An ASGI application."""

    def __init__(self, face: Face, gatekeeper: Gatekeeper, routes: Mapping[str, Route]) -> None:
        self._face = face
        self._gatekeeper = gatekeeper
        self._routes = dict(routes)
        self._path = next(iter(routes.values())).path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._must_be_silent(scope["method"]):
            await _say_not_ours(send)
            return
        try:
            answer = await self._answer(scope, receive)
            payload = b"" if isinstance(answer, Stream) else answer.payload()
        except ClientGone:
            return
        except Exception as fault:  # noqa: BLE001 - every one of them has its answer
            answer = reply_to(fault, scope, self._path)
            payload = answer.payload()
        await self._send(send, scope, answer, payload)

    async def _send(self, send: Send, scope: Scope, answer: Reply | Stream, payload: bytes) -> None:
        if self._must_be_silent(scope["method"]):
            await _say_not_ours(send)
            return
        if isinstance(answer, Reply):
            await send_reply(send, answer, payload)
            return
        try:
            await answer.run(partial(self._send_if_ours, send))
        except* NotOurs:
            pass  # an answer without its end is one that broke off

    def _route(self, method: str) -> Route | None:
        return self._routes.get("GET" if method == "HEAD" else method)

    def _must_be_silent(self, method: str) -> bool:
        if self._face.holds():
            return False
        route = self._route(method)
        return route is None or not route.always

    async def _send_if_ours(self, send: Send, message: Message) -> None:
        if not self._face.holds():
            raise NotOurs
        await send(message)

    async def _answer(self, scope: Scope, receive: Receive) -> Reply | Stream:
        method = scope["method"]
        route = self._route(method)
        if route is None:
            raise problems.wrong_method(self._routes)
        call = Call(self._face, route, scope, receive)
        call.caller, services = self._gatekeeper.admit(route.access, call.headers)
        if services is not None:
            call.services = services
            scope[WHOSE] = services.tenant.organisation.code
        call.admitted = partial(self._gatekeeper.admits, route.access, call.headers)
        if route.own and call.is_agent and call.params["code"] != call.caller.agent:
            raise NotFound("agent", call.params["code"])
        call.query = decode_query(route.query, scope)
        if route.form is not None and (route.body is None or is_form(call.headers)):
            async with receive_upload(call) as call.file:
                call.body = decode(route.form, call.file.options, "options")
                return await self._run(call, call.file.sha256.encode())
        raw = await read_body(call.headers, receive, self._face.limits.body_max_bytes)
        if route.body is not None:
            if raw:
                check_json_type(call.headers)
            call.body = decode(route.body, raw)
        return await self._run(call, raw)

    async def _run(self, call: Call, body: bytes) -> Reply | Stream:
        """`body` is what came, or a digest of it."""
        key = idempotency.key_of(call) if call.route.method == "POST" and call.route.repeatable else ""
        if not key:
            return await run(call)
        digest = idempotency.body_digest(call.services.engine.state.secret, body)
        return await call.services.repeats.answer(call, key, digest, lambda: run(call))


async def _say_not_ours(send: Send) -> None:
    reply = not_ours()
    await send_reply(send, reply, reply.payload())


def reply_to(fault: Exception, scope: Scope, path: str) -> Reply:
    """The answer where a call went wrong, by whose fault ever. `path` is the address's pattern."""
    if isinstance(fault, problems.ProblemError):
        return problems.problem_reply(fault)
    if isinstance(fault, NextleadError):
        return problems.problem_reply(problems.of_error(fault))
    if isinstance(fault, StoreError):
        return problems.problem_reply(problems.of_error(StorageFailed("the storage can't be read now")))
    _report(fault, scope, path)
    return problems.problem_reply(problems.our_fault())


def _report(fault: Exception, scope: Scope, path: str) -> None:
    """As text, with the address's pattern: local variables and the address itself hold tokens."""
    about = {"method": scope["method"], "path": path, "trace": "".join(traceback.format_exception(fault))}
    if WHOSE in scope:
        about["organisation"] = scope[WHOSE]
    _log.error("a request failed by a fault of the daemon: please report this", **about)


async def run(call: Call) -> Reply | Stream:
    """The handler's answer, with the route's status unless it says another."""
    answer = await call.route.handler(call)
    if isinstance(answer, Reply | Stream):
        return answer
    return Reply(call.route.status, UNSET if answer is None else answer)


def headers_of(reply: Reply, payload: bytes) -> list[tuple[bytes, bytes]]:
    """The headers of an answer with these bytes as its body."""
    headers: list[tuple[bytes, bytes]] = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers]
    if payload and not any(name == b"content-type" for name, _ in headers):
        headers.append(JSON)
    if reply.status != 204:
        headers.append((b"content-length", b"%d" % len(payload)))
    return headers


async def send_reply(send: Send, reply: Reply, payload: bytes) -> None:
    """Send an answer with these bytes as its body."""
    await send({"type": "http.response.start", "status": reply.status, "headers": headers_of(reply, payload)})
    await send({"type": "http.response.body", "body": payload})
