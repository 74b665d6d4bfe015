"""Calling hours and contact limits as they are sent: read, refused with field and rule, shown again (R11.1, R12.1)."""

from typing import Any

import msgspec
import pytest

from nextlead.core.errors import Invalid
from nextlead.core.setup_model import CallingHours, ContactLimit, Dialer
from nextlead_adapters.http.problems import ProblemError
from nextlead_adapters.http.reading import decode
from nextlead_adapters.http.setup_shapes import CampaignBody, SettingsBody
from nextlead_adapters.http.setup_views import dialer_over, dialer_shape, settings_fields
from nextlead_adapters.http.values import to_json

NINE_TO_FIVE = ((540, 1020),)
CLOSED: tuple[tuple[int, int], ...] = ()
DAY_MS = 86_400_000


def put(dialer: dict[str, Any], old: Dialer | None = None) -> Dialer:
    body = decode(CampaignBody, msgspec.json.encode({"dialer": dialer}))
    return dialer_over(old or Dialer(), body.dialer)


def shown(dialer: Dialer) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(to_json(dialer_shape(dialer)))
    return {name: found[name] for name in ("calling_hours", "contact_limits")}


def refusal(dialer: dict[str, Any]) -> tuple[int, str, str]:
    """Status, field and rule."""
    try:
        put(dialer)
    except ProblemError as problem:
        errors = problem.problem.errors
        assert not isinstance(errors, msgspec.UnsetType)
        return problem.problem.status, errors[0].field, errors[0].message
    except Invalid as invalid:
        return 422, invalid.field, invalid.rule
    raise AssertionError("it was taken")


def test_hours_as_they_are_sent_and_shown() -> None:  # R11.1
    sent = {
        "zone": "lead",
        "campaign_zone": "America/New_York",
        "windows": {"mon": [["09:00", "12:00"], ["13:30", "17:00"]], "sun": [["00:00", "24:00"]]},
        "days_off": ["2026-12-25"],
        "holidays": "US",
    }
    dialer = put({"calling_hours": sent})
    assert dialer.calling_hours == CallingHours(
        zone="lead",
        campaign_zone="America/New_York",
        windows=(((540, 720), (810, 1020)), CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, ((0, 1440),)),
        days_off=("2026-12-25",),
        holidays="US",
    )
    assert shown(dialer)["calling_hours"] == sent


def test_windows_are_put_in_order_and_may_touch() -> None:
    hours = put({"calling_hours": {"windows": {"tue": [["13:00", "17:00"], ["09:00", "13:00"]]}}}).calling_hours
    assert hours is not None
    assert hours.windows is not None
    assert hours.windows[1] == ((540, 780), (780, 1020))


def test_what_is_absent_stays_and_null_clears() -> None:
    week = {"fri": [["09:00", "17:00"]]}
    first = put({"calling_hours": {"zone": "Europe/London", "windows": week, "holidays": "GB"}})
    second = put({"calling_hours": {"days_off": ["2026-05-02", "2026-05-01", "2026-05-02"]}}, first)
    assert shown(second)["calling_hours"] == {
        "zone": "Europe/London",
        "campaign_zone": "UTC",
        "windows": week,
        "days_off": ["2026-05-01", "2026-05-02"],
        "holidays": "GB",
    }
    names = ("zone", "campaign_zone", "windows", "days_off", "holidays")
    assert put({"calling_hours": dict.fromkeys(names)}, second).calling_hours == CallingHours()
    assert put({"calling_hours": None}, second).calling_hours is None
    assert put({"priority": 3}, second).calling_hours == second.calling_hours


def test_a_week_is_given_whole() -> None:
    first = put({"calling_hours": {"windows": {"mon": [["09:00", "17:00"]]}}})
    second = put({"calling_hours": {"windows": {"tue": [["09:00", "17:00"]]}}}, first)
    assert second.calling_hours is not None
    assert second.calling_hours.windows == (CLOSED, NINE_TO_FIVE, *[CLOSED] * 5)


WINDOW = "must be [from, until] as HH:MM, from before until"
BAD_WINDOWS: list[Any] = [
    ["09:00", "09:00"],
    ["24:00", "24:00"],
    ["09:00", "25:00"],
    ["09:00", "24:01"],
    ["09:60", "17:00"],
    ["9:00", "17:00"],
    ["09:00:00", "17:00:00"],
    ["09:00", "17:00\n"],
    ["0९:00", "17:00"],
    ["-1:00", "17:00"],
    ["09:00"],
    ["09:00", "12:00", "17:00"],
    ["09:00", None],
    [540, 1020],
    [],
    {},
    {"from": "09:00", "until": "17:00"},
    "09:00-17:00",
    None,
    540,
    [["09:00", "17:00"]],
]


