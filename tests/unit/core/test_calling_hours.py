"""Calling hours against what a clock on the wall says, minute by minute (SPEC 11)."""

from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nextlead.core.almanac import NO_ALMANAC
from nextlead.core.calling_hours import Calendar, Span, ZoneHours, calendar_of
from nextlead.core.local_days import Clocks, LocalDays
from nextlead.core.row import HOUR_MS, MINUTE_MS
from nextlead.core.setup_model import CallingHours, Window

NINE_TO_FIVE: tuple[Window, ...] = ((540, 1020),)
DAILY = (NINE_TO_FIVE,) * 7


@dataclass
class Holidays:
    """Public holidays of a place called `XX`; `asked` are the years that were looked up."""

    days: tuple[date, ...]
    asked: list[int]

    def zones_of(self, _number: int) -> tuple[str, ...]:
        return ()

    def knows_holidays(self, place: str) -> bool:
        return place == "XX"

    def holidays(self, place: str, year: int) -> Collection[date]:
        self.asked.append(year)
        return [day for day in self.days if place == "XX" and day.year == year]


def ms(text: str) -> int:
    """UTC where no offset is given."""
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def text(at_ms: int | None) -> str | None:
    return None if at_ms is None else f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def in_zones(*zones: str, now: str = "2026-01-01", **hours: object) -> Calendar:
    return calendar_of(CallingHours(**{"windows": DAILY, **hours}), zones, NO_ALMANAC, ms(now))  # type: ignore[arg-type]


def spans(calendar: Calendar, since: str, count: int) -> list[tuple[bool, str | None]]:
    """The spans from a moment on."""
    found: list[tuple[bool, str | None]] = []
    at_ms: int | None = ms(since)
    while at_ms is not None and len(found) < count:
        span = calendar.at(at_ms)
        found.append((span.open, text(span.until_ms)))
        at_ms = span.until_ms
    return found


# -- clock changes ---------------------------------------------------------------------------------------------------


def test_timeline_10_new_york_over_the_clock_change() -> None:  # R11.3
    new_york = in_zones("America/New_York")
    assert spans(new_york, "2026-03-07 13:59", 4) == [
        (False, "2026-03-07 14:00"),
        (True, "2026-03-07 22:00"),
        (False, "2026-03-08 13:00"),
        (True, "2026-03-08 21:00"),
    ]


@pytest.mark.parametrize(
    ("zone", "windows", "since", "expected"),
    [
        # The hour from 2:00 is skipped: a window across it is an hour shorter, one within it is not there that day.
        (
            "America/New_York",
            ((60, 240),),
            "2026-03-08 05:30",
            [(False, "2026-03-08 06:00"), (True, "2026-03-08 08:00")],
        ),
        (
            "America/New_York",
            ((130, 170),),
            "2026-03-08 05:30",
            [(False, "2026-03-09 06:10"), (True, "2026-03-09 06:50")],
        ),
        # The hour from 1:00 comes twice: a window within it is open twice, one that ends in it opens again.
        (
            "America/New_York",
            ((70, 110),),
            "2026-11-01 05:00",
            [
                (False, "2026-11-01 05:10"),
                (True, "2026-11-01 05:50"),
                (False, "2026-11-01 06:10"),
                (True, "2026-11-01 06:50"),
            ],
        ),
        (
            "Europe/London",
            ((0, 90),),
            "2026-10-24 23:00",
            [(True, "2026-10-25 00:30"), (False, "2026-10-25 01:00"), (True, "2026-10-25 01:30")],
        ),
        # Half an hour: Lord Howe goes from +10:30 to +11:00 at 2:00 on 2026-10-04, and back at 2:00 on 2026-04-05.
        (
            "Australia/Lord_Howe",
            ((120, 180),),
            "2026-10-03 15:00",
            [(False, "2026-10-03 15:30"), (True, "2026-10-03 16:00")],
        ),
        (
            "Australia/Lord_Howe",
            ((105, 150),),
            "2026-04-04 14:40",
            [
                (False, "2026-04-04 14:45"),
                (True, "2026-04-04 15:00"),
                (False, "2026-04-04 15:15"),
                (True, "2026-04-04 16:00"),
            ],
        ),
        # Days without a midnight.
        (
            "America/Sao_Paulo",
            ((0, 120),),
            "2017-10-15 02:00",
            [(False, "2017-10-15 03:00"), (True, "2017-10-15 04:00")],
        ),
        ("Asia/Beirut", ((0, 90),), "2026-03-28 21:59", [(False, "2026-03-28 22:00"), (True, "2026-03-28 22:30")]),
    ],
)
def test_windows_at_a_clock_change(zone: str, windows: tuple[Window, ...], since: str, expected: list[object]) -> None:
    assert spans(in_zones(zone, windows=(windows,) * 7), since, len(expected)) == expected  # R11.3


