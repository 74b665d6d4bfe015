"""Calling hours: when a campaign is open for leads of some zones (SPEC 11).

Rules of this file:

1. Hours are what a clock on the wall says there: at a moment a zone is open when its local date is no day off and its
   local time is in a window of that weekday. So both clock changes are right without a special case.
2. Several zones are open when all of them are. If that is never (no moment of the coming year, days off aside: those
   close every zone, and pass), the campaign's zone counts instead.
3. A span's end does not depend on the moment it was asked at: whoever asks within a span gets the same end.
"""

from bisect import bisect_right
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from .almanac import Almanac, zone_named
from .local_days import LAST_MS, WEEK_MINUTES, Clocks, LocalDays, local_time
from .row import DAY_MS, MINUTE_MS
from .setup_model import CallingHours

YEAR_MS: Final = 366 * DAY_MS
LEAD_ZONE: Final = "lead"
"""The value of `CallingHours.zone` that says: the zone of each lead."""


class Span(Struct, frozen=True, gc=False):
    """Whether it is open, and until when that stays so (exclusive); None: for ever, as far as can be told."""

    open: bool
    until_ms: int | None


NEVER: Final = Span(False, None)


class ZoneHours:
    """Hours in one zone."""

    def __init__(self, zone: str, days: LocalDays) -> None:
        self.zone = zone
        self.clocks = Clocks(zone)
        self._days = days
        self._from_ms = self._until_ms = 0
        self._span = NEVER

    def at(self, at_ms: int) -> Span:
        """The span that a moment is in. O(1) within the last one asked for, else O(days until its end)."""
        if not self._from_ms <= at_ms < self._until_ms:
            self._span = self._look(at_ms)
            self._from_ms, self._until_ms = at_ms, _end_ms(self._span)
        return self._span

    def local(self, at_ms: int) -> tuple[int, int]:
        """Local day and time of day."""
        return divmod(at_ms + self.clocks.steady(at_ms)[0], DAY_MS)

    def _look(self, at_ms: int) -> Span:
        """Goes from edge to edge of local days, until one really changes something."""
        first = None
        limit_ms = _limit_ms(at_ms, self._days)
        while at_ms < limit_ms:
            offset_ms, steady_until_ms = self.clocks.steady(at_ms)
            day, into_ms = divmod(at_ms + offset_ms, DAY_MS)
            edges = self._days.edges(day)
            passed = bisect_right(edges, into_ms)
            is_open = passed % 2 == 1
            if first is None:
                first = is_open
            elif is_open != first:
                return Span(first, at_ms)
            edge_ms = edges[passed] if passed < len(edges) else DAY_MS
            at_ms = min(at_ms + edge_ms - into_ms, steady_until_ms)
            if is_open and self._days.always:
                ahead = self._days.next_off(day + 1)
                if ahead is None:
                    break
                at_ms = max(at_ms, (ahead - 2) * DAY_MS - offset_ms)  # two days: clocks may skip one meanwhile
                limit_ms = _limit_ms(at_ms, self._days)
        return Span(first is True, None)


