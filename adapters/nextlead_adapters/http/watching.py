"""Calls for those who watch: events, metrics, health, the manual clock."""

from collections.abc import AsyncIterator, Callable
from typing import Final

import anyio
from msgspec import UNSET, UnsetType
from starlette.types import Send

from nextlead.core.engine import Engine
from nextlead.core.model import Event, Pool
from nextlead.runtime.feed import News

from ..clocks import follow
from ..metrics import exposition
from .lead_shapes import EventView
from .lead_views import event_view
from .problems import malformed
from .table import NOBODY, Access, Body, Call, Reply, Route, Stream, View, tagged
from .values import Moment, Span, to_json

LOOK_S: Final = 1.0
QUIET_LOOKS: Final = 15
"""A comment is sent every so many looks, so that nobody on the way takes the connection for dead."""
PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
EVENTS: Final = "text/event-stream"
_SEE_ALL: Final = frozenset({"operator", NOBODY.role})


class HealthView(View):
    """How it is."""

    status: str


class ClockView(View):
    """The time by the daemon's clock."""

    now: Moment


class ClockBody(Body):
    """Where to move the clock to, or how far; never back."""

    now: Moment | UnsetType = UNSET
    advance: Span | UnsetType = UNSET


class LeadEventView(EventView):
    """An event of some lead, as `GET /v1/events` sends it."""

    lead: int


class PoolEventView(View):
    """A pool that changed, as `GET /v1/events` sends it under the name `pool`.

    `state` is the pool's, or `deleted` when it is gone. While a file is loaded the counts rise with every part of it.
    """

    pool: int
    state: str
    campaign: str = ""
    valid: int = 0
    invalid: int = 0
    duplicates: int = 0
    deleted: int = 0
    error: str = ""


async def healthz(_call: Call) -> object:
    """The process lives."""
    return HealthView("ok")


async def readyz(call: Call) -> object:
    """State loaded, storage writable, of every organisation."""
    if call.face.ready:
        return HealthView("ready")
    return Reply(503, HealthView("not ready"), (("retry-after", "1"),))


async def metrics(call: Call) -> Reply:
    """Prometheus text: of all organisations for the operator and for who needs no token, else of the token's own."""
    tenants = call.face.organisations.all() if call.caller.role in _SEE_ALL else (call.services.tenant,)
    text = await exposition([(each.organisation.code, each.dialer) for each in tenants])
    return Reply(200, raw=text, headers=(("content-type", PROMETHEUS),))


# -- the manual clock -----------------------------------------------------------------------------------------------


async def show_clock(call: Call) -> object:
    """Now; it is the same for all organisations."""
    return ClockView(Moment(call.services.dialer.now_ms()))


async def move_clock(call: Call) -> object:
    """Every timer of every organisation up to the new time has fired, and is durable, when this answers."""
    body: ClockBody = call.body
    if (body.now is UNSET) == (body.advance is UNSET):
        raise malformed("now", "either now or advance is required")
    async with call.face.moving_clocks:
        first = call.face.organisations.default.dialer
        await first.advance(body.now.ms if isinstance(body.now, Moment) else first.now_ms() + _ms(body.advance))
        await follow(first, [each.dialer for each in call.face.organisations.all()])
    return await show_clock(call)


def _ms(value: Span | UnsetType) -> int:
    assert isinstance(value, Span)
    return value.ms


# -- events ---------------------------------------------------------------------------------------------------------


async def events(call: Call) -> Stream:
    """Server-sent events from now on, or from behind `Last-Event-ID`.

    An event of a lead is named as in its history. A pool that changed is sent as `pool`: `{"pool", "state",
    "campaign", "valid", "invalid", "duplicates", "deleted", "error"}`; its state is `deleted` when it is gone. When
    some were missed, `lost` comes first.
    """
    last = call.headers.get("last-event-id", "").strip()
    if last and not (last.isascii() and last.isdigit() and len(last) <= 15):
        raise malformed("Last-Event-ID", "is not an id of this stream")
    news = call.services.dialer.subscribe(int(last) if last else None)

    async def run(send: Send) -> None:
        await _send_events(call, news, send)

    return Stream(run)


