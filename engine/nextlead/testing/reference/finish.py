"""`finish` and `resolve`: what an agent says happened (SPEC 1.4, 4, 6, 7)."""

from dataclasses import replace

from msgspec import structs

from nextlead.core.commands import Finish, Resolve
from nextlead.core.errors import Invalid, Leased, LeaseEnded, NotAllowed, SlotFull, WrongStatus
from nextlead.core.model import PROMISED, REDIAL_KINDS, Status
from nextlead.core.setup_model import TemplateResult
from nextlead.core.tokens import parse_token

from . import blocking, changes, limits
from .answers import Done, Offered
from .hours import check_promised
from .leases import again, end_cancelled, end_unresolved, give_back, leased_lead
from .records import Agent, Lead
from .world import World

# -- finish ---------------------------------------------------------------------------------------------------------


def finish(world: World, command: Finish) -> Done:
    """R5.3: the outcome of a call, once; told by the agent unless somebody is named. R5.8's next lead comes later."""
    try:
        lead, held = leased_lead(world, command.token)
    except LeaseEnded:
        return repeated(world, command)
    number = held.number if command.number is None else command.number
    if number not in lead.numbers:
        raise Invalid("number", "not a number of the lead")
    agent = world.agents[held.agent]
    if command.by == "system":
        command = structs.replace(command, by=agent.owner)
    match command.outcome:
        case "resolved":
            return finish_resolved(world, lead, agent, number, command)
        case "redial":
            return finish_redial(world, lead, agent, number, command)
        case "unreached":
            return finish_unreached(world, lead, number, command)
        case "unresolved":
            end_unresolved(world, lead, by=command.by, number=number, digest=command.digest)
        case "cancelled":
            end_cancelled(world, lead, by=command.by, digest=command.digest)
    return Done(lead.id)


def repeated(world: World, command: Finish) -> Done:
    """R5.3: the same finish again gets the first answer until the lead is leased again; anything else is a conflict."""
    number, token = parse_token(command.token)
    lead = world.leads[number]
    same = lead.last_token == token and lead.tokens[token] == command.digest and command.digest != 0
    if lead.lease is None and same:
        return Done(lead.id, nearby=lead.last_nearby, next=leased_with(world, command.next_token), repeated=True)
    raise LeaseEnded


def leased_with(world: World, token: bytes | None) -> Offered | None:
    """The lease of that token, if it is out."""
    for lead in world.leads.values():
        if lead.lease is not None and lead.lease.token == token:
            return again(world, lead)
    return None


def finish_resolved(world: World, lead: Lead, agent: Agent, number: int, command: Finish) -> Done:
    """R1.2, R1.5: on a marked lead a success stands as the closure, any other result gives way to the mark.

    R10.6: of an anonymised lead a success stands too, without personal data.
    """
    picked = changes.result_named(world, lead, command.result)
    called(world, lead, number, command)
    if lead.mark is None:
        give_result(world, lead, picked, number, agent.code, by=command.by)
        return Done(lead.id)
    erased = lead.mark == "anonymized"
    changes.close(world, lead, picked.code if picked.category == "success" else lead.mark, by=command.by)
    if erased:
        changes.erase(world, lead)
    if picked.do_not_call:
        blocking.block_number(world, number, "organisation", by=command.by)
    return Done(lead.id)


def give_result(world: World, lead: Lead, picked: TemplateResult, number: int, agent: str, *, by: str) -> None:
    """R1.2: close with the result, or wait for validation (R1.4); a `do_not_call` result blocks the number dialled."""
    if picked.validation:
        changes.become(world, lead, Status.PENDING_VALIDATION, by=by)
        lead.validating, lead.seller, lead.promise = picked.code, agent, None
    else:
        changes.close(world, lead, picked.code, by=by)
    if picked.do_not_call:
        blocking.block_number(world, number, "organisation", by=by, but=lead)


def finish_redial(world: World, lead: Lead, agent: Agent, number: int, command: Finish) -> Done:
    """R4.1, R4.2, R4.8, R4.10; R6.2: the counts per cause start again; R1.5: none is set on a marked lead."""
    kind, at_ms = check_redial(world, lead, command.kind, command.at_ms)
    near = check_booking(world, lead, agent, kind, at_ms, ask_permission=True)
    forced = check_promised(world, as_it_will_be(lead, number), at_ms, force=command.force)
    called(world, lead, number, command)
    if lead.mark is not None:
        blocking.close_marked(world, lead, by=command.by)
        return Done(lead.id)
    lead.retries = {}
    changes.promise(world, lead, kind, at_ms, agent, by=command.by, forced=forced)
    return Done(lead.id, nearby=near)


