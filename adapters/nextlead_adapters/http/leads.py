"""Calls on leads: lists, one lead, edits, and what supervisors and admins do to one."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, Final

from msgspec import UNSET, Raw
from msgspec.structs import replace

from nextlead.core.commands import (
    Command,
    EditLead,
    MakeUrgent,
    RedialEdit,
    Release,
    Remove,
    Reopen,
    Validate,
)
from nextlead.core.engine import Engine
from nextlead.core.errors import NotFound, VersionConflict
from nextlead.core.model import REDIAL_KINDS, Lead
from nextlead.core.schemes import Scheme
from nextlead.ports import Stored
from nextlead.redaction import redacted_event

from ..zone_names import spelt
from .fields import data_over, region_of
from .lead_filter import find
from .lead_shapes import (
    EventView,
    LeadFilterBody,
    LeadPatch,
    LeadQuery,
    LeadsQuery,
    LeadView,
    RedialShape,
    ReopenBody,
    UrgentBody,
    ValidateBody,
)
from .lead_views import NO_DATA, event_view, lead_view
from .lists import Page, cursor, cut, part
from .public_status import asked_scheme
from .table import Access, Call, Paging, Route, tagged

EDIT_TRIES = 5


def may_see(call: Call, lead: Lead) -> bool:
    """An agent sees the leads that it holds, owns, or is to resolve."""
    agent = call.caller.agent_no
    return (
        not call.is_agent
        or lead.owner == agent
        or (lead.lease is not None and lead.lease.agent == agent)
        or (lead.unresolved is not None and lead.unresolved.agent == agent)
    )


async def stored_lead(call: Call) -> Stored:
    """The path's lead, open or closed; raises `NotFound`, also when the caller may not see it."""
    lead = call.id("lead")
    stored = await call.services.dialer.archive.lead(lead)
    if stored is None or not may_see(call, stored.lead):
        raise NotFound("lead", lead)
    return stored


async def add_data(call: Call, view: LeadView) -> None:
    """Put the lead's data fields, which are not in memory, into a view that was made without them."""
    view.data = Raw((await call.services.data.get((view.id,))).get(view.id, NO_DATA))


async def list_leads(call: Call) -> object:
    """In order of id."""
    query: LeadsQuery = call.query
    return await leads_page(call, query, query.limit, query.after)


async def leads_page(call: Call, which: LeadFilterBody, limit: int, after: str) -> Page[LeadView]:
    """A page of the leads that are asked for, shown by the filter's scheme."""
    asked = replace(await find(call, which), after=cursor(after), limit=limit + 1)
    rows = await call.services.dialer.archive.leads(asked)
    scheme = asked_scheme(call.services.engine, which.scheme)
    return cut(rows, limit, lambda row: str(row.lead.id), partial(_stored_view, call.services.engine, scheme))


def _stored_view(engine: Engine, scheme: Scheme | None, stored: Stored) -> LeadView:
    return lead_view(engine, stored.lead, stored.data, scheme)


async def show_lead(call: Call) -> object:
    """Open or closed."""
    query: LeadQuery = call.query
    scheme = asked_scheme(call.services.engine, query.scheme)
    return _stored_view(call.services.engine, scheme, await stored_lead(call))


async def show_history(call: Call) -> object:
    """Oldest first."""
    stored = await stored_lead(call)
    events = await call.services.dialer.archive.history(stored.lead.id)
    if stored.lead.erased:  # the store may not have carried it out yet
        events = [redacted_event(event) for event in events]
    return part(events, call.query, partial(event_view, call.services.engine, stored.lead.campaign))


async def edit_lead(call: Call) -> object:
    """Data fields are laid over what is stored; if somebody else edits at the same time, once more."""
    body: LeadPatch = call.body
    for _ in range(EDIT_TRIES):
        stored = await stored_lead(call)
        try:
            await call.services.dialer.submit(_edit(call, body, stored))
        except VersionConflict:
            if body.version is not UNSET:
                raise
        else:
            return _stored_view(call.services.engine, None, await stored_lead(call))
    raise VersionConflict


