"""Calls on the organisation's do-not-call list (SPEC R10.2 to R10.5)."""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta
from msgspec.structs import replace

from nextlead.core.commands import Block, Unblock
from nextlead.core.engine import Engine
from nextlead.core.model import Answer, Blocked
from nextlead.core.replies import Count

from .fields import read_number, region_of
from .lead_shapes import PhoneText
from .lists import Page, page
from .table import Access, Body, Call, Paging, Reply, Route, View, tagged
from .values import Moment

Scope = Literal["organisation"]


class BlockQuery(Body):
    """Which list."""

    scope: Scope = "organisation"


class BlocksQuery(Paging):
    """Which list."""

    scope: Scope = "organisation"


class UnblockQuery(Body):
    """Which number, on which list."""

    number: PhoneText
    scope: Scope = "organisation"


class BlockBody(Body):
    """A number that is not to be called any more, and why."""

    number: PhoneText
    reason: Annotated[str, Meta(max_length=1000)] = ""
    scope: Scope = "organisation"


class BlockView(View):
    """An entry of the list."""

    number: str
    scope: str
    reason: str
    at: Moment
    by: str


class BlockedView(BlockView):
    """A new entry, and how many open leads it closed (a leased one when its lease ends)."""

    leads: int


class CheckView(View):
    """Whether a number is blocked, and by which entry."""

    number: str
    blocked: bool
    entry: BlockView | None


def _number(call: Call, text: str) -> int:
    return read_number(text, region_of(call.services.engine), "number")


def _view(entry: Blocked) -> BlockView:
    return BlockView(f"+{entry.number}", "organisation", entry.reason, Moment(entry.at_ms), entry.by)


async def list_blocked(call: Call) -> object:
    """In order of the numbers' digits."""

    def read(engine: Engine) -> object:
        return page(engine.blocked.values(), call.query, lambda entry: f"{entry.number}", _view)

    return await call.services.dialer.read(read)


async def block(call: Call) -> object:
    """Open leads that have the number close."""
    body: BlockBody = call.body
    number = _number(call, body.number)

    def view(reply: Count) -> BlockedView:
        entry = call.services.engine.blocked[number]
        return BlockedView(f"+{number}", "organisation", entry.reason, Moment(entry.at_ms), entry.by, reply.count)

    command = Block(by=call.caller.by, numbers=(number,), reason=body.reason)
    return await call.submit(command, view, lambda made: replace(made, number="", reason=""))


async def _block_again(call: Call, first: Answer, kept: dict[str, Any]) -> Reply:
    """Number and reason are not kept: the request has them again."""
    body: BlockBody = call.body
    return Reply(first.status, kept | {"number": f"+{_number(call, body.number)}", "reason": body.reason})


async def unblock(call: Call) -> None:
    """Nothing reopens."""
    await call.services.dialer.submit(Unblock(by=call.caller.by, number=_number(call, call.query.number)))


async def check(call: Call) -> object:
    """Whether a number may not be called."""
    number = _number(call, call.params["number"])
    entry = await call.services.dialer.read(lambda engine: engine.blocked.get(number))
    return CheckView(f"+{number}", entry is not None, None if entry is None else _view(entry))


_LIST = "/v1/do-not-call"
ROUTES: Final = tagged(
    "Do-not-call",
    Route(
        "GET",
        _LIST,
        Access.SUPERVISOR,
        "List blocked numbers",
        list_blocked,
        answer=Page[BlockView],
        query=BlocksQuery,
    ),
    Route(
        "POST",
        _LIST,
        Access.SUPERVISOR,
        "Block a number",
        block,
        body=BlockBody,
        answer=BlockedView,
        query=BlockQuery,
        status=201,
        again=_block_again,
    ),
    Route("DELETE", _LIST, Access.ADMIN, "Unblock a number", unblock, query=UnblockQuery, status=204),
    Route("GET", f"{_LIST}/{{number}}", Access.SUPERVISOR, "Check a number", check, answer=CheckView),
)
