"""Times and durations as people write them: `10:00`, `2026-03-09 10:00:01`, `3h30m`."""

import re
from datetime import UTC, datetime
from typing import Final

UNITS_MS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000}
DURATION: Final = r"(?:\d+[dhms])+"
TIME: Final = r"(?:\d{4}-\d{2}-\d{2} )?\d{1,2}:\d{2}(?::\d{2})?"
START_MS: Final = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp()) * 1000
"""Every scenario starts at midnight before Monday 2026-03-02, UTC."""


def duration_ms(text: str) -> int:
    return sum(int(n) * UNITS_MS[unit] for n, unit in re.findall(r"(\d+)([dhms])", text))


def time_ms(text: str, now_ms: int) -> int:
    """A time without a date is on the day of `now_ms`."""
    date, _, clock = text.rpartition(" ")
    date = date or moment(now_ms).strftime("%Y-%m-%d")
    layout = "%Y-%m-%d %H:%M:%S" if clock.count(":") == 2 else "%Y-%m-%d %H:%M"
    return int(datetime.strptime(f"{date} {clock}", layout).replace(tzinfo=UTC).timestamp()) * 1000


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def show_ms(ms: int) -> str:
    """`2026-03-02 10:00`, with seconds and milliseconds only where there are some."""
    text = moment(ms).strftime("%Y-%m-%d %H:%M")
    seconds, rest = divmod(ms % 60_000, 1000)
    if rest:
        return f"{text}:{seconds:02}.{rest:03}"
    return f"{text}:{seconds:02}" if seconds else text
