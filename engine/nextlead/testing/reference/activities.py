"""`LogActivity`: what was said to a lead, or by it (SPEC 13.3, 13.5)."""

from nextlead.core.activity_model import Activity
from nextlead.core.commands import LogActivity
from nextlead.core.errors import AgentDisabled, Invalid, Leased, NotAllowed, WrongStatus
from nextlead.core.model import Status

from . import changes
from .conditions import write_line
from .edits import check_confirmed
from .outcomes import Said, end, settle
from .records import Agent, Lead
from .world import World

SAYS = {
    "sale_in_progress": Activity.SALE_IN_PROGRESS,
    "no_sale": Activity.NO_SALE,
    "sold": Activity.SOLD,
    "no_answer": Activity.NO_ANSWER,
    "left_a_voicemail": Activity.LEFT_A_VOICEMAIL,
    "wrong_number": Activity.WRONG_NUMBER,
}
ANY = ("call", "sms", "email", "in_store")
GOES_WITH = {
    "sale_in_progress": ANY,
    "no_sale": ANY,
    "sold": ANY,
    "no_answer": ("call",),
    "left_a_voicemail": ("call",),
    "wrong_number": ("call",),
}
"""R13.3: the valid pairs, by outcome."""

CATEGORY = {"sold": "success", "no_sale": "negative"}
CAUSE = {"no_answer": "no_answer", "left_a_voicemail": "voicemail", "wrong_number": "invalid_number"}


def log_activity(world: World, command: LogActivity) -> None:
    """R13.5: a text is noted; an outcome ends the lease as a finish would, or settles what comes next."""
    kind = what_it_says(command)
    if command.at_ms is not None and command.at_ms > world.now_ms:
        raise Invalid("at", "in the future")
    if command.redial is not None and (command.outcome != "sale_in_progress" or command.redial.agent is not None):
        raise Invalid("redial", "goes with sale_in_progress, and is for who logs it")
    agent = None if command.agent is None else world.agent(command.agent)
    if command.outcome is not None and agent is not None and not agent.enabled:
        raise AgentDisabled
    lead = the_lead(world, command)
    if command.number is not None and (command.interaction != "call" or command.number not in lead.numbers):
        raise Invalid("number", "not a number of the lead that was called")
    if command.outcome is None:
        note_text(world, lead, kind, agent, command)
        return
    if lead.lease is not None:
        end_lease(world, lead, kind, agent, command)
    else:
        settle_lead(world, lead, kind, agent, command)


def what_it_says(command: LogActivity) -> Activity:
    """R13.3: `satisfied` explains no sale; only texts come without an outcome, and only calls go unanswered."""
    if command.interaction not in ANY or command.direction not in ("in", "out"):
        raise Invalid("interaction", "nothing of that kind")
    satisfied = command.explanation.strip().lower() == "satisfied"
    if command.outcome is None:
        if command.interaction != "sms" or command.explanation:
            raise Invalid("outcome", "is needed")
        return {"in": Activity.SMS_IN, "out": Activity.SMS_OUT}[command.direction]
    if command.interaction not in GOES_WITH.get(command.outcome, ()):
        raise Invalid("outcome", "not of this interaction")
    if satisfied and command.outcome != "no_sale":
        raise Invalid("explanation", "explains no sale only")
    return Activity.SATISFIED if satisfied else SAYS[command.outcome]


def the_lead(world: World, command: LogActivity) -> Lead:
    """Open, or closed and there for a text, unless its person was forgotten."""
    lead = world.leads.get(command.lead)
    if lead is not None and not lead.open and command.row is not None:
        if command.outcome is not None or lead.erased:
            raise WrongStatus("closed")
        return lead
    return world.lead(command.lead)


def note_text(world: World, lead: Lead, kind: Activity, agent: Agent | None, command: LogActivity) -> None:
    """R13.3: whoever holds the lead, and whatever became of it."""
    lead.shown = True
    changes.note(world, lead, kind, agent.code if agent else "", command.at_ms)
    write_line(world, lead, by=command.by)


def end_lease(world: World, lead: Lead, kind: Activity, agent: Agent | None, command: LogActivity) -> None:
    """R13.5: by the holder, or for it; an attempt counts if it was a call out."""
    held = lead.lease
    assert held is not None
    if agent is not None and agent.code != held.agent:
        raise Leased
    said = what_was_said(world, lead, kind, world.agents[held.agent], command)
    said.number = held.number if command.number is None else command.number
    said.counts = (command.interaction, command.direction) == ("call", "out")
    end(world, lead, said)


def settle_lead(world: World, lead: Lead, kind: Activity, agent: Agent | None, command: LogActivity) -> None:
    """R13.5; R7.5: an unresolved lead is its agent's, a supervisor may act for anybody.

    Where nobody is named it is for whom the lead is locked to, else for its owner. R9.3: of a pool that was loaded.
    """
    if lead.status is Status.PENDING_VALIDATION:
        raise WrongStatus(lead.status.code)
    check_confirmed(world, lead)
    locked = None if lead.unresolved is None else world.agents[lead.unresolved.agent]
    itself = command.by.startswith("agent:")
    if itself and locked is not None and agent is not locked:
        raise NotAllowed
    said = what_was_said(world, lead, kind, agent or locked or world.owning_agent(lead), command)
    said.asks, said.did_it = itself, agent or locked
    settle(world, lead, said)


def what_was_said(world: World, lead: Lead, kind: Activity, agent: Agent | None, command: LogActivity) -> Said:
    """The outcome in the words of a finish."""
    number = lead.number if command.number is None else command.number
    said = Said("unresolved", command.by, agent, number, activity=kind, happened_ms=command.at_ms)
    said.did_it, said.talked = agent, command.interaction == "call"
    outcome, redial = command.outcome or "", command.redial
    if outcome in CATEGORY:
        said.outcome, said.result = "resolved", first_result(world, lead, CATEGORY[outcome])
    elif outcome in CAUSE:
        said.outcome, said.cause = "unreached", CAUSE[outcome]
    elif redial is not None:
        said.outcome = "redial"
        said.kind, said.at_ms, said.force = redial.kind, redial.at_ms, redial.force
    return said


def first_result(world: World, lead: Lead, category: str) -> str:
    """The template's first of the category that does not forbid further calls."""
    for result in world.campaigns[lead.campaign].template.results:
        if result.category == category and not result.do_not_call:
            return result.code
    raise Invalid("outcome", f"the campaign has no result of category {category}")
