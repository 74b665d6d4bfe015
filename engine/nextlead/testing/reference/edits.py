"""What admins and supervisors do to a lead (SPEC 1.4, 1.5, 2.6, 4)."""

import dataclasses

from msgspec import UNSET, json

from nextlead.core.activity_model import Activity
from nextlead.core.almanac import zone_named
from nextlead.core.commands import (
    EditLead,
    EditLeads,
    MakeUrgent,
    RedialEdit,
    Release,
    ReleaseAll,
    Reopen,
    Validate,
)
from nextlead.core.errors import (
    Conflict,
    Invalid,
    Leased,
    NextleadError,
    NotAllowed,
    NumberBlocked,
    WrongStatus,
)
from nextlead.core.model import DIALABLE, PROMISED, URGENT_REASONS, Status
from nextlead.core.replies import Bulk, Count

from . import changes, who
from .blocking import close_or_mark, refusal
from .bookings import check_booking, check_redial
from .hours import check_promised
from .intake import place
from .outcomes import kind_of_result
from .records import ROOT, Agent, Lead, Urgent
from .world import World

Booked = tuple[Status, int, Agent | None, bool]
"""A redial that may be set: kind, time, whose, and whether it was forced (R4.2)."""

# -- edits ----------------------------------------------------------------------------------------------------------


def edit_lead(world: World, command: EditLead) -> None:
    """R1.4; R1.5: owner, due time and redial of a leased lead are refused; R9.7: all of a blocked one."""
    lead = world.lead(command.lead)
    moved = [each for each in (command.owner, command.due_ms, command.redial) if each is not UNSET]
    if moved and lead.lease is not None:
        raise Leased
    check_confirmed(world, lead)
    if refusal(world, [number for number in lead.numbers if number not in lead.dropping]) is not None:
        raise NumberBlocked
    if command.data is not UNSET and lead.mark == "anonymized":
        raise Conflict("being anonymised")
    if command.priority is not UNSET and not 0 <= command.priority <= 1000:
        raise Invalid("priority", "1 to 1000")
    owner = lead.owner if command.owner is UNSET else world.owner(command.owner)
    if owner != lead.owner and lead.held_back:
        check_new_owner(world, lead, owner)
    check_zone(command)
    then = lead if command.zone is UNSET else dataclasses.replace(lead, zone=command.zone or "")
    redial = None if command.redial is UNSET else check_admin_redial(world, then, command.redial)
    if redial is not None:
        check_not_over(world, lead, redial[0])
    if command.zone is not UNSET:
        lead.zone = command.zone or ""
    if command.data is not UNSET:
        lead.data = json.decode(command.data)
    if command.priority is not UNSET:
        lead.priority = command.priority
    if command.owner is not UNSET:
        set_owner(world, lead, owner)
    if command.due_ms is not UNSET:
        set_due(lead, command.due_ms)
    if redial is not None:
        set_redial(world, lead, redial, by=command.by)


def check_zone(command: EditLead) -> None:
    """R11.1: an IANA zone, or that of the number."""
    if command.zone not in (UNSET, None) and zone_named(str(command.zone)) is None:
        raise Invalid("timezone", "an IANA zone")


def check_not_over(world: World, lead: Lead, status: Status) -> None:
    """R8.2: no edit makes a lead what would have expired with its pool."""
    pool = world.pools[lead.pool]
    if pool.expired_ms is not None and (status not in PROMISED or pool.expired_promised):
        raise Conflict("expired")


def check_new_owner(world: World, lead: Lead, owner: str) -> None:
    """R4.1, R4.6: an unreleased redial is not given to an agent who would lose it at once."""
    kind, _, code = owner.partition(":")
    if kind == "agent" and changes.loses_redials(world, world.agents[code], lead.campaign):
        raise NotAllowed("the agent could not be offered it")


def check_confirmed(world: World, lead: Lead) -> None:
    """R9.3: leads of a pool that is loading or waits for confirmation are let alone."""
    if not who.confirmed(world, lead):
        raise Conflict(world.pools[lead.pool].state)