def as_it_will_be(lead: Lead, number: int) -> Lead:
    """The lead with the number that a redial is to: the one that was dialled, unless it goes with the lease (R10.3)."""
    then = replace(lead, number=number, numbers=list(lead.numbers), dropped=list(lead.dropped))
    blocking.drop_waiting(then)
    return then


def finish_unreached(world: World, lead: Lead, number: int, command: Finish) -> Done:
    """R6."""
    cause = changes.check_cause(command.cause)
    called(world, lead, number, command)
    if lead.mark is not None:
        blocking.close_marked(world, lead, by=command.by)
    else:
        changes.unreached(world, lead, cause, number, lead.status, by=command.by)
    return Done(lead.id)


def called(world: World, lead: Lead, number: int, command: Finish) -> None:
    """A call was made: the lease is over, the attempt counts (R6.1), urgency is used up (R2.6); that number is next.

    R12.1: a `resolved` or `redial` finish was a conversation.
    """
    held = give_back(lead, command.digest)
    talked_ms = world.now_ms if command.outcome in ("resolved", "redial") else None
    changes.count_attempt(world, lead, held, number, talked_ms)
    lead.number = number
    lead.urgent = None
    blocking.drop_waiting(lead)


# -- bookings -------------------------------------------------------------------------------------------------------


def check_redial(world: World, lead: Lead, kind: str | None, at_ms: int | None) -> tuple[Status, int]:
    """R4.2: a kind, and a time in the future within the horizon."""
    if kind not in REDIAL_KINDS:
        raise Invalid("kind", "common, private or vip")
    if at_ms is None:
        raise Invalid("at", "is needed")
    if not world.now_ms < at_ms <= world.now_ms + world.dialer_of(lead).redial_horizon_ms:
        raise Invalid("at", "in the future, within the horizon")
    return REDIAL_KINDS[kind], at_ms


def check_booking(world: World, lead: Lead, agent: Agent, kind: Status, at_ms: int, *, ask_permission: bool) -> int:
    """R4.2: the agent may set this kind; R4.10: not too many at that time. Answers how many there are."""
    if ask_permission and kind not in [REDIAL_KINDS[each] for each in agent.may_set]:
        raise NotAllowed(f"the agent may not set {kind.code}")
    near = changes.nearby(world, agent, lead, at_ms)
    limit = world.dialer_of(lead).redials_per_slot
    if kind in PROMISED and limit is not None and near >= limit:
        raise SlotFull
    return near


# -- resolve --------------------------------------------------------------------------------------------------------


def resolve(world: World, command: Resolve) -> Done:
    """R7.5: settle an unresolved lead; counts no attempt. A supervisor acts for the agent it is locked to (R7.4)."""
    lead = world.lead(command.lead)
    if lead.lease is not None:
        raise Leased
    if lead.unresolved is None:
        raise WrongStatus(lead.status.code)
    if command.agent is not None and world.agent(command.agent).code != lead.unresolved.agent:
        raise NotAllowed
    agent = world.agents[lead.unresolved.agent]
    match command.outcome:
        case "resolved":
            picked = changes.result_named(world, lead, command.result)
            limits.talked(world, lead, lead.unresolved.since_ms)
            give_result(world, lead, picked, lead.number, agent.code, by=command.by)
            return Done(lead.id)
        case "redial":
            kind, at_ms = check_redial(world, lead, command.kind, command.at_ms)
            near = check_booking(world, lead, agent, kind, at_ms, ask_permission=command.agent is not None)
            forced = check_promised(world, lead, at_ms, force=command.force)
            limits.talked(world, lead, lead.unresolved.since_ms)
            lead.retries = {}
            changes.promise(world, lead, kind, at_ms, agent, by=command.by, forced=forced)
            return Done(lead.id, nearby=near)
        case "unreached":
            cause = changes.check_cause(command.cause)
            former = lead.promise.kind if lead.promise else Status.AUTOMATIC_REDIAL
            changes.unreached(world, lead, cause, lead.number, former, by=command.by)
            return Done(lead.id)
