"""`next`, `take` and those who wait (SPEC 5); how a lease ends without a finish."""

from nextlead.core.commands import EndLease, Heartbeat, Next, StopWaiting, Take
from nextlead.core.errors import (
    AgentDisabled,
    Conflict,
    Leased,
    LeaseEnded,
    NoSession,
    NotAllowed,
    UnknownLease,
    WrongStatus,
)
from nextlead.core.model import DIALABLE
from nextlead.core.replies import NoLead, Waiting
from nextlead.core.tokens import parse_token

from . import blocking, changes, order, who
from .answers import Offered, Served
from .records import Agent, Lead, Lease, Waiter
from .world import World

# -- leasing --------------------------------------------------------------------------------------------------------


def lease_end(world: World, lead: Lead) -> int:
    """R5.2: the timeout, moved on by heartbeats, in all at most `lease_max`; R5.7: not before the grace is over."""
    assert lead.lease is not None
    dialer = world.dialer_of(lead)
    normal = min(lead.lease.beat_ms + dialer.lease_timeout_ms, lead.lease.started_ms + dialer.lease_max_ms)
    return max(normal, world.floor_ms)


def lease(world: World, lead: Lead, agent: Agent, token: bytes, *, rank: int, among: int) -> Offered:
    """Give the agent the right to the lead, and say why this one."""
    now = world.now_ms
    offered = Offered(
        lead=lead.id,
        token=token,
        number=lead.number,
        family="urgent" if rank == 1 else lead.status.code,
        rank=rank,
        overdue=rank in order.OVERDUE_RANKS,
        priority=world.priority_of(lead),
        due_ms=world.due_of(lead) or 0,
        started_ms=now,
        expires_ms=0,
        blocked=False,
        among=among,
    )
    lead.lease = Lease(token, agent.code, now, now, lead.number, rank)
    lead.shown = True
    offered.expires_ms = lease_end(world, lead)
    return offered


def again(world: World, lead: Lead) -> Offered:
    """R3.6: the lease that is out already."""
    held = lead.lease
    assert held is not None
    return Offered(
        lead=lead.id,
        token=held.token,
        number=held.number,
        family="urgent" if held.rank == 1 else lead.status.code,
        rank=held.rank,
        overdue=held.rank in order.OVERDUE_RANKS,
        priority=world.priority_of(lead),
        due_ms=world.due_of(lead) or 0,
        started_ms=held.started_ms,
        expires_ms=lease_end(world, lead),
        blocked=lead.mark in ("do_not_call", "global_do_not_call", "anonymized") or held.number in lead.dropping,
        among=1,
        repeated=True,
    )


def try_next(world: World, agent: Agent, token: bytes) -> Offered | None:
    """R2.1, R3.6: the best lead, leased; the oldest lease when the agent holds enough; else nothing."""
    held = world.leased_by(agent.code)
    if len(held) >= world.settings.leases_per_agent:
        return again(world, held[0])
    leads = order.choices(world, agent, world.now_ms)
    lead = order.best(world, agent, leads, world.now_ms)
    if lead is None:
        return None
    rank = order.rank(world, lead, world.now_ms)
    order.count_handed(world, agent, lead, leads, world.now_ms)
    return lease(world, lead, agent, token, rank=rank, among=len(leads))


def check_session(agent: Agent) -> None:
    """R3.1."""
    if not agent.enabled:
        raise AgentDisabled
    if agent.session is None:
        raise NoSession


def next_(world: World, command: Next) -> tuple[Offered | NoLead | Waiting, list[Served]]:
    """R2.1; R5.5: a newer call supersedes the agent's older one that waits."""
    agent = world.agent(command.agent)
    check_session(agent)
    served = stop_waiting(world, agent, "superseded")
    offered = try_next(world, agent, command.token)
    if offered is not None:
        return offered, served
    if not command.wait:
        return NoLead(order.nothing_because(world, agent, world.now_ms)), served
    world.waiters.append(Waiter(agent.code, command.waiter, command.token, command.count))
    return Waiting(command.waiter), served


def take(world: World, command: Take) -> Offered:
    """R3.8: every rule but order and due time; a supervisor's `override` sets owner and campaign aside, session too."""
    agent = world.agent(command.agent)
    if command.override and not agent.enabled:
        raise AgentDisabled
    if not command.override:
        check_session(agent)
    if len(world.leased_by(agent.code)) >= world.settings.leases_per_agent:
        raise Conflict("the agent holds as many leases as it may")
    lead = world.lead(command.lead)
    if lead.lease is not None:
        raise Leased
    if lead.status not in DIALABLE:
        raise WrongStatus(lead.status.code)
    if who.number_is_leased(world, lead):
        raise Conflict("another lead with its number is leased")
    if not may_take(world, lead, agent, override=command.override):
        raise NotAllowed
    return lease(world, lead, agent, command.token, rank=0, among=1)


