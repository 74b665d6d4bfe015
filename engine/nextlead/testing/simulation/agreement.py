"""Engine and reference model side by side: their answers and their leads in one comparable form."""

from typing import Any

from nextlead.core import replies
from nextlead.core.engine import Engine
from nextlead.core.model import CAUSES, DIALABLE, Lead, Status
from nextlead.testing.reference import Done, Offered, ReferenceModel, World, who
from nextlead.testing.reference import Lead as ModelLead

from .violation import Violation, need

View = Any
AGREED = (Status.COMMON_REDIAL, Status.PRIVATE_REDIAL, Status.VIP_REDIAL)


# -- answers --------------------------------------------------------------------------------------------------------


def answer_of_engine(reply: object) -> View:
    """As far as it is compared."""
    match reply:
        case replies.Offer(lead=lead):
            held = lead.lease
            if held is None:
                raise Violation("R5.1", f"lead {lead.id} was offered without a lease")
            place = (reply.rank, reply.priority, reply.due_ms)
            return ("offer", lead.id, held.token, held.number, place, reply.expires_ms, reply.blocked, reply.repeated)
        case replies.NoLead():
            return ("none", reply.reason)
        case replies.Finished():
            following = None if reply.commit_no and not isinstance(reply.next, replies.Offer) else reply.next
            return ("finished", reply.lead.id, reply.nearby_redials, reply.commit_no != 0, answer_of_engine(following))
        case replies.Loaded():
            return ("loaded", reply.leads, reply.duplicates, reply.invalid)
        case replies.PoolDeleted():
            return ("deleted", reply.deleted, reply.kept)
        case replies.Waiting() | replies.Count() | replies.Stranded() | replies.Bulk() | replies.Anonymised():
            return reply
        case _:
            return None


def answer_of_model(reply: object) -> View:
    """The same of the model's."""
    match reply:
        case Offered():
            place = (reply.rank, reply.priority, reply.due_ms)
            asked = (reply.lead, reply.token, reply.number)
            return ("offer", *asked, place, reply.expires_ms, reply.blocked, reply.repeated)
        case Done():
            return ("finished", reply.lead, reply.nearby, reply.repeated, answer_of_model(reply.next))
        case _:
            return answer_of_engine(reply)


# -- leads ----------------------------------------------------------------------------------------------------------


def lead_of_engine(engine: Engine, lead: Lead) -> View:
    """What decides about a lead, as the engine has it."""
    due_ms = lead.due_ms or engine.pools[lead.pool].first_active_ms if lead.status in DIALABLE else 0
    held, promise, lock = lead.lease, lead.promise, lead.unresolved
    return {
        "status": lead.status.code,
        "owner": _owner(engine, lead.owner),
        "original owner": _owner(engine, lead.original_owner),
        "priority": lead.priority,
        "due": due_ms,
        "attempts": lead.attempts,
        "numbers": [number for number in lead.numbers if number not in lead.dropped],
        "number": lead.numbers[lead.number_at],
        "retries": {cause: count for cause, count in zip(CAUSES, lead.retries, strict=False) if count},
        "mark": lead.mark,
        "shown": lead.shown,
        "urgent": lead.urgent and (lead.urgent.reason, lead.urgent.since_ms, lead.urgent.expires_ms),
        "lock": lock and (engine.agents.by_no[lock.agent].code, lock.since_ms),
        "lease": held
        and (held.token, engine.agents.by_no[held.agent].code, held.started_ms, held.beat_ms, held.number),
        "promise": (promise.at_ms, promise.released_ms) if lead.status in AGREED and promise else None,
    }


def lead_of_model(world: World, lead: ModelLead) -> View:
    """The same as the model has it."""
    held, promise, lock = lead.lease, lead.promise, lead.unresolved
    return {
        "status": lead.status.code,
        "owner": lead.owner,
        "original owner": lead.original_owner,
        "priority": lead.priority,
        "due": world.due_of(lead) or 0 if lead.status in DIALABLE else 0,
        "attempts": lead.attempts,
        "numbers": lead.numbers,
        "number": lead.number,
        "retries": {cause: count for cause, count in lead.retries.items() if count},
        "mark": lead.mark,
        "shown": lead.shown,
        "urgent": lead.urgent and (lead.urgent.reason, lead.urgent.since_ms, lead.urgent.expires_ms),
        "lock": lock and (lock.agent, lock.since_ms),
        "lease": held and (held.token, held.agent, held.started_ms, held.beat_ms, held.number),
        "promise": (promise.at_ms, promise.released_ms) if lead.status in AGREED and promise else None,
    }


def _owner(engine: Engine, owner: int) -> str:
    return f"agent:{engine.agents.by_no[owner].code}" if owner > 0 else f"team:{engine.teams.by_no[-owner].code}"


def compare_lead(model: ReferenceModel, engine: Engine, number: int) -> None:
    """An open lead is the same in both, and what is closed or gone in one is so in the other."""
    ours, theirs = model.lead(number), engine.lead(number)
    if ours is None or not ours.open:
        need(theirs is None, "R1.4", f"lead {number} is closed for the model, for the engine it is {theirs}")
        return
    if theirs is None:
        raise Violation("R1.4", f"lead {number} is {ours.status.code} for the model, for the engine it is closed")
    expected, found = lead_of_model(model.world, ours), lead_of_engine(engine, theirs)
    differing = {key: (expected[key], found[key]) for key in expected if expected[key] != found[key]}
    need(not differing, "R1.4", f"lead {number} (model, engine): {differing}")


def compare_all(model: ReferenceModel, engine: Engine) -> None:
    """Every lead, what can be counted of them, and when time next does something."""
    for number in range(1, model.world.next_lead):
        compare_lead(model, engine, number)
    _compare_counts(model, engine)
    ours, theirs = model.next_deadline_ms(), engine.next_deadline_ms()
    sleeps = ours is not None and (theirs is None or theirs > ours)
    need(not sleeps, "R2.7", f"at {ours} something happens by itself, and the engine sleeps until {theirs}")


def _compare_counts(model: ReferenceModel, engine: Engine) -> None:
    world = model.world
    ready: dict[tuple[str, str], int] = {}
    for lead in world.leads.values():
        if who.ready_for_somebody(world, lead, world.now_ms):
            key = (lead.campaign, "urgent" if lead.urgent else lead.status.code)
            ready[key] = ready.get(key, 0) + 1
    found = {key: count for key, count in engine.ready_counts(world.now_ms).items() if count}
    need(ready == found, "R9.13", f"ready to dial (model, engine): {ready} {found}")
    need(model.conditions() == engine.conditions(), "R13.4", "leads by condition differ from the model's")
    need(world.blocked == set(engine.blocked), "R10.2", "the do-not-call list differs from the model's")
    need(len(world.waiters) == engine.waiting, "R5.5", "other agents wait for the model")