def _edit(call: Call, body: LeadPatch, stored: Stored) -> EditLead:
    version = None if body.version is UNSET else body.version
    data: bytes | Any = UNSET
    if body.data is not UNSET:
        version = stored.lead.version if version is None else version
        data = new_data(call.services.engine, stored, body.data)
    return EditLead(
        by=call.caller.by,
        lead=stored.lead.id,
        priority=0 if body.priority is None else body.priority,
        owner=UNSET if body.owner is UNSET else body.owner.name,
        due_ms=UNSET if body.due is UNSET else body.due.ms,
        redial=UNSET if body.redial is UNSET else _redial(body.redial),
        data=data,
        version=version,
        zone=spelt(body.timezone),
    )


def new_data(engine: Engine, stored: Stored, changes: dict[str, Any]) -> bytes:
    """The lead's data fields with the changes; raises `Invalid` naming the field."""
    campaign = engine.campaigns.by_no[stored.lead.campaign]
    return data_over(campaign.template.fields, region_of(engine, campaign.no), stored.data, changes)


def _redial(shape: RedialShape) -> RedialEdit:
    assert shape.kind in REDIAL_KINDS
    return RedialEdit(shape.kind, shape.at.ms, None if shape.agent is UNSET else shape.agent, shape.force)


def _release(call: Call, lead: Lead) -> Command:
    return Release(by=call.caller.by, lead=lead.id)


def _remove(call: Call, lead: Lead) -> Command:
    return Remove(by=call.caller.by, lead=lead.id)


def _reopen(call: Call, lead: Lead) -> Command:
    body: ReopenBody = call.body
    redial = UNSET if body.redial is UNSET else _redial(body.redial)
    return Reopen(by=call.caller.by, lead=lead.id, row=lead, redial=redial)


def _urgent(call: Call, lead: Lead) -> Command:
    body: UrgentBody = call.body
    return MakeUrgent(by=call.caller.by, lead=lead.id, reason=body.reason, expires_ms=body.expires.ms)


def _validate(call: Call, lead: Lead) -> Command:
    body: ValidateBody = call.body
    return Validate(by=call.caller.by, lead=lead.id, passed=body.passed)


async def _act(make: Callable[[Call, Lead], Command], call: Call) -> object:
    # Reopening goes one at a time: the closed row that was read is still the lead's when it is opened again.
    async with call.services.reopening if make is _reopen else nullcontext():
        command = make(call, (await stored_lead(call)).lead)
        view = await call.submit(command, lambda lead: lead_view(call.services.engine, lead, NO_DATA))
    await add_data(call, view)
    return view


_LEAD = "/v1/leads/{id}"


def _action(name: str, access: Access, summary: str, make: Callable[[Call, Lead], Command], body: Any = None) -> Route:
    return Route("POST", f"{_LEAD}/{name}", access, summary, partial(_act, make), body=body, answer=LeadView)


ROUTES: Final = tagged(
    "Leads",
    Route(
        "GET",
        "/v1/leads",
        Access.SUPERVISOR,
        "List leads",
        list_leads,
        answer=Page[LeadView],
        query=LeadsQuery,
    ),
    Route("GET", _LEAD, Access.AGENT, "Read a lead", show_lead, answer=LeadView, query=LeadQuery),
    Route("PATCH", _LEAD, Access.SUPERVISOR, "Edit a lead", edit_lead, body=LeadPatch, answer=LeadView),
    Route(
        "GET",
        f"{_LEAD}/history",
        Access.AGENT,
        "What happened to a lead",
        show_history,
        answer=Page[EventView],
        query=Paging,
    ),
    _action("release", Access.SUPERVISOR, "Release a private or VIP redial now", _release),
    _action("remove", Access.SUPERVISOR, "Close an open lead as removed", _remove),
    _action("reopen", Access.ADMIN, "Open a closed lead again", _reopen, ReopenBody),
    _action("urgent", Access.SUPERVISOR, "Offer a lead before all others", _urgent, UrgentBody),
    _action("validate", Access.SUPERVISOR, "Say whether a result's validation passed", _validate, ValidateBody),
)
