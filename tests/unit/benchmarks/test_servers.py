"""Servers of rivals: started in the folder that was named, gone with it, and named where they are missing."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks.child import Task
from benchmarks.job import Job
from benchmarks.rivals import servers
from benchmarks.rivals.servers import ServerFailed, missing_postgres, missing_redis, postgres_server, redis_server
from benchmarks.rivals.versions import redis_version
from benchmarks.scenarios import durable, postgres
from benchmarks.scenarios.base import Wish
from conftest import ROOT
from msgspec import json

NO_SERVER = "there is no PostgreSQL server to start: `pip install -e .[dev]` brings it where there is a wheel"


@pytest.fixture
def redis_here() -> None:
    if why := missing_redis():
        pytest.skip(why)


@pytest.mark.usefixtures("redis_here")
def test_redis_is_started_in_the_folder_and_leaves_nothing(tmp_path: Path) -> None:
    with redis_server(tmp_path) as socket:
        assert socket.is_socket()
        assert len(list(tmp_path.iterdir())) == 1
    assert not socket.exists()
    assert list(tmp_path.iterdir()) == []
    assert redis_version()[0].isdigit()


@pytest.mark.usefixtures("redis_here")
def test_a_measurement_that_is_ended_ends_its_server(tmp_path: Path) -> None:
    task = Task("redis", Job(leads=1_000_000, agents=5), 10, str(tmp_path))
    command = [sys.executable, "-m", "benchmarks.child", json.encode(task).decode()]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert b"loading" in child.stdout.readline()
        assert [path.name[:6] for path in tmp_path.iterdir()] == ["redis-"]
        child.send_signal(signal.SIGTERM)
        child.send_signal(signal.SIGTERM)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "redis-server"
    broken.write_text(
        "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ $1 = --logfile ] && echo no room > $2; shift; done; exit 1\n"
    )
    broken.chmod(0o700)
    monkeypatch.setattr(servers, "redis_program", lambda: str(broken))
    with pytest.raises(ServerFailed, match="redis-server did not start: no room"), redis_server(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == [broken]


@pytest.mark.slow
def test_postgresql_is_started_in_the_folder_with_commits_that_last(tmp_path: Path) -> None:
    asyncpg = pytest.importorskip("asyncpg")
    pytest.importorskip("pgserver", reason=NO_SERVER)

    async def ask(url: str) -> str:
        db = await asyncpg.connect(url)
        try:
            await servers.check_durable(db)
            found: str = await db.fetchval("SHOW shared_buffers")
            return found
        finally:
            await db.close()

    with postgres_server(tmp_path) as url:
        assert asyncio.run(ask(url)) == servers.POSTGRES_SETTINGS["shared_buffers"]
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_is_named_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(servers, "redis_program", lambda: "")
    monkeypatch.setattr(servers, "find_spec", lambda name: None if name == "pgserver" else name)
    assert "your system's package" in missing_redis()
    assert "--postgres URL" in missing_postgres()
    assert missing_postgres("postgresql://somewhere") == ""
    wish = Wish((200,), 10, 5, 1, 1, only=("T5",), folder=str(tmp_path), rivals=tuple(durable.SCENARIO.rivals))
    assert [bool(why(wish)) for why in durable.SCENARIO.rivals.values()] == [True, True]
    assert postgres.SCENARIO.steps(wish) == {}
    assert "--postgres URL" in postgres.SCENARIO.missing(wish)[0]
    assert postgres.SCENARIO.figures({}, wish) == []


@pytest.mark.slow
def test_the_dialer_on_postgresql_beside_skip_locked(postgres: Any, tmp_path: Path) -> None:  # TARGETS T4, T8
    from benchmarks import postgres as ours_on  # noqa: PLC0415 - it needs a driver, as what follows
    from benchmarks.rivals import skip_locked  # noqa: PLC0415
    from benchmarks.scenarios.postgres import OUR_STEP, SCENARIO  # noqa: PLC0415 - the fixture has the module's name

    wish = Wish(
        (400,), 120, 10, 1, 1, folder=str(tmp_path), rivals=tuple(SCENARIO.rivals), options={"postgres": postgres.url}
    )
    steps = SCENARIO.steps(wish)
    runs = {name: [SCENARIO.measures[task.measure](task, lambda _: None)] for name, task in steps.items()}
    [ours] = runs[OUR_STEP]
    assert ours["operations"] == 120
    assert ours["share_none"] == 0
    figures = SCENARIO.figures(runs, wish)
    [over] = [row for row in figures if row.what.startswith("ours over")]
    [best] = runs["skip-locked"]
    assert over.median == pytest.approx(ours["operations_per_s"] / best["operations_per_s"])
    assert {row.target_no for row in figures} == {"T4", "T8"}
    assert len(SCENARIO.plots(runs, wish)) == 2
    schemas = postgres.fetch("SELECT nspname FROM pg_namespace")
    assert not {(ours_on.SCHEMA,), (skip_locked.SCHEMA,)} & {*schemas}, "they are gone"