def set_due(lead: Lead, due_ms: int) -> None:
    """R4.2: force was for the promised time; another one waits for the hours."""
    lead.due_ms = due_ms
    if lead.promise is not None and lead.promise.at_ms != due_ms:
        lead.promise.forced_by = ""


def set_owner(world: World, lead: Lead, owner: str) -> None:
    """R4.3: an unreleased private or VIP redial given to a team is released by that; an agent's is its own."""
    if lead.held_back and owner.startswith("team:"):
        assert lead.promise is not None
        lead.promise.released_ms = world.now_ms
    lead.owner = owner


def check_admin_redial(world: World, lead: Lead, redial: RedialEdit) -> Booked:
    """R4.1: private and VIP name an agent, and that agent could be offered it; R4.2, R4.10."""
    check_confirmed(world, lead)
    kind, at_ms = check_redial(world, lead, redial.kind, redial.at_ms)
    agent = None if redial.agent is None else world.agent(redial.agent)
    if kind not in PROMISED:
        if agent is not None:
            raise Invalid("agent", "a common redial is for no agent")
        return kind, at_ms, None, check_promised(world, lead, at_ms, force=redial.force)
    if agent is None:
        raise Invalid("agent", "is needed")
    check_could_be_offered(world, lead, agent)
    check_booking(world, lead, agent, kind, at_ms, ask_permission=False)
    return kind, at_ms, agent, check_promised(world, lead, at_ms, force=redial.force)


def check_could_be_offered(world: World, lead: Lead, agent: Agent) -> None:
    """R4.1: not with a disabled agent, a missing permission (R), a campaign whose promises are not dialled (R3.3)."""
    campaign = world.campaigns[lead.campaign]
    dialled = campaign.active or campaign.dialer.dial_promised_when_inactive
    if changes.loses_redials(world, agent, lead.campaign) or not dialled:
        raise NotAllowed("the agent could not be offered it")


def set_redial(world: World, lead: Lead, booked: Booked, *, by: str) -> None:
    """An admin's redial. A common one takes an agent's own redial back to the original owner."""
    kind, at_ms, agent, forced = booked
    if agent is None and lead.held_back:
        lead.owner = lead.original_owner
    changes.promise(world, lead, kind, at_ms, agent, by=by, forced=forced)


def release_one(world: World, command: Release) -> None:
    """R4.6: an admin releases one lead."""
    lead = world.lead(command.lead)
    if lead.lease is not None:
        raise Leased
    if not lead.held_back:
        raise WrongStatus(lead.status.code)
    changes.release(world, lead, by=command.by)


def release_all(world: World, command: ReleaseAll) -> Count:
    """R4.6: all of one agent."""
    agent = world.agent(command.agent)
    own = [lead for lead in world.leads.values() if lead.held_back and lead.lease is None and lead.owner == agent.owner]
    for lead in own:
        changes.release(world, lead, by=command.by)
    return Count(len(own))


def make_urgent(world: World, command: MakeUrgent) -> None:
    """R2.6: an open, unleased, dialable lead."""
    lead = world.lead(command.lead)
    if command.reason not in URGENT_REASONS:
        raise Invalid("reason", "not a reason")
    if command.expires_ms <= world.now_ms:
        raise Invalid("expires", "in the future")
    if lead.lease is not None:
        raise Leased
    check_confirmed(world, lead)
    if lead.status not in DIALABLE:
        raise WrongStatus(lead.status.code)
    if refusal(world, lead.numbers) is not None:
        raise NumberBlocked
    lead.urgent = Urgent(URGENT_REASONS.index(command.reason), world.now_ms, command.expires_ms)


# -- closing and opening --------------------------------------------------------------------------------------------


