"""What a button of a pool would do, without doing it.

`core/pool_buttons.py` and `core/dropping.py` decide; this says the same beforehand. `tests/http/test_pools.py` holds
the two together, for every state of a pool and every button.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct, field

from nextlead.core.dropping import being_deleted, kept_because
from nextlead.core.engine import Engine
from nextlead.core.errors import Conflict, InUse
from nextlead.core.jobs import ids_of
from nextlead.core.model import Lead
from nextlead.core.replies import PoolDeleted
from nextlead.runtime.dialer import Dialer

from .pool_views import need_pool

_BECOMES: Final = {
    ("activate", "inactive"): "active",
    ("activate", "active"): "active",
    ("deactivate", "active"): "inactive",
    ("deactivate", "inactive"): "inactive",
    ("confirm", "awaiting_confirmation"): "active",
}
_SLICE: Final = 2_000
"""Ids that are looked at between two turns of the loop: some two milliseconds."""


async def preview(dialer: Dialer, pool: int, action: str) -> PoolDeleted | str:
    """The state that the pool would be in, or what a delete would answer; raises what the button would raise.

    O(ids the pool was given) for delete, in slices.
    """
    if action != "delete":
        return await dialer.read(lambda engine: _would_become(engine, pool, action))
    count = await dialer.read(lambda engine: _Deleting(pool, _ids(engine, pool)))
    while not await dialer.read(count.go_on):
        pass
    return PoolDeleted(count.deleted, count.kept)


def _would_become(engine: Engine, pool_id: int, action: str) -> str:
    pool = need_pool(engine, pool_id)
    if being_deleted(engine.state, pool_id):
        raise Conflict(f"pool {pool_id} is being deleted", state=pool.state)
    becomes = _BECOMES.get((action, pool.state))
    if becomes is None:
        raise Conflict(f"pool {pool_id} is {pool.state}", state=pool.state)
    return becomes


def _ids(engine: Engine, pool_id: int) -> Iterator[int]:
    if need_pool(engine, pool_id).state == "loading":
        raise InUse(f"pool {pool_id} is loading")
    return ids_of(engine.state, pool_id)


class _Deleting(Struct):
    """Goes over the pool's leads in the order in which they would be deleted: clones before their masters."""

    pool: int
    ids: Iterator[int]
    deleted: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    clones_gone: dict[int, int] = field(default_factory=dict)

    def go_on(self, engine: Engine) -> bool:
        """A slice; whether that was the last."""
        for looked_at, lead_id in enumerate(self.ids, 1):
            lead = engine.lead(lead_id)
            if lead is not None and lead.pool == self.pool:
                self._look(engine, lead)
            if looked_at == _SLICE:
                return False
        closed = sum(engine.pool_counts(self.pool, 0).closed.values()) if self.pool in engine.pools else 0
        if closed:
            self.kept["closed"] = closed
        return True

    def _look(self, engine: Engine, lead: Lead) -> None:
        reason = kept_because(engine.state, lead)
        if reason == "has_clones" and engine.state.clones[lead.id].count == self.clones_gone.get(lead.id):
            reason = None
        if reason is not None:
            self.kept[reason] = self.kept.get(reason, 0) + 1
            return
        self.deleted += 1
        if lead.master:
            self.clones_gone[lead.master] = self.clones_gone.get(lead.master, 0) + 1
