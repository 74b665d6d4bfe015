"""Calls on pools: lists, edits, the buttons."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from msgspec import UNSET, UnsetType

from nextlead.core.commands import ActOnPool, EditPool
from nextlead.core.engine import Engine
from nextlead.core.errors import Invalid, NextleadError
from nextlead.core.model import Pool
from nextlead.core.replies import PoolDeleted

from . import pool_shapes as shapes
from .fields import need_campaign
from .lists import Page, cursor, page
from .pool_preview import preview
from .pool_views import is_active, pool_view, show, show_all
from .problems import of_error
from .table import Access, BulkQuery, Call, Reply, Route, tagged
from .values import Moment

SEED_BITS: Final = 53


# -- lists and edits ------------------------------------------------------------------------------------------------


async def list_pools(call: Call) -> object:
    """In order of id."""
    query: shapes.PoolsQuery = call.query
    cursor(query.after)

    def read(engine: Engine) -> Page[int]:
        now_ms = call.services.dialer.now_ms()
        for code in () if query.campaign is None else query.campaign.split(","):
            need_campaign(engine, code)
        rows = [pool for pool in engine.pools.values() if _wanted(engine, pool, query, now_ms)]
        return page(rows, query, lambda pool: f"{pool.id:015}", lambda pool: pool.id)

    found = await call.services.dialer.read(read)
    return Page(await show_all(call, found.items), found.next)


def _wanted(engine: Engine, pool: Pool, query: shapes.PoolsQuery, now_ms: int) -> bool:
    if query.campaign is not None and engine.campaigns.by_no[pool.campaign].code not in query.campaign.split(","):
        return False
    if query.state is not None and pool.state != query.state:
        return False
    if query.active is not None and is_active(pool, now_ms) != query.active:
        return False
    text = (query.q or "").casefold()
    return any(text in where.casefold() for where in (pool.name, pool.description, pool.file_name))


async def show_pool(call: Call) -> object:
    """With its counts as they are now."""
    return await show(call, call.id("pool"))


async def edit_pool(call: Call) -> object:
    """Name, description, priority, dates."""
    body: shapes.PoolPatch = call.body
    pool = call.id("pool")
    await call.services.dialer.submit(
        EditPool(
            by=call.caller.by,
            pool=pool,
            name=body.name,
            description=body.description,
            priority=0 if body.priority is None else body.priority,
            active_from_ms=_ms(body.active_from),
            active_until_ms=_ms(body.active_until),
        )
    )
    return await show(call, pool)


def _ms(value: Moment | UnsetType | None) -> int | UnsetType | None:
    return value.ms if isinstance(value, Moment) else value


# -- the buttons ----------------------------------------------------------------------------------------------------


def _command(call: Call, pool: int, action: Any, seed: int | UnsetType = UNSET) -> ActOnPool:
    drawn = secrets.randbits(SEED_BITS) if seed is UNSET and action == "shuffle" else 0
    return ActOnPool(by=call.caller.by, pool=pool, action=action, seed=drawn if isinstance(seed, UnsetType) else seed)


def _acted(call: Call, reply: Pool | PoolDeleted) -> shapes.PoolView | shapes.DeletedView:
    if isinstance(reply, PoolDeleted):
        return shapes.DeletedView(reply.deleted, dict(reply.kept))
    return pool_view(call, call.services.engine, reply)


async def _button(action: str, call: Call) -> object:
    return await call.submit(_command(call, call.id("pool"), action), partial(_acted, call))


async def delete_pool(call: Call) -> object:
    """Leads that are unprocessed and that no agent has seen; the others stay (SPEC R9.11)."""
    if not call.query.dry_run:
        return await _button("delete", call)
    would = await preview(call.services.dialer, call.id("pool"), "delete")
    assert isinstance(would, PoolDeleted)
    return shapes.DeletedView(would.deleted, dict(would.kept))


async def cancel(call: Call) -> object:
    """Break off the loading of a file: the pool fails, and its leads go."""
    pool = call.id("pool")
    await call.services.intake.cancel(pool, call.caller.by)
    return await show(call, pool)


async def resume(call: Call) -> Reply:
    """Go on loading a file that stopped half-way; `GET` tells how far it is."""
    pool = call.id("pool")
    await call.services.intake.resume(pool, call.caller.by)
    view = await show(call, pool)
    return Reply(202 if view.state == "loading" else 200, view)


async def shuffle(call: Call) -> object:
    """Unprocessed leads of the pool in a random order (SPEC R9.10)."""
    return await call.submit(_command(call, call.id("pool"), "shuffle", call.body.seed), partial(_acted, call))


async def bulk(call: Call) -> object:
    """One pool after the other; one that refuses does not hold the others up."""
    body: shapes.PoolsBulkBody = call.body
    if call.query.dry_run and body.action == "shuffle":
        raise Invalid("dry_run", "does not go with shuffle")
    if body.seed is not UNSET and body.action != "shuffle":
        raise Invalid("seed", "goes with shuffle only")
    pools = list(dict.fromkeys(body.ids))
    items: list[shapes.PoolsBulkItem] = []
    for pool in pools:
        before = items if pool == pools[-1] else None
        items.append(await _bulk_one(call, pool, body, before))
    return shapes.PoolsBulkAnswer(items)


async def _bulk_one(
    call: Call, pool: int, body: shapes.PoolsBulkBody, before: list[shapes.PoolsBulkItem] | None
) -> shapes.PoolsBulkItem:
    """`before` are the others' items when this pool is the last: the whole answer is kept with it."""
    try:
        if call.query.dry_run:
            return _would(pool, await preview(call.services.dialer, pool, body.action))
        return await call.submit(
            _command(call, pool, body.action, body.seed),
            lambda reply: _item(call, pool, reply),
            lambda item: None if before is None else shapes.PoolsBulkAnswer([*before, item]),
        )
    except NextleadError as refusal:
        error = of_error(refusal)
        if error.problem.status == 503:
            raise
        return shapes.PoolsBulkItem(pool, ok=False, problem=error.problem)


