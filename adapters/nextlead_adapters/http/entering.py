"""Calls that bring leads in: files, and leads as JSON. The intake service does the work."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import structs

from nextlead.core.commands import Command
from nextlead.core.engine import Engine
from nextlead.core.model import Answer, Pool

from ..intake.entries import Entered
from ..intake.loading import AndThen
from ..intake.options import DuplicateOptions, PoolOptions
from . import pool_shapes as shapes
from .pool_views import need_pool, pool_view, show
from .table import Access, Call, Reply, Route, tagged
from .values import Moment

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _options(body: shapes.EntryOptions) -> PoolOptions:
    asked = body.duplicates
    return PoolOptions(
        campaign=body.campaign,
        name=body.name,
        description=body.description,
        owner=body.owner.name if body.owner else None,
        priority=body.priority,
        mapping=body.mapping,
        duplicates=DuplicateOptions(asked.match, asked.scope, asked.among, asked.action),
        on_invalid=body.on_invalid,
        sheet=body.sheet if isinstance(body, shapes.PoolOptionsBody) else "",
        active_from=_datetime(body.active_from),
        active_until=_datetime(body.active_until),
    )


def _datetime(value: Moment | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(milliseconds=value.ms)


async def upload(call: Call) -> object:
    """201, or 202 while a large file is still loading."""
    came, options = call.file, _options(call.body)
    assert came is not None, "the route has a form"
    came.given_away = True
    pool = await call.services.intake.upload(
        came.path, came.file_name, options, call.caller.by, remove=True, then=_keeping(call)
    )
    view = await show(call, pool.id)
    return Reply(202 if view.state == "loading" else 201, view)


async def add_leads(call: Call) -> object:
    """Calls of one token with the same options share a pool for a while (SPEC R9.1)."""
    body: shapes.LeadsBody = call.body
    keep = call.keep

    def then(entered: Entered) -> Command | None:
        failed = entered.pool.state == "failed"
        return None if keep is None or failed else keep(201, _entered_view(call, call.services.engine, entered))

    entered = await call.services.intake.enter(
        body.leads, _options(body), call.caller.by, caller=call.caller.token, source=body.source, then=then
    )
    return await call.services.dialer.read(lambda engine: _entered_view(call, engine, entered))


def _entered_view(call: Call, engine: Engine, entered: Entered) -> shapes.EnteredView:
    view = pool_view(call, engine, need_pool(engine, entered.pool.id))
    counts = shapes.EnteredCounts(entered.valid, entered.invalid, entered.duplicates)
    return shapes.EnteredView(**structs.asdict(view), entered=counts)


# -- for an Idempotency-Key -----------------------------------------------------------------------------------------


def _keeping(call: Call) -> AndThen | None:
    """Keeps the pool as the answer: a file's when it is opened, so that it is not loaded twice, and when it is full."""
    keep = call.keep
    if keep is None:
        return None

    def then(pool: Pool) -> Command | None:
        if pool.state == "failed":
            return None
        return keep(_status(pool), pool_view(call, call.services.engine, pool))

    return then


def _status(pool: Pool) -> int:
    return 202 if pool.state == "loading" else 201


async def _upload_again(call: Call, first: Answer, kept: dict[str, Any]) -> Reply | None:
    """A pool that was loading is shown as it is now. One that failed has none of the file's leads: once more."""
    pool = call.services.engine.pools.get(kept["id"])
    if first.status != 202 or pool is None:
        return Reply(first.status, kept)
    return None if pool.state == "failed" else Reply(_status(pool), await show(call, pool.id))


_LOADING: Final = {202: "The file is still loading; `GET` tells how far it is."}
_UPLOAD: Final = Route(
    "POST",
    "/v1/pools",
    Access.ADMIN,
    "Upload a file of leads",
    upload,
    answer=shapes.PoolView,
    status=201,
    also=_LOADING,
    form=shapes.PoolOptionsBody,
    again=_upload_again,
)
_JSON: Final = Route(
    "POST",
    "/v1/leads",
    Access.ADMIN,
    "Bring leads in as JSON",
    add_leads,
    shapes.LeadsBody,
    shapes.EnteredView,
    status=201,
)

ROUTES: Final = (*tagged("Pools", _UPLOAD), *tagged("Leads", _JSON))
