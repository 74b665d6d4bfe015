"""Which untouched leads a filter can mean: what they have in common says it before one of them is read."""

from nextlead.core.conditions import FRESH
from nextlead.core.model import Pool, Status
from nextlead.ports import LeadFilter

from .tables import Pools


def pools_meant(query: LeadFilter, pools: Pools) -> list[int] | None:
    """The pools whose untouched leads may match; None for all of them, whatever their pool. O(pools)."""
    if query.closure is not None or query.status not in (None, Status.UNPROCESSED) or query.last_by is not None:
        return []
    if query.due_before_ms is not None and query.due_before_ms <= 0:
        return []
    if (query.pool, query.campaign, query.conditions) == (None, None, None):
        return None
    return [pool.id for pool in list(pools.values()) if _may_match(pool, query)]  # a commit may add one meanwhile


def _may_match(pool: Pool, query: LeadFilter) -> bool:
    """Untouched leads of one campaign are all in one condition."""
    return (
        query.pool in (None, pool.id)
        and query.campaign in (None, pool.campaign)
        and (query.conditions is None or (pool.campaign, FRESH) in query.conditions)
    )
