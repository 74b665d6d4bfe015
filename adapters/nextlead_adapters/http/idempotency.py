"""Idempotency-Key: the same key and body gets the first answer again for 24 hours; another body is a conflict.

Rules of this file:

1. A key counts for one token and one address. What is kept is a digest of the three, never the key itself; it is keyed,
   as people take numbers for keys.
2. An answer is kept in the commit of what it answers (`Call.submit`): a crash leaves both or neither. One that changed
   nothing, refusals among them, is kept in a commit of its own before it is given.
3. 429 and 5xx are not kept: those may go better next time.
4. No secret is kept, and no personal data. A lead is kept without its phones and data, which are read again when the
   answer is given again; a token is left out then. What a refusal quotes is left out. The digest of a body is keyed, as
   a body may be no more than a number, which can be guessed.
5. Two calls with one key at the same time: the second waits for the first. Nobody looks for a first answer before
   what is decided already is durable.
"""

import asyncio
import hmac
import re
from collections.abc import Awaitable, Callable, Iterator
from hashlib import sha256
from typing import Any, Final

import msgspec

from nextlead.core.commands import KeepAnswer
from nextlead.core.errors import NextleadError
from nextlead.core.model import Answer
from nextlead.ports import ANSWER_KEPT_MS
from nextlead.runtime.dialer import Dialer

from .lead_views import NO_DATA
from .problems import MEDIA, ProblemError, malformed, of_error, own, problem_reply
from .table import Call, Reply, Stream
from .values import to_json

KEY_CHARS_MAX: Final = 255
HEADER: Final = "idempotency-key"
REPLAYED: Final = ("nextlead-repeated", "true")
PRIVATE: Final[dict[str, type]] = {"phones": list, "data": dict, "number": str, "token": str, "admin_token": str}
"""Keys of answers whose values are not kept; counts may go by such names too."""
_QUOTED: Final = re.compile("'.*'", re.DOTALL)


def key_of(call: Call) -> str:
    """The digest that the answer is kept under; empty without the header."""
    key = call.headers.get(HEADER)
    if key is None:
        return ""
    if not 0 < len(key) <= KEY_CHARS_MAX:
        raise malformed("Idempotency-Key", f"must have 1 to {KEY_CHARS_MAX} characters")
    query = call.scope.get("query_string", b"").decode("latin-1")
    return digest(call.services.engine.state.secret, call.caller.token, call.scope["path"], query, key)


def digest(secret: bytes, *parts: str) -> str:
    """Over the parts, told apart by their lengths."""
    whole = "".join(f"{len(part)}:{part}" for part in parts)
    return body_digest(secret, whole.encode("utf-8", "surrogatepass"))


def body_digest(secret: bytes, body: bytes) -> str:
    """What a body is known again by. The secret is the store's (SPEC R10.6)."""
    return hmac.new(secret, body, sha256).hexdigest()


class Keeper:
    """Makes the command that keeps a call's answer. `used`: it has made one."""

    def __init__(self, key: str, body_sha256: str, now_ms: Callable[[], int]) -> None:
        self.used = False
        self._key = key
        self._body_sha256 = body_sha256
        self._now_ms = now_ms

    def __call__(self, status: int, body: object) -> KeepAnswer:
        """For an answer as it is given; what may not be kept is taken out here."""
        return self.of_payload(status, to_json(body))

    def of_payload(self, status: int, payload: bytes) -> KeepAnswer:
        """The same for the bytes of a body."""
        self.used = True
        kept = without_secrets(status, payload)
        return KeepAnswer(answer=Answer(self._key, self._body_sha256, status, kept, self._now_ms()))


class Repeats:
    """First answers: kept, found, given again."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    async def answer(
        self, call: Call, key: str, body_sha256: str, run: Callable[[], Awaitable[Reply | Stream]]
    ) -> Reply | Stream:
        """The first answer if there is one, else what `run` answers, which is kept."""
        lock, users = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, users + 1)
        try:
            async with lock:
                again = await self._again(call, key, body_sha256)
                return again or await self._first(call, Keeper(key, body_sha256, self._dialer.now_ms), run)
        finally:
            lock, users = self._locks.pop(key)
            if users > 1:
                self._locks[key] = (lock, users - 1)

    async def _first(self, call: Call, keeper: Keeper, run: Callable[[], Awaitable[Reply | Stream]]) -> Reply | Stream:
        call.keep = keeper
        reply = await _reply_of(run)
        if isinstance(reply, Reply) and not keeper.used and reply.status < 500 and reply.status != 429:
            await self._dialer.submit(keeper.of_payload(reply.status, reply.payload()))
        return reply

    async def _again(self, call: Call, key: str, body_sha256: str) -> Reply | None:
        await self._dialer.read(lambda _engine: None)
        first = await self._dialer.archive.answer(key)
        if first is None or first.at_ms <= self._dialer.now_ms() - ANSWER_KEPT_MS:
            return None
        if first.body_sha256 != body_sha256:
            raise own("idempotency_conflict", "Take a new key for a new request.")
        if first.status >= 400:
            return Reply(first.status, raw=first.body, headers=(("content-type", MEDIA), REPLAYED))
        if not first.body:
            return Reply(first.status, headers=(REPLAYED,))
        body = msgspec.json.decode(first.body)
        await _fill(call, list(_leads_in(body)))
        again = Reply(first.status, body) if call.route.again is None else await call.route.again(call, first, body)
        if again is not None:
            again.headers += (REPLAYED,)
        return again


async def _reply_of(run: Callable[[], Awaitable[Reply | Stream]]) -> Reply | Stream:
    """What the call answers, refusals too."""
    try:
        return await run()
    except ProblemError as problem:
        return problem_reply(problem)
    except NextleadError as refusal:
        return problem_reply(of_error(refusal))


# -- what is kept of an answer, and what is put back ----------------------------------------------------------------


def without_secrets(status: int, payload: bytes) -> bytes:
    """The body as it is kept (rule 4)."""
    if not payload:
        return payload
    body = msgspec.json.decode(payload)
    return msgspec.json.encode(_without_quotes(body) if status >= 400 else _without_private(body))


def _without_private(body: Any) -> Any:
    if isinstance(body, dict):
        kept = ((name, value) for name, value in body.items() if not isinstance(value, PRIVATE.get(name, ())))
        return {name: _without_private(value) for name, value in kept}
    return [_without_private(value) for value in body] if isinstance(body, list) else body


def _without_quotes(problem: dict[str, Any]) -> dict[str, Any]:
    """Refusals quote the value that they refuse."""
    problem["detail"] = _QUOTED.sub("'...'", problem["detail"])
    for error in problem.get("errors", ()):
        error["message"] = _QUOTED.sub("'...'", error["message"])
    return problem


def _leads_in(body: Any) -> Iterator[dict[str, Any]]:
    if isinstance(body, dict):
        if "public_status" in body:
            yield body
        for value in body.values():
            yield from _leads_in(value)
    elif isinstance(body, list):
        for value in body:
            yield from _leads_in(value)


async def _fill(call: Call, leads: list[dict[str, Any]]) -> None:
    """Put phones and data of leads back, as they are now; of one that is gone there are none."""
    for lead in leads:
        stored = await call.services.dialer.archive.lead(lead["id"])
        lead["phones"] = [f"+{number}" for number in stored.lead.numbers] if stored else []
        lead["data"] = msgspec.json.decode(stored.data if stored and not stored.lead.erased else NO_DATA)