def test_a_day_that_a_zone_skips() -> None:
    # R11.3: Samoa went from the 29th (-10) to the 31st (+14) of December 2011.
    friday_off = in_zones("Pacific/Apia", now="2011-01-01", windows=None, days_off=("2011-12-30",))
    assert spans(friday_off, "2011-12-20", 2) == [(True, None)]
    saturday_off = in_zones("Pacific/Apia", now="2011-01-01", windows=None, days_off=("2011-12-31",))
    assert spans(saturday_off, "2011-12-20", 3) == [
        (True, "2011-12-30 10:00"),
        (False, "2011-12-31 10:00"),
        (True, None),
    ]


# -- against a clock on the wall ---------------------------------------------------------------------------------------

NEAR_CHANGES = {
    "America/New_York": ("2026-03-07", "2026-10-31"),
    "Europe/London": ("2026-03-28", "2026-10-24"),
    "Australia/Lord_Howe": ("2026-04-03", "2026-10-02"),
    "America/Sao_Paulo": ("2017-10-14", "2018-02-17"),
    "Asia/Beirut": ("2026-03-27", "2026-10-23"),
    "Pacific/Apia": ("2011-12-29", "2011-09-23"),
    "Africa/Casablanca": ("2026-02-14", "2026-03-21"),
    "America/Caracas": ("2016-04-30", "2007-12-08"),
    "Asia/Kathmandu": ("2026-03-08",),
    "Asia/Pyongyang": ("2018-05-03",),
    "America/Los_Angeles": ("2026-03-07", "2026-10-31"),
}
MINUTES = 3 * 1440


def on_the_wall(hours: CallingHours, zones: tuple[str, ...], at_ms: int) -> bool:
    """SPEC R11.1 as it reads."""
    for zone in zones:
        local = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone))
        if local.date().isoformat() in hours.days_off:
            return False
        minute = local.hour * 60 + local.minute
        windows = ((0, 1440),) if hours.windows is None else hours.windows[local.weekday()]
        if not any(start <= minute < end for start, end in windows):
            return False
    return True


@st.composite
def weekday(draw: st.DrawFn) -> tuple[Window, ...]:
    """Windows in order and apart, often at the hours that clock changes touch."""
    minute = st.one_of(st.integers(0, 1440), st.sampled_from([0, 30, 60, 90, 120, 150, 180, 1380, 1440]))
    edges = sorted(draw(st.sets(minute, max_size=6)))
    return tuple(zip(edges[::2], edges[1::2], strict=False))


@st.composite
def near_a_change(draw: st.DrawFn) -> tuple[CallingHours, tuple[str, ...], int]:
    zone = draw(st.sampled_from(sorted(NEAR_CHANGES)))
    since = date.fromisoformat(draw(st.sampled_from(NEAR_CHANGES[zone])))
    others = draw(st.sets(st.sampled_from(sorted(NEAR_CHANGES)), max_size=2))
    days = [(since + timedelta(days=n)).isoformat() for n in range(-1, 5)]
    hours = CallingHours(
        windows=draw(st.none() | st.tuples(*[weekday()] * 7)),
        days_off=tuple(draw(st.sets(st.sampled_from(days), max_size=2))),
    )
    return hours, tuple(sorted({zone, *others})), ms(since.isoformat())


@settings(deadline=None, max_examples=60)
@given(near_a_change(), st.randoms(use_true_random=False))
def test_every_minute_near_clock_changes(case: tuple[CallingHours, tuple[str, ...], int], dice: Random) -> None:
    hours, zones, since_ms = case
    calendar = calendar_of(hours, zones, NO_ALMANAC, since_ms)
    if calendar.is_substitute:  # R11.1
        any_day = replace(hours, days_off=())
        assert not any(on_the_wall(any_day, zones, since_ms + n * MINUTE_MS) for n in range(MINUTES))
    else:
        assert calendar.zones == zones
    wall = [on_the_wall(hours, calendar.zones, since_ms + n * MINUTE_MS) for n in range(MINUTES)]
    changes = [n for n in range(1, MINUTES) if wall[n] != wall[n - 1]]
    asked = [0, *changes, *(n - 1 for n in changes), *dice.sample(range(MINUTES), 60)]
    dice.shuffle(asked)
    for n in asked:
        span = calendar.at(since_ms + n * MINUTE_MS + dice.choice([0, 1, 59_999]))
        change = changes[bisect_right(changes, n) :][:1]
        assert span.open == wall[n]
        if change:
            assert span.until_ms == since_ms + change[0] * MINUTE_MS  # R11.1, R11.3: the same whoever asks
        else:
            assert span.until_ms is None or span.until_ms >= since_ms + MINUTES * MINUTE_MS


