"""Calls around an agent's work: sessions, what the agent holds and has promised, and what supervisors do for it."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import UNSET

from nextlead.core.commands import EndLease, EndSession, PutSession, ReleaseAll
from nextlead.core.engine import Engine
from nextlead.core.model import Lead
from nextlead.core.replies import Count, Offer

from . import work_shapes as shapes
from .fields import refer_all
from .lead_shapes import LeadView, LeaseView
from .lead_views import lead_of, lease_view
from .lists import Page, part
from .setup_shapes import SessionView
from .setup_views import session_view
from .table import Access, BulkQuery, Call, Paging, Route, tagged
from .work import lead_answer


async def put_session(call: Call) -> object:
    """Choose campaigns and the box (SPEC R3.1)."""
    body: shapes.SessionBody = call.body
    refer_all(call.services.engine, "campaign", body.campaigns, "campaigns")
    cross = None if body.cross_campaign_redials is UNSET else body.cross_campaign_redials
    await call.services.dialer.submit(
        PutSession(by=call.caller.by, agent=call.code(), campaigns=body.campaigns, cross=cross)
    )
    return await call.services.dialer.read(lambda engine: session_view(engine, engine.agents.need(call.code())))


async def end_session(call: Call) -> None:
    """Log off; leases end as unresolved."""
    await call.services.dialer.submit(EndSession(by=call.caller.by, agent=call.code()))


async def leases(call: Call) -> object:
    """What the agent holds, without taking anything."""
    offers: Sequence[Offer] = await call.services.dialer.read(lambda engine: engine.leases_of(call.code()))
    data = await call.services.data.get([offer.lead.id for offer in offers])
    return Page([lease_view(call.services.engine, offer, data) for offer in offers], None)


def _leads_of(choose: Callable[[Engine, str], Sequence[Lead]]) -> Callable[[Call], Any]:
    async def handler(call: Call) -> object:
        rows = await call.services.dialer.read(lambda engine: choose(engine, call.code()))
        found = part(rows, call.query, lambda lead: lead)
        data = await call.services.data.get([lead.id for lead in found.items])
        return Page([lead_of(call.services.engine, lead, data) for lead in found.items], found.next)

    return handler


async def release_all(call: Call) -> object:
    """Release all promised redials of an agent (SPEC R4.6)."""
    if call.query.dry_run:
        rows = await call.services.dialer.read(lambda engine: engine.redials_of(call.code()))
        return shapes.CountView(len(rows))
    command = ReleaseAll(by=call.caller.by, agent=call.code())
    return await call.submit(command, _count)


def _count(reply: Count) -> shapes.CountView:
    return shapes.CountView(reply.count)


async def end_lease(call: Call) -> object:
    """A supervisor ends a stuck lease."""
    body: shapes.EndBody = call.body
    return await lead_answer(call, EndLease(by=call.caller.by, token=call.params["token"], outcome=body.outcome))


_AGENT: Final = "/v1/agents/{code}"
_redials: Final = _leads_of(lambda engine, code: engine.redials_of(code))
_unresolved: Final = _leads_of(lambda engine, code: engine.unresolved_of(code))
_END: Final = "/v1/leases/{token}/end"

ROUTES: Final = tagged(
    "Work",
    Route("PUT", f"{_AGENT}/session", Access.AGENT, "Log on", put_session, shapes.SessionBody, SessionView, own=True),
    Route("DELETE", f"{_AGENT}/session", Access.AGENT, "Log off", end_session, status=204, own=True),
    Route("GET", f"{_AGENT}/lease", Access.AGENT, "What the agent holds", leases, answer=Page[LeaseView], own=True),
    Route(
        "GET",
        f"{_AGENT}/redials",
        Access.AGENT,
        "The agent's private and VIP redials",
        _redials,
        answer=Page[LeadView],
        query=Paging,
        own=True,
    ),
    Route(
        "GET",
        f"{_AGENT}/unresolved",
        Access.AGENT,
        "The agent's unresolved leads",
        _unresolved,
        answer=Page[LeadView],
        query=Paging,
        own=True,
    ),
    Route(
        "POST",
        f"{_AGENT}/release-all",
        Access.SUPERVISOR,
        "Release all redials of an agent",
        release_all,
        answer=shapes.CountView,
        query=BulkQuery,
    ),
    Route("POST", _END, Access.SUPERVISOR, "End a stuck lease", end_lease, shapes.EndBody, shapes.LeadAnswer),
)
