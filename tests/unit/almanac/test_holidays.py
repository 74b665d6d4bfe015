"""Public holidays (R11.1)."""

from datetime import date

import pytest

from nextlead.core.almanac import Almanac
from nextlead_adapters.almanac import LibraryAlmanac

ALMANAC: Almanac = LibraryAlmanac()


@pytest.mark.parametrize(
    "place", ["US", "us", " US ", "US-FL", "us-fl", "GB", "GB-ENG", "GB-England", "CA-QC", "DE-BY"]
)
def test_countries_and_their_parts_are_known(place: str) -> None:
    assert ALMANAC.knows_holidays(place)
    assert date(2026, 12, 25) in ALMANAC.holidays(place, 2026)


@pytest.mark.parametrize(
    "place",
    ["", "-", "XX", "US-", "US-XX", "-FL", "USA", "UnitedStates", "NYSE", "HolidayBase", "__", "U.S", "é", "US_FL"],
)
def test_other_places_are_not(place: str) -> None:
    assert not ALMANAC.knows_holidays(place)
    assert set(ALMANAC.holidays(place, 2026)) == set()


def test_a_part_has_holidays_of_its_own() -> None:
    late_summer = date(2026, 8, 31)  # not in Scotland
    assert late_summer in ALMANAC.holidays("GB-ENG", 2026)
    assert late_summer not in ALMANAC.holidays("GB-SCT", 2026)
    assert late_summer not in ALMANAC.holidays("GB", 2026)


def test_a_holiday_on_a_weekend_is_kept_on_another_day_too() -> None:
    # 4 July 2026 is a Saturday; the New Year of 2028 is kept in 2027.
    assert {date(2026, 7, 3), date(2026, 7, 4)} <= set(ALMANAC.holidays("US", 2026))
    assert date(2027, 12, 31) in ALMANAC.holidays("US", 2027)


@pytest.mark.parametrize("year", [-1, 0, 1, 9_999, 10_000, 10**9])
def test_years_without_holidays_have_none(year: int) -> None:
    assert set(ALMANAC.holidays("US", year)) == set()


def test_all_holidays_are_of_the_year_that_was_asked_for() -> None:
    for place in ("US", "GB", "CA", "DE", "SA"):
        assert {day.year for day in ALMANAC.holidays(place, 2026)} == {2026}