# -- what hours may say ------------------------------------------------------------------------------------------------


def test_no_windows_is_any_time_but_days_off() -> None:
    assert spans(in_zones("Europe/London", windows=None), "2026-06-01", 2) == [(True, None)]
    off = in_zones("Europe/London", windows=None, days_off=("2026-12-25", "2026-12-26", "2031-01-01"))
    assert spans(off, "2026-06-01", 9) == [
        (True, "2026-12-25 00:00"),
        (False, "2026-12-27 00:00"),
        (True, "2031-01-01 00:00"),
        (False, "2031-01-02 00:00"),
        (True, None),
    ]


def test_windows_that_touch_are_one() -> None:
    week = (((0, 720), (720, 1440)), ((0, 60), (120, 180)), (), (), (), (), ((1380, 1440),))
    assert spans(in_zones("UTC", windows=week), "2026-03-01 22:00", 4) == [  # a Sunday
        (False, "2026-03-01 23:00"),
        (True, "2026-03-03 01:00"),
        (False, "2026-03-03 02:00"),
        (True, "2026-03-03 03:00"),
    ]
    whole = (((0, 720), (720, 1440)),) * 7
    assert spans(in_zones("UTC", windows=whole), "2026-03-01", 2) == [(True, None)]


def test_public_holidays_are_days_off_and_looked_up_when_their_year_comes() -> None:
    almanac = Holidays((date(2026, 12, 25), date(2027, 1, 1), date(2027, 5, 1), date(2027, 7, 4)), [])
    hours = CallingHours(windows=DAILY, holidays="XX")
    calendar = calendar_of(hours, ("Europe/London",), almanac, ms("2026-01-01"))
    assert almanac.asked == []
    assert spans(calendar, "2026-12-24 20:00", 3) == [
        (False, "2026-12-26 09:00"),
        (True, "2026-12-26 17:00"),
        (False, "2026-12-27 09:00"),
    ]
    assert almanac.asked == [2026]
    assert calendar.at(ms("2027-01-01 12:00")) == Span(False, ms("2027-01-02 09:00"))
    assert almanac.asked == [2026, 2027]
    always = calendar_of(CallingHours(holidays="XX"), ("Europe/London",), almanac, ms("2026-01-01"))
    assert spans(always, "2027-01-01", 6) == [
        (False, "2027-01-02 00:00"),
        (True, "2027-04-30 23:00"),
        (False, "2027-05-01 23:00"),
        (True, "2027-07-03 23:00"),
        (False, "2027-07-04 23:00"),
        (True, None),
    ]


def test_a_closure_of_two_years() -> None:
    off = tuple((date(2026, 3, 1) + timedelta(days=n)).isoformat() for n in range(730))
    calendar = in_zones("America/New_York", days_off=off)
    assert calendar.at(ms("2026-03-05")) == Span(False, ms("2028-02-29 14:00"))
    assert calendar.opens_ms(ms("2027-03-05")) == ms("2028-02-29 14:00")


def test_a_weekday_that_is_always_off() -> None:
    mondays = (NINE_TO_FIVE, *[()] * 6)
    off = tuple((date(2026, 3, 2) + timedelta(weeks=n)).isoformat() for n in range(120))
    assert in_zones("UTC", windows=mondays, days_off=off).opens_ms(ms("2026-03-01")) == ms("2028-06-19 09:00")


@pytest.mark.parametrize("windows", [((),) * 7, (((130, 140),), *[()] * 6)])
def test_hours_that_never_open(windows: tuple[tuple[Window, ...], ...]) -> None:
    every_day = Holidays(tuple(date(2026, 1, 1) + timedelta(days=n) for n in range(4000)), [])
    calendar = calendar_of(CallingHours(windows=windows, holidays="XX"), ("UTC",), every_day, ms("2026-03-01"))
    assert calendar.at(ms("2026-03-05")) == Span(False, None)
    assert calendar.opens_ms(ms("2026-03-05")) is None
    assert not calendar.is_substitute
    assert len(every_day.asked) <= 3


