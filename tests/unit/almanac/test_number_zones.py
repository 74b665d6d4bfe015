"""Zones of numbers (R11.1)."""

from collections.abc import Iterator
from random import Random

import pytest
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    PhoneNumberFormat,
    PhoneNumberType,
    example_number_for_type,
    format_number,
    is_number_geographical,
    is_valid_number,
    national_significant_number,
    number_type,
    parse,
    region_code_for_number,
)
from phonenumbers.tzdata import TIMEZONE_DATA

from nextlead.core.almanac import zone_named
from nextlead_adapters.number_zones import _MOBILE, NumberZones, country_of_number, number_zones, restrict
from nextlead_adapters.zone_names import zones_by_country


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        (1_212_555_0100, ("America/New_York",)),
        (1_415_555_0100, ("America/Los_Angeles",)),
        (1_775_555_0100, ("America/Boise", "America/Los_Angeles")),  # Nevada has two
        (1_416_555_0100, ("America/Toronto",)),
        (1_876_555_0100, ("America/Jamaica",)),
        (44_20_7946_0018, ("Europe/London",)),
        (44_7700_900123, ("Europe/London",)),  # a mobile: never of the islands that share the prefix
        (44_7797_712345, ("Europe/Jersey",)),  # but this one is
        (44_1481_256789, ("Europe/Guernsey",)),
        (353_85_012_3456, ("Europe/Dublin",)),
        (39_06_698_12345, ("Europe/Vatican",)),
        (39_312_345_6789, ("Europe/Rome",)),
        (7_701_123_4567, ("Asia/Almaty", "Asia/Aqtobe")),
        (7_800_555_3535, ("Europe/Moscow",)),
        (61_2_7010_1234, ("Australia/Sydney",)),
    ],
)
def test_zones_are_those_of_the_numbers_country(number: int, zones: tuple[str, ...]) -> None:
    # R11.1
    assert number_zones().of(number) == zones


def test_a_toll_free_number_may_be_anywhere_in_the_united_states() -> None:
    # R11.1
    found = number_zones().of(1_800_555_0100)
    assert {"America/New_York", "America/Los_Angeles", "Pacific/Honolulu"} < set(found)
    assert set(found) <= set(zones_by_country()["US"])
    assert found == tuple(sorted(found))


@pytest.mark.parametrize(
    ("number", "zone", "said"),
    [
        (213_551_234_567, "Africa/Algiers", "Europe/Paris"),  # which has summer time
        (505_8123_4567, "America/Managua", "America/Chicago"),
        (212_612_345_678, "Africa/Casablanca", "Atlantic/Canary"),
        (7_401_212_3456, "Europe/Kaliningrad", "Europe/Bucharest"),  # one of Russia's many
        (91_98765_43210, "Asia/Kolkata", "Asia/Calcutta"),  # a name of old
        (691_320_1234, "Pacific/Pohnpei", "Pacific/Ponape"),
    ],
)
def test_a_stranger_with_the_same_clock_stands_for_the_countrys_own_zone(number: int, zone: str, said: str) -> None:
    # R11.1: what the library has is not what counts.
    prefix = max((prefix for prefix in TIMEZONE_DATA if str(number).startswith(prefix)), key=len)
    assert said in TIMEZONE_DATA[prefix], "the example has become pointless"
    assert number_zones().of(number) == (zone,)


@pytest.mark.parametrize("number", [800_1234_5678, 999_1234_5678, 0, 2, 99])
def test_of_some_numbers_nothing_is_known(number: int) -> None:
    assert number_zones().of(number) == ()


def test_a_country_that_is_in_no_list_of_zones_keeps_what_is_said_of_it() -> None:
    assert "XK" not in zones_by_country()
    assert number_zones().of(383_43_201_234) == ("Europe/Belgrade",)


def test_zones_that_nobody_knows_are_left_out() -> None:
    assert restrict(("Etc/Unknown",), "001") == ()
    assert restrict(("Etc/Unknown", "Europe/London"), "GB") == ("Europe/London",)
    assert restrict(("Mars/Base", "America/New_York"), "US") == ("America/New_York",)


def test_every_prefix_has_zones_with_rules_in_order_and_of_one_country() -> None:
    # R11.1, over all prefixes that the library has
    countries = {zone: country for country, zones in zones_by_country().items() for zone in zones}
    for prefix in TIMEZONE_DATA:
        found = number_zones().of(int((prefix + "5550100")[:12]))
        assert found, prefix
        assert found == tuple(sorted(set(found)))
        assert all(zone_named(zone) for zone in found), prefix
        assert len({countries[zone] for zone in found}) == 1, prefix


