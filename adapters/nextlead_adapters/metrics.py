"""Prometheus metrics, read from the engine and the dialer's counts at the scrape; nothing is counted here.

So a metric costs the work of agents nothing (`runtime/stats.py` adds to plain ints), and a scrape shows one moment of
each organisation: there is no await in that. docs/operating.md says which to look at. No label takes an unbounded set
of values: organisations, campaigns, statuses, causes, reasons. Public statuses and their reasons are those of status
schemes and of campaigns' results.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from nextlead.core.replies import IdleCounts
from nextlead.core.standing import settle_ahead
from nextlead.runtime.dialer import Dialer
from nextlead.runtime.stats import Histogram
from nextlead.runtime.vocabulary import Vocabulary

ORGANISATION: Final = "organisation"
_HEAD: Final = b"\n# HELP "
Values = (
    Mapping[tuple[()], float]
    | Mapping[tuple[str], float]
    | Mapping[tuple[str, str], float]
    | Mapping[tuple[str, str, str], float]
)


class DialerCollector(Collector):
    """One organisation's metrics.

    A scrape is O(queues + leases + agents who wait), and O(log n) for each part of the queues in which something
    happened since the last; see `Engine.idle_counts`. What of that can be done before, `exposition` has done in slices.
    """

    def __init__(self, dialer: Dialer, organisation: str) -> None:
        self._dialer = dialer
        self._organisation = organisation

    def collect(self) -> Iterable[Metric]:
        """Everything, as it is now."""
        yield from self._engine()
        yield from self._idle(self._dialer.engine.idle_counts(self._dialer.now_ms()))
        yield from self._runtime()
        yield from self._totals()

    def _engine(self) -> Iterator[Metric]:
        engine = self._dialer.engine
        yield self._gauges("leads", "Leads, open and closed, by status.", ("campaign", "status"), engine.counts())
        yield self._gauges(
            "leads_by_public_status",
            "Leads, open and closed, by the public status and reason of their campaign's status scheme.",
            ("campaign", "public_status", "reason"),
            self._public(),
        )
        ready = engine.ready_counts(self._dialer.now_ms())
        yield self._gauges("leads_ready", "Leads that could be offered now, by class.", ("campaign", "class"), ready)
        yield self._gauge("leases", "Leases that are out.", engine.leases)
        yield self._gauge("agents_waiting", "Agents that wait for a lead.", engine.waiting)
        yield self._gauge(
            "timers_pending", "Timers that run: releases, lease ends, abandonments.", engine.timers_pending
        )

    def _public(self) -> dict[tuple[str, str, str], int]:
        """O(conditions); see `Engine.conditions`."""
        engine = self._dialer.engine
        words = Vocabulary(engine, None)
        found: dict[tuple[str, str, str], int] = {}
        for (code, condition), count in engine.conditions().items():
            _, status, reason = words.name(engine.campaigns.need(code).no, condition)
            found[code, status, reason or ""] = found.get((code, status, reason or ""), 0) + count
        return found

    def _idle(self, idle: IdleCounts) -> Iterator[Metric]:
        blocked = {(each.campaign, reason): n for each in idle.campaigns for reason, n in each.blocked.items()}
        yield self._gauges(
            "leads_blocked", "Open leads by the first rule that keeps them back.", ("campaign", "reason"), blocked
        )
        agents = {(reason,): n for reason, n in idle.waiting.items()}
        yield self._gauges("agents_idle", "Agents that wait, by what chiefly keeps leads back.", ("reason",), agents)
        opening = {(each.campaign,): each.next_ms / 1000 for each in idle.campaigns if each.next_ms is not None}
        yield self._gauges(
            "next_opening_timestamp_seconds", "When time alone brings the next lead.", ("campaign",), opening
        )

    def _runtime(self) -> Iterator[Metric]:
        stats = self._dialer.stats
        yield self._histograms(
            "next_seconds", "Time to the answer of a next that did not wait.", "answer", stats.next_seconds
        )
        yield self._histogram("finish_seconds", "Time to the answer of a finish.", stats.finish_seconds)
        yield self._histogram("commit_seconds", "Time that a commit took.", stats.commit_seconds)
        yield self._histogram("commit_batch_size", "Replies that a commit released.", stats.commit_batch_size)
        yield self._gauge("commit_queue", "Commands that wait to become durable.", self._dialer.queued)
        lateness = stats.redial_lateness_seconds
        yield self._histograms("redial_lateness_seconds", "How late a promised redial was offered.", "kind", lateness)
        yield self._gauge(
            "recovery_seconds", "Time that the last start took to load and catch up.", stats.recovery_seconds
        )

    def _totals(self) -> Iterator[Metric]:
        stats = self._dialer.stats
        yield self._counters("releases", "Promised redials that were released.", ("kind", "cause"), stats.releases)
        closed = self._by_campaign(stats.closures)
        yield self._counters("closed", "Leads that closed.", ("campaign", "closure"), closed)
        attempts = self._by_campaign(stats.attempts)
        yield self._counters("attempts", "Attempts that were counted.", ("campaign", "outcome"), attempts)
        yield self._counters(
            "storage_errors", "Commits that failed and were tried again.", (), {(): stats.storage_errors}
        )
        steps = self._dialer.clock.steps
        yield self._counters("clock_steps", "Steps of the computer's clock over a minute.", (), {(): steps})
        faults = self._dialer.engine.faults
        yield self._counters("faults", "Leads that a rule forbids and the last look stopped.", (), {(): faults})

    def _by_campaign(self, counts: Mapping[tuple[int, str], int]) -> dict[tuple[str, str], int]:
        campaigns = self._dialer.engine.campaigns.by_no
        return {(campaigns[no].code, word): n for (no, word), n in counts.items() if no in campaigns}

    def _gauge(self, name: str, text: str, value: float) -> Metric:
        return self._gauges(name, text, (), {(): value})

    def _gauges(self, name: str, text: str, labels: tuple[str, ...], values: Values) -> Metric:
        family = GaugeMetricFamily(f"nextlead_{name}", text, labels=(ORGANISATION, *labels))
        for key, value in list(values.items()):
            family.add_metric((self._organisation, *key), value)
        return family

    def _counters(self, name: str, text: str, labels: tuple[str, ...], values: Values) -> Metric:
        family = CounterMetricFamily(f"nextlead_{name}", text, labels=(ORGANISATION, *labels))
        for key, value in list(values.items()):
            family.add_metric((self._organisation, *key), value)
        return family

    def _histogram(self, name: str, text: str, histogram: Histogram) -> Metric:
        family = HistogramMetricFamily(f"nextlead_{name}", text, labels=(ORGANISATION,))
        family.add_metric((self._organisation,), _buckets(histogram), histogram.total)
        return family

    def _histograms(self, name: str, text: str, label: str, histograms: Mapping[str, Histogram]) -> Metric:
        family = HistogramMetricFamily(f"nextlead_{name}", text, labels=(ORGANISATION, label))
        for word, histogram in histograms.items():
            family.add_metric((self._organisation, word), _buckets(histogram), histogram.total)
        return family


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Cumulated, as Prometheus wants them."""
    found, running = [], 0
    for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        running += count
        found.append(("+Inf" if bound == float("inf") else str(bound), float(running)))
    return found


async def exposition(dialers: Sequence[tuple[str, Dialer]]) -> bytes:
    """The metrics in Prometheus's text format, of dialers with their organisations' codes: each metric once.

    Between two organisations, and while parts of queues are counted anew, others have their turn. Each one's series are
    of one moment.
    """
    metrics: dict[bytes, list[bytes]] = {}
    for organisation, dialer in dialers:
        for _ in settle_ahead(dialer.engine.state, dialer.now_ms()):
            await asyncio.sleep(0)
        for head, series in _series(organisation, dialer):
            metrics.setdefault(head, []).append(series)
        await asyncio.sleep(0)
    return b"".join(head + b"".join(each) for head, each in metrics.items())


def _series(organisation: str, dialer: Dialer) -> Iterator[tuple[bytes, bytes]]:
    """Of each metric the two lines that say what it is, and its series. No name or value has a line's end in it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DialerCollector(dialer, organisation))
    text = b"\n" + generate_latest(registry).rstrip(b"\n")
    for metric in text.split(_HEAD)[1:]:
        about, kind, *series = metric.split(b"\n", 2)
        yield b"# HELP " + about + b"\n" + kind + b"\n", b"".join(each + b"\n" for each in series)
