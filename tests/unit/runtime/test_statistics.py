"""Statistics equal a recount from the histories of all leads, whatever happened and whatever is asked (SPEC 13)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from unit.runtime.busy_days import AGENTS, CAMPAIGNS, BusyDays
from unit.runtime.centre import quiet

from nextlead.core.commands import Remove
from nextlead.core.conditions import Condition
from nextlead.core.engine import Engine
from nextlead.core.errors import Overloaded
from nextlead.core.model import Lead
from nextlead.core.schemes import shown_as
from nextlead.runtime import journal_counts
from nextlead.runtime.statistics import ASKING_MOST, Question, Statistician, Statistics
from nextlead.runtime.vocabulary import Order
from nextlead.testing import MemoryStore
from nextlead_adapters.scheme_files import shipped_schemes
from nextlead_adapters.sqlite import SqliteStore

SCHEMES = dict(shipped_schemes())
Public = tuple[str, str | None]


class Recount:
    """What each lead was, and when: from its history's lines alone, none of their `before`s."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.leads: dict[int, Lead] = {}
        self.past: dict[int, list[tuple[int, Condition]]] = {}

    @classmethod
    async def of(cls, days: BusyDays) -> "Recount":
        made = cls(days.dialer.engine)
        for lead in range(1, days.leads_ever + 1):
            stored = await days.dialer.archive.lead(lead)
            if stored is None:
                continue
            made.leads[lead] = stored.lead
            events = await days.dialer.archive.history(lead)
            days.done.update(event.kind for event in events)
            past = made.past[lead] = []
            if not events or events[0].kind != "loaded":
                past.append((stored.lead.created_ms, Condition(stored.lead.status.UNPROCESSED)))
            for event in events:
                rule = event.rule if event.closure == "not_accepted" else ""
                condition = Condition(event.status, event.closure, rule, event.activity)
                if event.closure == "anonymized" and past and past[-1][1].closure is not None:
                    condition = past[-1][1]  # R10.6
                past.append((event.at_ms, condition))
        return made

    def public(self, lead: Lead, condition: Condition, scheme: str | None) -> Public:
        campaign = self.engine.campaigns.by_no[lead.campaign]
        shown = shown_as(self.engine.schemes[scheme or campaign.scheme], campaign.template, condition)
        return shown.status, shown.reason

    def count(self, asked: Question) -> Counter[tuple[str, str, str | None]]:
        found: Counter[tuple[str, str, str | None]] = Counter()
        for no, lead in self.leads.items():
            code = self.engine.campaigns.by_no[lead.campaign].code
            if asked.campaign in (None, code) and asked.pool in (None, lead.pool):
                public = [(at_ms, self.public(lead, condition, asked.scheme)) for at_ms, condition in self.past[no]]
                came_to = self._came_to(lead.created_ms, public, asked)
                if came_to is not None:
                    found[code, *came_to] += 1
        return found

    @staticmethod
    def _came_to(created_ms: int, public: list[tuple[int, Public]], asked: Question) -> Public | None:
        from_ms = 0 if asked.from_ms is None else asked.from_ms
        until_ms = 1 << 60 if asked.until_ms is None else asked.until_ms
        if created_ms >= until_ms:
            return None
        if asked.by == "created":
            return public[-1][1] if created_ms >= from_ms else None
        was = [each for each in public if each[0] < until_ms]
        moved = [now for before, now in pairwise(was) if now[1] != before[1] and now[0] >= from_ms]
        return was[-1][1] if created_ms >= from_ms or moved else None


def counts(statistics: Statistics) -> Counter[tuple[str, str, str | None]]:
    found = Counter({(line.campaign, line.status, line.reason): line.count for line in statistics.lines})
    assert len(found) == len(statistics.lines)
    assert all(found.values())
    return found


def questions(random: Random, days: BusyDays, recount: Recount, number: int) -> list[Question]:
    """Ranges that begin and end at the very times at which something happened, and next to them."""
    times = sorted({at_ms for past in recount.past.values() for at_ms, _ in past})
    found: list[Question] = []
    while len(found) < number:
        first, last = sorted(random.choice(times) + random.choice((-1, 0, 0, 1)) for _ in "ab")
        whose: dict[str, Any] = random.choice(
            (
                {},
                {"campaign": random.choice(tuple(CAMPAIGNS))},
                {"pool": random.choice(tuple(days.dialer.engine.pools))},
            )
        )
        asked = Question(
            **whose,
            scheme=random.choice((None, None, *SCHEMES)),
            from_ms=random.choice((None, first, first)),
            until_ms=random.choice((None, last, last, last + 10**9)),
            by=random.choice(("reached", "reached", "created")),
        )
        if asked.from_ms is None or asked.until_ms is None or asked.from_ms < asked.until_ms:
            found.append(asked)
    return found


