"""Calls on pools: uploads, lists, the buttons, edits; and leads that come in as JSON."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from nextlead.core.commands import ActOnPool, EditPool
from nextlead.core.engine import Engine
from nextlead.core.errors import NextleadError, NotFound
from nextlead.core.model import Pool
from nextlead.core.replies import PoolDeleted

from ..intake.options import DuplicateOptions, PoolOptions
from . import idempotency
from . import pool_shapes as shapes
from .lead_views import owner_view
from .lists import Page, page
from .problems import of_error
from .reading import decode
from .table import Access, Call, Reply, Route
from .uploads import Upload, receive_upload
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


def need_pool(engine: Engine, pool: int) -> Pool:
    """Raises `NotFound`."""
    found = engine.pools.get(pool)
    if found is None:
        raise NotFound("pool", pool)
    return found


async def _show(call: Call, pool: int) -> shapes.PoolView:
    return await call.services.dialer.read(lambda engine: pool_view(call, engine, need_pool(engine, pool)))


# -- coming in ------------------------------------------------------------------------------------------------------


def _options(body: shapes.PoolOptionsBody) -> PoolOptions:
    return PoolOptions(
        campaign=body.campaign,
        name=body.name,
        description=body.description,
        owner=body.owner.name if body.owner else None,
        priority=body.priority,
        mapping=body.mapping,
        duplicates=DuplicateOptions(
            **{name: getattr(body.duplicates, name) for name in DuplicateOptions.__struct_fields__}
        ),
        on_invalid=body.on_invalid,
        active_from=_datetime(body.active_from),
        active_until=_datetime(body.active_until),
    )


def _datetime(value: Moment | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(milliseconds=value.ms)


async def upload(call: Call) -> object:
    """201, or 202 while a large file is still loading."""
    async with receive_upload(call) as came:
        call.body = decode(shapes.PoolOptionsBody, came.options, "options")
        key = idempotency.key_of(call)
        if not key:
            return await _load(call, came)
        return await call.services.repeats.answer(call, key, came.sha256, partial(_load_once, call, came))


async def _load_once(call: Call, came: Upload) -> Reply:
    return await _load(call, came)


async def _load(call: Call, came: Upload) -> Reply:
    options = _options(call.body)
    came.given_away = True
    pool = await call.services.intake.upload(came.path, came.file_name, options, call.caller.by, remove=True)
    view = await _show(call, pool.id)
    return Reply(202 if view.state == "loading" else 201, view)


async def add_leads(call: Call) -> object:
    """Calls of one token with the same options share a pool for a while (SPEC R9.1)."""
    body: shapes.LeadsBody = call.body
    pool = await call.services.intake.add_leads(body.leads, _options(body), call.caller.by, caller=call.caller.token)
    return await _show(call, pool.id)


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
    return await _show(call, call.id("pool"))


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
    return await _show(call, pool)


def _ms(value: Moment | UnsetType | None) -> int | UnsetType | None:
    return value.ms if isinstance(value, Moment) else value


# -- the buttons ----------------------------------------------------------------------------------------------------


async def _act(
    call: Call, pool: int, action: Any, seed: int | UnsetType = UNSET
) -> shapes.PoolView | shapes.DeletedView:
    drawn = secrets.randbits(SEED_BITS) if seed is UNSET and action == "shuffle" else 0
    reply = await call.services.dialer.submit(
        ActOnPool(by=call.caller.by, pool=pool, action=action, seed=drawn if isinstance(seed, UnsetType) else seed)
    )
    if isinstance(reply, PoolDeleted):
        return shapes.DeletedView(reply.deleted, dict(reply.kept))
    return await _show(call, pool)


async def _button(action: str, call: Call) -> object:
    return await _act(call, call.id("pool"), action)


async def shuffle(call: Call) -> object:
    """Unprocessed leads of the pool in a random order (SPEC R9.10)."""
    return await _act(call, call.id("pool"), "shuffle", call.body.seed)


async def bulk(call: Call) -> object:
    """One pool after the other; one that refuses does not hold the others up."""
    body: shapes.BulkBody = call.body
    return shapes.BulkAnswer([await _bulk_one(call, pool, body) for pool in dict.fromkeys(body.ids)])


async def _bulk_one(call: Call, pool: int, body: shapes.BulkBody) -> shapes.BulkItem:
    try:
        answer = await _act(call, pool, body.action, body.seed)
    except NextleadError as refusal:
        error = of_error(refusal)
        if error.problem.status == 503:
            raise
        return shapes.BulkItem(pool, ok=False, problem=error.problem)
    if isinstance(answer, shapes.DeletedView):
        return shapes.BulkItem(pool, ok=True, deleted=answer)
    return shapes.BulkItem(pool, ok=True, pool=answer)


_POOL: Final = "/v1/pools/{id}"


def _pool_button(action: str, summary: str) -> Route:
    handler: Callable[[Call], Any] = partial(_button, action)
    return Route("POST", f"{_POOL}/{action}", Access.ADMIN, summary, handler, answer=shapes.PoolView, tag="Pools")


_LOADING: Final = {202: "The file is still loading; `GET` tells how far it is."}

ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/pools",
        Access.ADMIN,
        "Upload a file of leads",
        upload,
        body=shapes.PoolOptionsBody,
        answer=shapes.PoolView,
        status=201,
        also=_LOADING,
        files=True,
        tag="Pools",
    ),
    Route(
        "GET",
        "/v1/pools",
        Access.SUPERVISOR,
        "List pools",
        list_pools,
        answer=Page[shapes.PoolView],
        query=shapes.PoolsQuery,
        tag="Pools",
    ),
    Route(
        "POST",
        "/v1/pools/bulk",
        Access.ADMIN,
        "One of the buttons for several pools",
        bulk,
        body=shapes.BulkBody,
        answer=shapes.BulkAnswer,
        tag="Pools",
    ),
    Route("GET", _POOL, Access.SUPERVISOR, "Read a pool", show_pool, answer=shapes.PoolView, tag="Pools"),
    Route(
        "PATCH",
        _POOL,
        Access.ADMIN,
        "Change a pool",
        edit_pool,
        body=shapes.PoolPatch,
        answer=shapes.PoolView,
        tag="Pools",
    ),
    Route(
        "DELETE",
        _POOL,
        Access.ADMIN,
        "Delete a pool's leads that nobody has seen",
        partial(_button, "delete"),
        answer=shapes.DeletedView,
        tag="Pools",
    ),
    _pool_button("confirm", "Load a pool without its unmatched columns"),
    _pool_button("reject", "Drop a pool that waits for confirmation"),
    _pool_button("activate", "Offer a pool's leads again"),
    _pool_button("deactivate", "Stop offering a pool's leads"),
    Route(
        "POST",
        f"{_POOL}/shuffle",
        Access.ADMIN,
        "Put a pool's unprocessed leads into a random order",
        shuffle,
        body=shapes.ShuffleBody,
        answer=shapes.PoolView,
        tag="Pools",
    ),
    Route(
        "POST",
        "/v1/leads",
        Access.ADMIN,
        "Bring leads in as JSON",
        add_leads,
        body=shapes.LeadsBody,
        answer=shapes.PoolView,
        status=201,
        tag="Leads",
    ),
)
