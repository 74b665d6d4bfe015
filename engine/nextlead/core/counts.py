"""How many leads there are in which condition, kept up with every change of a lead.

Rules of this file:

1. Finishes come through here twice, so what is counted of open leads has small ints as keys (`_code`); they are made
   conditions of when somebody reads.
2. Closed leads are not in memory; what is counted of them stands in the `Closures` rows of their pools.
3. A count of 0 may be there or not.
"""

from typing import Final

from .activity_model import Activity
from .conditions import FRESH, Condition, by_closure, closed_condition, closure_key, condition_of
from .model import Closures, Lead, Status

_BITS: Final = 4
_MASK: Final = (1 << _BITS) - 1
_FRESH: Final = FRESH.status << _BITS | FRESH.activity


def _condition(code: int) -> Condition:
    return Condition(Status(code >> _BITS), activity=Activity(code & _MASK))


def _code(lead: Lead) -> int:
    latest = lead.latest
    return lead.status << _BITS | (0 if latest is None else latest.kind)


class Counts:
    """Each change is O(1), but for closed leads: O(closures of the pool)."""

    def __init__(self) -> None:
        self.open: dict[int, dict[int, int]] = {}
        """Open leads by campaign and code of their condition."""
        self.closed: dict[int, dict[str, int]] = {}
        """Closed leads by campaign and `closure_key`."""
        self.pools: dict[int, dict[int, int]] = {}
        """Open leads by pool and code."""
        self.closures: dict[int, Closures] = {}
        """Closed leads by pool."""
        self.unshown: dict[int, int] = {}
        """Open leads that nobody was shown, by pool."""

    def add(self, lead: Lead, by: int) -> Closures | None:
        """One more or one less; the pool's row of closed leads, if that is what changed."""
        if lead.closure is not None:
            return self._add_closed(lead, by)
        self._add_open(lead.campaign, lead.pool, _code(lead), by)
        if not lead.shown:
            self.unshown[lead.pool] = self.unshown.get(lead.pool, 0) + by
        return None

    def move(self, old: Lead, new: Lead) -> None:
        """An open lead is in another condition, or was shown, and is open still."""
        was, latest = old.latest, new.latest  # `_code` twice, but for the calls
        before = old.status << _BITS | (0 if was is None else was.kind)
        after = new.status << _BITS | (0 if latest is None else latest.kind)
        counts = self.open[new.campaign]
        counts[before] -= 1
        counts[after] = counts.get(after, 0) + 1
        counts = self.pools[new.pool]
        counts[before] -= 1
        counts[after] = counts.get(after, 0) + 1
        if old.shown is not new.shown:
            self.unshown[new.pool] += 1 if old.shown else -1

    def add_fresh(self, campaign: int, pool: int, count: int) -> None:
        """Untouched leads came in."""
        self._add_open(campaign, pool, _FRESH, count)
        self.unshown[pool] = self.unshown.get(pool, 0) + count

    def _add_open(self, campaign: int, pool: int, code: int, by: int) -> None:
        counts = self.open.get(campaign)
        if counts is None:
            counts = self.open[campaign] = {}
        counts[code] = counts.get(code, 0) + by
        counts = self.pools.get(pool)
        if counts is None:
            counts = self.pools[pool] = {}
        counts[code] = counts.get(code, 0) + by

    def _add_closed(self, lead: Lead, by: int) -> Closures:
        key = closure_key(condition_of(lead))
        of_campaign = self.closed.setdefault(lead.campaign, {})
        of_campaign[key] = of_campaign.get(key, 0) + by
        before = self.closures.get(lead.pool) or Closures(lead.pool, {})
        counts = dict(before.counts)
        counts[key] = counts.get(key, 0) + by
        if not counts[key]:
            del counts[key]
        row = Closures(lead.pool, counts, before.unshown + (0 if lead.shown else by))
        self.closures[lead.pool] = row
        return row

    def restore(self, campaign: int, closures: Closures) -> None:
        """Closed leads of a pool, as they were counted before."""
        self.closures[closures.pool] = closures
        of_campaign = self.closed.setdefault(campaign, {})
        for key, count in closures.counts.items():
            of_campaign[key] = of_campaign.get(key, 0) + count

    def drop_pool(self, pool: int) -> bool:
        """The pool is gone, and had no lead any more; whether it had a row of closed leads."""
        self.pools.pop(pool, None)
        self.unshown.pop(pool, None)
        return self.closures.pop(pool, None) is not None

    # -- reading ----------------------------------------------------------------------------------------------------

    def conditions(self, campaign: int) -> dict[Condition, int]:
        """A campaign's leads, open and closed, by condition. O(conditions)."""
        return _conditions(self.open.get(campaign, {}), self.closed.get(campaign, {}))

    def of_pool(self, pool: int) -> dict[Condition, int]:
        """A pool's leads, open and closed, by condition. O(conditions)."""
        return _conditions(self.pools.get(pool, {}), self._closed_of(pool))

    def by_closure(self, pool: int) -> dict[str, int]:
        """A pool's closed leads by closure. O(conditions)."""
        return by_closure(self._closed_of(pool))

    def open_of(self, pool: int) -> int:
        """How many leads of a pool are open. O(conditions)."""
        return sum(self.pools.get(pool, {}).values())

    def closed_of(self, pool: int) -> int:
        """How many leads of a pool closed. O(conditions)."""
        return sum(self._closed_of(pool).values())

    def unshown_of(self, pool: int) -> int:
        """How many leads of a pool, open and closed, nobody was shown."""
        closures = self.closures.get(pool)
        return self.unshown.get(pool, 0) + (0 if closures is None else closures.unshown)

    def by_status(self, campaign: int) -> dict[Status, int]:
        """A campaign's leads by status. O(conditions)."""
        found: dict[Status, int] = {}
        for code, count in self.open.get(campaign, {}).items():
            status = Status(code >> _BITS)
            found[status] = found.get(status, 0) + count
        found[Status.CLOSED] = sum(self.closed.get(campaign, {}).values())
        return found

    def _closed_of(self, pool: int) -> dict[str, int]:
        found = self.closures.get(pool)
        return {} if found is None else found.counts


def _conditions(still_open: dict[int, int], closed: dict[str, int]) -> dict[Condition, int]:
    found = {_condition(code): count for code, count in still_open.items() if count}
    return found | {closed_condition(key): count for key, count in closed.items() if count}
