"""Times, durations, dates and times of day as people write them, and as the engine counts them: whole milliseconds.

Rules of this file:

1. A time has an offset. One without is refused: nobody can know which moment it means.
2. Every time that is given out is UTC with `Z`, and has milliseconds only when they are not zero.
3. Durations are ISO 8601 without years and months, whose length depends on the calendar. `3h30m` is understood too.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
TIME_MAX_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999."""
SPAN_MAX_MS: Final = 36_500 * 86_400_000
"""The longest duration, about a hundred years."""

_TIME: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:([Zz])|([+-])(\d\d):?(\d\d))?", re.ASCII
)
_UNITS: Final = (("W", 604_800_000), ("D", 86_400_000), ("H", 3_600_000), ("M", 60_000), ("S", 1_000))
_NUMBER: Final = r"(\d{1,9})"
_SECONDS: Final = r"(\d{1,9}(?:\.\d{1,3})?)"
_ISO: Final = re.compile(
    rf"P(?=.)(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?=.)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_SECONDS}S)?)?", re.ASCII
)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)
_SHORT: Final = re.compile(
    rf"(?=.)(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_SECONDS}S)?", re.ASCII
)


def parse_time(text: str) -> int:
    """Epoch milliseconds of an RFC 3339 time; finer digits are cut off. Raises `ValueError` with the rule it breaks."""
    match = _TIME.fullmatch(text)
    if match is None:
        if _TIME.fullmatch("+".join(text.rsplit(" ", 1))):
            raise ValueError("has a space before its offset: write the + as %2B in an address")
        raise ValueError("must be an RFC 3339 time such as 2026-03-02T10:00:00Z")
    year, month, day, hour, minute, second, fraction, zulu, sign, ahead_h, ahead_min = match.groups()
    if not (zulu or sign):
        raise ValueError("must have an offset from UTC, such as Z or +02:00")
    try:
        local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"is not a time that exists: {error}") from None
    ms = (local - _EPOCH) // _MS + int((fraction or "0")[:3].ljust(3, "0"))
    if sign:
        ms -= _offset_ms(sign, int(ahead_h), int(ahead_min))
    if not 0 <= ms <= TIME_MAX_MS:
        raise ValueError("must be between the years 1970 and 9999")
    return ms


def _offset_ms(sign: str, hours: int, minutes: int) -> int:
    if hours > 23 or minutes > 59:
        raise ValueError("has an offset that does not exist")
    offset_ms = (hours * 60 + minutes) * 60_000
    return -offset_ms if sign == "-" else offset_ms


@lru_cache(maxsize=8192)
def format_time(ms: int) -> str:
    """`2026-03-02T10:00:00Z`, with `.250` before the `Z` when there are milliseconds."""
    seconds, rest = divmod(ms, 1000)
    text = _second(seconds)
    return f"{text}.{rest:03}Z" if rest else f"{text}Z"


@lru_cache(maxsize=8192)
def _second(seconds: int) -> str:
    """Nearly every answer has times of its own, but many of them in one second."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


def parse_span(text: str) -> int:
    """Milliseconds of `PT3H30M` or `3h30m`. Raises `ValueError` with the rule it breaks."""
    upper = text.strip().upper()
    match = _ISO.fullmatch(upper) or _SHORT.fullmatch(upper)
    if match is None:
        raise ValueError("must be a duration such as PT3H30M or 3h30m")
    ms = 0
    for number, (_, unit_ms) in zip(match.groups(), _UNITS, strict=True):
        if number:
            whole, _, thousandths = number.partition(".")
            ms += int(whole) * unit_ms + int(thousandths.ljust(3, "0"))
    if ms > SPAN_MAX_MS:
        raise ValueError("must be at most 36500 days")
    return ms


def parse_clock(given: object) -> int | None:
    """Minutes after midnight of `HH:MM`, up to `24:00`; None for what is no time of day."""
    match = _CLOCK.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        return None
    return int(match[1]) * 60 + int(match[2]) if match[1] else 24 * 60


def parse_day(given: object) -> str:
    """`2026-12-25`, if there is such a date; raises `ValueError` with the rule it breaks."""
    if not isinstance(given, str) or not _DAY.fullmatch(given):
        raise ValueError("must be a date such as 2026-12-25")
    try:
        return date.fromisoformat(given).isoformat()
    except ValueError as error:
        raise ValueError(f"is not a date that exists: {error}") from None
