"""The call that logs what was said to a lead, or by it (SPEC R13.3, R13.5)."""

from contextlib import nullcontext
from functools import partial
from typing import Final

from msgspec import UNSET

from nextlead.core.commands import LogActivity, RedialEdit
from nextlead.core.errors import VersionConflict, WrongStatus
from nextlead.core.model import Status
from nextlead.ports import Stored

from .activity_shapes import ActivityBody, ActivityRedial
from .fields import read_number, refer, region_of
from .lead_shapes import LeadView
from .lead_views import NO_DATA, lead_view
from .leads import EDIT_TRIES, add_data, new_data, stored_lead
from .problems import forbidden, malformed
from .table import Access, Call, Route, tagged


async def log_activity(call: Call) -> object:
    """The lead after it. An outcome ends the lease, or settles what comes next; a text alone is only noted.

    People write after a sale, too: a text without an outcome is noted of a closed lead.
    """
    body: ActivityBody = call.body
    if body.direction is UNSET and body.interaction == "sms":
        raise malformed("direction", "is required of a text: in or out")
    agent = _agent(call, body)
    lead = call.id("lead")
    if call.services.engine.lead(lead) is not None:
        try:
            return await _log(call, agent)
        except WrongStatus:  # perhaps it closed in between, and is in no memory any more
            if body.outcome or call.services.engine.lead(lead) is not None:
                raise
    return await _log(call, agent)


def _agent(call: Call, body: ActivityBody) -> str | None:
    """Who did it; raises a 403 when an agent's token names another, `Invalid` for one that there is not."""
    if call.is_agent:
        if body.agent not in (UNSET, call.caller.agent):
            raise forbidden(call.caller.role)
        return call.caller.agent
    refer(call.services.engine, "agent", body.agent, "agent")
    return None if body.agent is UNSET else body.agent


async def _log(call: Call, agent: str | None) -> LeadView:
    services = call.services
    is_open = services.engine.lead(call.id("lead")) is not None
    # A closed row that was read is still the lead's when it gets the text: one at a time.
    async with nullcontext() if is_open else services.reopening:
        view = await _submit(call, agent, with_row=not is_open)
    await add_data(call, view)
    return view


async def _submit(call: Call, agent: str | None, *, with_row: bool) -> LeadView:
    """Data fields are laid over what is stored; if somebody else edits at the same time, once more."""
    services = call.services
    for _ in range(EDIT_TRIES):
        command = partial(_command, call, agent, await stored_lead(call), with_row=with_row)
        try:
            return await call.submit(command, lambda lead: lead_view(services.engine, lead, NO_DATA))
        except VersionConflict:
            await services.dialer.read(lambda _engine: None)  # what the other wrote is in the archive then
    raise VersionConflict


def _command(call: Call, agent: str | None, stored: Stored, *, with_row: bool) -> LogActivity:
    """When it is its turn: nobody else changes the lead in between."""
    body, engine, lead = call.body, call.services.engine, stored.lead
    present = engine.lead(lead.id)
    if body.data is not UNSET and present is not None and present.version != lead.version:
        raise VersionConflict
    number = None if body.number is UNSET else read_number(body.number, region_of(engine, lead.campaign), "number")
    return LogActivity(
        by=call.caller.by,
        lead=lead.id,
        interaction=body.interaction,
        direction="out" if body.direction is UNSET else body.direction,
        outcome=body.outcome or None,
        explanation=body.explanation or "",
        at_ms=None if body.at is UNSET else body.at.ms,
        agent=agent,
        redial=None if body.redial is UNSET else _redial(body.redial),
        number=number,
        note=body.note,
        data=None if body.data is UNSET else new_data(engine, stored, body.data),
        row=lead if with_row and lead.status is Status.CLOSED else None,
    )


def _redial(shape: ActivityRedial) -> RedialEdit:
    return RedialEdit(shape.kind, shape.at.ms, None, shape.force)


ROUTES: Final = tagged(
    "Leads",
    Route(
        "POST",
        "/v1/leads/{id}/activities",
        Access.AGENT,
        "Log a call, a text, an e-mail or a visit",
        log_activity,
        body=ActivityBody,
        answer=LeadView,
    ),
)
