"""Calling hours: when a campaign is open for leads of some zones (SPEC 11).

Rules of this file:

1. Hours are what a clock on the wall says there: at a moment a zone is open when its local date is no day off and its
   local time is in a window of that weekday. So both clock changes are right without a special case.
2. Several zones are open when all of them are. If that is never (no moment of the coming year), the campaign's zone
   counts instead.
3. A span's end does not depend on the moment it was asked at: whoever asks within a span gets the same end.
"""

from typing import Protocol

from msgspec import Struct

from .almanac import Almanac
from .setup_model import CallingHours


class Span(Struct, frozen=True, gc=False):
    """Whether it is open, and until when that stays so (exclusive); None: for ever, as far as can be told."""

    open: bool
    until_ms: int | None


class Calendar(Protocol):
    """One campaign's hours in one set of zones. `is_substitute`: the zones are never open together (rule 2)."""

    zones: tuple[str, ...]
    is_substitute: bool

    def at(self, at_ms: int) -> Span:
        """The span that a moment is in. O(1) within the last span asked for, else some look-ups of zone rules."""
        ...

    def opens_ms(self, at_ms: int) -> int | None:
        """The first moment at or after this one at which it is open; None if there is none."""
        ...

    def describe(self, at_ms: int) -> str:
        """Local time and what is open that day, in words: for explanations and the history of an offer."""
        ...


def calendar_of(hours: CallingHours, zones: tuple[str, ...], almanac: Almanac, now_ms: int) -> Calendar:
    """Hours for leads that may be in any of these zones; of the campaign's when there are none."""
    raise NotImplementedError
