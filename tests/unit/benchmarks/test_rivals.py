"""Rivals do the job that they are compared by: the right lead, nobody's twice, a line of history for each operation."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from benchmarks.calls import STEP_MS
from benchmarks.figures import Result
from benchmarks.job import START_MS, Job
from benchmarks.rivals.floor import Rival, RivalFloor, Tally, measure_forms
from benchmarks.rivals.heaps import measure_heaps
from benchmarks.rivals.rows import (
    ATTEMPTS_MOST,
    OVERDUE_MS,
    RETRY_MS,
    Dice,
    Ending,
    RivalAgent,
    RivalJob,
    RivalLead,
)
from benchmarks.rivals.servers import NotDurable, check_durable, missing_redis, redis_server

JOB = RivalJob(Job(leads=240, agents=6))
TURNS = 260
TURN_MS = 97_301
"""Long, so that redials of hours ahead fall due; odd, so that no two fall due at once."""


def tell(stage: str) -> None:
    assert stage


@dataclass
class Row:
    lead: RivalLead
    owner: int
    status: int = 1
    attempts: int = 0
    retries: int = 0
    due_ms: int = 0
    held_by: int = 0


@dataclass
class NaiveRival:
    """What every rival must do, in the plainest words: the least of all leads by its key, among all of them."""

    job: RivalJob
    off: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rows = {lead.id: Row(lead, lead.owner) for leads in self.job.leads() for lead in leads}

    def next(self, agent: RivalAgent, now_ms: int) -> int | None:
        keys = [key for row in self.rows.values() if (key := self._key(row, agent, now_ms))]
        if not keys:
            return None
        found = min(keys)[-1]
        self.rows[found].held_by = agent.no
        return found

    def _key(self, row: Row, agent: RivalAgent, now_ms: int) -> tuple[int, ...] | None:
        lead, status = row.lead, row.status
        if row.held_by or status == 8 or row.due_ms > now_ms:
            return None
        if status in (4, 5):
            if row.owner != agent.no:
                return None
        elif lead.campaign not in agent.campaigns or row.owner not in agent.owners or lead.pool in self.off:
            return None
        if status == 1:
            return (9, 0, lead.priority, 0, lead.seq, lead.id)
        return (9 - status, row.due_ms >= now_ms - OVERDUE_MS, lead.priority, row.due_ms, lead.seq, lead.id)

    def finish(self, agent: RivalAgent, lead: int, ending: Ending, now_ms: int) -> None:
        row = self.rows[lead]
        assert row.held_by == agent.no
        row.held_by, row.attempts = 0, row.attempts + 1
        if ending.status:
            row.status, row.due_ms, row.retries = ending.status, ending.due_ms, 0
            row.owner = agent.no if ending.status in (4, 5) else row.owner
        elif row.attempts >= ATTEMPTS_MOST:
            row.status = 8
        else:
            row.status = 2 if row.status == 1 else row.status
            row.retries = min(row.retries + 1, len(RETRY_MS))
            row.due_ms = now_ms + RETRY_MS[row.retries - 1]


class Bench:
    """A rival that is loaded: by it, and what its tables say."""

    def __init__(
        self,
        rival: Rival,
        switch: Callable[[int, bool], Awaitable[object]],
        history: Callable[[], Awaitable[int]],
    ) -> None:
        self.rival = rival
        self.switch = switch
        self.history = history


Open = Callable[[int], AbstractAsyncContextManager[Bench]]


@pytest.fixture
def skip_locked(postgres: Any) -> Open:
    from benchmarks.rivals import skip_locked as module  # noqa: PLC0415 - it needs a driver

    @asynccontextmanager
    async def opened(connections: int) -> Any:
        async with module.loaded(postgres.url, JOB, tell) as db, module.connected(postgres.url, connections) as rival:
            yield Bench(
                rival,
                lambda pool, active: db.execute("UPDATE pool SET active = $2 WHERE id = $1", pool, active),
                lambda: db.fetchval("SELECT count(*) FROM history"),
            )

    return opened


@pytest.fixture(scope="module")
def redis_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if why := missing_redis():
        pytest.skip(f"{why}; or `pip install -e .[dev]` with Python 3.11 on Linux")
    with redis_server(tmp_path_factory.mktemp("redis")) as socket:
        yield socket


@pytest.fixture
def redis(redis_socket: Path) -> Open:
    from benchmarks.rivals import redis_lua as module  # noqa: PLC0415 - it needs a client

    @asynccontextmanager
    async def opened(connections: int) -> Any:
        async with (
            module.loaded(redis_socket, JOB, tell) as (pipe, scripts),
            module.connected(redis_socket, scripts, connections, merged=connections < 3) as rival,
        ):
            yield Bench(
                rival,
                lambda pool, active: pipe.call("SREM" if active else "SADD", "off", pool),
                lambda: pipe.call("LLEN", "history"),
            )
            await pipe.call("FLUSHALL")

    return opened


@pytest.fixture(params=["skip_locked", "redis"])
def rival(request: pytest.FixtureRequest) -> Open:
    found: Open = request.getfixturevalue(request.param)
    return found


def test_every_agent_gets_the_lead_that_is_first_of_all(rival: Open) -> None:
    seen = asyncio.run(_beside_the_naive(rival))
    assert seen == {1, 2, 3, 4, 5}, "all classes were met"


async def _beside_the_naive(rival: Open) -> set[int]:
    naive, dice, seen = NaiveRival(JOB), Dice(1), set[int]()
    held: dict[RivalAgent, int] = {}
    off = JOB.pools[3]
    async with rival(1) as bench:
        operations = 0
        for turn in range(TURNS):
            agent, now_ms = JOB.agents[turn % len(JOB.agents)], START_MS + turn * TURN_MS
            if turn in (TURNS // 3, 2 * TURNS // 3):
                await bench.switch(off, bool(naive.off))
                naive.off ^= {off}
            if (lead := held.pop(agent, None)) is not None:
                ending = dice.ending(now_ms)
                naive.finish(agent, lead, ending, now_ms)
                await bench.rival.finish(agent, lead, ending, now_ms)
                operations += 1
            expected = naive.next(agent, now_ms)
            assert await bench.rival.next(agent, now_ms) == expected, f"turn {turn}"
            if expected is not None:
                held[agent] = expected
                seen.add(naive.rows[expected].status)
                operations += 1
        assert await bench.history() == operations
    return seen


def test_agents_at_once_never_have_the_same_lead(rival: Open) -> None:
    asyncio.run(_all_at_once(rival))


async def _all_at_once(rival: Open) -> None:
    async with rival(4) as bench:
        watched = Watched(bench.rival)
        floor = RivalFloor(JOB)
        tally = Tally()
        await floor.work(watched, 300, tally)
        assert floor.done == len(tally.next_ns) + len(tally.finish_ns) == 300
        assert await bench.history() == 300 - floor.none
        assert watched.given > 100
        assert floor.now_ms == START_MS + len(tally.next_ns) * STEP_MS


class Watched:
    """Fails when a lead is given out that somebody has."""

    def __init__(self, rival: Rival) -> None:
        self._rival = rival
        self._held: dict[int, int] = {}
        self.given = 0

    async def next(self, agent: RivalAgent, now_ms: int) -> int | None:
        lead = await self._rival.next(agent, now_ms)
        if lead is not None:
            assert self._held.setdefault(lead, agent.no) == agent.no
            self.given += 1
        return lead

    async def finish(self, agent: RivalAgent, lead: int, ending: Ending, now_ms: int) -> None:
        assert self._held.pop(lead) == agent.no
        await self._rival.finish(agent, lead, ending, now_ms)


def test_what_another_agent_has_is_not_finished(rival: Open) -> None:
    async def other() -> None:
        async with rival(1) as bench:
            first, second = JOB.agents[:2]
            lead = await bench.rival.next(first, START_MS)
            assert lead is not None
            with pytest.raises(AssertionError, match="is not held by agent"):
                await bench.rival.finish(second, lead, Dice(1).ending(START_MS), START_MS)

    asyncio.run(other())


# -- PostgreSQL alone -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["OWN", "LATER", "FRESH"])
def test_next_is_index_scans_of_leads_and_reads_no_other(postgres: Any, query: str) -> None:
    plan = asyncio.run(_plan(postgres.url, query))
    scans = [line for line in plan if re.search(r"Scan.* on lead", line)]
    indexes = {"OWN": {"own"}, "LATER": {"later", "lead_pkey"}, "FRESH": {"fresh"}}[query]
    assert {line.split("using ")[1].split()[0] for line in scans} == indexes
    assert not any("Rows Removed" in line for line in plan)


async def _plan(url: str, query: str) -> list[str]:
    from benchmarks.rivals import skip_locked as module  # noqa: PLC0415 - it needs a driver

    text, agent = getattr(module, query), JOB.agents[0]
    for at, name in enumerate(("agent", "campaigns", "owners", "now"), 1):
        text = re.sub(rf"\b{name}\b", f"${at}", text)
    async with module.loaded(url, JOB, tell) as db, module.connected(url, 1) as rival:
        await RivalFloor(JOB).work(rival, 200, Tally())
        await db.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
        await db.execute(f"PREPARE it (int, int[], int[], bigint) AS {text}")
        values = f"{agent.no}, ARRAY{list(agent.campaigns)}, ARRAY{list(agent.owners)}, {START_MS + 8 * 3_600_000}"
        return [line for (line,) in await db.fetch(f"EXPLAIN (ANALYZE, TIMING OFF) EXECUTE it ({values})")]


def test_a_server_that_is_not_durable_is_refused(postgres: Any) -> None:
    import asyncpg  # noqa: PLC0415 - a driver that need not be there

    async def ask() -> None:
        db = await asyncpg.connect(postgres.url, server_settings={"synchronous_commit": "off"})
        try:
            with pytest.raises(NotDurable, match="synchronous_commit is off"):
                await check_durable(db)
        finally:
            await db.close()

    asyncio.run(ask())


# -- what is measured -----------------------------------------------------------------------------------------------


def test_forms_take_turns_and_the_best_is_named(redis: Open) -> None:
    async def measured() -> tuple[Result, int]:
        async with redis(1) as bench:
            return await measure_forms({"a": bench.rival, "b": bench.rival}, JOB, 80, tell), await bench.history()

    result, lines = asyncio.run(measured())
    assert lines == result["lines"] == 100, "a quarter more came before, to warm up"
    assert result["operations_per_s"] == max(result["a_operations_per_s"], result["b_operations_per_s"]) > 0
    assert 0 < result["next_p50_ms"] <= result["next_p99_ms"]


class Grudging:
    """Has a lead for every other one who asks."""

    def __init__(self) -> None:
        self._asked = 0

    async def next(self, _agent: RivalAgent, _now_ms: int) -> int | None:
        self._asked += 1
        return None if self._asked % 2 else 1

    async def finish(self, agent: RivalAgent, lead: int, ending: Ending, now_ms: int) -> None:
        pass


def test_who_got_no_lead_is_a_share_of_those_who_asked() -> None:
    result = asyncio.run(measure_forms({"a": Grudging()}, RivalJob(Job(leads=400, agents=1)), 240, tell))
    assert result["share_none"] == pytest.approx(50)


def test_heaps_do_the_same_shift_in_figures_of_the_same_names() -> None:
    stages: list[str] = []
    result = measure_heaps(Job(leads=2_000, agents=20), 2_000, stages.append)
    assert stages == ["loading", "working"]
    assert result["operations"] == 2_000
    assert result["operations_per_s"] > 0
    assert result["share_none"] == 0
    assert {"next_p50_us", "next_p99_us", "finish_p50_us"} <= result.keys()
