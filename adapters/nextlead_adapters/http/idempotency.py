"""Idempotency-Key: the same key and body gets the first answer again for 24 hours; another body is a conflict.

Rules of this file:

1. A key counts for one token and one address. What is kept is a digest of the three, never the key itself.
2. Kept are answers and refusals, but not 429 and 5xx: those may go better next time.
3. No secret is kept, and no personal data. A lead is kept without its phones and data, which are read again when the
   answer is given again; a token is left out then.
4. Two calls with one key at the same time: the second waits for the first.
5. What is kept here is lost with the process: the engine has no command yet that writes an `Answer` in its effect's own
   commit. What the archive has is honoured.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from hashlib import sha256
from typing import Any, Final

import msgspec

from nextlead.core.errors import NextleadError
from nextlead.core.model import DAY_MS, Answer
from nextlead.ports import Archive

from .lead_views import NO_DATA
from .problems import MEDIA, ProblemError, malformed, of_error, own, problem_reply
from .table import Call, Reply, Stream
from .values import to_json

KEEP_MS: Final = DAY_MS
KEPT_MAX: Final = 100_000
KEY_CHARS_MAX: Final = 255
HEADER: Final = "idempotency-key"
REPLAYED: Final = ("nextlead-repeated", "true")


def key_of(call: Call) -> str:
    """The digest that the answer is kept under; empty without the header."""
    key = call.headers.get(HEADER)
    if key is None:
        return ""
    if not 0 < len(key) <= KEY_CHARS_MAX:
        raise malformed("Idempotency-Key", f"must have 1 to {KEY_CHARS_MAX} characters")
    query = call.scope.get("query_string", b"").decode("latin-1")
    return digest(call.caller.token, call.scope["path"], query, key)


def digest(*parts: str) -> str:
    """SHA-256 over the parts, told apart by their lengths."""
    return sha256("".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass")).hexdigest()


class Repeats:
    """Answers that may be asked for again. `now_ms` is engine time."""

    def __init__(self, archive: Archive, now_ms: Callable[[], int]) -> None:
        self._archive = archive
        self._now_ms = now_ms
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}
        self._kept: dict[str, Answer] = {}

    async def answer(
        self, call: Call, key: str, body_sha256: str, run: Callable[[], Awaitable[Reply | Stream]]
    ) -> Reply | Stream:
        """The first answer if there is one, else what `run` answers, which is kept."""
        lock, users = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, users + 1)
        try:
            async with lock:
                first = await self._first(key)
                if first is not None:
                    return await self._again(call, first, body_sha256)
                reply = await _reply_of(run)
                if isinstance(reply, Reply) and (reply.status < 500 and reply.status != 429):
                    self._keep(
                        Answer(
                            key,
                            body_sha256,
                            reply.status,
                            without_secrets(reply.status, reply.payload()),
                            self._now_ms(),
                        )
                    )
                return reply
        finally:
            lock, users = self._locks.pop(key)
            if users > 1:
                self._locks[key] = (lock, users - 1)

    async def _first(self, key: str) -> Answer | None:
        kept = self._kept.get(key) or await self._archive.answer(key)
        return kept if kept is not None and kept.at_ms > self._now_ms() - KEEP_MS else None

    def _keep(self, answer: Answer) -> None:
        """In the order they came, so that the oldest are the first to go."""
        self._kept[answer.key] = answer
        oldest_ms = self._now_ms() - KEEP_MS
        while True:
            key, first = next(iter(self._kept.items()))
            if first.at_ms > oldest_ms and len(self._kept) <= KEPT_MAX:
                return
            del self._kept[key]

    async def _again(self, call: Call, first: Answer, body_sha256: str) -> Reply:
        if first.body_sha256 != body_sha256:
            raise own("idempotency_conflict", "Take a new key for a new request.")
        media = MEDIA if first.status >= 400 else "application/json"
        if not first.body:
            return Reply(first.status, headers=(REPLAYED,))
        body = msgspec.json.decode(first.body)
        await _fill(call, list(_leads_in(body)))
        return Reply(first.status, raw=to_json(body), headers=(("content-type", media), REPLAYED))


async def _reply_of(run: Callable[[], Awaitable[Reply | Stream]]) -> Reply | Stream:
    """What the call answers, refusals too."""
    try:
        return await run()
    except ProblemError as problem:
        return problem_reply(problem)
    except NextleadError as refusal:
        return problem_reply(of_error(refusal))


def without_secrets(status: int, payload: bytes) -> bytes:
    """The body as it is kept (rule 3)."""
    if not payload or status >= 400:
        return payload
    body = msgspec.json.decode(payload)
    for lead in _leads_in(body):
        lead.pop("data")
        lead.pop("phones")
        lead["lease"] = _without_number(lead.get("lease"))
    for holder in _holders(body):
        holder.pop("token", None)
        holder.pop("number", None)
    return msgspec.json.encode(body)


def _without_number(lease: Any) -> Any:
    return {name: value for name, value in lease.items() if name != "number"} if isinstance(lease, dict) else None


def _objects(body: Any) -> Iterator[dict[str, Any]]:
    """All objects in it, but not what is in a lead's own fields."""
    if isinstance(body, dict):
        yield body
        for name, value in body.items():
            if name != "data":
                yield from _objects(value)
    elif isinstance(body, list):
        for value in body:
            yield from _objects(value)


def _leads_in(body: Any) -> Iterator[dict[str, Any]]:
    return (found for found in _objects(body) if "public_status" in found)


def _holders(body: Any) -> Iterator[dict[str, Any]]:
    return (found for found in _objects(body) if "token" in found)


async def _fill(call: Call, leads: list[dict[str, Any]]) -> None:
    """Put phones and data of leads back, as they are now; of one that is gone there are none."""
    for lead in leads:
        stored = await call.services.dialer.archive.lead(lead["id"])
        lead["phones"] = [f"+{number}" for number in stored.lead.numbers] if stored else []
        lead["data"] = msgspec.json.decode(stored.data if stored else NO_DATA)
