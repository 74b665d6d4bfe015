"""What the runtime counts."""

from nextlead.core.changes import Changes
from nextlead.core.model import REDIAL_KINDS, Event, Lead, Lease, Promise, Status
from nextlead.core.replies import Offer
from nextlead.runtime.stats import Histogram, Stats


def event(kind: str, before: Status, after: Status, closure: str | None = None, cause: str = "") -> Event:
    return Event(1, 0, 0, 0, "system", kind, before, after, closure, -1, cause)


def changes(*events: Event) -> Changes:
    lead = Lead(1, 5, 1, 1, events[-1].status, -1, -1, (14155550100,))
    return Changes(leads={1: lead}, events=list(events))


def test_a_histogram_counts_a_value_on_a_bound_below_it() -> None:
    histogram = Histogram((0.1, 1.0))
    for value in (0.05, 0.1, 0.2, 1.0, 3.0):
        histogram.observe(value)
    assert histogram.counts == [2, 2, 1]
    assert histogram.count == 5
    assert histogram.total == 0.05 + 0.1 + 0.2 + 1.0 + 3.0


def test_attempts_and_closures_are_counted_by_campaign() -> None:
    stats = Stats()
    stats.committed(changes(event("leased", Status.UNPROCESSED, Status.UNPROCESSED)))
    stats.committed(changes(event("resolved", Status.UNPROCESSED, Status.CLOSED, "success")))
    stats.committed(changes(event("unreached", Status.UNPROCESSED, Status.AUTOMATIC_REDIAL)))
    assert stats.attempts == {(5, "resolved"): 1, (5, "unreached"): 1}
    assert stats.closures == {(5, "success"): 1}


def test_releases_are_counted_by_kind_and_cause() -> None:
    stats = Stats()
    stats.committed(changes(event("released", Status.VIP_REDIAL, Status.VIP_REDIAL, cause="timer")))
    assert stats.releases == {("vip", "timer"): 1}


def offer(status: Status, rank: int, *, repeated: bool = False) -> Offer:
    promise = Promise(status, 1_000, 2) if status in REDIAL_KINDS.values() else None
    lead = Lead(
        1, 5, 1, 1, status, 2, -1, (14155550100,), promise=promise, lease=Lease(bytes(16), 2, 3_000, 3_000, 1, rank)
    )
    return Offer(lead, rank, 5, 1_000, 9_000, repeated=repeated)


def test_lateness_is_observed_of_promised_redials_once() -> None:
    stats = Stats()
    stats.offered(offer(Status.PRIVATE_REDIAL, 5))
    stats.offered(offer(Status.PRIVATE_REDIAL, 5, repeated=True))
    stats.offered(offer(Status.AUTOMATIC_REDIAL, 8))
    stats.offered(offer(Status.VIP_REDIAL, 1))
    stats.offered(offer(Status.VIP_REDIAL, 0))
    counts = {kind: histogram.count for kind, histogram in stats.redial_lateness_seconds.items()}
    assert counts == {"common": 0, "private": 1, "vip": 0}
    assert stats.redial_lateness_seconds["private"].total == 2.0