def _item(call: Call, pool: int, reply: Pool | PoolDeleted) -> shapes.PoolsBulkItem:
    answer = _acted(call, reply)
    if isinstance(answer, shapes.DeletedView):
        return shapes.PoolsBulkItem(pool, ok=True, deleted=answer)
    return shapes.PoolsBulkItem(pool, ok=True, pool=answer)


def _would(pool: int, would: PoolDeleted | str) -> shapes.PoolsBulkItem:
    if isinstance(would, PoolDeleted):
        return shapes.PoolsBulkItem(pool, ok=True, deleted=shapes.DeletedView(would.deleted, dict(would.kept)))
    return shapes.PoolsBulkItem(pool, ok=True, state=would)


_POOL: Final = "/v1/pools/{id}"


def _pool_button(action: str, summary: str) -> Route:
    handler: Callable[[Call], Any] = partial(_button, action)
    return Route("POST", f"{_POOL}/{action}", Access.ADMIN, summary, handler, answer=shapes.PoolView)


ROUTES: Final = tagged(
    "Pools",
    Route(
        "GET",
        "/v1/pools",
        Access.SUPERVISOR,
        "List pools",
        list_pools,
        answer=Page[shapes.PoolView],
        query=shapes.PoolsQuery,
    ),
    Route(
        "POST",
        "/v1/pools/bulk",
        Access.ADMIN,
        "One of the buttons for several pools",
        bulk,
        shapes.PoolsBulkBody,
        shapes.PoolsBulkAnswer,
        query=BulkQuery,
    ),
    Route("GET", _POOL, Access.SUPERVISOR, "Read a pool", show_pool, answer=shapes.PoolView),
    Route("PATCH", _POOL, Access.ADMIN, "Change a pool", edit_pool, shapes.PoolPatch, shapes.PoolView),
    Route(
        "DELETE",
        _POOL,
        Access.ADMIN,
        "Delete a pool's unseen leads",
        delete_pool,
        answer=shapes.DeletedView,
        query=BulkQuery,
    ),
    _pool_button("confirm", "Load a pool without its unmatched columns"),
    _pool_button("reject", "Drop a pool that waits for confirmation"),
    _pool_button("activate", "Offer a pool's leads again"),
    _pool_button("deactivate", "Stop offering a pool's leads"),
    Route("POST", f"{_POOL}/shuffle", Access.ADMIN, "Shuffle a pool", shuffle, shapes.ShuffleBody, shapes.PoolView),
    Route("POST", f"{_POOL}/cancel", Access.ADMIN, "Break off the loading of a file", cancel, answer=shapes.PoolView),
    Route(
        "POST",
        f"{_POOL}/resume",
        Access.ADMIN,
        "Go on loading a file that stopped half-way",
        resume,
        answer=shapes.PoolView,
        also={202: "It is loading again."},
    ),
)