def test_an_open_moment_opens_now() -> None:
    assert in_zones("UTC").opens_ms(ms("2026-03-05 12:34")) == ms("2026-03-05 12:34")
    assert in_zones("UTC").opens_ms(ms("2026-03-05 17:00")) == ms("2026-03-06 09:00")  # until is exclusive


def test_the_end_of_the_calendar() -> None:
    for windows in (None, DAILY):
        calendar = in_zones("Pacific/Kiritimati", "America/New_York", windows=windows, campaign_zone="Asia/Tokyo")
        for at in ("9999-11-30 23:59", "9999-12-31 23:59"):
            assert calendar.at(ms(at)).until_ms is None
            assert calendar.describe(ms(at))


# -- which zones count -------------------------------------------------------------------------------------------------


def test_several_zones_are_open_when_all_are() -> None:
    both = in_zones("America/Los_Angeles", "America/New_York")
    assert both.zones == ("America/Los_Angeles", "America/New_York")
    assert not both.is_substitute
    assert spans(both, "2026-06-01", 3) == [  # R11.1
        (False, "2026-06-01 16:00"),
        (True, "2026-06-01 21:00"),
        (False, "2026-06-02 16:00"),
    ]


def test_zones_that_are_never_open_together_give_way_to_the_campaigns() -> None:
    short = {"windows": (((540, 600),),) * 7, "campaign_zone": "America/Chicago"}
    calendar = in_zones("America/Los_Angeles", "America/New_York", **short)
    assert calendar.is_substitute
    assert calendar.zones == ("America/Chicago",)
    assert spans(calendar, "2026-06-01", 2) == [(False, "2026-06-01 14:00"), (True, "2026-06-01 15:00")]
    assert calendar.describe(ms("2026-06-01 14:30")) == (
        "Mon 2026-06-01 09:30 in America/Chicago, open 09:00-10:00"
        " (the campaign's zone: America/Los_Angeles and America/New_York are never open together)"
    )


def test_three_zones_that_meet_in_one_order_only() -> None:
    # At 12:00 UTC it is 7:00 in New York, 12:00 in London, 21:00 in Tokyo; no three of these hours lie the other way.
    hours = {"windows": (((420, 450), (720, 750), (1260, 1290)),) * 7}
    calendar = in_zones("America/New_York", "Asia/Tokyo", "Europe/London", **hours)
    assert not calendar.is_substitute
    assert spans(calendar, "2026-01-07", 2) == [(False, "2026-01-07 12:00"), (True, "2026-01-07 12:30")]


def test_a_long_closure_is_no_reason_for_the_campaigns_zone() -> None:
    off = tuple((date(2026, 1, 1) + timedelta(days=n)).isoformat() for n in range(400))
    calendar = in_zones("America/Los_Angeles", "America/New_York", days_off=off, campaign_zone="America/Chicago")
    assert not calendar.is_substitute
    assert calendar.opens_ms(ms("2026-01-01")) == ms("2027-02-05 17:00")


def test_zones_that_meet_in_two_weeks_of_the_year_only() -> None:
    # From 2026-03-08 to 03-29 New York is four hours behind London, else five.
    hours = {"windows": (((540, 570), (780, 810)),) * 7}
    calendar = in_zones("America/New_York", "Europe/London", **hours)
    assert not calendar.is_substitute
    assert calendar.opens_ms(ms("2026-01-01")) == ms("2026-03-08 13:00")
    assert calendar.opens_ms(ms("2026-03-28 13:30")) == ms("2026-10-25 13:00")


def test_the_campaigns_zone_counts_for_leads_of_no_known_zone() -> None:
    for zones in ((), ("No/Such_Zone",)):
        calendar = in_zones(*zones, campaign_zone="Asia/Tokyo")
        assert calendar.zones == ("Asia/Tokyo",)
        assert not calendar.is_substitute
    assert in_zones(campaign_zone="No/Such_Zone").zones == ("UTC",)
    assert in_zones("Asia/Tokyo", "No/Such_Zone").zones == ("Asia/Tokyo",)