async def check(days: BusyDays, random: Random, number: int) -> None:
    recount = await Recount.of(days)
    statistician = Statistician(days.dialer)
    for asked in (Question(), *questions(random, days, recount, number)):
        assert counts(await statistician.count(asked)) == recount.count(asked), asked


@pytest.fixture
async def days(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BusyDays]:
    kind, seed = request.param
    store = MemoryStore() if kind == "memory" else SqliteStore(tmp_path / "a.db")
    days = BusyDays(seed, store, SCHEMES)
    await days.open()
    await days.set_up()
    yield days
    days.store.release()
    await days.dialer.close()


@pytest.mark.parametrize(
    "days", [*(("memory", seed) for seed in range(6)), ("sqlite", 6), ("sqlite", 7)], indirect=True
)
async def test_a_recount_from_histories_says_the_same(days: BusyDays, tmp_path: Path) -> None:  # R13.4, R10.6
    for _ in range(3):
        await days.live(80)
        await check(days, days.random, 25)
    assert len(days.done) >= 12, days.done
    await days.dialer.close()
    inner = days.store.inner
    await days.open(inner if isinstance(inner, MemoryStore) else SqliteStore(tmp_path / "a.db"))
    await check(days, days.random, 40)


# -- many at once ---------------------------------------------------------------------------------------------------

MANY = pytest.mark.parametrize("days", [("memory", seed) for seed in range(10, 14)], indirect=True)
ONE = pytest.mark.parametrize("days", [("memory", 20)], indirect=True)


@MANY
async def test_what_happens_meanwhile_is_not_seen(days: BusyDays, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for leads that are deleted."""
    monkeypatch.setattr(journal_counts, "SLICE_EVENTS", 1)
    statistician = Statistician(days.dialer)
    await days.live(60)
    days.keep_leads()
    for _ in range(12):
        recount = await Recount.of(days)
        (asked,) = questions(days.random, days, recount, 1)
        wanted = recount.count(asked)
        counting = asyncio.create_task(statistician.count(asked))
        await asyncio.sleep(0)
        await days.live(10)
        assert counts(await counting) == wanted, asked


@MANY
async def test_asked_while_a_commit_is_gathered(days: BusyDays) -> None:
    """It is seen from the end of that commit: counts in memory and events in the journal are of one moment."""
    await days.live(60)
    asked = Question(until_ms=days.clock.now_ms())
    days.store.stall()
    tasks: list[asyncio.Task[Any]] = []
    for lead in range(1, days.leads_ever + 1):
        if lead == 9:
            tasks.append(asyncio.create_task(Statistician(days.dialer).count(asked)))
        tasks.append(asyncio.create_task(days.dialer.submit(Remove(lead=lead))))
        await quiet()
    days.store.release()
    found, *_ = [each for each in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(each, Statistics)]
    assert counts(found) == (await Recount.of(days)).count(asked)


@ONE
async def test_agents_are_served_between_slices(days: BusyDays, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_counts, "SLICE_EVENTS", 1)
    await days.live(60)
    counting = asyncio.create_task(Statistician(days.dialer).count(Question(from_ms=0)))
    for agent in AGENTS:
        await days.dialer.next(agent)
    assert not counting.done()
    await counting


@ONE
async def test_one_range_at_a_time_and_not_too_many(days: BusyDays, monkeypatch: pytest.MonkeyPatch) -> None:
    await days.live(30)
    statistician = Statistician(days.dialer)
    reading: list[int] = []
    most: list[int] = []
    come = days.store.lead_from

    async def lead_from(at_ms: int) -> int:
        reading.append(at_ms)
        most.append(len(reading))
        await asyncio.sleep(0)
        reading.pop()
        return await come(at_ms)

    monkeypatch.setattr(days.store, "lead_from", lead_from)
    asking = [asyncio.create_task(statistician.count(Question(from_ms=no))) for no in range(ASKING_MOST)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await statistician.count(Question(from_ms=0))
    await statistician.count(Question())  # costs nothing, so nobody waits for it
    asking[3].cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    assert max(most) == 1
    await statistician.count(Question(from_ms=0))


# -- order ----------------------------------------------------------------------------------------------------------


def test_reasons_stand_as_in_the_scheme_and_others_behind_them() -> None:
    order = Order({"luckyonline": SCHEMES["luckyonline"]})
    names: list[Public] = [
        ("Trash", "Repeated request"),
        ("Never heard of", None),
        ("Rejected", "Of a campaign's own"),
        ("Rejected", "Abandoned"),
        ("In Progress", None),
        ("Rejected", "Language barrier"),
        ("Confirmed", None),
        ("Rejected", "Client refused"),
    ]
    assert sorted(names, key=lambda name: order.key(*name)) == [
        ("Confirmed", None),
        ("In Progress", None),
        ("Rejected", "Client refused"),
        ("Rejected", "Language barrier"),
        ("Rejected", "Abandoned"),
        ("Rejected", "Of a campaign's own"),
        ("Trash", "Repeated request"),
        ("Never heard of", None),
    ]