def test_country_by_first_digits() -> None:
    """Of numbers under prefixes that several countries have, which must be told apart."""
    looked_up, checked = number_zones(), 0
    for number in _valid_numbers(Random(4)):
        text = str(number)
        prefix = max((text[:length] for length in range(1, 10) if text[:length] in TIMEZONE_DATA), key=len)
        if prefix in looked_up._decisive:
            checked += 1
            country = region_code_for_number(parse(f"+{number}"))
            assert country is not None
            assert looked_up.of(number) == restrict(TIMEZONE_DATA[prefix], country), number
    assert checked > 1_000


def test_a_mobile_may_be_anywhere_in_its_country() -> None:
    """Of countries with several zones; under prefixes that have numbers of places, too, what the data says counts."""
    # R11.1
    places, mobiles = set(), {}
    for code, (country, *_) in COUNTRY_CODE_TO_REGION_CODE.items():
        if len(zones_by_country().get(country, ())) > 1:
            for number, kind in _national_numbers(Random(4), code, country):
                prefix = max((text for text in _beginnings(number) if text in TIMEZONE_DATA), key=len)
                if is_number_geographical(parse(f"+{number}")):
                    places.add(prefix)
                elif kind == PhoneNumberType.MOBILE:
                    mobiles[prefix] = (number, restrict(TIMEZONE_DATA[str(code)], country))
    assert places & _MOBILE <= {"642"}  # Scott Base, in the Antarctic, keeps New Zealand's time
    assert mobiles.keys() >= _MOBILE
    for prefix in mobiles.keys() - (places - _MOBILE):
        number, zones = mobiles[prefix]
        assert number_zones().of(number) == zones, prefix


def test_a_mobile_of_western_australia_is_not_called_at_the_hours_of_sydney() -> None:  # R11.1
    assert {"Australia/Perth", "Australia/Sydney"} < set(number_zones().of(61_491_570_006))
    assert number_zones().of(61_8_5550_0100) != number_zones().of(61_491_570_006)  # a fixed line there


def _beginnings(number: int) -> list[str]:
    text = str(number)
    return [text[:length] for length in range(1, len(text) + 1)]


def _national_numbers(rng: Random, code: int, country: str) -> Iterator[tuple[int, int]]:
    """Valid ones of the country, of all types, with the type."""
    for kind in PhoneNumberType.values():
        example = example_number_for_type(country, kind)
        national = national_significant_number(example) if example else ""
        for kept in range(4) if national else ():
            for _ in range(80):
                drawn = national[:kept] + "".join(rng.choices("0123456789", k=len(national) - kept))
                if drawn[0] == "0":
                    continue
                number = parse(f"+{code}{drawn}")
                if is_valid_number(number) and region_code_for_number(number) == country:
                    yield int(f"{code}{drawn}"), number_type(number)


def _valid_numbers(rng: Random) -> list[int]:
    """Of all countries that share a calling code, and of all types."""
    found = []
    for regions in COUNTRY_CODE_TO_REGION_CODE.values():
        for region in regions if len(regions) > 1 else ():
            for kind in PhoneNumberType.values():
                example = example_number_for_type(region, kind)
                text = format_number(example, PhoneNumberFormat.E164)[1:] if example else ""
                for free in (4, 6, 7) if len(text) > 9 else ():
                    for _ in range(8):
                        number = text[:-free] + "".join(rng.choices("0123456789", k=free))
                        if is_valid_number(parse(f"+{number}")):
                            found.append(int(number))
    return found


def test_the_answer_does_not_depend_on_what_was_asked_before() -> None:
    numbers = [447_000_000_000 + at * 7_654_321 for at in range(100)]
    forth, back = NumberZones(), NumberZones()
    assert [forth.of(number) for number in numbers] == [back.of(number) for number in reversed(numbers)][::-1]


@pytest.mark.parametrize(
    ("number", "country"),
    [
        (1_204_555_0100, "CA"),
        (1_299_555_0100, "US"),  # no area code: the main country of the calling code
        (44_7700_900123, "GB"),
        (44, "GB"),
        (39_06_698_12345, "VA"),
        (800_1234_5678, "001"),
        (999_123, ""),
    ],
)
def test_countries(number: int, country: str) -> None:
    assert country_of_number(number) == country
