"""The durable measurements at small sizes: they do what they say, and leave a sound store."""

import asyncio
import gc
import sqlite3
from pathlib import Path
from typing import cast

import pytest
from benchmarks import durable
from benchmarks.disk import Probe, file_system, is_volatile
from benchmarks.durable import Floor, JobClock, measure_agents, measure_alone
from benchmarks.figures import Result
from benchmarks.job import START_MS, Job
from benchmarks.restart import measure_restart
from benchmarks.rivals.writers import RIVALS, Written, read_written
from benchmarks.served import ServerFailed
from benchmarks.stores import make_loaded, make_worked, store_url
from benchmarks.usage import Usage

from nextlead.core.commands import Finish
from nextlead.core.engine import Engine
from nextlead.core.model import Lead, Lease, Status
from nextlead.core.replies import Offer
from nextlead.runtime.dialer import Dialer
from nextlead.runtime.recovery import load
from nextlead_adapters.sqlite import SqliteStore
from nextlead_adapters.verify import verify_store

JOB = Job(leads=400, agents=20)


def tell(stage: str) -> None:
    assert stage


@pytest.fixture
def loaded(tmp_path: Path) -> Path:
    path = tmp_path / "loaded.db"
    make_loaded(JOB, path, tell)
    return path


async def engine_of(path: Path) -> Engine:
    store, engine = SqliteStore(path, read_only=True), Engine()
    await store.open()
    try:
        await load(store, engine)
    finally:
        await store.close()
    engine.start(START_MS)
    return engine


def test_a_loaded_store_has_the_leads(loaded: Path) -> None:
    engine = asyncio.run(engine_of(loaded))
    assert sum(engine.counts().values()) == 400
    assert all(status == "unprocessed" for (_, status), count in engine.counts().items() if count)
    assert engine.verify() == []


def test_a_worked_store_has_sixty_per_cent_called_and_their_history(loaded: Path, tmp_path: Path) -> None:
    path = tmp_path / "worked.db"
    make_worked(JOB, loaded, path, tell)
    engine = asyncio.run(engine_of(path))
    untouched = sum(not lead.shown for lead in map(engine.lead, range(1, 401)) if lead is not None)
    assert 100 < untouched <= 160
    events = read_written(path, 1).items
    assert {event.kind for _, event in events} >= {"leased", "unreached", "resolved"}
    assert len({lead.id for lead, _ in events}) == 400 - untouched
    assert asyncio.run(verify_store(store_url(path))).findings == []


def test_agents_do_as_many_operations_as_asked_and_rivals_write_the_same(loaded: Path) -> None:
    result = measure_agents(JOB, 200, loaded, tell)
    assert result["operations"] == 200
    assert result["share_none"] == 0
    assert result["cpu_us"] == pytest.approx(result["cpu_loop_us"] + result["cpu_threads_us"])
    assert min(result["cpu_loop_us"], result["cpu_threads_us"]) > 0, "both the loop's thread and the others work"
    path = loaded.parent / "work.db"
    written = read_written(path, 1)
    assert written.operations >= 250, "a quarter more came before, to warm up"
    assert written.operations == pytest.approx(result["commits"] * result["operations_per_commit"])
    for name in RIVALS:
        assert result[f"ratio_{name}"] == pytest.approx(result["operations_per_s"] / result[f"{name}_operations_per_s"])
    assert asyncio.run(verify_store(store_url(path))).findings == []