def may_take(world: World, lead: Lead, agent: Agent, *, override: bool) -> bool:
    """The rules of `take` that depend on owner, campaign and pool."""
    if not who.dialable(world, lead) or who.paused(lead, agent, world.now_ms) or who.withheld(world, lead, agent):
        return False
    if not who.may_be_called(world, lead, world.now_ms):
        return False
    if override:
        promised = lead.promise is not None and lead.status == lead.promise.kind and lead.status.name[0] in "PV"
        return promised or world.pools[lead.pool].open_at(world.now_ms)
    return who.may_get(world, lead, agent, world.now_ms)


# -- waiting --------------------------------------------------------------------------------------------------------


def serve_waiters(world: World) -> list[Served]:
    """R5.5: in the order they came, each with what it may get."""
    served = []
    for waiter in list(world.waiters):
        offered = try_next(world, world.agents[waiter.agent], waiter.token)
        if offered is not None:
            world.waiters.remove(waiter)
            served.append(Served(waiter.agent, waiter.id, offered))
    return served


def stop_waiting(world: World, agent: Agent, reason: str) -> list[Served]:
    """Answer the agent's waiting `next` with none."""
    gone = [waiter for waiter in world.waiters if waiter.agent == agent.code]
    world.waiters = [waiter for waiter in world.waiters if waiter.agent != agent.code]
    return [Served(agent.code, waiter.id, NoLead(reason)) for waiter in gone]


def client_gone(world: World, command: StopWaiting) -> None:
    """R5.5: the caller's time is over; nothing when it was served already."""
    world.agent(command.agent)
    world.waiters = [each for each in world.waiters if (each.agent, each.id) != (command.agent, command.waiter)]


# -- leases and their ends ------------------------------------------------------------------------------------------


def leased_lead(world: World, text: str) -> tuple[Lead, Lease]:
    """The lead and lease of a token. R5.1: UnknownLease; R5.3: LeaseEnded for a lease that was there once."""
    number, token = parse_token(text)
    lead = world.leads.get(number)
    if lead is not None and lead.lease is not None and lead.lease.token == token:
        return lead, lead.lease
    if lead is not None and token in lead.tokens:
        raise LeaseEnded
    raise UnknownLease


def give_back(lead: Lead, digest: int = 0) -> Lease:
    """Take the lease off the lead, and remember its token with the finish that ended it (R5.3)."""
    held = lead.lease
    assert held is not None
    lead.lease = None
    lead.tokens[held.token] = digest
    lead.last_token, lead.last_agent = held.token, held.agent
    return held


def end_cancelled(world: World, lead: Lead, *, by: str, digest: int = 0) -> None:
    """R1.4, R5.6: back to its former place, with a pause for this agent; R1.5: a mark closes it."""
    held = give_back(lead, digest)
    lead.pauses[held.agent] = world.now_ms + world.dialer_of(lead).cancel_pause_ms
    blocking.drop_waiting(lead)
    if lead.mark is not None:
        blocking.close_marked(world, lead, by=by)
    elif world.is_over(lead):
        changes.close(world, lead, "expired", by=by)


def end_unresolved(
    world: World,
    lead: Lead,
    *,
    by: str,
    number: int | None = None,
    digest: int = 0,
    counts: bool = True,
    effective_ms: int | None = None,
) -> None:
    """R5.2, R6.1: finish `unresolved`, timeout, log-off, disabled: the attempt counts, the lead is locked."""
    held = give_back(lead, digest)
    number = held.number if number is None else number
    if counts:
        changes.count_attempt(world, lead, held, number)
    changes.end_force(lead)
    lead.urgent = None
    lead.number = number
    blocking.drop_waiting(lead)
    if lead.mark is not None:
        blocking.close_marked(world, lead, by=by, effective_ms=effective_ms)
    else:
        changes.lock(world, lead, held.agent, by=by, effective_ms=effective_ms)


def log_off(world: World, agent: Agent, *, by: str, reason: str = "logged_off") -> list[Served]:
    """R1.4: leases end as `unresolved`; who waits is answered with none; the session is gone."""
    for lead in world.leased_by(agent.code):
        end_unresolved(world, lead, by=by)
    agent.session = None
    return stop_waiting(world, agent, reason)


def heartbeat(world: World, command: Heartbeat) -> Offered:
    """R5.2."""
    lead, held = leased_lead(world, command.token)
    held.beat_ms = world.now_ms
    return again(world, lead)


def end_lease(world: World, command: EndLease) -> None:
    """A supervisor ends a stuck lease, or it could not be delivered (R5.5)."""
    lead, _ = leased_lead(world, command.token)
    if command.outcome == "cancelled":
        end_cancelled(world, lead, by=command.by)
    else:
        end_unresolved(world, lead, by=command.by)
