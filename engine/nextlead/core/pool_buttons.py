"""The buttons of a pool: activate, deactivate, confirm, reject, shuffle, delete (SPEC R9.3, R9.9 to R9.11)."""

from msgspec.structs import replace

from . import commands as c
from .dropping import drop_lead, drop_leads, open_leads
from .errors import Conflict, InUse, Invalid
from .fresh import seq_of
from .model import Pool, Status
from .order import ID_MASK, key_of
from .pool_gates import put_pool, unwatch
from .pools import need_pool
from .queues import Family
from .replies import PoolDeleted
from .state import State

_BUTTONS = {  # action: (states it is for, state it makes)
    "activate": (("inactive", "active"), "active"),
    "deactivate": (("active", "inactive"), "inactive"),
    "confirm": (("awaiting_confirmation",), "active"),
    "reject": (("awaiting_confirmation",), "rejected"),
}


def act_on_pool(state: State, command: c.ActOnPool) -> Pool | PoolDeleted:
    """The buttons of a pool."""
    pool = need_pool(state, command.pool)
    if command.action == "shuffle":
        if not 0 <= command.seed < 1 << 63:
            raise Invalid("seed", "must be from 0 to 2**63 - 1")
        return _shuffle(state, pool, command.seed)
    if command.action == "delete":
        return _delete(state, pool)
    allowed, becomes = _BUTTONS[command.action]
    if pool.state not in allowed:
        raise Conflict(f"pool {pool.id} is {pool.state}, which can't be {command.action}ed", state=pool.state)
    if command.action == "reject":
        drop_leads(state, pool)
    return put_pool(state, pool, replace(state.pools[pool.id], state=becomes, modified_ms=state.now_ms))


def _shuffle(state: State, pool: Pool, seed: int) -> Pool:
    """SPEC R9.10: unprocessed leads that were never leased get a random order from the seed. O(m log m)."""
    new = replace(pool, shuffle_seed=seed, shuffled_to=pool.ordinals, modified_ms=state.now_ms)
    touched = [lead for lead in open_leads(state, pool.id) if state.leads.fresh(lead.id) is None]
    movable = {lead.id for lead in touched if lead.status is Status.UNPROCESSED and not lead.shown}
    state.put_pool(new)
    for part in list(state.gated.get(pool.id, ())):
        if part.queue.family is Family.UNPROCESSED and part.key[3] == 1:
            part.queue.replace(part, [_shuffled(state, new, key) for key in part.keys])
            if part.queue.watchers:
                state.waiting.stir(part.queue)
    for lead in touched:
        if lead.id in movable:
            state.put(lead, replace(lead, seq=seq_of(new, new.shuffled_to, lead.id)), "shuffled", "system")
    return new


def _shuffled(state: State, pool: Pool, key: int) -> int:
    lead = key & ID_MASK
    fresh = state.leads.fresh(lead)
    return key if fresh is None else key_of(0, seq_of(pool, fresh.ordinal, lead), lead)


def _delete(state: State, pool: Pool) -> PoolDeleted:
    """SPEC R9.11: unprocessed leads that were never shown go, the others stay."""
    if pool.state == "loading":
        raise InUse(f"pool {pool.id} is loading")
    kept: dict[str, int] = {}
    doomed = []
    for lead in open_leads(state, pool.id):
        if lead.status is not Status.UNPROCESSED:
            kept[lead.status.code] = kept.get(lead.status.code, 0) + 1
        elif lead.shown:
            kept["shown_to_an_agent"] = kept.get("shown_to_an_agent", 0) + 1
        else:
            doomed.append(lead)
    for lead in doomed:
        drop_lead(state, lead)
    closed = sum(state.closures[pool.id].counts.values()) if pool.id in state.closures else 0
    if closed:
        kept["closed"] = closed
    if kept:
        put_pool(
            state, pool, replace(state.pools[pool.id], deleted=pool.deleted + len(doomed), modified_ms=state.now_ms)
        )
    else:
        _forget_pool(state, pool)
    return PoolDeleted(len(doomed), kept)


def _forget_pool(state: State, pool: Pool) -> None:
    unwatch(state, pool)
    del state.pools[pool.id]
    state.gated.pop(pool.id, None)
    state.pool_ids.pop(pool.id, None)
    state.open_pools.discard(pool.id)
    state.record("pool", pool.id, None)
    if state.closures.pop(pool.id, None) is not None:
        state.record("closures", pool.id, None)
