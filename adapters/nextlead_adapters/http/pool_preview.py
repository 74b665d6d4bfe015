"""What a button of a pool would do, without doing it.

`core/pools.py` decides; this says the same beforehand. `tests/http/test_pools.py` holds the two together, for every
state of a pool and every button.
"""

from typing import Final

from nextlead.core.engine import Engine
from nextlead.core.errors import Conflict, InUse, NotFound
from nextlead.core.model import Pool, Status
from nextlead.core.dropping import open_leads
from nextlead.core.replies import PoolDeleted

_BECOMES: Final = {
    ("activate", "inactive"): "active",
    ("activate", "active"): "active",
    ("deactivate", "active"): "inactive",
    ("deactivate", "inactive"): "inactive",
    ("confirm", "awaiting_confirmation"): "active",
}


def need_pool(engine: Engine, pool: int) -> Pool:
    """Raises `NotFound`."""
    found = engine.pools.get(pool)
    if found is None:
        raise NotFound("pool", pool)
    return found


def preview(engine: Engine, pool_id: int, action: str) -> PoolDeleted | str:
    """The state that the pool would be in, or what a delete would answer; raises what the button would raise.

    O(leads of the pool) for delete.
    """
    pool = need_pool(engine, pool_id)
    if action == "delete":
        return _would_delete(engine, pool)
    becomes = _BECOMES.get((action, pool.state))
    if becomes is None:
        raise Conflict(f"pool {pool.id} is {pool.state}", state=pool.state)
    return becomes


def _would_delete(engine: Engine, pool: Pool) -> PoolDeleted:
    if pool.state == "loading":
        raise InUse(f"pool {pool.id} is loading")
    kept: dict[str, int] = {}
    deleted = 0
    for lead in open_leads(engine.state, pool.id):
        reason = "shown_to_an_agent" if lead.status is Status.UNPROCESSED else lead.status.code
        if lead.status is Status.UNPROCESSED and not lead.shown:
            deleted += 1
        else:
            kept[reason] = kept.get(reason, 0) + 1
    closed = sum(engine.pool_counts(pool.id, 0).closed.values())
    if closed:
        kept["closed"] = closed
    return PoolDeleted(deleted, kept)
