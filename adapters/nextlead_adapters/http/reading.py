"""Bodies and queries from the wire: their size, their type, their form; and whether somebody is there for an answer."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from functools import lru_cache
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Message, Receive, Scope

from .problems import ProblemError, malformed, of_validation, too_large, wrong_type
from .table import Headers
from .values import dec_hook

T = TypeVar("T")
QUERY_FIELDS_MAX: Final = 50


class ClientGone(Exception):
    """The client has disconnected; nobody reads an answer."""


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The work's result. The body was read; when the client disconnects, the work is given up: raises `ClientGone`."""
    working, watching = asyncio.create_task(work), asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        working.cancel()
        watching.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _check_declared(headers: Headers, limit: int) -> None:
    """Before the first byte is read: a client may wait to be told to send."""
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared[:20]) > limit:
        raise too_large(limit)


async def body_stream(headers: Headers, receive: Receive, limit: int) -> AsyncIterator[bytes]:
    """The body as it comes. Raises a 413 as soon as it is known to be longer than `limit` bytes."""
    _check_declared(headers, limit)
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        more = message.get("more_body", False)
        if chunk:
            yield chunk


async def read_body(headers: Headers, receive: Receive, limit: int) -> bytes:
    """The whole body. One that comes in one piece, as nearly all do, is not copied."""
    _check_declared(headers, limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body", False) and len(body) <= limit:
        return body
    waiting = [message]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return b"".join([chunk async for chunk in body_stream(headers, again, limit)])


@lru_cache(maxsize=256)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, dec_hook=dec_hook)


def check_json_type(headers: Headers) -> None:
    """Raises a 415 unless the body is said to be JSON, or nothing is said."""
    given = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if given != "application/json" and not given.endswith("+json"):
        raise wrong_type("application/json")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise wrong_type("application/json without Content-Encoding")


def decode(kind: Any, body: bytes, place: str = "") -> Any:
    """A body of that type; an empty one is an empty object. Raises a 400 that names the field."""
    try:
        return _decoder(kind).decode(body or b"{}")
    except msgspec.ValidationError as error:
        raise of_validation(error, kind) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _not_json(place, str(error)) from None
    except RecursionError:
        raise _not_json(place, "nested too deeply") from None


def _not_json(place: str, why: str) -> ProblemError:
    return malformed(place, f"is not JSON: {why}", "malformed_json")


@lru_cache(maxsize=256)
def _may_be_empty(kind: Any) -> bool:
    return not any(field.required for field in msgspec.structs.fields(kind))


def decode_query(kind: Any, scope: Scope) -> Any:
    """The query parameters; raises a 400 that names the one at fault. The last of several of a name counts."""
    raw: bytes = scope.get("query_string", b"")
    if not raw and _may_be_empty(kind):
        return kind()
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX)
    except (ValueError, UnicodeDecodeError):
        raise malformed("", "the query string is not one") from None
    try:
        return msgspec.convert(dict(pairs), kind, strict=False, dec_hook=dec_hook)
    except msgspec.ValidationError as error:
        raise of_validation(error, kind) from None
