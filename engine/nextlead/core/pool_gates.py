"""When a pool is open: active, and inside its active dates (SPEC R9.9). Its gate in the queues follows that."""

from msgspec.structs import replace

from .model import Pool
from .order import key_of
from .places import Bar
from .queues import SHOWN, UNSHOWN
from .state import State
from .timers import Kind

_SLOT = (Kind.POOL, 0)


def is_open(pool: Pool, now_ms: int) -> bool:
    """Active, from inclusive, until exclusive."""
    if pool.state != "active" or (pool.active_from_ms or 0) > now_ms:
        return False
    return pool.active_until_ms is None or now_ms < pool.active_until_ms


def next_change_ms(pool: Pool, now_ms: int) -> int | None:
    """When its dates next open or close an active pool."""
    if pool.state != "active":
        return None
    times = [time for time in (pool.active_from_ms, pool.active_until_ms) if time is not None and time > now_ms]
    return min(times, default=None)


def put_pool(state: State, old: Pool | None, new: Pool, now_ms: int | None = None) -> Pool:
    """Keep a pool's new row and set its gate and timer. O(parts). The first opening gives its leads their due time."""
    now_ms = state.now_ms if now_ms is None else now_ms
    if old is not None:
        unwatch(state, old)
    if is_open(new, now_ms) and not new.first_active_ms:
        new = replace(new, first_active_ms=now_ms)
    state.put_pool(new)
    settle_gate(state, new, now_ms)
    return new


def settle_gate(state: State, pool: Pool, now_ms: int) -> None:
    """Make the gate and the timer what the row says."""
    if pool.first_active_ms:
        base = key_of(pool.first_active_ms, 0, 0)
        for part in list(state.gated.get(pool.id, ())):
            if part.key[3] in (UNSHOWN, SHOWN) and part.base != base:
                part.queue.rebase(part, base)
    opened = is_open(pool, now_ms)
    if opened is not (pool.id in state.open_pools):
        state.switch_pool(pool.id, is_open=opened)
    change_ms = next_change_ms(pool, now_ms)
    if change_ms is not None:
        state.timers.add(_SLOT, change_ms, pool.id)
        state.pool_timers[pool.id] = change_ms
    if pool.loaded_ms and not pool.expired_ms:
        state.timers.add((Kind.EXPIRE, pool.campaign), pool.loaded_ms, pool.id)


def unwatch(state: State, pool: Pool) -> None:
    """Take the pool's timers away."""
    change_ms = state.pool_timers.pop(pool.id, None)
    if change_ms is not None:
        state.timers.remove(_SLOT, change_ms, pool.id)
    if pool.loaded_ms and not pool.expired_ms:
        state.timers.remove((Kind.EXPIRE, pool.campaign), pool.loaded_ms, pool.id)


def follow_dates(state: State, pool_id: int, at_ms: int) -> None:
    """A date of the pool has come."""
    pool = state.pools[pool_id]
    put_pool(state, pool, pool, at_ms)


def bars_of(pool: Pool) -> int:
    """What of the pool's leads is out of the order because it has expired."""
    if not pool.expired_ms:
        return 0
    return Bar.ORDINARY | (Bar.PROMISED if pool.expired_promised else 0)
