"""What happens by itself when time passes (R2.2, R2.6, R4.4, R5.2, R7.3, R8); every look is a look at all leads."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from . import changes, hours, limits, order
from .leases import end_unresolved, lease_end
from .records import Lead, Pool
from .world import World

BY = "system"


@dataclass
class Timer:
    """Something due at a time. Those of one moment fire in the order of `kind`, then of the lead's id."""

    at_ms: int
    kind: int
    key: int
    fire: Callable[[int], None]


def timers(world: World) -> Iterator[Timer]:
    """All that is set now."""
    for pool in world.pools.values():
        at_ms = first_activity(world, pool)
        if at_ms is not None:
            yield Timer(at_ms, 0, pool.id, lambda effective, pool=pool: start_pool(pool, effective))  # type: ignore[misc]
        at_ms = world.expiry_of(pool) if pool.expired_ms is None else None
        if at_ms is not None:
            yield Timer(at_ms, 5, pool.id, lambda effective, pool=pool: expire(world, pool, effective))  # type: ignore[misc]
    for lead in world.leads.values():
        for at_ms, kind, act in lead_timers(world, lead):
            yield Timer(at_ms, kind, lead.id, lambda effective, lead=lead, act=act: act(world, lead, effective))  # type: ignore[misc]


Act = Callable[[World, Lead, int], None]


def lead_timers(world: World, lead: Lead) -> Iterator[tuple[int, int, Act]]:
    """The lead's own."""
    if lead.urgent is not None and lead.lease is None:
        yield lead.urgent.expires_ms, 1, expire_urgent
    if lead.lease is not None:
        yield lease_end(world, lead), 2, time_out
    if (at_ms := world.release_of(lead)) is not None:
        yield at_ms, 3, release
    if lead.unresolved is not None:
        yield lead.unresolved.since_ms + world.settings.abandon_after_ms, 4, abandon


def first_activity(world: World, pool: Pool) -> int | None:
    """R2.2: when a pool that was never active becomes so, if its state and dates let it."""
    if pool.state != "active" or pool.first_active_ms is not None:
        return None
    at_ms = max(pool.active_from_ms or 0, world.fired_ms)
    return at_ms if pool.open_at(at_ms) else None


def start_pool(pool: Pool, effective_ms: int) -> None:
    """R2.2: the due time of its unprocessed leads."""
    pool.first_active_ms = effective_ms


def expire(world: World, pool: Pool, effective_ms: int) -> None:
    """R8.2: leased ones follow when their lease ends."""
    pool.expired_ms, pool.expired_promised = effective_ms, world.campaigns[pool.campaign].dialer.expire_promised
    close_expired(world, pool, effective_ms)


def close_expired(world: World, pool: Pool, effective_ms: int) -> None:
    """All that are over now."""
    for lead in world.leads.values():
        if lead.pool == pool.id and world.is_over(lead):
            changes.close(world, lead, "expired", by=BY, effective_ms=effective_ms)


def expire_urgent(_world: World, lead: Lead, _effective_ms: int) -> None:
    """R2.6. Decided here: while the lead is leased it waits for the end of the lease."""
    lead.urgent = None


def time_out(world: World, lead: Lead, effective_ms: int) -> None:
    """R5.2."""
    end_unresolved(world, lead, by=BY, effective_ms=effective_ms)


def release(world: World, lead: Lead, effective_ms: int) -> None:
    """R4.4."""
    changes.release(world, lead, by=BY, effective_ms=effective_ms)


def abandon(world: World, lead: Lead, effective_ms: int) -> None:
    """R7.3."""
    changes.close(world, lead, "abandoned", by=BY, effective_ms=effective_ms)


def advance(world: World, now_ms: int) -> None:
    """Fire all that is due, in due order. R5.7: with the time it was effective, and what follows counts from there.

    What became due through a command and not through time (a changed setting, a campaign active again) is effective
    now, not back then: `fired_ms` is the time up to which everything had been fired.
    """
    world.fired_ms, world.now_ms = world.now_ms, now_ms
    while True:
        due = [timer for timer in timers(world) if timer.at_ms <= now_ms]
        if not due:
            return
        first = min(due, key=lambda timer: (timer.at_ms, timer.kind, timer.key))
        first.fire(first.at_ms if first.at_ms > world.fired_ms else now_ms)


def settle(world: World) -> None:
    """After a command: R4.6's releases, and what its changes made due. R8: pools are as expired as the settings say."""
    for pool in world.pools.values():
        if pool.expired_ms is not None:
            at_ms = world.expiry_of(pool)
            if at_ms is None or at_ms > world.now_ms:
                pool.expired_ms, pool.expired_promised = None, False
                continue
            pool.expired_promised = world.campaigns[pool.campaign].dialer.expire_promised
            close_expired(world, pool, world.now_ms)
    for lead in world.leads.values():
        if changes.must_be_released(world, lead):
            changes.release(world, lead, by=BY)
    advance(world, world.now_ms)


# -- the next deadline ----------------------------------------------------------------------------------------------


def moments(world: World) -> list[int]:
    """All times after now at which somebody could come to be offered something, earliest first."""
    at = turns(world)
    for lead in world.leads.values():
        at |= openings(world, lead) if lead.open else set()
    return sorted(each for each in at if each > world.now_ms)


def turns(world: World) -> set[int]:
    """Those after which nothing but calling hours can still keep a lead back."""
    at: set[int] = set()
    for pool in world.pools.values():
        ends = (pool.active_from_ms, pool.active_until_ms, world.expiry_of(pool))
        at |= {each for each in ends if each is not None}
    for lead in world.leads.values():
        at |= lead_turns(world, lead) if lead.open else set()
    return {each for each in at if each > world.now_ms}


def lead_turns(world: World, lead: Lead) -> set[int]:
    """Times at which the lead comes nearer to being offered."""
    at = {limits.limited_until(world, lead), world.pools[lead.pool].active_from_ms or 0, *lead.pauses.values()}
    if lead.due_ms is not None:
        at |= {lead.due_ms, lead.due_ms - world.dialer_of(lead).reserve_owner_ms}
    return at


def openings(world: World, lead: Lead) -> set[int]:
    """R11.2: when its hours open next, from now on and after each of those times."""
    later = (at for at in {world.now_ms, *lead_turns(world, lead)} if at >= world.now_ms)
    found = (hours.next_opening(world, lead, at) for at in later)
    return {at for at in found if at is not None}


def next_deadline(world: World) -> int | None:
    """The earliest time after now at which something happens by itself: a timer, or a lead for somebody who waits."""
    first = next_timer(world)
    times = [] if first is None else [first]
    offers = [next_offer(world, waiter.agent) for waiter in world.waiters]
    return min([*times, *(at_ms for at_ms in offers if at_ms is not None)], default=None)


def next_timer(world: World) -> int | None:
    """The earliest time at which a timer fires."""
    return min((timer.at_ms for timer in timers(world)), default=None)


def next_offer(world: World, agent: str) -> int | None:
    """The earliest time after now at which the agent could be offered something, if nothing else happens till then."""
    for at_ms in moments(world):
        if order.choices(world, world.agents[agent], at_ms):
            return at_ms
    return None