@pytest.mark.parametrize("window", BAD_WINDOWS, ids=repr)
def test_a_window_that_is_none_is_named_with_its_day(window: Any) -> None:  # R11.1
    windows = {"mon": [["08:00", "08:30"]], "sat": [["08:00", "08:30"], window]}
    expected = (400, "dialer.calling_hours.windows.sat[1]", WINDOW)
    assert refusal({"calling_hours": {"windows": windows}}) == expected


def test_a_night_in_one_window_is_told_how_to_be_two() -> None:  # R11.1
    rule = f"{WINDOW}; a night is two windows: until 24:00, and from 00:00 on the next day"
    field = "dialer.calling_hours.windows.fri[0]"
    assert refusal({"calling_hours": {"windows": {"fri": [["22:00", "06:00"]]}}}) == (400, field, rule)


OVERLAPS = [
    ([["09:00", "12:00"], ["11:59", "17:00"]], 1, 0),
    ([["11:59", "17:00"], ["09:00", "12:00"]], 1, 0),
    ([["09:00", "17:00"], ["18:00", "19:00"], ["10:00", "11:00"]], 2, 0),
    ([["09:00", "17:00"], ["09:00", "17:00"]], 1, 0),
]


@pytest.mark.parametrize(("windows", "at", "other"), OVERLAPS)
def test_overlapping_windows_are_refused(windows: list[Any], at: int, other: int) -> None:
    expected = (422, f"dialer.calling_hours.windows.wed[{at}]", f"overlaps with [{other}] of the same day")
    assert refusal({"calling_hours": {"windows": {"wed": windows}}}) == expected


BAD_HOURS = [
    ({"windows": {"monday": [["09:00", "17:00"]]}}, "windows.monday", "is not known"),
    ({"windows": {"Mon": [["09:00", "17:00"]]}}, "windows.Mon", "is not known"),
    ({"windows": [["09:00", "17:00"]]}, "windows", "expected `object | null`, got `array`"),
    ({"windows": {"mon": [["09:00", "09:01"]] * 49}}, "windows.mon", "expected `array` of length <= 48"),
    ({"days_off": ["2026-02-30"]}, "days_off[0]", "is not a date that exists: day is out of range for month"),
    ({"days_off": ["0000-01-01"]}, "days_off[0]", "is not a date that exists: year 0 is out of range"),
    ({"days_off": ["2026-12-25T00:00:00Z"]}, "days_off[0]", "must be a date such as 2026-12-25"),
    ({"days_off": ["25.12.2026"]}, "days_off[0]", "must be a date such as 2026-12-25"),
    ({"days_off": ["20261225"]}, "days_off[0]", "must be a date such as 2026-12-25"),
    ({"days_off": ["2026-12-25", 20261226]}, "days_off[1]", "must be a date such as 2026-12-25"),
    ({"days_off": ["2026-12-25"] * 1001}, "days_off", "expected `array` of length <= 1000"),
    ({"days_off": "2026-12-25"}, "days_off", "expected `array | null`, got `str`"),
    ({"zone": ""}, "zone", "expected `str` of length >= 1"),
    ({"zone": "x" * 65}, "zone", "expected `str` of length <= 64"),
    ({"zone": 1}, "zone", "expected `str | null`, got `int`"),
    ({"campaign_zone": "x" * 65}, "campaign_zone", "expected `str` of length <= 64"),
    ({"holidays": "x" * 65}, "holidays", "expected `str` of length <= 64"),
    ({"holidays": ["US"]}, "holidays", "expected `str | null`, got `array`"),
    ({"window": {}}, "window", "is not known"),
]


@pytest.mark.parametrize(("hours", "field", "rule"), BAD_HOURS, ids=lambda each: str(each)[:40])
def test_hours_that_are_not_right(hours: dict[str, Any], field: str, rule: str) -> None:
    assert refusal({"calling_hours": hours}) == (400, f"dialer.calling_hours.{field}", rule)


