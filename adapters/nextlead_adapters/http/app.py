"""The application: the route table, and what answers it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from starlette.routing import Route as Path
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from nextlead.ports import always

from . import (
    activities,
    backup,
    blocking,
    bulk,
    describing,
    desks,
    downloads,
    entering,
    explaining,
    forgetting,
    lead_export,
    leads,
    limit_packs,
    organisations,
    pools,
    problems,
    saved_filters,
    schemes,
    setup,
    statistics,
    tokens,
    watching,
    work,
)
from .auth import Gatekeeper
from .endpoint import Endpoint, not_ours, send_reply
from .hot import Hot
from .services import Face, Limits
from .table import Route
from .tenants import Organisations

ROUTES: Final[tuple[Route, ...]] = (
    *work.ROUTES,
    *desks.ROUTES,
    *setup.ROUTES,
    *limit_packs.ROUTES,
    *schemes.ROUTES,
    *tokens.ROUTES,
    *entering.ROUTES,
    *pools.ROUTES,
    *downloads.ROUTES,
    *bulk.ROUTES,
    *leads.ROUTES,
    *activities.ROUTES,
    *lead_export.ROUTES,
    *saved_filters.ROUTES,
    *statistics.ROUTES,
    *explaining.ROUTES,
    *forgetting.ROUTES,
    *blocking.ROUTES,
    *watching.ROUTES,
    *organisations.ROUTES,
    *backup.ROUTES,
    *describing.ROUTES,
)
"""All calls, in the order in which addresses are tried."""


def routes(*, manual_clock: bool) -> tuple[Route, ...]:
    """The calls that exist; those of the clock only with a manual one."""
    return (*ROUTES, *watching.CLOCK_ROUTES) if manual_clock else ROUTES


def create_app(
    tenants: Organisations,
    *,
    operator_token_sha256: str | None = None,
    limits: Limits | None = None,
    loopback: bool = False,
    manual_clock: bool = False,
    back_up: backup.BackUp | None = None,
    holds: Callable[[], bool] = always,
) -> Hot:
    """The ASGI application over organisations that are open; of one, `OneOrganisation` makes what it takes.

    `loopback`: it listens on this machine only, so `/metrics` needs no token. The hash is that of a token that may do
    everything in the organisation `default` and what concerns all of them, on top of the tokens that the engines know.
    `holds` is the database's: while it says no, nothing is answered but that the daemon is not ready.
    """
    table = routes(manual_clock=manual_clock)
    face = Face(tenants, limits or Limits(), table, back_up=back_up, holds=holds)
    gatekeeper = Gatekeeper(face, operator_token_sha256, loopback=loopback)
    paths = [Path(path, endpoint=Endpoint(face, gatekeeper, methods)) for path, methods in _by_path(table).items()]
    return Hot(face, gatekeeper, Router(paths, redirect_slashes=False, default=partial(_nowhere, face)))


def _by_path(table: Sequence[Route]) -> Mapping[str, Mapping[str, Route]]:
    found: dict[str, dict[str, Route]] = {}
    for route in table:
        methods = found.setdefault(route.path, {})
        assert route.method not in methods, f"{route.method} {route.path} is there twice"
        methods[route.method] = route
    return found


async def _nowhere(face: Face, scope: Scope, _receive: Receive, send: Send) -> None:
    """No such address."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
        return
    reply = problems.problem_reply(problems.not_found()) if face.holds() else not_ours()
    await send_reply(send, reply, reply.payload())
