"""Calls that ask why: why this lead, why not that one, when then (SPEC 14). They change nothing."""

from typing import Final

from nextlead.core.commands import Explain, WhyAllIdle, WhyIdle
from nextlead.core.errors import NotFound, WrongStatus
from nextlead.core.model import Lead, Status

from . import reason_shapes as shapes
from .fields import refer
from .leads import stored_lead
from .problems import malformed
from .table import Access, Call, Route, tagged


async def explain(call: Call) -> object:
    """Every rule that bears on a lead, open or closed, for an agent, and when that agent could get it (SPEC R14.2)."""
    agent = _agent_asked_for(call)
    lead = (await stored_lead(call)).lead
    try:
        return await _explanation(call, lead, agent)
    except WrongStatus:  # it was closed since it was read; a closed lead is in no memory
        return await _explanation(call, (await stored_lead(call)).lead, agent)


def _agent_asked_for(call: Call) -> str:
    """Agents may ask for themselves only."""
    query: shapes.ExplainQuery = call.query
    if call.is_agent:
        if query.agent not in (None, call.caller.agent):
            raise NotFound("agent", query.agent)
        return call.caller.agent
    if query.agent is None:
        raise malformed("agent", "is required")
    refer(call.services.engine, "agent", query.agent, "agent")
    return query.agent


async def _explanation(call: Call, lead: Lead, agent: str) -> shapes.ExplanationView:
    row = lead if lead.status is Status.CLOSED else None
    command = Explain(by=call.caller.by, lead=lead.id, agent=agent, row=row)
    return await call.submit(command, shapes.explanation_view)


async def why_idle(call: Call) -> object:
    """Why this agent gets no lead now, and when the next one opens (SPEC R14.3)."""
    return await idle_now(call)


async def idle_now(call: Call) -> shapes.IdleView:
    """The same, for other calls of an agent."""
    return await call.submit(WhyIdle(by=call.caller.by, agent=call.code()), shapes.idle_view)


async def why_all_idle(call: Call) -> object:
    """What keeps leads from everybody, campaign by campaign and agent by agent."""
    return await call.submit(WhyAllIdle(by=call.caller.by), shapes.idle_agents_view)


ROUTES: Final = tagged(
    "Why",
    Route(
        "GET",
        "/v1/leads/{id}/explain",
        Access.AGENT,
        "Why an agent gets a lead, or does not",
        explain,
        answer=shapes.ExplanationView,
        query=shapes.ExplainQuery,
    ),
    Route(
        "GET",
        "/v1/agents/{code}/why-idle",
        Access.AGENT,
        "Why an agent has nothing to call",
        why_idle,
        answer=shapes.IdleView,
        own=True,
    ),
    Route(
        "GET",
        "/v1/why-idle",
        Access.SUPERVISOR,
        "Why agents have nothing to call",
        why_all_idle,
        answer=shapes.IdleAgentsView,
    ),
)
