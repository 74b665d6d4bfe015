"""Which time zones a telephone number may be in, from the data of libphonenumber (SPEC R11.1).

Rules of this file:

1. The zones of the longest prefix count. Toll-free numbers and most mobile ones have a short one, with many zones.
2. Of these, only the ones of the number's country. Where several countries share a calling code, a prefix whose zones
   are all of one of them is that country's; else libphonenumber tells the country, and where it does not, the code's
   main one counts: the United States, the United Kingdom. Some digits decide (`_DECISIVE_DIGITS`), so that the answer
   can be kept for all numbers that begin with them, and is the same whichever number was asked for first.
3. Where the data names none of the country's, but a zone of another country that has, or had, the same clock (Paris
   for Algeria), the country's own count: that zone under the country's name for it, else its only zone, else those with
   the same standard time. What has no country in the list of zones (Kosovo, Ascension) keeps what it is given.
4. A mobile number is of no place, and may be in all zones of its country, though for some countries the data names one
   zone for its prefix (`_MOBILE`): libphonenumber says so, too, of numbers that it calls not geographical.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumber, region_code_for_number
from phonenumbers.tzdata import TIMEZONE_DATA

from nextlead.core.almanac import zone_named

from .zone_names import links, zone_names, zones_by_country

Zones = tuple[str, ...]

_HEAD_DIGITS: Final = 4
_DECISIVE_DIGITS: Final = 5
"""Behind the calling code. `test_country_by_first_digits` shows that they decide as whole numbers do."""
_MOBILE: Final = frozenset(
    ("2992", "2994", "2995", "346", "347", "5939", "614", "642", "68988", "68989", "79", "9766", "9768", "9769")
)
"""Prefixes of mobile numbers for which the data names one zone of several: of Greenland, Spain, Ecuador, Australia,
New Zealand, French Polynesia, Russia, Mongolia. `test_a_mobile_may_be_anywhere_in_its_country` finds them."""
_REMEMBERED_MAX: Final = 65_536
_STANDARD_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


class NumberZones:
    """The look-up. Making one reads some 3,000 prefixes, in about 15 ms; they are the same for all (`number_zones`)."""

    def __init__(self) -> None:
        self._zones: dict[str, Zones] = {}
        """By prefix; empty where it depends on the country."""
        self._decisive: dict[str, int] = {}
        """How many digits tell the country, for these."""
        self._in_country: dict[int, Zones] = {}
        """By these digits, the others being 0."""
        self._lengths: dict[str, tuple[int, ...]] = {}
        """How long prefixes are that begin with these four digits, and shorter ones; the longest first."""
        lengths: dict[str, set[int]] = {}
        for prefix, given in TIMEZONE_DATA.items():
            country = _country_of(prefix, given)
            named = TIMEZONE_DATA[str(_calling_code(prefix))] if prefix in _MOBILE else given
            self._zones[prefix] = restrict(named, country) if country else ()
            if not country:
                self._decisive[prefix] = max(len(prefix), len(str(_calling_code(prefix))) + _DECISIVE_DIGITS)
            lengths.setdefault(prefix[:_HEAD_DIGITS], set()).add(len(prefix))
        for head, found in lengths.items():
            if len(head) == _HEAD_DIGITS:
                self._lengths[head] = (*sorted(found, reverse=True), *_SHORT)

    def of(self, number: int) -> Zones:
        """The zones of an E.164 number, sorted; empty when nothing is known of it.

        A microsecond, or two where the country must be found out; some ten when such digits come for the first time.
        """
        text = str(number)
        for length in self._lengths.get(text[:_HEAD_DIGITS], _SHORT):
            prefix = text[:length]
            found = self._zones.get(prefix)
            if found is not None:
                return found or self._of_country(number, len(text), prefix)
        return ()

    def _of_country(self, number: int, digits: int, prefix: str) -> Zones:
        rest = digits - self._decisive[prefix]
        alike = number - number % 10**rest if rest > 0 else number
        found = self._in_country.get(alike)
        if found is None:
            if len(self._in_country) >= _REMEMBERED_MAX:
                self._in_country.clear()
            found = self._in_country[alike] = restrict(TIMEZONE_DATA[prefix], country_of_number(alike))
        return found


_SHORT: Final = tuple(range(_HEAD_DIGITS - 1, 0, -1))


@cache
def number_zones() -> NumberZones:
    """The one there is."""
    return NumberZones()


def country_of_number(number: int) -> str:
    """Where a number is from (ISO 3166), or the main country of its calling code; empty when it has none."""
    text = str(number)
    code = _calling_code(text)
    if not code:
        return ""
    national = text[len(str(code)) :] or "0"
    parsed = PhoneNumber(code, int(national), italian_leading_zero=national.startswith("0"))
    return region_code_for_number(parsed) or COUNTRY_CODE_TO_REGION_CODE[code][0]


@cache
def restrict(given: Zones, country: str) -> Zones:
    """Of zones in the data those that the country has, sorted; rule 3 where it has none of them."""
    own = zones_by_country().get(country, ())
    known = [zone for zone in given if zone in zone_names()]
    other_names = {_stands_for(zone) for zone in known if zone not in _countries()}
    found = [zone for zone in own if zone in known or _stands_for(zone) in other_names]
    if not found:
        standard = {_standard_time(zone) for zone in known}
        found = list(own) if len(own) == 1 else [zone for zone in own if _standard_time(zone) in standard]
    return tuple(found or sorted(known))


def _country_of(prefix: str, given: Zones) -> str:
    """Of all numbers with the prefix; empty if they may be of several countries."""
    main, *others = COUNTRY_CODE_TO_REGION_CODE[_calling_code(prefix)]
    if not others:
        return main
    named = {_countries().get(zone, "") for zone in given}
    return named.pop() if len(named) == 1 and not named.isdisjoint((main, *others)) else ""


def _calling_code(digits: str) -> int:
    """No code begins another; 0 if none begins the number."""
    return next(
        (int(digits[:length]) for length in (1, 2, 3) if int(digits[:length]) in COUNTRY_CODE_TO_REGION_CODE), 0
    )


@cache
def _countries() -> dict[str, str]:
    """The country of each zone."""
    return {zone: country for country, zones in zones_by_country().items() for zone in zones}


def _stands_for(zone: str) -> str:
    return links().get(zone, zone)


def _standard_time(zone: str) -> timedelta | None:
    """How far from UTC it is without summer time."""
    rules = zone_named(zone)
    at = _STANDARD_AT.astimezone(rules)
    summer, offset = at.dst(), at.utcoffset()
    return None if offset is None or summer is None else offset - summer