def test_one_zone_for_all_leads() -> None:
    calendar = in_zones("America/New_York", "America/Los_Angeles", zone="Europe/London")
    assert calendar.zones == ("Europe/London",)
    assert calendar.opens_ms(ms("2026-06-01")) == ms("2026-06-01 08:00")


# -- in words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2026-03-09 13:12", "Mon 2026-03-09 09:12 in America/New_York, open 09:00-12:00, 13:00-17:00"),
        ("2026-03-09 16:30", "Mon 2026-03-09 12:30 in America/New_York, closed, hours 09:00-12:00, 13:00-17:00"),
        ("2026-03-10 13:12", "Tue 2026-03-10 09:12 in America/New_York, closed all day"),
        ("2026-03-16 13:12", "Mon 2026-03-16 09:12 in America/New_York, day off"),
    ],
)
def test_in_words(at: str, words: str) -> None:
    week = (((540, 720), (780, 1020)), *[()] * 6)
    assert in_zones("America/New_York", windows=week, days_off=("2026-03-16",)).describe(ms(at)) == words


def test_zones_with_the_same_time_are_told_together() -> None:
    calendar = in_zones("America/Detroit", "America/Los_Angeles", "America/New_York")
    assert calendar.describe(ms("2026-03-09 13:12")) == (
        "Mon 2026-03-09 09:12 in America/Detroit and America/New_York, open 09:00-17:00;"
        " Mon 2026-03-09 06:12 in America/Los_Angeles, closed, hours 09:00-17:00"
    )


def test_words_are_made_once_a_minute() -> None:
    calendar = in_zones("UTC")
    first = calendar.describe(ms("2026-03-09 13:12"))
    assert calendar.describe(ms("2026-03-09 13:12") + 59_999) is first
    assert calendar.describe(ms("2026-03-09 13:13")) == first.replace("13:12", "13:13")


def test_a_whole_day_ends_at_24() -> None:
    words = "Thu 2026-03-05 00:00 in UTC, open 00:00-24:00"
    assert in_zones("UTC", windows=None).describe(ms("2026-03-05")) == words


# -- what a question costs ---------------------------------------------------------------------------------------------


@pytest.mark.patches
def test_no_rules_are_looked_up_within_the_last_two_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    calendar = in_zones("America/New_York")
    now_ms, promised_ms = ms("2026-03-05 15:00"), ms("2026-03-06 15:00")
    known = calendar.at(now_ms), calendar.at(promised_ms)
    monkeypatch.setattr(ZoneHours, "at", None)
    for at_ms in (now_ms, now_ms + HOUR_MS, promised_ms, now_ms, promised_ms + 1):
        assert calendar.at(at_ms) == known[at_ms >= promised_ms]
    with pytest.raises(TypeError):
        calendar.at(known[0].until_ms or 0)


@pytest.mark.parametrize("zones", [("UTC",), ("America/New_York", "Asia/Tokyo", "Europe/London", "Pacific/Honolulu")])
def test_looking_ahead_is_bounded(zones: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    edges = LocalDays.edges
    monkeypatch.setattr(LocalDays, "edges", lambda days, day: looked.append(day) or edges(days, day))
    calendar = in_zones(*zones, windows=(((540, 570),), *[()] * 6), days_off=("2026-03-02", "9999-01-01"))
    calendar.at(ms("2026-02-27"))
    assert len(looked) < 60


def test_zones_that_never_meet_are_looked_at_for_a_year_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    steady = Clocks.steady
    monkeypatch.setattr(Clocks, "steady", lambda clocks, at_ms: asked.append(at_ms) or steady(clocks, at_ms))
    off = tuple((date(2026, 1, 1) + timedelta(days=3 * n)).isoformat() for n in range(1000))
    zones = ("America/Los_Angeles", "America/New_York")
    assert in_zones(*zones, windows=(((540, 600),),) * 7, days_off=off).is_substitute
    assert len(asked) < 300
    assert max(asked) < ms("2027-03-01")


def test_nothing_is_looked_up_when_no_holiday_is_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    edges = LocalDays.edges
    monkeypatch.setattr(LocalDays, "edges", lambda days, day: looked.append(day) or edges(days, day))
    past = Holidays((date(2026, 1, 1),), [])
    calendar = calendar_of(CallingHours(holidays="XX"), ("UTC",), past, ms("2026-02-27"))
    assert calendar.at(ms("2026-02-27")) == Span(True, None)
    assert len(looked) == 1
    assert past.asked == [2026, 2027, 2028]