def test_writers_without_rules_do_not_pay_for_what_lives_long(loaded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[int] = []

    async def watched(written: Written, _path: Path, _clients: int) -> Result:
        assert gc.is_tracked(written.items)
        alive.append(sum(found is written.items for found in gc.get_objects()))
        return {"operations_per_s": 1.0}

    monkeypatch.setattr(durable, "RIVALS", {"watched": watched})
    measure_agents(JOB, 100, loaded, tell)
    assert alive == [0], "the collector looks at it"


class Grudging:
    """A dialer that has a lead for every other one who asks."""

    def __init__(self) -> None:
        self._asked = 0

    async def next(self, _code: str) -> Offer | None:
        self._asked += 1
        lease = Lease(bytes(16), 1, START_MS, START_MS, 0, 9)
        lead = Lead(1, 1, 1, 1, Status.UNPROCESSED, 1, 1, (12125550100,), lease=lease)
        return None if self._asked % 2 else Offer(lead, 9, 0, 0, 0)

    async def finish(self, _finish: Finish) -> None:
        pass


def test_who_got_no_lead_is_a_share_of_those_who_asked() -> None:
    floor = Floor(cast("Dialer", Grudging()), JobClock(), JOB, warm_up=0, operations=60)
    asyncio.run(floor.agent("a000"))
    assert floor.result()["share_none"] == pytest.approx(50, abs=2)


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_makes_every_row_durable(loaded: Path, name: str) -> None:
    measure_agents(JOB, 100, loaded, tell)
    written = read_written(loaded.parent / "work.db", 1)
    path = loaded.parent / "rival.db"
    asyncio.run(RIVALS[name](written, path, 20))
    if name == "replay":
        assert [body for (body,) in rows(path, "SELECT body FROM journal ORDER BY no")] == written.bodies
    elif name == "journal":
        assert len(read_written(path, 1).items) == len(written.items)
    else:
        assert rows(path, "SELECT count(*) FROM history") == [(len(written.items),)]
        assert rows(path, "SELECT count(*) FROM lead") == [(len({lead.id for lead, _ in written.items}),)]


def test_usage_counts_from_its_beginning_to_its_end_once() -> None:
    usage = Usage()
    usage.begin()
    gc.collect()
    usage.end()
    first = usage.result(1)
    gc.collect()
    usage.end()
    assert usage.result(1) == first
    assert first["gc_us"] > 0
    assert usage.result(10)["cpu_us"] == pytest.approx(first["cpu_us"] / 10)


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(path)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def test_one_agent_alone_is_measured_beside_the_disk(loaded: Path) -> None:
    result = measure_alone(JOB, 40, loaded, tell)
    assert result["operations"] == 40
    assert result["sync_p50_ms"] > 0
    assert result["next_over_sync_ms"] == pytest.approx(result["next_p50_ms"] - result["sync_p50_ms"])
    assert not (loaded.parent / "probe").exists()


def test_the_probe_syncs_blocks_of_a_file_that_does_not_grow(tmp_path: Path) -> None:
    with Probe(tmp_path) as probe:
        size = (tmp_path / "probe").stat().st_size
        assert all(probe.sync_ns() > 0 for _ in range(3))
        assert (tmp_path / "probe").stat().st_size == size == 16 << 20


def test_a_file_system_without_a_disk_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for kind, volatile in (("tmpfs", True), ("ext4", False)):
        mounts = f"/dev/a / xfs rw 0 0\n/dev/b {tmp_path} {kind} rw 0 0\n"
        monkeypatch.setattr(Path, "read_text", lambda *_args, mounts=mounts, **_more: mounts)
        assert file_system(tmp_path / "stores") == f"{kind} (/dev/b)"
        assert is_volatile(tmp_path / "stores") is volatile


@pytest.mark.slow
def test_a_daemon_is_started_on_each_store_twice(loaded: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    make_loaded(Job(leads=0), empty, tell)
    stages: list[str] = []
    result = measure_restart(empty, {"loaded": loaded}, stages.append)
    assert len(stages) == 3
    assert set(result) == {"empty_s", "loaded_s", "loaded_cold_s", "loaded_daemon_mb"}
    assert asyncio.run(verify_store(store_url(loaded))).findings == []


@pytest.mark.slow
def test_a_daemon_that_does_not_start_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"not a database" * 100)
    with pytest.raises(ServerFailed, match="nextlead: "):
        measure_restart(broken, {}, tell)
