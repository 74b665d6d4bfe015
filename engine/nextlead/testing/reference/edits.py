"""What admins and supervisors do to a lead (SPEC 1.4, 1.5, 2.6, 4, 10)."""

from msgspec import UNSET

from nextlead.core.commands import (
    Block,
    EditLead,
    MakeUrgent,
    RedialEdit,
    Release,
    ReleaseAll,
    Remove,
    Reopen,
    Unblock,
    Validate,
)
from nextlead.core.errors import Conflict, Invalid, Leased, NotAllowed, NotFound, NumberBlocked, WrongStatus
from nextlead.core.model import DIALABLE, PROMISED, URGENT_REASONS, Status
from nextlead.core.replies import Count

from . import changes, who
from .finish import check_booking, check_redial
from .world import ROOT, Agent, Lead, Urgent, World

# -- edits ----------------------------------------------------------------------------------------------------------


def edit_lead(world: World, command: EditLead) -> None:
    """R1.4; R1.5: owner, due time and redial of a leased lead are refused; R9.7: all of a blocked one."""
    lead = world.lead(command.lead)
    moved = [each for each in (command.owner, command.due_ms, command.redial) if each is not UNSET]
    if moved and lead.lease is not None:
        raise Leased
    check_confirmed(world, lead)
    if set(lead.numbers) & world.blocked:
        raise NumberBlocked
    if command.priority is not UNSET and not 0 <= command.priority <= 1000:
        raise Invalid("priority", "1 to 1000")
    owner = lead.owner if command.owner is UNSET else world.owner(command.owner)
    if owner != lead.owner and lead.held_back:
        check_new_owner(world, lead, owner)
    redial = None if command.redial is UNSET else check_admin_redial(world, lead, command.redial)
    if command.priority is not UNSET:
        lead.priority = command.priority
    if command.owner is not UNSET:
        set_owner(world, lead, owner)
    if command.due_ms is not UNSET:
        lead.due_ms = command.due_ms
    if redial is not None:
        set_redial(world, lead, *redial, by=command.by)


def check_new_owner(world: World, lead: Lead, owner: str) -> None:
    """R4.1, R4.6: an unreleased redial is not given to an agent who would lose it at once."""
    kind, _, code = owner.partition(":")
    if kind == "agent" and changes.loses_redials(world, world.agents[code], lead.campaign):
        raise NotAllowed("the agent could not be offered it")


def check_confirmed(world: World, lead: Lead) -> None:
    """R9.3: leads of a pool that is loading or waits for confirmation are let alone."""
    if not who.confirmed(world, lead):
        raise Conflict(world.pools[lead.pool].state)


def set_owner(world: World, lead: Lead, owner: str) -> None:
    """R4.3: an unreleased private or VIP redial given to a team is released by that; an agent's is its own."""
    if lead.held_back and owner.startswith("team:"):
        assert lead.promise is not None
        lead.promise.released_ms = world.now_ms
    lead.owner = owner


def check_admin_redial(world: World, lead: Lead, redial: RedialEdit) -> tuple[Status, int, Agent | None]:
    """R4.1: private and VIP name an agent, and that agent could be offered it; R4.2, R4.10."""
    check_confirmed(world, lead)
    kind, at_ms = check_redial(world, lead, redial.kind, redial.at_ms)
    agent = None if redial.agent is None else world.agent(redial.agent)
    if kind not in PROMISED:
        if agent is not None:
            raise Invalid("agent", "a common redial is for no agent")
        return kind, at_ms, None
    if agent is None:
        raise Invalid("agent", "is needed")
    check_could_be_offered(world, lead, agent)
    check_booking(world, lead, agent, kind, at_ms, ask_permission=False)
    return kind, at_ms, agent


def check_could_be_offered(world: World, lead: Lead, agent: Agent) -> None:
    """R4.1: not with a disabled agent, a missing permission (R), a campaign whose promises are not dialled (R3.3)."""
    campaign = world.campaigns[lead.campaign]
    dialled = campaign.active or campaign.dialer.dial_promised_when_inactive
    if changes.loses_redials(world, agent, lead.campaign) or not dialled:
        raise NotAllowed("the agent could not be offered it")


def set_redial(world: World, lead: Lead, kind: Status, at_ms: int, agent: Agent | None, *, by: str) -> None:
    """An admin's redial. A common one takes an agent's own redial back to the original owner."""
    if agent is None and lead.held_back:
        lead.owner = lead.original_owner
    changes.promise(world, lead, kind, at_ms, agent, by=by)


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
    lead.urgent = Urgent(URGENT_REASONS.index(command.reason), world.now_ms, command.expires_ms)


# -- closing and opening --------------------------------------------------------------------------------------------


def remove(world: World, command: Remove) -> None:
    """R10.1; R1.5: on a leased lead at the end of the lease (a do-not-call mark stands)."""
    lead = world.lead(command.lead)
    if lead.lease is not None:
        lead.mark = lead.mark or "removed"
    else:
        changes.close(world, lead, "removed", by=command.by)


def reopen(world: World, command: Reopen) -> None:
    """R1.4: closed leads start again, counted attempts too; not blocked ones."""
    lead = world.leads.get(command.lead)
    if lead is None:
        raise NotFound("lead", command.lead)
    if lead.open:
        raise WrongStatus(lead.status.code)
    check_confirmed(world, lead)
    if lead.closure in ("anonymized", "do_not_call", "global_do_not_call"):
        raise WrongStatus(lead.closure)
    if set(lead.numbers or lead.given) & world.blocked:
        raise NumberBlocked
    redial = None if command.redial is UNSET else check_admin_redial(world, lead, command.redial)
    fresh_start(lead)
    lead.owner = first_owner(world, lead)
    if redial is None:
        changes.become(world, lead, Status.UNPROCESSED, by=command.by)
    else:
        changes.promise(world, lead, *redial, by=command.by)


def fresh_start(lead: Lead) -> None:
    """What a reopened lead starts with; dropped numbers come back when no other is left."""
    if not lead.numbers:
        lead.numbers, lead.dropped = list(lead.given), []
    lead.attempts, lead.dialled, lead.retries = 0, {}, {}
    lead.number = lead.numbers[0]
    lead.promise, lead.due_ms, lead.pauses = None, None, {}


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
        changes.close(world, lead, lead.validating, by=command.by)
    elif set(lead.numbers) & world.blocked:
        changes.close(world, lead, "do_not_call", by=command.by)
    else:
        changes.promise(world, lead, Status.PRIVATE_REDIAL, world.now_ms, world.agents[lead.seller], by=command.by)


# -- do not call ----------------------------------------------------------------------------------------------------


def block_number(world: World, command: Block) -> Count:
    """R10.2, R10.3."""
    return Count(changes.block(world, command.numbers[0], by=command.by))


def unblock(world: World, command: Unblock) -> None:
    """R10.5: reopens nothing."""
    if command.number not in world.blocked:
        raise NotFound("number", command.number)
    world.blocked.remove(command.number)
