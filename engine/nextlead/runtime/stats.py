"""What the runtime counts: plain ints, read by a metrics adapter when it is scraped, never the other way round."""

from bisect import bisect_left
from typing import Final, TypeVar

from nextlead.core.changes import Changes
from nextlead.core.model import REDIAL_KINDS, Status
from nextlead.core.replies import Offer

ATTEMPTS: Final = frozenset(
    {"resolved", "redial", "unreached", "unresolved", "lease_timeout", "logged_off", "agent_disabled", "ended"}
)
"""Events that count an attempt (SPEC R6.1); their names are the outcomes."""

RELEASED: Final = "released"
"""The event of a redial's release (SPEC R4.4 to R4.6)."""

_REDIAL_RANKS: Final = range(2, 8)
"""Classes of promised redials (SPEC R2.1); one that is urgent, or taken by hand, comes when it comes."""

_CLOSED: Final = Status.CLOSED
_KINDS: Final = {status: kind for kind, status in REDIAL_KINDS.items()}

SECONDS: Final = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Bounds of answers and commits: from what memory takes to what a failing disk takes."""

LATENESS: Final = (0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
"""Bounds of how late a redial is offered: from the runtime's own delay to a day."""

SIZES: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10000.0)
"""Bounds of the number of replies that one commit releases."""


class Histogram:
    """Counts per bucket. `counts[i]` are values up to `bounds[i]`, not cumulated; the last one is everything above."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value; O(log buckets)."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.counts)


class Stats:
    """All counts of one dialer, since it was opened.

    `next_seconds` are of calls that did not wait for a lead, by answer: lead, none. `releases` are by (kind, cause),
    `closures` by (campaign number, closure), `attempts` by (campaign number, outcome); all three count what is durable.
    """

    def __init__(self) -> None:
        self.commit_seconds = Histogram()
        self.commit_batch_size = Histogram(SIZES)
        self.next_seconds = {"lead": Histogram(), "none": Histogram()}
        self.finish_seconds = Histogram()
        self.redial_lateness_seconds = {kind: Histogram(LATENESS) for kind in REDIAL_KINDS}
        self.storage_errors = 0
        self.recovery_seconds = 0.0
        self.releases: dict[tuple[str, str], int] = {}
        self.closures: dict[tuple[int, str], int] = {}
        self.attempts: dict[tuple[int, str], int] = {}

    def committed(self, changes: Changes) -> None:
        """Count what a commit made durable; O(events)."""
        for event in changes.events:
            lead = changes.leads.get(event.lead)
            if lead is None:
                continue
            if event.kind in ATTEMPTS:
                _add(self.attempts, (lead.campaign, event.kind))
            if event.status is _CLOSED is not event.status_before:
                _add(self.closures, (lead.campaign, event.closure or ""))
            if event.kind == RELEASED:
                _add(self.releases, (_KINDS.get(event.status, event.status.code), event.cause))

    def offered(self, offer: Offer) -> None:
        """Count how late a promised redial comes to its agent; an offer that was out already is not counted again."""
        lead = offer.lead
        if lead.promise is None or offer.repeated or offer.rank not in _REDIAL_RANKS:
            return
        self.redial_lateness_seconds[_KINDS[lead.status]].observe(offer.why.late_ms / 1000)


_Key = TypeVar("_Key")


def _add(counts: dict[_Key, int], key: _Key) -> None:
    counts[key] = counts.get(key, 0) + 1
