"""The engine's rows and the reference model's records in one comparable form: dictionaries of plain values."""

from typing import Any

from model.durable import Durable
from msgspec import structs

from nextlead.core import model as m
from nextlead.core import replies
from nextlead.core.engine import Engine
from nextlead.testing.reference import Done, Lead, Offered, World, hours

View = dict[str, Any]
AGREED = (m.Status.COMMON_REDIAL, m.Status.PRIVATE_REDIAL, m.Status.VIP_REDIAL)

# -- leads ----------------------------------------------------------------------------------------------------------


def agent_code(engine: Engine, number: int) -> str:
    return engine.agents.by_no[number].code


def lead_of_engine(engine: Engine, lead: m.Lead, durable: Durable, now_ms: int) -> View:
    """What the engine says of an open lead; `durable` names owners who are gone too."""
    owners = durable.owners
    pool = engine.pools[lead.pool]
    dialled = dict(zip(lead.numbers, lead.dialled or [0] * len(lead.numbers), strict=True))
    view: View = {
        "status": lead.status.code,
        "closure": lead.closure,
        "owner": owners[lead.owner],
        "original_owner": owners[lead.original_owner],
        "priority": lead.priority,
        "seq": lead.seq,
        "attempts": lead.attempts,
        "numbers": [number for number in lead.numbers if number not in lead.dropped],
        "number": lead.numbers[lead.number_at],
        "dialled": {number: count for number, count in dialled.items() if count and number not in lead.dropped},
        "retries": {cause: count for cause, count in zip(m.CAUSES, lead.retries, strict=False) if count},
        "pauses": {agent_code(engine, agent): until for agent, until in lead.pauses if until > now_ms},
        "mark": lead.mark,
        "dropping": list(lead.dropping),
        "master": lead.master,
        "shown": lead.shown,
        "lease": None,
        "urgent": None,
        "unresolved": None,
        "zones": durable.zones_of(lead),
        "latest": latest_of_engine(lead, durable),
    }
    if lead.status in m.DIALABLE:
        view["due_ms"] = lead.due_ms or pool.first_active_ms
    if lead.status is m.Status.PENDING_VALIDATION:
        view["validating"] = (lead.validating, agent_code(engine, lead.seller))
    if lead.status in AGREED:
        assert lead.promise is not None
        view["promise"] = (lead.promise.kind.code, lead.promise.at_ms, lead.promise.released_ms, lead.promise.forced_by)
    if lead.lease is not None:
        held = lead.lease
        view["lease"] = (
            held.token,
            agent_code(engine, held.agent),
            held.started_ms,
            held.beat_ms,
            held.number,
            held.rank,
        )
    if lead.urgent is not None:
        view["urgent"] = (lead.urgent.reason, lead.urgent.since_ms, lead.urgent.expires_ms)
    if lead.unresolved is not None:
        view["unresolved"] = (agent_code(engine, lead.unresolved.agent), lead.unresolved.since_ms)
    return view


def lead_of_model(world: World, lead: Lead, now_ms: int) -> View:
    """What the model says of an open lead."""
    view: View = {
        "status": lead.status.code,
        "closure": lead.closure,
        "owner": lead.owner,
        "original_owner": lead.original_owner,
        "priority": lead.priority,
        "seq": lead.seq,
        "attempts": lead.attempts,
        "numbers": lead.numbers,
        "number": lead.number,
        "dialled": {number: count for number, count in lead.dialled.items() if number in lead.numbers},
        "retries": {cause: count for cause, count in lead.retries.items() if count},
        "pauses": {agent: until for agent, until in lead.pauses.items() if until > now_ms},
        "mark": lead.mark,
        "dropping": list(lead.dropping),
        "master": lead.master,
        "shown": lead.shown,
        "lease": None,
        "urgent": None,
        "unresolved": None,
        "zones": (hours.zones_of(world, lead), bool(lead.zone)),
        "latest": latest_of_model(lead),
    }
    if lead.status in m.DIALABLE:
        view["due_ms"] = world.due_of(lead) or 0
    if lead.status is m.Status.PENDING_VALIDATION:
        view["validating"] = (lead.validating, lead.seller)
    if lead.status in AGREED:
        assert lead.promise is not None
        view["promise"] = (lead.promise.kind.code, lead.promise.at_ms, lead.promise.released_ms, lead.promise.forced_by)
    if lead.lease is not None:
        held = lead.lease
        view["lease"] = (held.token, held.agent, held.started_ms, held.beat_ms, held.number, held.rank)
    if lead.urgent is not None:
        view["urgent"] = (lead.urgent.reason, lead.urgent.since_ms, lead.urgent.expires_ms)
    if lead.unresolved is not None:
        view["unresolved"] = (lead.unresolved.agent, lead.unresolved.since_ms)
    return view