async def _send_events(call: Call, news: AsyncIterator[News], send: Send) -> None:
    headers = [(b"content-type", EVENTS.encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    engine = call.services.engine
    async with anyio.create_task_group() as group:

        async def until_gone() -> None:
            while (await call.receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        group.start_soon(until_gone)
        group.start_soon(_keep_alive, call, send, group.cancel_scope.cancel)
        async for one in news:
            if not call.admitted():
                break
            await _write(send, event_text(engine, one))
        group.cancel_scope.cancel()
    await send({"type": "http.response.body", "body": b""})


async def _write(send: Send, text: bytes) -> None:
    await send({"type": "http.response.body", "body": text, "more_body": True})


async def _keep_alive(call: Call, send: Send, end: Callable[[], None]) -> None:
    """A comment now and then. The end when the watcher's token is deleted, or the daemon is about to stop.

    So the daemon does not wait for watchers.
    """
    looks = 0
    while call.services.dialer.ready and call.admitted():
        if looks % QUIET_LOOKS == 0:
            await _write(send, b":\n\n")
        looks += 1
        await anyio.sleep(LOOK_S)
    end()


def event_text(engine: Engine, news: News) -> bytes:
    """One commit as server-sent events; its number is their id, with the last of them."""
    lines = [b"event: lost\ndata: {}\n\n"] if news.lost else []
    events: list[tuple[str, View]] = [
        (event.kind, _lead_event(engine, news.campaigns.get(event.lead, 0), event)) for event in news.events
    ]
    events += [("pool", _pool_event(engine, pool, row)) for pool, row in news.pools.items()]
    for left, (kind, view) in enumerate(events, 1 - len(events)):
        id_line = b"" if left else b"id: %d\n" % news.commit_no
        lines.append(b"%sevent: %s\ndata: %s\n\n" % (id_line, kind.encode(), to_json(view)))
    return b"".join(lines)


def _lead_event(engine: Engine, campaign: int, event: Event) -> LeadEventView:
    view = event_view(engine, campaign, event)
    fields = {name: getattr(view, name) for name in EventView.__struct_fields__}
    return LeadEventView(**fields, lead=event.lead)


def _pool_event(engine: Engine, pool: int, row: Pool | None) -> PoolEventView:
    if row is None:
        return PoolEventView(pool, "deleted")
    campaign = engine.campaigns.by_no.get(row.campaign)
    code = campaign.code if campaign else ""
    return PoolEventView(pool, row.state, code, row.valid, row.invalid, row.duplicate, row.deleted, row.error)


ROUTES: Final = tagged(
    "Watching",
    Route(
        "GET",
        "/v1/events",
        Access.SUPERVISOR,
        "What happens to leads and pools, as server-sent events",
        events,
        answer=LeadEventView,
        media=EVENTS,
    ),
    Route(
        "GET",
        "/metrics",
        Access.METRICS,
        "Metrics for Prometheus",
        metrics,
        answer=str,
        media=PROMETHEUS,
    ),
    Route("GET", "/healthz", Access.ANYONE, "The process lives", healthz, answer=HealthView, always=True),
    Route(
        "GET",
        "/readyz",
        Access.ANYONE,
        "The daemon can serve",
        readyz,
        answer=HealthView,
        also={503: "Not ready."},
    ),
)

CLOCK_ROUTES: Final = tagged(
    "Watching",
    Route("GET", "/v1/clock", Access.OPERATOR, "Read the manual clock", show_clock, answer=ClockView),
    Route(
        "POST",
        "/v1/clock",
        Access.OPERATOR,
        "Move the manual clock",
        move_clock,
        body=ClockBody,
        answer=ClockView,
    ),
)
"""Only with `--clock manual`."""
