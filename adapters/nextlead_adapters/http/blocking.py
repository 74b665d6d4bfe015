"""Calls on the do-not-call lists, the organisation's and the global one (SPEC R10.2 to R10.5)."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from heapq import nsmallest
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from nextlead.core.blocking import refusal_of_number
from nextlead.core.commands import Block, Scope, Unblock
from nextlead.core.engine import Engine
from nextlead.core.errors import NotFound
from nextlead.core.model import Answer, Blocked

from . import blocking_shapes as shapes
from .blocking_import import concerned, import_again, import_numbers, need_operator, settled
from .fields import read_number, region_of
from .lists import Page, cursor, cut
from .problems import malformed
from .table import Access, BulkQuery, Call, Reply, Route, tagged
from .values import Moment

_SLICE: Final = 20_000
"""Numbers that are looked at between two turns of the loop: some two milliseconds."""
_SCOPES: Final[tuple[Scope, ...]] = ("organisation", "global")


def _number(call: Call, text: str) -> int:
    return read_number(text, region_of(call.services.engine), "number")


def entries(engine: Engine, scope: Scope) -> Mapping[int, Blocked]:
    """A list's entries by number."""
    return engine.state.blocked_globally if scope == "global" else engine.blocked


def _numbers_on(scope: Scope, engine: Engine) -> list[int]:
    return list(entries(engine, scope))


def _view(entry: Blocked, scope: Scope) -> shapes.BlockView:
    return shapes.BlockView(f"+{entry.number}", scope, entry.reason, Moment(entry.at_ms), entry.by)


async def list_blocked(call: Call) -> object:
    """In order of the numbers; one that is on both lists comes twice, the organisation's entry first."""
    query: shapes.BlocksQuery = call.query
    after, limit = cursor(query.after), query.limit
    scopes: tuple[Scope, ...] = _SCOPES if query.scope == "all" else (query.scope,)
    found: list[int] = []  # a place is twice the number, and one more for the global list
    for scope in scopes:
        numbers = await call.services.dialer.read(partial(_numbers_on, scope))
        for start in range(0, len(numbers), _SLICE):
            places = (2 * number + (scope == "global") for number in numbers[start : start + _SLICE])
            found = nsmallest(limit + 1, (*found, *(place for place in places if place > after)))
            await asyncio.sleep(0)
    shown = await call.services.dialer.read(lambda engine: [_at(engine, place) for place in found])
    rows = [(place, view) for place, view in zip(found, shown, strict=True) if view is not None]
    return cut(rows, limit, lambda row: str(row[0]), lambda row: row[1])


