"""The buttons of a pool: activate, deactivate, confirm, reject, shuffle, delete (SPEC R9.3, R9.9 to R9.11)."""

from msgspec.structs import replace

from . import commands as c
from .dropping import being_deleted, delete_pool, drop_leads
from .errors import Conflict, Invalid
from .model import Pool
from .pool_gates import put_pool
from .pools import need_pool
from .replies import Begun, PoolDeleted
from .shuffling import shuffle_pool
from .state import State

_BUTTONS = {  # action: (states it is for, state it makes)
    "activate": (("inactive", "active"), "active"),
    "deactivate": (("active", "inactive"), "inactive"),
    "confirm": (("awaiting_confirmation",), "active"),
    "reject": (("awaiting_confirmation",), "rejected"),
}


def act_on_pool(state: State, command: c.ActOnPool) -> Pool | PoolDeleted | Begun:
    """The buttons of a pool."""
    pool = need_pool(state, command.pool)
    if command.action == "delete":
        return delete_pool(state, pool)
    if being_deleted(state, pool.id):
        raise Conflict(f"pool {pool.id} is being deleted", state=pool.state)
    if command.action == "shuffle":
        if not 0 <= command.seed < 1 << 63:
            raise Invalid("seed", "must be from 0 to 2**63 - 1")
        return shuffle_pool(state, pool, command.seed)
    allowed, becomes = _BUTTONS[command.action]
    if pool.state not in allowed:
        done = f"{command.action.removesuffix('e')}ed"
        raise Conflict(f"pool {pool.id} is {pool.state}, which can't be {done}", state=pool.state)
    loaded_ms = state.now_ms if command.action == "confirm" else pool.loaded_ms
    new = put_pool(state, pool, replace(pool, state=becomes, modified_ms=state.now_ms, loaded_ms=loaded_ms))
    return drop_leads(state, new) if command.action == "reject" else new
