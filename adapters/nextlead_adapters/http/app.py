"""The application: the route table, and what answers it."""

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.routing import Route as Path
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from nextlead.runtime.dialer import Dialer

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
from .endpoint import Endpoint, send_reply
from .ports import Intake, Privacy
from .services import Limits, Services
from .table import Route

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
    *backup.ROUTES,
    *describing.ROUTES,
)
"""All calls, in the order in which addresses are tried."""


def routes(*, manual_clock: bool) -> tuple[Route, ...]:
    """The calls that exist; those of the clock only with a manual one."""
    return (*ROUTES, *watching.CLOCK_ROUTES) if manual_clock else ROUTES


def create_app(
    dialer: Dialer,
    intake: Intake,
    privacy: Privacy,
    *,
    operator_token_sha256: str | None = None,
    limits: Limits | None = None,
    loopback: bool = False,
    manual_clock: bool = False,
    back_up: backup.BackUp | None = None,
) -> ASGIApp:
    """The ASGI application over an open dialer.

    `loopback`: it listens on this machine only, so `/metrics` needs no token. The hash is that of a token that may do
    everything, on top of the tokens that the engine knows.
    """
    table = routes(manual_clock=manual_clock)
    services = Services(dialer, intake, privacy, limits or Limits(), table, back_up)
    gatekeeper = Gatekeeper(dialer.engine, operator_token_sha256, loopback=loopback)
    paths = [Path(path, endpoint=Endpoint(services, gatekeeper, methods)) for path, methods in _by_path(table).items()]
    return Router(paths, redirect_slashes=False, default=_nowhere)


def _by_path(table: Sequence[Route]) -> Mapping[str, Mapping[str, Route]]:
    found: dict[str, dict[str, Route]] = {}
    for route in table:
        methods = found.setdefault(route.path, {})
        assert route.method not in methods, f"{route.method} {route.path} is there twice"
        methods[route.method] = route
    return found


async def _nowhere(scope: Scope, _receive: Receive, send: Send) -> None:
    """No such address."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
        return
    reply = problems.problem_reply(problems.not_found())
    await send_reply(send, reply, reply.payload())