def _at(engine: Engine, place: int) -> shapes.BlockView | None:
    scope = _SCOPES[place % 2]
    entry = entries(engine, scope).get(place // 2)
    return None if entry is None else _view(entry, scope)


def _scope(call: Call, body: shapes.BlockBody) -> Scope:
    if body.scope is not UNSET and call.query.scope is not UNSET and body.scope != call.query.scope:
        raise malformed("scope", "is another one in the query")
    given = body.scope if call.query.scope is UNSET else call.query.scope
    scope: Scope = "organisation" if given is UNSET else given
    need_operator(call, scope)
    return scope


async def block(call: Call) -> object:
    """Open leads that have the number close; a leased one when its lease ends."""
    body: shapes.BlockBody = call.body
    scope, number = _scope(call, body), _number(call, body.number)
    show = partial(_blocked, call, scope, number)
    if call.query.dry_run:
        return await _block_dry(call, scope, number, show)
    command = Block(by=call.caller.by, numbers=(number,), reason=body.reason, scope=scope, drop_number=body.drop_number)
    if scope == "organisation":
        return await call.submit(command, lambda reply: show(reply.count), _as_kept)
    return await _block_globally(call, command, show)


async def _block_globally(call: Call, command: Block, show: Callable[[int], shapes.BlockedView]) -> object:
    """In all organisations; the leads of all of them are counted, which a first answer kept early can't do yet."""
    async with call.face.organisations.global_list.change() as change:
        view = await call.submit(command, lambda reply: show(reply.count), _as_kept)
        more = await change.block(command)
    if more:
        view.leads += more
        if call.keep is not None:
            await call.services.dialer.submit(call.keep(call.route.status, _as_kept(view)))
    return view


async def _block_dry(call: Call, scope: Scope, number: int, show: Callable[[int], shapes.BlockedView]) -> Reply:
    leads = len(await concerned(call, scope, (number,)))
    view = await call.services.dialer.read(lambda _engine: show(leads))
    if call.keep is not None:
        await call.services.dialer.submit(call.keep(200, _as_kept(view)))
    return Reply(200, view)


def _blocked(call: Call, scope: Scope, number: int, leads: int) -> shapes.BlockedView:
    """The entry as it is, or as it would be; a forgotten number has none."""
    engine, now = call.services.engine, Moment(call.services.dialer.now_ms())
    entry = entries(engine, scope).get(number)
    if entry is not None:
        at = Moment(entry.at_ms)
        return shapes.BlockedView(f"+{number}", scope, entry.reason, at, entry.by, leads, forgotten=False)
    forgotten = refusal_of_number(engine.state, number) == "anonymized"
    reason = "" if forgotten else call.body.reason
    return shapes.BlockedView(f"+{number}", scope, reason, now, call.caller.by, leads, forgotten)


def _as_kept(view: shapes.BlockedView) -> shapes.BlockedView:
    return replace(view, number="", reason="")


async def _block_again(call: Call, first: Answer, kept: dict[str, Any]) -> Reply:
    """Number and reason are not kept: the request has them again."""
    body: shapes.BlockBody = call.body
    await settled(call, _scope(call, body))
    return Reply(first.status, kept | {"number": f"+{_number(call, body.number)}", "reason": body.reason})


async def unblock(call: Call) -> None:
    """Nothing reopens."""
    query: shapes.UnblockQuery = call.query
    need_operator(call, query.scope)
    command = Unblock(by=call.caller.by, number=_number(call, query.number), scope=query.scope)
    if query.scope == "organisation":
        await call.services.dialer.submit(command)
    else:
        await _unblock_globally(call, command)


async def _unblock_globally(call: Call, command: Unblock) -> None:
    """In all organisations. One that `default` has forgotten is on the lists of the others only."""
    absent: NotFound | None = None
    async with call.face.organisations.global_list.change() as change:
        try:
            await call.services.dialer.submit(command)
        except NotFound as refusal:
            absent = refusal
        if not await change.unblock(command) and absent is not None:
            raise absent


async def check(call: Call) -> object:
    """Whether a number may not be called: on which lists it is, and whether it was forgotten."""
    number = _number(call, call.params["number"])

    def read(engine: Engine) -> shapes.CheckView:
        found = [_view(entries(engine, scope)[number], scope) for scope in _SCOPES if number in entries(engine, scope)]
        closure = refusal_of_number(engine.state, number)
        forgotten = engine.state.digest(number) in engine.state.forgotten
        return shapes.CheckView(f"+{number}", closure is not None, closure, found, forgotten)

    return await call.services.dialer.read(read)


_LIST: Final = "/v1/do-not-call"
ROUTES: Final = tagged(
    "Do-not-call",
    Route(
        "GET",
        _LIST,
        Access.SUPERVISOR,
        "List blocked numbers",
        list_blocked,
        answer=Page[shapes.BlockView],
        query=shapes.BlocksQuery,
    ),
    Route(
        "POST",
        _LIST,
        Access.SUPERVISOR,
        "Block a number",
        block,
        body=shapes.BlockBody,
        answer=shapes.BlockedView,
        query=shapes.BlockQuery,
        status=201,
        also={200: "A dry run."},
        again=_block_again,
    ),
    Route("DELETE", _LIST, Access.ADMIN, "Unblock a number", unblock, query=shapes.UnblockQuery, status=204),
    Route(
        "POST",
        f"{_LIST}/import",
        Access.ADMIN,
        "Block many numbers",
        import_numbers,
        body=shapes.ImportBody,
        form=shapes.ImportForm,
        answer=shapes.ImportAnswer,
        query=BulkQuery,
        again=import_again,
    ),
    Route("GET", f"{_LIST}/{{number}}", Access.SUPERVISOR, "Check a number", check, answer=shapes.CheckView),
)
