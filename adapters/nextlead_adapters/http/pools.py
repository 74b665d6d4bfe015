"""Calls on pools: lists, edits, the buttons."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from nextlead.core.commands import ActOnPool, EditPool
from nextlead.core.engine import Engine
from nextlead.core.errors import Invalid, NextleadError
from nextlead.core.model import Pool
from nextlead.core.replies import PoolDeleted

from . import pool_shapes as shapes
from .lead_views import owner_view
from .lists import Page, page
from .pool_preview import need_pool, preview
from .problems import of_error
from .table import Access, BulkQuery, Call, Route, tagged
from .values import Moment, moment

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SEED_BITS: Final = 53


def pool_view(call: Call, engine: Engine, pool: Pool) -> shapes.PoolView:
    """A pool with its counts as they are now."""
    campaign = engine.campaigns.by_no[pool.campaign]
    now = engine.pool_counts(pool.id, call.services.dialer.now_ms())
    closed = sum(now.closed.values())
    progress = call.services.intake.progress(pool.id)
    return shapes.PoolView(
        id=pool.id,
        name=pool.name,
        campaign=campaign.code,
        campaign_name=campaign.name,
        campaign_id=campaign.no,
        project=engine.projects.by_no[campaign.project].code,
        description=pool.description,
        state=pool.state,
        source=pool.source,
        file_name=pool.file_name,
        owner=owner_view(engine, pool.owner),
        priority=pool.priority or None,
        counts=shapes.PoolCountsView(
            pool.valid, pool.invalid, pool.duplicate, now.ready, now.open, now.leased, now.closed
        ),
        percent_closed=_percent(closed, closed + now.open),
        duplicates=shapes.DuplicatesShape(**msgspec.structs.asdict(pool.duplicates)),
        unmatched=pool.unmatched,
        error=pool.error,
        active_from=moment(pool.active_from_ms),
        active_until=moment(pool.active_until_ms),
        uploaded_by=pool.uploaded_by,
        created=Moment(pool.created_ms),
        modified=Moment(pool.modified_ms),
        progress=shapes.ProgressView(progress.rows, progress.done_bytes, progress.total_bytes) if progress else UNSET,
    )


def _percent(some: int, all_of_them: int) -> float:
    return round(100 * some / all_of_them, 1) if all_of_them else 0.0


async def show(call: Call, pool: int) -> shapes.PoolView:
    """The pool as it is now."""
    return await call.services.dialer.read(lambda engine: pool_view(call, engine, need_pool(engine, pool)))


# -- lists and edits ------------------------------------------------------------------------------------------------


async def list_pools(call: Call) -> object:
    """In order of id."""
    query: shapes.PoolsQuery = call.query

    def read(engine: Engine) -> object:
        rows = [pool for pool in engine.pools.values() if _wanted(engine, pool, query)]
        return page(rows, query, lambda pool: f"{pool.id:015}", partial(pool_view, call, engine))

    return await call.services.dialer.read(read)


def _wanted(engine: Engine, pool: Pool, query: shapes.PoolsQuery) -> bool:
    if query.campaign is not None and engine.campaigns.by_no[pool.campaign].code not in query.campaign.split(","):
        return False
    if query.state is not None and pool.state != query.state:
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


async def shuffle(call: Call) -> object:
    """Unprocessed leads of the pool in a random order (SPEC R9.10)."""
    return await call.submit(_command(call, call.id("pool"), "shuffle", call.body.seed), partial(_acted, call))


async def bulk(call: Call) -> object:
    """One pool after the other; one that refuses does not hold the others up."""
    body: shapes.BulkBody = call.body
    if call.query.dry_run and body.action == "shuffle":
        raise Invalid("dry_run", "does not go with shuffle")
    pools = list(dict.fromkeys(body.ids))
    items: list[shapes.BulkItem] = []
    for pool in pools:
        before = items if pool == pools[-1] else None
        items.append(await _bulk_one(call, pool, body, before))
    return shapes.BulkAnswer(items)


async def _bulk_one(
    call: Call, pool: int, body: shapes.BulkBody, before: list[shapes.BulkItem] | None
) -> shapes.BulkItem:
    """`before` are the others' items when this pool is the last: the whole answer is kept with it."""
    try:
        if call.query.dry_run:
            would = await call.services.dialer.read(lambda engine: preview(engine, pool, body.action))
            return _would(pool, would)
        return await call.submit(
            _command(call, pool, body.action, body.seed),
            lambda reply: _item(call, pool, reply),
            lambda item: None if before is None else shapes.BulkAnswer([*before, item]),
        )
    except NextleadError as refusal:
        error = of_error(refusal)
        if error.problem.status == 503:
            raise
        return shapes.BulkItem(pool, ok=False, problem=error.problem)


def _item(call: Call, pool: int, reply: Pool | PoolDeleted) -> shapes.BulkItem:
    answer = _acted(call, reply)
    if isinstance(answer, shapes.DeletedView):
        return shapes.BulkItem(pool, ok=True, deleted=answer)
    return shapes.BulkItem(pool, ok=True, pool=answer)


def _would(pool: int, would: PoolDeleted | str) -> shapes.BulkItem:
    if isinstance(would, PoolDeleted):
        return shapes.BulkItem(pool, ok=True, deleted=shapes.DeletedView(would.deleted, dict(would.kept)))
    return shapes.BulkItem(pool, ok=True, state=would)


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
        shapes.BulkBody,
        shapes.BulkAnswer,
        query=BulkQuery,
    ),
    Route("GET", _POOL, Access.SUPERVISOR, "Read a pool", show_pool, answer=shapes.PoolView),
    Route("PATCH", _POOL, Access.ADMIN, "Change a pool", edit_pool, shapes.PoolPatch, shapes.PoolView),
    Route("DELETE", _POOL, Access.ADMIN, "Delete unseen leads", partial(_button, "delete"), answer=shapes.DeletedView),
    _pool_button("confirm", "Load a pool without its unmatched columns"),
    _pool_button("reject", "Drop a pool that waits for confirmation"),
    _pool_button("activate", "Offer a pool's leads again"),
    _pool_button("deactivate", "Stop offering a pool's leads"),
    Route("POST", f"{_POOL}/shuffle", Access.ADMIN, "Shuffle a pool", shuffle, shapes.ShuffleBody, shapes.PoolView),
)
