"""The same random past in memory, SQLite and PostgreSQL: whatever an archive may be asked, all of them say the same.

`NEXTLEAD_TEST_PASTS=200 pytest tests/contract/test_same_answers.py` goes through so many.
"""

import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from itertools import product
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest
from contract.build import commit, fresh, pool
from contract.town import Town, name_of, number_of
from unit.runtime.busy_days import CAMPAIGNS, BusyDays

from nextlead.core.commands import Erased
from nextlead.core.conditions import FRESH, Condition, condition_of
from nextlead.core.matching import keys_of
from nextlead.core.model import Erasure, Status
from nextlead.core.row import DAY_MS
from nextlead.ports import Claim, Commit, LeadFilter, Stored
from nextlead.testing import MemoryStore
from nextlead_adapters.journalled import archive, tending
from nextlead_adapters.scheme_files import shipped_schemes
from nextlead_adapters.sqlite import SqliteStore

SEEDS = range(int(os.environ.get("NEXTLEAD_TEST_PASTS", "1")))
SCHEMES = dict(shipped_schemes())
FILTERS = 60
CLOSURES = ("success", "removed", "duplicate", "not_accepted", "max_call_attempts", "anonymized", "deal")
TEXTS = ("zo", "ZOË", "Zoë-1", "ZoË", "xx", "+1", '"', "\\", "%", "_", "name", "\u00eb")
RULE = "name"


class Together:
    """Several stores that are written alike; the first one's answers are given to who writes."""

    def __init__(self, stores: Sequence[Any]) -> None:
        self.stores = stores

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stores[0], name)

    async def open(self) -> None:
        for store in self.stores:
            await store.open()

    async def claim(self) -> Claim:
        claims = [await store.claim() for store in self.stores]
        return claims[0]

    async def commit(self, commit: Commit) -> None:
        for store in self.stores:
            await store.commit(commit)

    async def erase(self, erasures: Sequence[Erasure]) -> None:
        for store in self.stores:
            await store.erase(erasures)

    async def match_rule(self, rule: str) -> None:
        for store in self.stores:
            await store.match_rule(rule)

    async def close(self) -> None:
        for store in self.stores:
            await store.close()

    async def agree(self, ask: str | Callable[..., Awaitable[Any]], *about: Any) -> Any:
        """What all of them answer: `ask` is a method, or a function that is given the store first."""
        asking = methodcaller(ask, *about) if isinstance(ask, str) else lambda store: ask(store, *about)
        first, *others = [await asking(store) for store in self.stores]
        for store, answer in zip(self.stores[1:], others, strict=True):
            assert answer == first, (type(store).__name__, ask, *about)
        return first


@pytest.fixture
async def together(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Together]:
    """Stores that fold now and then, and look at few leads at a time."""
    from nextlead_adapters.postgres import PostgresStore  # noqa: PLC0415 - where it can't be, `postgres_url` has skipped

    monkeypatch.setattr(tending, "FOLD_ROWS", 40)
    monkeypatch.setattr(archive, "WINDOW", 97)
    together = Together([MemoryStore(), SqliteStore(tmp_path / "a.db"), PostgresStore(postgres_url)])
    await together.open()
    yield together
    await together.close()


# -- what is asked --------------------------------------------------------------------------------------------------


async def ask_by_key(together: Together, ids: Sequence[int], numbers: Sequence[int], pools: Sequence[int]) -> None:
    for id_ in ids:
        stored: Stored | None = await together.agree("lead", id_)
        events = await together.agree("history", id_)
        await together.agree("clones", id_)
        for no in {event.previous for event in events} | ({stored.lead.last_commit} if stored else set[int]()):
            await together.agree("lead_at", no, id_)
    await together.agree(some_data, ids)
    await together.agree("existing", ids)
    await together.agree("numbers", numbers)
    await together.agree("matches", RULE, keys_of(RULE, (), {"name": name_of(ids[-1])}))
    for number in numbers:
        await together.agree(pools_with_number, number, pools)
    for where in product(pools, ("invalid", "duplicate", "log")):
        await together.agree("rejects", *where)
        await together.agree(pages_of_rejects, *where)


async def some_data(store: Any, ids: Sequence[int]) -> dict[int, bytes]:
    """No data may be nothing, or an object without fields."""
    return {id_: data for id_, data in (await store.data(ids)).items() if data != b"{}"}


async def pools_with_number(store: Any, number: int, standing: Sequence[int]) -> list[int]:
    """Those that are gone may be told or not."""
    return [no for no in await store.pools_with_number(number) if no in standing]


async def pages_of_rejects(store: Any, pool: int, kind: str) -> list[Any]:
    found = []
    after: int | None = 0
    while after is not None:
        page, after = await store.rejects_after(pool, kind, after, 3)
        found.append(page)
    return found


async def ask_by_time(together: Together, dice: random.Random, last: int, times: Sequence[int]) -> None:
    for at_ms in times:
        await together.agree("commit_before", at_ms)
        await together.agree("lead_from", at_ms)
        for campaign, closure in product(range(10, 15), CLOSURES):
            await together.agree("closed_before", campaign, closure, at_ms, dice.randint(1, 9))
    ids = await together.agree("existing", range(1, 10_000))
    for limit in (1, 20, 10_000):
        await together.agree(all_events, last, limit, ids)


