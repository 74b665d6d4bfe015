"""Times and durations at the edge: what is understood, what is refused and why, and that nothing is lost on the way."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextlead.core.spans import format_span, span_in_words
from nextlead_adapters.http.times import SPAN_MAX_MS, TIME_MAX_MS, format_time, parse_span, parse_time

TEN = int(datetime(2026, 3, 2, 10, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-03-02T10:00:00Z", TEN),
        ("2026-03-02t10:00:00z", TEN),
        ("2026-03-02 10:00:00Z", TEN),
        ("2026-03-02T10:00Z", TEN),
        ("2026-03-02T12:00:00+02:00", TEN),
        ("2026-03-02T04:30:00-05:30", TEN),
        ("2026-03-02T10:00:00.25Z", TEN + 250),
        ("2026-03-02T10:00:00.123456789Z", TEN + 123),
        ("1970-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59.999Z", TIME_MAX_MS),
    ],
)
def test_a_time_is_understood(text: str, ms: int) -> None:
    assert parse_time(text) == ms


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("2026-03-02T10:00:00", "offset"),
        ("2026-03-02", "RFC 3339"),
        ("tomorrow", "RFC 3339"),
        ("", "RFC 3339"),
        ("2026-03-02T12:00:00 02:00", "%2B"),
        ("2026-03-02 12:00", "RFC 3339|offset"),
        ("2026-02-30T10:00:00Z", "exists"),
        ("2026-03-02T24:00:00Z", "exists"),
        ("2026-03-02T10:00:60Z", "exists"),
        ("2026-03-02T10:00:00+24:00", "offset"),
        ("1969-12-31T23:59:59Z", "1970"),
        ("9999-12-31T23:59:59-01:00", "9999"),
        ("2026-03-02T10:00:00Z\n", "RFC 3339"),
        ("٢٠٢٦-03-02T10:00:00Z", "RFC 3339"),
    ],
)
def test_a_time_is_refused_with_the_rule(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        parse_time(text)


def test_a_time_is_given_in_utc_with_milliseconds_only_when_there_are_some() -> None:
    assert format_time(TEN) == "2026-03-02T10:00:00Z"
    assert format_time(TEN + 5) == "2026-03-02T10:00:00.005Z"


@given(st.integers(0, TIME_MAX_MS))
def test_a_time_comes_back_as_it_was(ms: int) -> None:
    assert parse_time(format_time(ms)) == ms


@given(st.integers(2 * 86_400, TIME_MAX_MS // 1000 - 86_400), st.integers(-23 * 60, 23 * 60))
def test_the_same_moment_in_any_offset(seconds: int, ahead_minutes: int) -> None:
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    sign = "-" if ahead_minutes < 0 else "+"
    hours, minutes = divmod(abs(ahead_minutes), 60)
    text = f"{local.isoformat()[:19]}{sign}{hours:02}:{minutes:02}"
    assert parse_time(text) == (seconds - ahead_minutes * 60) * 1000


@pytest.mark.parametrize(
    ("text", "ms", "iso"),
    [
        ("PT3H30M", 12_600_000, "PT3H30M"),
        ("3h30m", 12_600_000, "PT3H30M"),
        ("3H30M", 12_600_000, "PT3H30M"),
        ("P7D", 604_800_000, "P7D"),
        ("1w", 604_800_000, "P7D"),
        ("P1DT12H", 129_600_000, "P1DT12H"),
        ("36h", 129_600_000, "P1DT12H"),
        ("90s", 90_000, "PT1M30S"),
        ("PT0.5S", 500, "PT0.5S"),
        ("PT0S", 0, "PT0S"),
        ("0m", 0, "PT0S"),
        (" 5m ", 300_000, "PT5M"),
    ],
)
def test_a_duration_is_understood_and_given_back_as_iso(text: str, ms: int, iso: str) -> None:
    assert parse_span(text) == ms
    assert format_span(ms) == iso


@pytest.mark.parametrize("text", ["", "P", "PT", "P1Y", "P1M", "1", "3x", "-PT1H", "PT1H30", "30m3h", "1.5h", "PT1.5M"])
def test_a_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_span(text)


def test_a_duration_has_an_upper_bound() -> None:
    assert parse_span("P36500D") == SPAN_MAX_MS
    with pytest.raises(ValueError, match="36500 days"):
        parse_span("P36500DT0.001S")


@pytest.mark.parametrize("write", [format_span, span_in_words])
def test_a_negative_duration_is_never_given_out(write: Callable[[int], str]) -> None:
    with pytest.raises(ValueError, match="negative"):
        write(-1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("P1D", "1 day"),
        ("P7D", "7 days"),
        ("P1DT12H", "1 day 12 h"),
        ("PT3H30M", "3 h 30 min"),
        ("P2DT1M", "2 days 1 min"),
        ("PT1M30S", "1 min 30 s"),
        ("PT0.5S", "0.5 s"),
        ("PT0S", "0 s"),
    ],
)
def test_a_duration_is_told_to_people_in_words(text: str, words: str) -> None:  # R14.2
    assert span_in_words(parse_span(text)) == words


@given(st.integers(0, SPAN_MAX_MS))
def test_a_duration_comes_back_as_it_was(ms: int) -> None:
    assert parse_span(format_span(ms)) == ms
