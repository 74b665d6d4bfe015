"""Which zones leads are in (SPEC R11.1): the row's own, else those of the number that is to be dialled next.

Leads that may be in the same zones share a `ZoneSet`, and in the queues a part: its hours open and close as one.
"""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from .almanac import NO_ALMANAC, Almanac
from .model import Lead, ZoneSet

UNKNOWN: Final = 0
"""The id that stands for no zone known: the campaign's counts."""


class Zones:
    """The sets there are, by id. `keep` is called with every new one, to make it durable."""

    def __init__(self, keep: Callable[[ZoneSet], None]) -> None:
        self.almanac: Almanac = NO_ALMANAC
        self.rows: dict[int, ZoneSet] = {}
        self._ids: dict[tuple[tuple[str, ...], bool], int] = {((), False): UNKNOWN}
        self._keep = keep

    def restore(self, row: ZoneSet) -> None:
        """One that the store had."""
        self.rows[row.id] = row
        self._ids[row.zones, row.own] = row.id

    def names(self, zones: int) -> tuple[str, ...]:
        """The zones of a set; none for `UNKNOWN`."""
        row = self.rows.get(zones)
        return () if row is None else row.zones

    def is_own(self, zones: int) -> bool:
        """Whether the lead's row said so itself."""
        row = self.rows.get(zones)
        return row is not None and row.own

    def of_zone(self, name: str) -> int:
        """The set of a lead with a zone of its own. The name is a zone's (`almanac.zone_named`)."""
        return self._id((name,), own=True)

    def of_number(self, number: int) -> int:
        """The set of a number's zones. O(1)."""
        return self._id(self.almanac.zones_of(number), own=False)

    def of_row(self, zone: str, numbers: tuple[int, ...]) -> int:
        """The set of a lead that comes in."""
        if zone:
            return self.of_zone(zone)
        return self.of_number(numbers[0]) if numbers else UNKNOWN

    def follow(self, lead: Lead) -> Lead:
        """The row with the zones of the number that is to be dialled next, unless it has one of its own."""
        if self.is_own(lead.zones) or not lead.numbers:
            return lead
        zones = self.of_number(lead.numbers[lead.number_at])
        return lead if zones == lead.zones else replace(lead, zones=zones)

    def _id(self, names: tuple[str, ...], *, own: bool) -> int:
        found = self._ids.get((names, own))
        if found is None:
            assert len(self.rows) < MOST, "there are fewer zones, and sets of them that numbers have"
            row = ZoneSet(max(self.rows, default=UNKNOWN) + 1, names, own)
            self.restore(row)
            self._keep(row)
            found = row.id
        return found


MOST: Final = 30_000
"""Untouched leads keep the id in 16 bits (`pages.py`); there are some 600 zones and 300 sets that numbers have."""
