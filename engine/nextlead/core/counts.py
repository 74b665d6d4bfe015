"""How many leads there are in which condition, kept up with every change of a lead.

Closed leads are not in memory; what is counted of them stands in the `Closures` rows of their pools.
"""

from collections.abc import Hashable, Mapping
from typing import TypeVar

from .conditions import FRESH, Condition, by_closure, closed_condition, closure_key, condition_of
from .model import Closures, Lead, Status

K = TypeVar("K", bound=Hashable)


class Counts:
    """Each change is O(1), but for closed leads: O(closures of the pool)."""

    def __init__(self) -> None:
        self.conditions: dict[tuple[int, Condition], int] = {}
        """All leads, by campaign and condition."""
        self.pools: dict[int, dict[Condition, int]] = {}
        """Open leads, by pool and condition."""
        self.closures: dict[int, Closures] = {}
        self.unshown: dict[int, int] = {}
        """Open leads that nobody was shown, by pool."""

    def add(self, lead: Lead, by: int) -> Closures | None:
        """One more or one less; the pool's row of closed leads, if that is what changed."""
        condition = condition_of(lead)
        _change(self.conditions, (lead.campaign, condition), by)
        unshown = 0 if lead.shown else by
        if lead.closure is None:
            _change(self.pools.setdefault(lead.pool, {}), condition, by)
            self.unshown[lead.pool] = self.unshown.get(lead.pool, 0) + unshown
            return None
        before = self.closures.get(lead.pool) or Closures(lead.pool, {})
        counts = dict(before.counts)
        _change(counts, closure_key(condition), by)
        row = Closures(lead.pool, counts, before.unshown + unshown)
        self.closures[lead.pool] = row
        return row

    def add_fresh(self, campaign: int, pool: int, count: int) -> None:
        """Untouched leads came in."""
        _change(self.conditions, (campaign, FRESH), count)
        _change(self.pools.setdefault(pool, {}), FRESH, count)
        self.unshown[pool] = self.unshown.get(pool, 0) + count

    def restore(self, campaign: int, closures: Closures) -> None:
        """Closed leads of a pool, as they were counted before."""
        self.closures[closures.pool] = closures
        for key, count in closures.counts.items():
            _change(self.conditions, (campaign, closed_condition(key)), count)

    def drop_pool(self, pool: int) -> bool:
        """The pool is gone, and had no lead any more; whether it had a row of closed leads."""
        self.pools.pop(pool, None)
        self.unshown.pop(pool, None)
        return self.closures.pop(pool, None) is not None

    def of_pool(self, pool: int) -> dict[Condition, int]:
        """A pool's leads, open and closed, by condition. O(conditions)."""
        closed = self.closed(pool)
        return {**self.pools.get(pool, {}), **{closed_condition(key): count for key, count in closed.items()}}

    def closed(self, pool: int) -> Mapping[str, int]:
        """A pool's closed leads, by `closure_key`."""
        found = self.closures.get(pool)
        return {} if found is None else found.counts

    def by_closure(self, pool: int) -> dict[str, int]:
        """A pool's closed leads by closure alone."""
        return by_closure(self.closed(pool))

    def open_of(self, pool: int) -> int:
        """How many leads of a pool are open. O(conditions)."""
        return sum(self.pools.get(pool, {}).values())

    def unshown_of(self, pool: int) -> int:
        """How many leads of a pool, open and closed, nobody was shown."""
        closures = self.closures.get(pool)
        return self.unshown.get(pool, 0) + (0 if closures is None else closures.unshown)

    def by_status(self) -> dict[tuple[int, Status], int]:
        """All leads by campaign and status. O(conditions)."""
        found: dict[tuple[int, Status], int] = {}
        for (campaign, condition), count in self.conditions.items():
            _change(found, (campaign, condition.status), count)
        return found


def _change(counts: dict[K, int], key: K, by: int) -> None:
    """A key whose count is 0 goes, so that what is there is what there are leads of."""
    count = counts.get(key, 0) + by
    if count:
        counts[key] = count
    else:
        del counts[key]