class Calendar:
    """One campaign's hours in one set of zones.

    `zones` are those that count. `is_substitute`: the campaign's, as the lead's own are never open together (rule 2).
    `source` is whose they are: the lead's, its number's, or the campaign's.
    """

    def __init__(self, zones: tuple[str, ...], days: LocalDays, never_together: tuple[str, ...] = ()) -> None:
        self.zones = zones
        self.is_substitute = bool(never_together)
        self.source = "campaign"
        self._never_together = never_together
        self._days = days
        self._hours = tuple(ZoneHours(zone, days) for zone in zones)
        self._week = days.week() if len(zones) > 1 else 0
        self._meeting: dict[frozenset[int], bool] = {}
        self._from_ms = self._until_ms = 0
        self._span = self._other_span = NEVER
        self._other_from_ms = self._other_until_ms = 0
        self._described: tuple[int, str] = (-1, "")
        self._allowed: tuple[int, tuple[tuple[str, str], ...]] = (-1, ())

    def at(self, at_ms: int) -> Span:
        """The span that a moment is in. O(1) within the last two asked for, else some look-ups of zone rules.

        Two, so that questions about promised times don't make those about the present slow.
        """
        if self._from_ms <= at_ms < self._until_ms:
            return self._span
        found = self._other_span, self._other_from_ms, self._other_until_ms
        if not found[1] <= at_ms < found[2]:
            span = self._look(at_ms)
            found = span, at_ms, _end_ms(span)
        self._other_span, self._other_from_ms, self._other_until_ms = self._span, self._from_ms, self._until_ms
        self._span, self._from_ms, self._until_ms = found
        return self._span

    def opens_ms(self, at_ms: int) -> int | None:
        """The first moment at or after this one at which it is open; None if there is none."""
        span = self.at(at_ms)
        return at_ms if span.open else span.until_ms

    def describe(self, at_ms: int) -> str:
        """Local time and what is open that day, in words: for explanations and the history of an offer.

        O(1) within the minute last asked for.
        """
        minute = at_ms // MINUTE_MS
        if self._described[0] != minute:
            self._described = minute, self._words(min(at_ms, LAST_MS))
        return self._described[1]

    def allowed(self, at_ms: int) -> tuple[tuple[str, str], ...]:
        """The same with whose zones they are, as the history of an offer has it. O(1) within that minute, too."""
        minute = at_ms // MINUTE_MS
        if self._allowed[0] != minute:
            self._allowed = minute, (("calling_hours", f"{self.describe(at_ms)}; zone of the {self.source}"),)
        return self._allowed[1]

    def _look(self, at_ms: int) -> Span:
        if not all(hours.at(at_ms).open for hours in self._hours):
            return Span(False, self._next_ms(at_ms))
        ends = [end for hours in self._hours if (end := hours.at(at_ms).until_ms) is not None]
        return Span(True, min(ends, default=None))

    def _next_ms(self, at_ms: int) -> int | None:
        """The first moment at which all zones are open: goes from the end of one's closed span to the next's."""
        limit_ms = _limit_ms(at_ms, self._days)
        while at_ms < limit_ms:
            spans = [span for hours in self._hours if not (span := hours.at(at_ms)).open]
            if not spans:
                return at_ms
            ends = [span.until_ms for span in spans if span.until_ms is not None]
            if len(ends) < len(spans):
                return None
            at_ms = self._skip(max(ends), limit_ms)
        return None

    def _skip(self, at_ms: int, limit_ms: int) -> int:
        """Over weeks in which no minute is open everywhere, as clocks are set then: there may be ten zones."""
        while len(self._hours) > 1 and at_ms < limit_ms:
            steady = [hours.clocks.steady(at_ms) for hours in self._hours]
            if self._meet(frozenset(offset_ms for offset_ms, _until_ms in steady)):
                break
            at_ms = min(until_ms for _offset_ms, until_ms in steady)
        return at_ms

    def _meet(self, offsets: frozenset[int]) -> bool:
        """Whether some minute of a week is open in zones with these offsets, days off aside."""
        if offsets not in self._meeting:
            together = self._week
            for offset_ms in offsets:
                together &= _shifted(self._week, offset_ms - min(offsets))
            self._meeting[offsets] = together != 0
        return self._meeting[offsets]

    def _words(self, at_ms: int) -> str:
        places: dict[str, list[str]] = {}
        for hours in self._hours:
            day, into_ms = hours.local(at_ms)
            words = f"{local_time(day, into_ms)} in %s, {self._days.describe(day, into_ms)}"
            places.setdefault(words, []).append(hours.zone)
        text = "; ".join(words % _listed(zones) for words, zones in places.items())
        if self.is_substitute:
            text += f" (the campaign's zone: {_listed(self._never_together)} are never open together)"
        return text


def calendar_of(hours: CallingHours, zones: tuple[str, ...], almanac: Almanac, now_ms: int) -> Calendar:
    """Hours for leads that may be in any of these zones; of the campaign's when there are none.

    Zones that nobody knows (any more) don't count; UTC does where no other is left.
    """
    days = LocalDays(hours, almanac)
    own = (hours.campaign_zone if zone_named(hours.campaign_zone) else "UTC",)
    if hours.zone != LEAD_ZONE:
        zones = (hours.zone,)
    calendar = Calendar(tuple(zone for zone in zones if zone_named(zone)) or own, days)
    if len(calendar.zones) > 1:
        every_day = LocalDays(replace(hours, days_off=(), holidays=""), almanac)
        if Calendar(calendar.zones, every_day).opens_ms(now_ms) is None:
            return Calendar(own, days, never_together=calendar.zones)
    return calendar


def _end_ms(span: Span) -> int:
    return LAST_MS if span.until_ms is None else span.until_ms


def _limit_ms(at_ms: int, days: LocalDays) -> int:
    """How far a change is looked for: each day off may keep one weekday of one week closed."""
    return min(at_ms + YEAR_MS + days.count_off * 7 * DAY_MS, LAST_MS)


def _shifted(week: int, by_ms: int) -> int:
    """The minutes of a week in a zone that is ahead of another by this, as minutes of the other's week."""
    ahead = by_ms // MINUTE_MS % WEEK_MINUTES
    return (week >> ahead | week << (WEEK_MINUTES - ahead)) & ((1 << WEEK_MINUTES) - 1)


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" and {names[-1]}"
