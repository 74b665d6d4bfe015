"""What was said to happen makes of a lead: a finish, a resolve, an activity (SPEC 1.4, 4, 6, 7, 13.5)."""

from dataclasses import dataclass, replace

from nextlead.core.activity_model import Activity
from nextlead.core.errors import Invalid
from nextlead.core.model import Status
from nextlead.core.setup_model import TemplateResult

from . import blocking, changes, limits
from .answers import Done
from .bookings import check_booking, check_redial
from .hours import check_promised
from .leases import end_cancelled, end_unresolved, give_back
from .records import Agent, Lead
from .world import World

KIND_OF_RESULT = {"success": Activity.SOLD, "negative": Activity.NO_SALE, "invalid": Activity.WRONG_NUMBER}
KIND_OF_CAUSE = {"voicemail": Activity.LEFT_A_VOICEMAIL, "invalid_number": Activity.WRONG_NUMBER}


@dataclass
class Said:
    """What happened, who says so, and to whom: `agent` is None for nobody in particular.

    `digest` is a finish's. `counts`: it was an attempt (R6.1). `asks`: the agent must have the permission for the
    redial. `talked`: it tells of the lead's last call. `activity` and `happened_ms` are of one that was logged, and
    `did_it` is whose it is; `agent` then may only be who goes on with it.
    """

    outcome: str
    by: str
    agent: Agent | None
    number: int
    result: str | None = None
    kind: str | None = None
    at_ms: int | None = None
    force: bool = False
    cause: str | None = None
    digest: int = 0
    counts: bool = True
    asks: bool = True
    activity: Activity | None = None
    happened_ms: int | None = None
    did_it: Agent | None = None
    talked: bool = True


def need_agent(said: Said) -> Agent:
    """Raises Invalid where nobody was named, and somebody must be."""
    if said.agent is None:
        raise Invalid("agent", "is needed")
    return said.agent


def note(world: World, lead: Lead, said: Said, kind: Activity) -> None:
    """R13.3: an activity as it was logged, else what the outcome says."""
    agent = said.agent if said.activity is None else said.did_it
    changes.note(world, lead, said.activity or kind, agent.code if agent else "", said.happened_ms)
    lead.shown = True


def kind_of_result(picked: TemplateResult) -> Activity:
    """R13.3: by the category."""
    return KIND_OF_RESULT[picked.category]


# -- with a lease ---------------------------------------------------------------------------------------------------


def end(world: World, lead: Lead, said: Said) -> Done:
    """The end of a lease (R5.3)."""
    match said.outcome:
        case "resolved":
            return end_resolved(world, lead, said)
        case "redial":
            return end_redial(world, lead, said)
        case "unreached":
            return end_unreached(world, lead, said)
        case "unresolved":
            note(world, lead, said, Activity.SALE_IN_PROGRESS)
            end_unresolved(world, lead, by=said.by, number=said.number, digest=said.digest, counts=said.counts)
        case "cancelled":
            end_cancelled(world, lead, by=said.by, digest=said.digest)
    return Done(lead.id)


def end_resolved(world: World, lead: Lead, said: Said) -> Done:
    """R1.2, R1.5: on a marked lead a success stands as the closure, any other result gives way to the mark.

    R10.6: of an anonymised lead a success stands too, without personal data.
    """
    picked = changes.result_named(world, lead, said.result)
    called(world, lead, said)
    if lead.mark is None:
        give_result(world, lead, picked, said)
        return Done(lead.id)
    note(world, lead, said, kind_of_result(picked))
    erased = lead.mark == "anonymized"
    changes.close(world, lead, picked.code if picked.category == "success" else lead.mark, by=said.by)
    if erased:
        changes.erase(world, lead)
    if picked.do_not_call:
        blocking.block_number(world, said.number, "organisation", by=said.by)
    return Done(lead.id)


def end_redial(world: World, lead: Lead, said: Said) -> Done:
    """R4.1, R4.2, R4.8, R4.10; R6.2: the counts per cause start again; R1.5: none is set on a marked lead."""
    kind, at_ms = check_redial(world, lead, said.kind, said.at_ms)
    near = check_booking(world, lead, need_agent(said), kind, at_ms, ask_permission=said.asks)
    forced = check_promised(world, as_it_will_be(lead, said.number), at_ms, force=said.force)
    called(world, lead, said)
    note(world, lead, said, Activity.SALE_IN_PROGRESS)
    if lead.mark is not None:
        blocking.close_marked(world, lead, by=said.by)
        return Done(lead.id)
    lead.retries = {}
    changes.promise(world, lead, kind, at_ms, said.agent, by=said.by, forced=forced)
    return Done(lead.id, nearby=near)


def as_it_will_be(lead: Lead, number: int) -> Lead:
    """The lead with the number that a redial is to: the one that was dialled, unless it goes with the lease (R10.3)."""
    then = replace(lead, number=number, numbers=list(lead.numbers), dropped=list(lead.dropped))
    blocking.drop_waiting(then)
    return then