def test_limits_as_they_are_sent_and_shown() -> None:  # R12.1, R12.2
    sent = [
        {"max": 3, "per": "P1D", "scope": "number"},
        {"max": 7, "per": "P7D", "scope": "lead", "promised": True},
        {"min_gap": "PT2H"},
        {"pause_after_conversation": "P7D", "promised": True},
    ]
    dialer = put({"contact_limits": sent})
    assert dialer.contact_limits == (
        ContactLimit("max", DAY_MS, 3, "number"),
        ContactLimit("max", 7 * DAY_MS, 7, "lead", promised=True),
        ContactLimit("min_gap", DAY_MS // 12),
        ContactLimit("pause_after_conversation", 7 * DAY_MS, promised=True),
    )
    assert shown(dialer)["contact_limits"] == sent
    assert put({"priority": 3}, dialer).contact_limits == dialer.contact_limits
    assert put({"contact_limits": None}, dialer).contact_limits == ()
    assert put({"contact_limits": []}, dialer).contact_limits == ()


def test_a_scope_is_a_number_unless_said_and_spans_are_read_both_ways() -> None:
    sent = [{"max": 3, "per": "24h", "promised": False}]
    assert shown(put({"contact_limits": sent}))["contact_limits"] == [{"max": 3, "per": "P1D", "scope": "number"}]


ONE_KIND = "must have exactly one of max, min_gap, pause_after_conversation"
BAD_LIMITS = [
    ({}, "", ONE_KIND),
    ({"promised": True}, "", ONE_KIND),
    ({"per": "P1D", "scope": "lead"}, "", ONE_KIND),
    ({"max": 3, "per": "P1D", "min_gap": "PT1H"}, "", ONE_KIND),
    ({"min_gap": "PT1H", "pause_after_conversation": "PT1H"}, "", ONE_KIND),
    ({"max": 3}, ".per", "is required with max"),
    ({"max": 0, "per": "P1D"}, ".max", "expected `int` >= 1"),
    ({"max": 1001, "per": "P1D"}, ".max", "expected `int` <= 1000"),
    ({"max": 10**30, "per": "P1D"}, ".max", None),
    ({"max": 2.5, "per": "P1D"}, ".max", None),
    ({"max": "3", "per": "P1D"}, ".max", "expected `int`, got `str`"),
    ({"max": 3, "per": "PT0S"}, ".per", "must be longer than nothing"),
    ({"max": 3, "per": "P1M"}, ".per", "must be a duration such as PT3H30M or 3h30m"),
    ({"max": 3, "per": "-P1D"}, ".per", "must be a duration such as PT3H30M or 3h30m"),
    ({"max": 3, "per": "P99999999D"}, ".per", "must be at most 36500 days"),
    ({"max": 3, "per": 86400}, ".per", "must be a duration such as PT3H30M or 3h30m"),
    ({"max": 3, "per": "P1D", "scope": "person"}, ".scope", "must be one of lead, number"),
    ({"min_gap": "PT1H", "scope": "lead"}, ".scope", "goes with max only"),
    ({"min_gap": "PT1H", "per": "P1D"}, ".per", "goes with max only"),
    ({"min_gap": "PT0S"}, ".min_gap", "must be longer than nothing"),
    ({"min_gap": None}, ".min_gap", None),
    ({"pause_after_conversation": "0s"}, ".pause_after_conversation", "must be longer than nothing"),
    ({"min_gap": "PT1H", "promised": "yes"}, ".promised", "expected `bool`, got `str`"),
    ({"min_gap": "PT1H", "most": 3}, ".most", "is not known"),
]


@pytest.mark.parametrize(("limit", "field", "rule"), BAD_LIMITS, ids=str)
def test_limits_that_are_not_right(limit: dict[str, Any], field: str, rule: str | None) -> None:
    status, found, message = refusal({"contact_limits": [{"min_gap": "PT1H"}, limit]})
    assert (status, found, message) == (400, f"dialer.contact_limits[1]{field}", rule or message)


@pytest.mark.parametrize(
    ("limit", "field"),
    [
        ({"max": 3, "per": "P367D"}, "per"),
        ({"min_gap": "P367D"}, "min_gap"),
        ({"pause_after_conversation": "P366DT1S"}, "pause_after_conversation"),
    ],
)
def test_limits_that_look_back_too_far(limit: dict[str, Any], field: str) -> None:
    expected = (422, f"dialer.contact_limits[1].{field}", "must be at most 366 days")
    assert refusal({"contact_limits": [{"min_gap": "P366D"}, limit]}) == expected


def test_too_many_limits() -> None:
    status, field, _ = refusal({"contact_limits": [{"min_gap": "PT1H"}] * 21})
    assert (status, field) == (400, "dialer.contact_limits")


def test_limits_of_the_organisation() -> None:  # R12.1
    body = decode(SettingsBody, b'{"contact_limits": [{"min_gap": "PT1H"}], "leases_per_agent": 2}')
    assert settings_fields(body)["contact_limits"] == (ContactLimit("min_gap", 3_600_000),)
    cleared = settings_fields(decode(SettingsBody, b'{"contact_limits": null}'))
    assert cleared["contact_limits"] == ()
    untouched = settings_fields(decode(SettingsBody, b'{"leases_per_agent": 2}'))
    assert untouched == {"leases_per_agent": 2, "contact_limits": msgspec.UNSET}
    with pytest.raises(ProblemError, match=r"^contact_limits\[0\].per: is required with max"):
        settings_fields(decode(SettingsBody, b'{"contact_limits": [{"max": 2}]}'))
