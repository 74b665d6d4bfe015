"""Saved filters: questions for leads by name, with live counts (SPEC R13.4). Smart lists, as people call them.

A saved filter names no person, so that nobody has to be erased from it (SPEC R10.6). What it names may go: a campaign
that is deleted, a status of a scheme that the campaign had. Then it says so, and others are not held up.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import anyio.lowlevel
from msgspec import UNSET, Meta, UnsetType

from nextlead.core.commands import DeleteFilter, PutFilter
from nextlead.core.engine import Engine
from nextlead.core.errors import Invalid, NotFound
from nextlead.core.model import SYSTEM_CLOSURES, SavedFilter
from nextlead.ports import LeadFilter

from .lead_filter import campaigns_of, counted, lead_filter
from .lead_shapes import LeadFilterBody, LeadView
from .leads import leads_page
from .lists import Page, page
from .problems import malformed
from .reading import decode, unless_gone
from .table import Access, Body, Call, Paging, Reply, Route, View, tagged
from .values import Moment, to_json

_PERSONAL: Final = ("phone", "q")


class SavedFilterBody(Body):
    """Which leads, and a word about it. `phone` and `q` can't be saved: they could hold a person's number or name."""

    filter: LeadFilterBody | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=10_000)] | UnsetType = UNSET


class SavedFilterView(View):
    """A saved filter, and how many leads it has now.

    `count` is null when something that it names is there no more; `problem` says what.
    """

    name: str
    description: str
    filter: LeadFilterBody
    count: int | None
    modified: Moment
    by: str
    problem: str | UnsetType = UNSET


async def list_filters(call: Call) -> object:
    """By name, each with its count: what takes more than public statuses to know is looked up in the store."""

    def read(engine: Engine) -> Page[SavedFilter]:
        return page(engine.filters.values(), call.query, lambda row: row.name, lambda row: row)

    found = await call.services.dialer.read(read)
    return Page(await unless_gone(call.receive, _views(call, found.items)), found.next)


async def show_filter(call: Call) -> object:
    """With its count as it is now."""
    return await _view(call, await _row(call))


async def put_filter(call: Call) -> Reply:
    """What the body leaves out stays as it is."""
    engine, body, name = call.services.engine, call.body, call.params["name"]
    there = False

    def command() -> PutFilter:
        nonlocal there
        old = engine.filters.get(name)
        there = old is not None
        if body.filter is not UNSET:
            _check(engine, body.filter)
        elif old is None:
            raise malformed("filter", "is required")
        return PutFilter(
            by=call.caller.by,
            name=name,
            body=old.body if old and body.filter is UNSET else to_json(body.filter),
            description=(old.description if old else "") if body.description is UNSET else body.description,
        )

    row = await call.services.dialer.submit(command)
    return Reply(200 if there else 201, await _view(call, row))


async def delete_filter(call: Call) -> None:
    """The leads stay."""
    await call.services.dialer.submit(DeleteFilter(by=call.caller.by, name=call.params["name"]))


async def filter_leads(call: Call) -> object:
    """In order of id, shown by the filter's scheme, if it has one."""
    which = _which(await _row(call))
    await call.services.dialer.read(lambda engine: _check(engine, which))
    return await leads_page(call, which, call.query.limit, call.query.after)


async def _row(call: Call) -> SavedFilter:
    name = call.params["name"]

    def need(engine: Engine) -> SavedFilter:
        row = engine.filters.get(name)
        if row is None:
            raise NotFound("filter", name)
        return row

    return await call.services.dialer.read(need)


def _which(row: SavedFilter) -> LeadFilterBody:
    which: LeadFilterBody = decode(LeadFilterBody, row.body)
    return which


async def _views(call: Call, rows: Sequence[SavedFilter]) -> list[SavedFilterView]:
    items: list[SavedFilterView] = []
    for row in rows:
        items.append(await _view(call, row))
        await anyio.lowlevel.checkpoint()  # counting may not have to wait, and others want to be served
    return items


async def _view(call: Call, row: SavedFilter) -> SavedFilterView:
    which = _which(row)
    view = SavedFilterView(row.name, row.description, which, None, Moment(row.at_ms), row.by)
    try:
        view.count = await _count(call, which)
    except Invalid as gone:
        view.problem = gone.detail
    return view


async def _count(call: Call, which: LeadFilterBody) -> int:
    """O(conditions) where the engine's counts know, else what the archive takes."""

    def look(engine: Engine) -> tuple[LeadFilter, int | None]:
        asked = _asked(engine, which)
        return asked, counted(engine, which, asked)

    asked, known = await call.services.dialer.read(look)
    return await call.services.dialer.archive.count(asked) if known is None else known


def _asked(engine: Engine, which: LeadFilterBody) -> LeadFilter:
    """Raises `Invalid` for anything that is not there, also where a list would just be empty."""
    asked = lead_filter(engine, which)
    if which.pool is not None and which.pool not in engine.pools:
        raise Invalid("pool", f"there is no pool {which.pool}")
    if which.closure is not None and which.closure not in SYSTEM_CLOSURES:
        templates = (campaign.template for campaign in campaigns_of(engine, which))
        if not any(which.closure == result.code for each in templates for result in (*each.results, *each.past)):
            raise Invalid("closure", f"no lead of these campaigns can close as {which.closure}")
    return asked


def _check(engine: Engine, which: LeadFilterBody) -> None:
    """Raises `Invalid` for what can't be saved."""
    for name in _PERSONAL:
        if getattr(which, name) is not None:
            raise Invalid(f"filter.{name}", "can't be saved: it could hold the number or the name of a person")
    try:
        _asked(engine, which)
    except Invalid as problem:
        raise Invalid(f"filter.{problem.field}", problem.rule) from None


_FILTER: Final = "/v1/filters/{name}"
ROUTES: Final = tagged(
    "Smart lists",
    Route(
        "GET",
        "/v1/filters",
        Access.SUPERVISOR,
        "List saved filters with their counts",
        list_filters,
        answer=Page[SavedFilterView],
        query=Paging,
    ),
    Route("GET", _FILTER, Access.SUPERVISOR, "Read a saved filter", show_filter, answer=SavedFilterView),
    Route(
        "PUT",
        _FILTER,
        Access.SUPERVISOR,
        "Save a filter, or change it",
        put_filter,
        body=SavedFilterBody,
        answer=SavedFilterView,
        also={201: "The filter is new."},
    ),
    Route("DELETE", _FILTER, Access.SUPERVISOR, "Delete a saved filter", delete_filter, status=204),
    Route(
        "GET",
        f"{_FILTER}/leads",
        Access.SUPERVISOR,
        "List the leads of a saved filter",
        filter_leads,
        answer=Page[LeadView],
        query=Paging,
    ),
)
