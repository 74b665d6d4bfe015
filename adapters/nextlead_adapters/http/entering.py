"""Calls that bring leads in: files, and leads as JSON. The intake service does the work."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from ..intake.options import DuplicateOptions, PoolOptions
from . import idempotency
from . import pool_shapes as shapes
from .pools import show
from .reading import decode
from .table import Access, Call, Reply, Route, tagged
from .uploads import Upload, receive_upload
from .values import Moment

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


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
    view = await show(call, pool.id)
    return Reply(202 if view.state == "loading" else 201, view)


async def add_leads(call: Call) -> object:
    """Calls of one token with the same options share a pool for a while (SPEC R9.1)."""
    body: shapes.LeadsBody = call.body
    pool = await call.services.intake.add_leads(body.leads, _options(body), call.caller.by, caller=call.caller.token)
    return await show(call, pool.id)


_LOADING: Final = {202: "The file is still loading; `GET` tells how far it is."}
_UPLOAD: Final = Route(
    "POST",
    "/v1/pools",
    Access.ADMIN,
    "Upload a file of leads",
    upload,
    shapes.PoolOptionsBody,
    shapes.PoolView,
    status=201,
    also=_LOADING,
    files=True,
)
_JSON: Final = Route(
    "POST",
    "/v1/leads",
    Access.ADMIN,
    "Bring leads in as JSON",
    add_leads,
    shapes.LeadsBody,
    shapes.PoolView,
    status=201,
)

ROUTES: Final = (*tagged("Pools", _UPLOAD), *tagged("Leads", _JSON))
