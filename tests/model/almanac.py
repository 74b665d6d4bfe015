"""A world of twenty numbers: zones of some, two that may be in several, and a few public holidays."""

from collections.abc import Collection
from datetime import date
from typing import Final

NEW_YORK, LONDON, LORD_HOWE, KATHMANDU = "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu"
LOS_ANGELES = "America/Los_Angeles"
ZONES = (NEW_YORK, LONDON, LORD_HOWE, KATHMANDU, "UTC")

_OF_NUMBER: Final = {
    14155550100: (NEW_YORK,),
    14155550101: (LONDON,),
    14155550102: (LORD_HOWE,),
    14155550103: (KATHMANDU,),
    14155550104: (LOS_ANGELES, NEW_YORK),
    14155550105: (LORD_HOWE, LONDON),
    14155550106: (NEW_YORK,),
    14155550107: (LONDON, NEW_YORK),
}
"""The sixth's zones are hardly ever open together; of the numbers from the ninth on nothing is known."""

_HOLIDAYS: Final = {"US": ("2026-03-03", "2026-03-09", "2026-11-02"), "US-FL": ("2026-03-03", "2026-03-30")}


class FewNumbers:
    """An `Almanac`."""

    def zones_of(self, number: int) -> tuple[str, ...]:
        """See `Almanac`."""
        return _OF_NUMBER.get(number, ())

    def knows_holidays(self, place: str) -> bool:
        """See `Almanac`."""
        return place in _HOLIDAYS

    def holidays(self, place: str, year: int) -> Collection[date]:
        """See `Almanac`."""
        return [day for day in map(date.fromisoformat, _HOLIDAYS[place]) if day.year == year]


ALMANAC: Final = FewNumbers()
