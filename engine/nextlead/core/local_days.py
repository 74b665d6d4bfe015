"""What calling hours say of local dates, and what the clocks of a zone say at a moment (SPEC 11).

Days are counted from 1970-01-01; a moment's local day and time of day are `divmod(at_ms + offset_ms, DAY_MS)`.
"""

from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final

from .almanac import Almanac, zone_named
from .row import DAY_MS, MINUTE_MS
from .setup_model import CallingHours, Window

LAST_MS: Final = int(datetime(9999, 12, 1, tzinfo=UTC).timestamp()) * 1000
"""Calendars end here."""

WEEK_MINUTES: Final = 7 * 1440
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ALL_DAY: Final = ((0, 1440),)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_SECOND: Final = timedelta(seconds=1)
_STEADY_MS: Final = 6 * DAY_MS
"""No zone has changed its clocks twice within six days since 1970, nor will by the rules of today (six days and 23
hours, in Gaza and Recife)."""

_YEARS_AHEAD: Final = 2
"""How far ahead the next public holiday is looked for."""


class LocalDays:
    """Windows and days off of one campaign, by local day."""

    def __init__(self, hours: CallingHours, almanac: Almanac) -> None:
        week = (_ALL_DAY,) * 7 if hours.windows is None else hours.windows
        self.windows = tuple(_merged(day) for day in week)
        self._edges = tuple(tuple(m * MINUTE_MS for window in day for m in window) for day in self.windows)
        self._texts = tuple(
            ", ".join(f"{format_clock(start)}-{format_clock(end)}" for start, end in day) for day in self.windows
        )
        self.always = all(day == _ALL_DAY for day in self.windows)
        """Nothing but days off closes it."""
        self._days_off = sorted({date.fromisoformat(text).toordinal() - _EPOCH for text in hours.days_off})
        self._off = frozenset(self._days_off)
        self.count_off = len(self._off)
        self._place = hours.holidays
        self._almanac = almanac
        self._holidays: dict[int, list[int]] = {}

    def is_off(self, day: int) -> bool:
        """Whether a local day is a day off. O(1)."""
        if day in self._off:
            return True
        return bool(self._place) and day in self._holidays_of(date.fromordinal(day + _EPOCH).year)

    def edges(self, day: int) -> tuple[int, ...]:
        """When a local day opens, closes, opens ...: milliseconds after midnight, none on a day off. O(1)."""
        edges = self._edges[(day + 3) % 7]
        return () if edges and self.is_off(day) else edges

    def next_off(self, day: int) -> int | None:
        """The first day off on or after a local day; None if there is none, or no holiday for two years."""
        found = self._days_off[bisect_left(self._days_off, day) :][:1]
        year = date.fromordinal(day + _EPOCH).year
        for ahead in range(year, min(year + _YEARS_AHEAD, 9999) + 1) if self._place else ():
            holidays = [holiday for holiday in self._holidays_of(ahead) if holiday >= day]
            if holidays:
                found.append(holidays[0])
                break
        return min(found, default=None)

    def week(self) -> int:
        """The minutes of a local week, Monday first, as bits: set where a window is."""
        bits = 0
        for weekday, windows in enumerate(self.windows):
            for start, end in windows:
                bits |= ((1 << (end - start)) - 1) << (weekday * 1440 + start)
        return bits

    def describe(self, day: int, into_ms: int) -> str:
        """What a local time of a local day is to these hours: `open 09:00-17:00`, `closed`, `day off`."""
        if self.is_off(day):
            return "day off"
        windows = self.windows[(day + 3) % 7]
        if not windows:
            return "closed all day"
        is_open = any(start * MINUTE_MS <= into_ms < end * MINUTE_MS for start, end in windows)
        texts = self._texts[(day + 3) % 7]
        return f"open {texts}" if is_open else f"closed, hours {texts}"

    def _holidays_of(self, year: int) -> list[int]:
        known = self._holidays.get(year)
        if known is None:
            known = sorted(day.toordinal() - _EPOCH for day in self._almanac.holidays(self._place, year))
            self._holidays[year] = known
        return known


class Clocks:
    """The clocks of one zone."""

    def __init__(self, name: str) -> None:
        zone = zone_named(name)
        assert zone is not None, name
        self._zone = zone
        self._offset_ms = 0
        self._from_ms = self._until_ms = 0

    def steady(self, at_ms: int) -> tuple[int, int]:
        """Offset from UTC at a moment, and a moment until which (exclusive) it surely stays so: at most six days.

        Stretches of all zones end together, but for those that a change ends. O(1) within the one last asked for, else
        some look-ups of the zone's rules.
        """
        if not self._from_ms <= at_ms < self._until_ms:
            first, last = at_ms // 1000, (at_ms // _STEADY_MS + 1) * _STEADY_MS // 1000
            offset = self._seconds(first)
            if self._seconds(last) != offset:
                last = self._change(first, last, offset)
            self._offset_ms, self._from_ms, self._until_ms = offset * 1000, at_ms, last * 1000
        return self._offset_ms, self._until_ms

    def _change(self, first: int, last: int, offset: int) -> int:
        """The second at which the offset becomes another: bisects between one that has it and one that has not."""
        while last - first > 1:
            middle = (first + last) // 2
            if self._seconds(middle) == offset:
                first = middle
            else:
                last = middle
        return last

    def _seconds(self, at: int) -> int:
        offset = datetime.fromtimestamp(at, self._zone).utcoffset()
        assert offset is not None
        return offset // _SECOND


def local_time(day: int, into_ms: int) -> str:
    """A local day and time of day as people write it: `Mon 2026-03-09 09:12`."""
    return f"{_date(day)} {format_clock(into_ms // MINUTE_MS)}"


@lru_cache(maxsize=64)
def _date(day: int) -> str:
    return f"{WEEKDAYS[(day + 3) % 7]} {date.fromordinal(day + _EPOCH).isoformat()}"


def format_clock(minute: int) -> str:
    """A time of day, in minutes after midnight, as `HH:MM`."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _merged(day: tuple[Window, ...]) -> tuple[Window, ...]:
    """Windows in order, those that touch as one."""
    ordered = sorted(day)
    starts = [now[0] for before, now in pairwise([(-1, -1), *ordered]) if now[0] > before[1]]
    ends = [now[1] for now, after in pairwise([*ordered, (1441, 1441)]) if after[0] > now[1]]
    return tuple(zip(starts, ends, strict=True))