def latest_of_engine(lead: m.Lead, durable: Durable) -> tuple[str, int, str] | None:
    """R13.3; `durable` names agents who are gone too."""
    found = lead.latest
    if found is None:
        return None
    return found.kind.code, found.at_ms, durable.owners[found.agent].removeprefix("agent:") if found.agent else ""


def latest_of_model(lead: Lead) -> tuple[str, int, str] | None:
    return (lead.latest.kind.code, lead.latest.at_ms, lead.latest.agent) if lead.latest else None


# -- replies --------------------------------------------------------------------------------------------------------


def offer_of_engine(offer: replies.Offer, now_ms: int, *, count: bool) -> View:
    held = offer.lead.lease
    assert held is not None
    view: View = {
        "lead": offer.lead.id,
        "token": held.token,
        "number": held.number,
        "family": offer.family,
        "rank": offer.rank,
        "overdue": offer.overdue,
        "priority": offer.why.priority,
        "due_ms": offer.why.due_ms,
        "late_ms": offer.why.late_ms,
        "expires_ms": offer.expires_ms,
        "blocked": offer.blocked,
        "repeated": offer.repeated,
    }
    assert (offer.why.family, offer.why.rank) == (offer.family, offer.rank)
    if count and not offer.repeated:
        view["among"] = offer.why.among
    return view


def offer_of_model(offer: Offered, now_ms: int, *, count: bool) -> View:
    view: View = {
        "lead": offer.lead,
        "token": offer.token,
        "number": offer.number,
        "family": offer.family,
        "rank": offer.rank,
        "overdue": offer.overdue,
        "priority": offer.priority,
        "due_ms": offer.due_ms,
        "late_ms": max(0, offer.started_ms - offer.due_ms),
        "expires_ms": offer.expires_ms,
        "blocked": offer.blocked,
        "repeated": offer.repeated,
    }
    if count and not offer.repeated:
        view["among"] = offer.among
    return view


def reply_of_engine(reply: object, now_ms: int, *, count: bool = False) -> object:
    """A reply as far as it is compared."""
    match reply:
        case replies.Offer():
            return offer_of_engine(reply, now_ms, count=count)
        case replies.NoLead():
            return {"no_lead": reply.reason}
        case replies.Finished():
            done: View = {"lead": reply.lead.id, "nearby": reply.nearby_redials, "repeated": reply.commit_no != 0}
            done["next"] = reply_of_engine(reply.next, now_ms)
            if reply.commit_no and not isinstance(reply.next, replies.Offer):
                done["next"] = None
            return done
        case replies.PoolDeleted():
            return {"deleted": reply.deleted, "kept": reply.kept}
        case replies.Loaded():
            return structs.replace(reply, stale=())
        case replies.Waiting() | replies.Count() | replies.Stranded() | replies.Bulk() | replies.Anonymised():
            return reply
        case _:
            return None


def reply_of_model(reply: object, now_ms: int, *, count: bool = False) -> object:
    """The same of the model's reply."""
    match reply:
        case Offered():
            return offer_of_model(reply, now_ms, count=count)
        case Done():
            done: View = {"lead": reply.lead, "nearby": reply.nearby, "repeated": reply.repeated}
            done["next"] = reply_of_model(reply.next, now_ms)
            return done
        case _:
            return reply_of_engine(reply, now_ms)