def reopen(world: World, command: Reopen) -> None:
    """R1.4: closed leads start again, counted attempts too; not blocked ones."""
    lead = world.leads.get(command.lead)
    if lead is None or lead.open:
        lead = world.lead(command.lead)
        raise WrongStatus(lead.status.code)
    check_confirmed(world, lead)
    if lead.closure in ("anonymized", "do_not_call", "global_do_not_call") or lead.erased:
        raise WrongStatus(f"closed as {lead.closure}")
    if not lead.given:
        raise WrongStatus("no number to call")
    if not lead.numbers and not lead.given:
        raise WrongStatus("no number")
    if refusal(world, lead.numbers or lead.given) is not None:
        raise NumberBlocked
    then = dataclasses.replace(lead, number=(lead.numbers or list(lead.given))[0])
    redial = None if command.redial is UNSET else check_admin_redial(world, then, command.redial)
    check_not_over(world, lead, Status.UNPROCESSED if redial is None else redial[0])
    fresh_start(lead)
    lead.owner = first_owner(world, lead)
    if redial is None:
        if not lead.shown:
            lead.seq = place(world.pools[lead.pool], lead.ordinal, lead.id)
        changes.become(world, lead, Status.UNPROCESSED, by=command.by)
    else:
        kind, at_ms, agent, forced = redial
        changes.promise(world, lead, kind, at_ms, agent, by=command.by, forced=forced)


def fresh_start(lead: Lead) -> None:
    """What a reopened lead starts with; dropped numbers come back when no other is left."""
    if not lead.numbers:
        lead.numbers, lead.dropped = list(lead.given), []
    lead.attempts, lead.dialled, lead.retries = 0, {}, {}
    lead.number = lead.numbers[0]
    lead.promise, lead.due_ms, lead.pauses, lead.latest = None, None, {}, None


def first_owner(world: World, lead: Lead) -> str:
    """The original owner; decided here: the team of a disabled agent, the root for who is gone: somebody can call."""
    kind, _, code = lead.original_owner.partition(":")
    if code not in (world.agents if kind == "agent" else world.teams):
        return f"team:{ROOT}"
    if kind == "agent" and not world.agents[code].enabled:
        return f"team:{world.agents[code].team}"
    return lead.original_owner


def validate(world: World, command: Validate) -> None:
    """R1.4: passed closes with the result; failed is a private redial of the seller, due now (R9.7: not if blocked)."""
    lead = world.lead(command.lead)
    if lead.lease is not None:
        raise Leased
    if lead.status is not Status.PENDING_VALIDATION:
        raise WrongStatus(lead.status.code)
    assert lead.validating is not None
    assert lead.seller is not None
    if command.passed:
        picked = changes.result_known(world, lead, lead.validating)
        changes.note(world, lead, kind_of_result(picked), lead.seller)
        changes.close(world, lead, lead.validating, by=command.by)
        return
    changes.note(world, lead, Activity.SALE_IN_PROGRESS, lead.seller)
    if (closure := refusal(world, lead.numbers)) is not None:
        changes.close(world, lead, closure, by=command.by)
    else:
        changes.promise(world, lead, Status.PRIVATE_REDIAL, world.now_ms, world.agents[lead.seller], by=command.by)


# -- many at once ---------------------------------------------------------------------------------------------------


def edit_leads(world: World, command: EditLeads) -> Bulk:
    """R10.1 and its like: lead by lead; one that refuses does not hold the others up."""
    refused: dict[str, int] = {}
    done = 0
    if command.action == "priority" and not 0 <= command.priority <= 1000:
        raise Invalid("priority", "1 to 1000")
    if command.action == "owner":
        world.owner(command.owner)
    for lead in dict.fromkeys(command.leads):
        try:
            edit_one(world, command, lead)
        except NextleadError as error:
            refused[error.code] = refused.get(error.code, 0) + 1
        else:
            done += 1
    return Bulk(done, refused)


def edit_one(world: World, command: EditLeads, lead: int) -> None:
    """The same as the command for one lead."""
    match command.action:
        case "remove":
            close_or_mark(world, world.lead(lead), "removed", by=command.by)
        case "release":
            release_one(world, Release(lead=lead, by=command.by))
        case "reopen":
            reopen(world, Reopen(lead=lead, by=command.by))
        case "priority":
            edit_lead(world, EditLead(lead=lead, priority=command.priority, by=command.by))
        case "owner":
            edit_lead(world, EditLead(lead=lead, owner=command.owner, by=command.by))
