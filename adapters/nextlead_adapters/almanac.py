"""What the engine is told of the world: zones of numbers, public holidays (SPEC R11.1); see `core.almanac.Almanac`.

The data comes with libraries: `phonenumbers`, `tzdata` and `holidays`. The last is loaded when somebody first asks for
holidays, and of its two hundred countries only those asked for.
"""

import re
from collections.abc import Collection
from datetime import date
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

from .number_zones import number_zones

_REMEMBERED_MAX: Final = 1_024
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


class LibraryAlmanac:
    """Zones and holidays from libraries. Making the first takes some 50 ms; they share what they know."""

    def __init__(self) -> None:
        self._numbers = number_zones()

    def zones_of(self, number: int) -> tuple[str, ...]:
        """See `Almanac`; which zones these are, `number_zones` says."""
        return self._numbers.of(number)

    def knows_holidays(self, place: str) -> bool:
        """Without regard to case; a part may also be called by its name (`GB-England`)."""
        return _place(place) is not None

    def holidays(self, place: str, year: int) -> Collection[date]:
        """See `Almanac`. With the days on which one is kept that falls on a weekend, where the country does so."""
        return _holidays(place, year)


@lru_cache(maxsize=_REMEMBERED_MAX)
def _holidays(place: str, year: int) -> frozenset[date]:
    found = _place(place)
    if found is None or not date.min.year <= year <= date.max.year:
        return frozenset()
    country, part = found
    return frozenset(country(subdiv=part, years=year))


@lru_cache(maxsize=_REMEMBERED_MAX)
def _place(place: str) -> tuple[Any, str | None] | None:
    """What the library has of a country, and its code for the part; None where it has no such place."""
    code, dash, part = place.strip().upper().partition("-")
    library = import_module("holidays")
    country = getattr(library, code, None) if _COUNTRY.fullmatch(code) else None
    if country is None:
        return None
    if not dash:
        return country, None
    names = {name.upper(): name for name in country.subdivisions}
    aliases = getattr(country, "subdivisions_aliases", {})  # not in older editions
    names |= {alias.upper(): name for alias, name in aliases.items()}
    return (country, names[part]) if part in names else None