def end_unreached(world: World, lead: Lead, said: Said) -> Done:
    """R6."""
    cause = changes.check_cause(said.cause)
    called(world, lead, said)
    note(world, lead, said, KIND_OF_CAUSE.get(cause, Activity.NO_ANSWER))
    if lead.mark is not None:
        blocking.close_marked(world, lead, by=said.by)
    else:
        changes.unreached(world, lead, cause, said.number, lead.status, by=said.by)
    return Done(lead.id)


def called(world: World, lead: Lead, said: Said) -> None:
    """The lease is over, the attempt counts (R6.1), urgency is used up (R2.6); that number is next.

    R12.1: a `resolved` or `redial` finish was a conversation.
    """
    held = give_back(lead, said.digest)
    talked_ms = world.now_ms if said.outcome in ("resolved", "redial") else None
    if said.counts:
        changes.count_attempt(world, lead, held, said.number, talked_ms)
    changes.end_force(lead)
    lead.number = said.number
    lead.urgent = None
    blocking.drop_waiting(lead)


# -- without one ----------------------------------------------------------------------------------------------------


def settle(world: World, lead: Lead, said: Said) -> Done:
    """R7.5, R13.5: what comes next for a lead that nobody holds; no attempt counts."""
    match said.outcome:
        case "resolved":
            return settle_resolved(world, lead, said)
        case "redial":
            return settle_redial(world, lead, said)
        case "unreached":
            return settle_unreached(world, lead, said)
        case _:
            return settle_unresolved(world, lead, said)


def settle_resolved(world: World, lead: Lead, said: Said) -> Done:
    """R1.2."""
    picked = changes.result_named(world, lead, said.result)
    if picked.validation:
        need_agent(said)
    spoken(world, lead, said)
    give_result(world, lead, picked, said)
    return Done(lead.id)


def settle_redial(world: World, lead: Lead, said: Said) -> Done:
    """R4.1, R4.2, R4.10; R6.2."""
    kind, at_ms = check_redial(world, lead, said.kind, said.at_ms)
    near = check_booking(world, lead, need_agent(said), kind, at_ms, ask_permission=said.asks)
    forced = check_promised(world, replace(lead, number=said.number), at_ms, force=said.force)
    spoken(world, lead, said)
    note(world, lead, said, Activity.SALE_IN_PROGRESS)
    lead.retries = {}
    changes.promise(world, lead, kind, at_ms, said.agent, by=said.by, forced=forced)
    return Done(lead.id, nearby=near)


def settle_unreached(world: World, lead: Lead, said: Said) -> Done:
    """R6.3, R6.4; one that is logged leaves a promise that is still ahead alone: it will be called (R6.5)."""
    cause = changes.check_cause(said.cause)
    former = lead.promise.kind if lead.promise else Status.AUTOMATIC_REDIAL
    logged = said.activity is not None
    ahead = logged and lead.promise is not None and lead.promise.at_ms > world.now_ms
    due_ms = lead.due_ms
    end_urgency(lead, said)
    note(world, lead, said, KIND_OF_CAUSE.get(cause, Activity.NO_ANSWER))
    changes.unreached(world, lead, cause, said.number, former, by=said.by, limited=not ahead)
    if lead.open:
        if ahead:
            lead.due_ms = due_ms
        else:
            changes.end_force(lead)
    return Done(lead.id)


def settle_unresolved(world: World, lead: Lead, said: Said) -> Done:
    """R7.1; one that is unresolved already keeps its lock and its clock (R7.3)."""
    agent = need_agent(said)
    end_urgency(lead, said)
    note(world, lead, said, Activity.SALE_IN_PROGRESS)
    if lead.unresolved is None:
        changes.lock(world, lead, agent.code, by=said.by)
    else:
        changes.become(world, lead, Status.UNRESOLVED, by=said.by)
    return Done(lead.id)


def spoken(world: World, lead: Lead, said: Said) -> None:
    """R12.1: the last call of an unresolved lead was a conversation after all, which ended when it became that."""
    if lead.unresolved is not None and said.talked:
        limits.talked(world, lead, lead.unresolved.since_ms)
    end_urgency(lead, said)


def end_urgency(lead: Lead, said: Said) -> None:
    """R2.6, R13.5: it is used up, as by a finish; the number that was dialled is next."""
    lead.urgent = None
    lead.number = said.number


# -- both -----------------------------------------------------------------------------------------------------------


def give_result(world: World, lead: Lead, picked: TemplateResult, said: Said) -> None:
    """R1.2: close with the result, or wait for validation (R1.4); a `do_not_call` result blocks the number dialled.

    R13.3: while it waits it is a sale in progress.
    """
    if picked.validation:
        waiting = None if said.activity is None else Activity.SALE_IN_PROGRESS
        note(world, lead, replace(said, activity=waiting), Activity.SALE_IN_PROGRESS)
        changes.become(world, lead, Status.PENDING_VALIDATION, by=said.by)
        lead.validating, lead.seller, lead.promise = picked.code, need_agent(said).code, None
    else:
        note(world, lead, said, kind_of_result(picked))
        changes.close(world, lead, picked.code, by=said.by)
    if picked.do_not_call:
        blocking.block_number(world, said.number, "organisation", by=said.by, but=lead)
