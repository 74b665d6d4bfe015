"""A daemon at work on a PostgreSQL server that is slow, cuts its connections, crashes, or stays away.

Nothing acknowledged is lost, no lead is offered twice (SPEC R5.1, R5.4); the daemon goes on by itself, or ends with 1.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from conftest import Daemon, StartNextlead
from crash.floor import TOKEN, Book, Imports, Life, check, check_histories, set_up
from postgres import GIVEN, Admin
from postgres_cable import cable
from postgres_server import shared_server

pytestmark = pytest.mark.slow

AGENTS = 4
SOME = 25
"""Acknowledged steps before, and after, something happens."""


async def serve(start_nextlead: StartNextlead, folder: Path, url: str, retry_for_s: float = 60) -> Daemon:
    """In a thread, for the way to the server may lead through this one."""
    (folder / "nextlead.toml").write_text(f"[commit]\nretry_for_s = {retry_for_s}\n")
    arguments = ("serve", "--config", "nextlead.toml", "--store", url)
    return await asyncio.to_thread(start_nextlead, *arguments, NEXTLEAD_ADMIN_TOKEN=TOKEN)


class Shift:
    """Agents and imports at work with one daemon after the other. What they were told must be there."""

    def __init__(self) -> None:
        self.dice = random.Random(5)
        self.books = [Book(f"agent{no}") for no in range(AGENTS)]
        self.imports = Imports()
        self.begun = False

    @asynccontextmanager
    async def with_(self, daemon: Daemon) -> AsyncIterator[Life]:
        """They work while the block lasts; then all of it is looked at, unless the daemon has ended."""
        life = Life(daemon, self.dice)
        async with life.http:
            await life.until_ready()  # one whose owner was killed is a standby of it for some seconds
            if not self.begun:
                await set_up(life, self.books)
                self.begun = True
            await check(life, self.books, self.imports)
            working = asyncio.gather(life.load(self.imports), *(life.work(book) for book in self.books))
            await life.until_answers(SOME)
            yield life
            life.home = True
            await working
            if daemon.process.poll() is None:
                await check(life, self.books, self.imports)
                await check_histories(life, self.books)


async def stop(daemon: Daemon) -> tuple[int, str]:
    return await asyncio.to_thread(daemon.stop)


async def test_connections_that_are_cut_again_and_again(
    postgres: Admin, postgres_url: str, start_nextlead: StartNextlead, tmp_path: Path
) -> None:
    daemon = await serve(start_nextlead, tmp_path, postgres_url)
    schema = postgres_url.rpartition("search_path=")[2]
    ((name,),) = postgres.fetch(f"SELECT 'nextlead ' || database_id || ' ' || epoch FROM {schema}.owner")
    shift = Shift()
    cut = 0
    async with shift.with_(daemon) as life:
        for _ in range(8):
            cut += len(
                postgres.fetch(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 LIMIT $2",
                    name,
                    shift.dice.randint(1, 4),
                )
            )
            await life.until_answers(shift.dice.randint(1, 12))
        assert cut >= 8
        await life.until_answers(SOME)
    assert (await stop(daemon))[0] == 0


async def test_answers_that_come_late(postgres_url: str, start_nextlead: StartNextlead, tmp_path: Path) -> None:
    async with cable(postgres_url) as line:
        daemon = await serve(start_nextlead, tmp_path, line.url)
        async with Shift().with_(daemon) as life:
            line.delay_s = 0.05
            await life.until_answers(SOME)
            assert life.refusals == 0
            line.delay_s = 0.0
            await life.until_answers(SOME)
        assert (await stop(daemon))[0] == 0


class Server:
    """A PostgreSQL server of the test's own, by what pgserver knows of it."""

    def __init__(self, found: Any) -> None:
        self._found = found
        self.url: str = found.get_uri()

    async def run(self, *command: str) -> None:
        """One of pg_ctl's."""
        folder, user = self._found.pgdata, self._found.system_user
        pg_ctl = import_module("pgserver").pg_ctl
        await asyncio.to_thread(pg_ctl, ["-w", "-l", str(folder / "log"), *command], pgdata=folder, user=user)


@pytest.fixture
def server() -> Iterator[Server]:
    if os.environ.get(GIVEN):
        pytest.skip(f"the server that {GIVEN} names is not ours to stop")
    pytest.importorskip("pgserver", reason="pip install -e .[dev] brings a PostgreSQL server")
    with shared_server(f"{os.getpid()}-alone") as found:
        yield Server(found)


async def test_a_server_that_crashes_and_one_that_stays_away(
    server: Server, start_nextlead: StartNextlead, tmp_path: Path
) -> None:
    shift = Shift()
    daemon = await serve(start_nextlead, tmp_path, server.url)
    async with shift.with_(daemon) as life:
        await server.run("restart", "-m", "immediate")
        await life.until_answers(SOME)
        await life.until_ready()
        await server.run("restart", "-m", "fast")
        await life.until_answers(SOME)
        await life.until_ready()
    assert (await stop(daemon))[0] == 0

    daemon = await serve(start_nextlead, tmp_path, server.url, retry_for_s=0.5)
    async with shift.with_(daemon):
        await server.run("stop", "-m", "immediate")
        assert await asyncio.to_thread(daemon.process.wait, 300) == 1
    await server.run("restart")  # `start` would not know where it listened

    daemon = await serve(start_nextlead, tmp_path, server.url)
    async with shift.with_(daemon) as life:
        await life.until_answers(SOME)
    assert (await stop(daemon))[0] == 0
