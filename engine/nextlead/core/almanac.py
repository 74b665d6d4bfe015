"""What the engine has to be told of the world: zones of numbers, public holidays (SPEC R11.1).

Neither changes anything that is durable: what was decided by them stays decided when another edition says otherwise.
"""

from collections.abc import Collection
from datetime import date
from functools import lru_cache
from typing import Final, Protocol
from zoneinfo import ZoneInfo


class Almanac(Protocol):
    """Pure look-ups in data that came with a library."""

    def zones_of(self, number: int, /) -> tuple[str, ...]:
        """IANA zones that a number may be in, those of its country only, sorted; empty when nothing is known.

        All of them are known to `zone_named`. Called for every number that is loaded: a microsecond or two.
        """
        ...

    def knows_holidays(self, place: str, /) -> bool:
        """Whether there are public holidays for a country (`US`) or a part of one (`US-FL`)."""
        ...

    def holidays(self, place: str, year: int, /) -> Collection[date]:
        """Public holidays of a year there; empty for a year that is not known."""
        ...


class NoAlmanac:
    """Knows nothing: leads without a zone of their own are in their campaign's."""

    def zones_of(self, _number: int) -> tuple[str, ...]:
        """See `Almanac`."""
        return ()

    def knows_holidays(self, _place: str) -> bool:
        """See `Almanac`."""
        return False

    def holidays(self, _place: str, _year: int) -> Collection[date]:
        """See `Almanac`."""
        return ()


NO_ALMANAC: Final = NoAlmanac()


_NOT_IANA: Final = frozenset({"localtime", "posixrules", "posix", "right"})
"""First parts of names that systems have beside the list: the machine's own zone, and clocks with leap seconds."""


@lru_cache(maxsize=2048)
def zone_named(name: str) -> ZoneInfo | None:
    """The rules of an IANA zone; None when there is none of that name. Names are told apart by case."""
    if name.partition("/")[0] in _NOT_IANA:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a name at all, or the name of a folder
        return None