async def all_events(store: Any, last: int, limit: int, ids: set[int]) -> list[Any]:
    """All of them, but for those of leads that are gone: they may be told or not."""
    found, after = [], 0
    while after < last:
        some, after = await store.happened(after, last, limit)
        found += [one for one in some if one.event.lead in ids]
    return found


async def ask_by_filter(together: Together, dice: random.Random, numbers: Sequence[int]) -> None:
    everybody: list[Stored] = await together.agree("leads", LeadFilter(limit=9_999))
    for _ in range(FILTERS):
        query = a_filter(dice, dice.choice(everybody), numbers)
        page = await together.agree("leads", query)
        assert len(page) == min(await together.agree("count", query), query.limit)


def a_filter(dice: random.Random, about: Stored, numbers: Sequence[int]) -> LeadFilter:
    """Some of what may be asked, often about a lead that there is."""
    lead = about.lead
    latest = lead.latest.agent if lead.latest else 0
    shown = (lead.campaign, condition_of(lead).shown)
    asked: dict[str, list[Any]] = {
        "campaign": [lead.campaign, 99],
        "pool": [lead.pool, 99],
        "status": [lead.status, *Status],
        "closure": [lead.closure or "success", *CLOSURES],
        "owner": [lead.owner, 1],
        "number": [*lead.numbers, *numbers],
        "due_before_ms": [lead.due_ms + 1, lead.due_ms],
        "text": [about.data[12:17].decode(errors="ignore").swapcase(), *TEXTS],
        "after": [lead.id - 1, lead.id - 50],
        "before": [lead.id + 1, lead.id + 150],
        "last_by": [latest, 1],
        "conditions": [frozenset({shown}), frozenset({shown, (lead.campaign, FRESH), *many_conditions(dice)})],
    }
    chosen = dice.sample(sorted(asked), dice.choice((0, 1, 1, 2, 2, 3, 5)))
    return LeadFilter(limit=dice.choice((1, 3, 100)), **{name: dice.choice(asked[name]) for name in chosen})


def many_conditions(dice: random.Random) -> list[tuple[int, Condition]]:
    """As a smart list of very many results would ask for."""
    return [
        (dice.randrange(10, 15), Condition(dice.choice(list(Status)), dice.choice((None, *CLOSURES)), f"rule {no}"))
        for no in range(dice.choice((1, 5, 5, 1_000)))
    ]


async def test_leads_that_come_or_go_with_a_commit_under_way_are_passed_over(together: Together) -> None:
    """The tables may have it before those who ask know its pools, or have it no more."""
    await together.claim()
    await commit(together, 1, pool(), fresh=[fresh(1)])
    for store in together.stores[1:]:
        assert await store._tables.leads_of([1], {}) == {}
        assert await store._tables.page(LeadFilter(), (), {}) == ([], 1)


# -- whose past -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_town_that_was_called_edited_and_forgotten(together: Together, seed: int) -> None:
    dice = random.Random(seed)
    await together.claim()
    await together.match_rule(RULE)
    town = Town(400, seed)
    await town.live(together, 12)
    numbers = [number_of(dice.randint(1, 420)) for _ in range(12)]
    for turn in range(2):
        ids = dice.sample(range(1, 405), 60)
        await ask_by_key(together, ids, [*numbers, *map(number_of, ids[:20])], [1, 2, 3])
        await ask_by_filter(together, dice, numbers)
        await ask_by_time(together, dice, town.last, [0, 1, 1 << 50])
        if turn == 0:
            await together.erase(await town.forget(together, ids[:10]))
            await town.turn(together)
    assert await together.agree("count", LeadFilter(text="zo")) > 300


@pytest.mark.parametrize("seed", SEEDS)
async def test_busy_days(together: Together, seed: int) -> None:
    dice = random.Random(seed)
    days = BusyDays(seed, together, SCHEMES)
    await days.open()
    await days.set_up()
    await together.match_rule(RULE)
    for _ in range(2):
        await days.live(70)
        erasures = await days.dialer.read(lambda engine: list(engine.erasures.values()))
        if erasures:
            await days.dialer.erase(erasures)
            await days.dialer.submit(Erased(ids=tuple(row.id for row in erasures)))
        await days.dialer.idle()
        engine = days.dialer.engine
        pools, numbers = sorted(engine.pools), [14155550100 + dice.randint(0, 60) for _ in range(12)]
        ids = range(1, days.leads_ever + 3)
        now_ms, last = days.dialer.now_ms(), days.store.commits[-1]
        await ask_by_key(together, ids, numbers, pools)
        await ask_by_filter(together, dice, numbers)
        await ask_by_time(together, dice, last, [now_ms, now_ms - DAY_MS, now_ms - 9 * DAY_MS, 0])
    assert len(engine.campaigns.by_no) == len(CAMPAIGNS)
    days.store.release()
    await days.dialer.close()
