"""Two daemons on one PostgreSQL database: one is the owner, the other a standby that takes over (SPEC R5.4).

The owner is killed, stopped, or cut off from the database while agents work. What it had acknowledged is there with the
new owner; the old one, should it wake up, answers 503 only, writes nothing, and ends with 1.
"""

import asyncio
import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import httpx
import pytest
from conftest import ENDS_WITHIN_S, Daemon, StartNextlead
from crash.floor import TOKEN, Book, Imports, Life, check, check_histories, set_up
from postgres import asyncpg
from postgres_cable import Cable, cable

pytestmark = pytest.mark.slow

AGENTS = 8
MADE = 60
"""Answers before something happens to the owner, and afterwards with the new one."""


class Late(httpx.AsyncHTTPTransport):
    """Notes what is answered once `over` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.over = False
        self.statuses: list[int] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        answer = await super().handle_async_request(request)
        if self.over:
            self.statuses.append(answer.status_code)
            raise httpx.ReadError("the shift is over")
        return answer


async def serve(start_nextlead: StartNextlead, url: str) -> Daemon:
    """In a thread, for the way to the server may lead through this one."""
    return await asyncio.to_thread(start_nextlead, "serve", "--store", url, NEXTLEAD_ADMIN_TOKEN=TOKEN)


def life_of(daemon: Daemon, dice: random.Random) -> tuple[Life, Late]:
    life, late = Life(daemon, dice), Late()
    life.http = httpx.AsyncClient(
        base_url=daemon.url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=ENDS_WITHIN_S, transport=late
    )
    return life, late


async def epochs(url: str) -> list[int]:
    """Who wrote each commit, in their order."""
    db = await asyncpg.connect(url)
    try:
        return [row[0] for row in await db.fetch("SELECT epoch FROM journal ORDER BY org, no")]
    finally:
        await db.close()


async def ended(daemon: Daemon) -> int:
    """The process's exit code."""
    return await asyncio.to_thread(daemon.process.wait, ENDS_WITHIN_S)


Nextlead = Callable[..., "subprocess.CompletedProcess[str]"]
Fault = Callable[[Daemon, Cable], None]


def killed(owner: Daemon, _line: Cable) -> None:
    owner.process.kill()


def stopped(owner: Daemon, _line: Cable) -> None:
    owner.process.send_signal(signal.SIGSTOP)


def cut_off(_owner: Daemon, line: Cable) -> None:
    line.block()


@pytest.mark.parametrize("fault", [killed, stopped, cut_off])
async def test_the_standby_takes_over_with_all_that_was_acknowledged(
    postgres_url: str, start_nextlead: StartNextlead, tmp_path: Path, fault: Fault
) -> None:
    dice = random.Random(11)
    books, imports = [Book(f"agent{no}") for no in range(AGENTS)], Imports()
    async with cable(postgres_url) as line:
        owner = await serve(start_nextlead, line.url)
        standby = await serve(start_nextlead, postgres_url)
        assert f"as a standby of process {owner.process.pid} on " in standby.said[-1]
        life, late = life_of(owner, dice)
        after, _ = life_of(standby, dice)
        async with life.http, after.http:
            await set_up(life, books)
            await is_a_standby(after)
            working = asyncio.gather(life.load(imports), *(life.work(book) for book in books))
            await life.until_answers(MADE)
            began = perf_counter()
            fault(owner, line)
            await after.until_ready()
            print(f"{fault.__name__}: ready after {perf_counter() - began:.2f} s")
            late.over = True
            if fault is cut_off:
                with pytest.raises(httpx.ReadError):  # it is told, and not left to hang
                    await life.http.get("/v1/leads")
            wrote = await epochs(postgres_url)
            if fault is not killed:
                owner.process.send_signal(signal.SIGCONT)
                line.clear()
                assert await ended(owner) == 1
                assert f"taken over by process {standby.process.pid} on " in (tmp_path / "stderr.txt").read_text()
            await working
            assert set(late.statuses) <= {503}, "the old owner answers nothing"
            assert fault is not cut_off or 503 in late.statuses
            await check(after, books, imports)
            working = asyncio.gather(after.load(imports), *(after.work(book) for book in books))
            await after.until_answers(MADE)
            after.home = True
            await working
            await check(after, books, imports)
            await check_histories(after, books)
        now = await epochs(postgres_url)
        assert now[: len(wrote)] == wrote, "nothing was written behind the new owner's back"
        assert now == sorted(now), "an old epoch never writes again"
        assert (await asyncio.to_thread(standby.stop))[0] == 0


async def is_a_standby(life: Life) -> None:
    """It lives, is not ready, and answers nothing."""
    assert (await life.http.get("/healthz")).status_code == 200
    ready = await life.http.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "standby"})
    refused = await life.http.get("/v1/leads")
    assert (refused.status_code, refused.json()["code"]) == (503, "not_ready")
    assert refused.headers["retry-after"] == "1"


async def test_an_owner_that_ends_in_good_order_is_followed_at_once(
    postgres_url: str, start_nextlead: StartNextlead
) -> None:
    owner = await serve(start_nextlead, postgres_url)
    standby = await serve(start_nextlead, postgres_url)
    assert "as a standby of" in standby.said[-1]
    assert (await asyncio.to_thread(owner.stop))[0] == 0
    life, _ = life_of(standby, random.Random(1))
    async with life.http:
        await life.until_ready()
    assert (await asyncio.to_thread(standby.stop))[0] == 0


async def test_a_standby_that_is_told_to_end_ends_with_0(postgres_url: str, start_nextlead: StartNextlead) -> None:
    owner = await serve(start_nextlead, postgres_url)
    standby = await serve(start_nextlead, postgres_url)
    assert (await asyncio.to_thread(standby.stop))[0] == 0
    life, _ = life_of(owner, random.Random(1))
    async with life.http:
        assert await life.ready()


async def test_a_standby_without_the_owners_key_of_forgotten_numbers_is_refused_at_once(
    postgres_url: str, start_nextlead: StartNextlead, nextlead: Nextlead, tmp_path: Path
) -> None:  # R10.6
    owner = await serve(start_nextlead, postgres_url)
    elsewhere = tmp_path / "another machine"
    elsewhere.mkdir()
    for content in (None, bytes(32)):
        if content is not None:
            (elsewhere / "nextlead.key").write_bytes(content)
        done = await asyncio.to_thread(nextlead, "serve", "--store", postgres_url, "--port", "0", cwd=elsewhere)
        assert done.returncode == 1
        assert "copy the owner's here" in done.stderr
    assert [file.name for file in elsewhere.iterdir()] == ["nextlead.key"]
    assert (await asyncio.to_thread(owner.stop))[0] == 0


async def test_daemons_that_start_together_on_a_new_database_have_one_key(
    postgres_url: str, start_nextlead: StartNextlead, tmp_path: Path
) -> None:  # R10.6
    first, second = await asyncio.gather(serve(start_nextlead, postgres_url), serve(start_nextlead, postgres_url))
    owner, standby = (first, second) if "serves" in first.said[-1] else (second, first)
    key = (tmp_path / "nextlead.key").read_bytes()
    assert (await asyncio.to_thread(owner.stop))[0] == 0
    life, _ = life_of(standby, random.Random(1))
    async with life.http:
        await life.until_ready()
    assert (await asyncio.to_thread(standby.stop))[0] == 0
    assert (tmp_path / "nextlead.key").read_bytes() == key


async def test_without_a_standby_the_owner_goes_on_when_its_database_is_there_again(
    postgres_url: str, start_nextlead: StartNextlead
) -> None:
    async with cable(postgres_url) as line:
        owner = await serve(start_nextlead, line.url)
        life, _ = life_of(owner, random.Random(1))
        async with life.http:
            line.block()
            await life.until_ready(ready=False)
            assert (await life.http.get("/v1/leads")).status_code == 503
            line.clear()
            await life.until_ready()
            assert (await life.http.put("/v1/teams/t", json={"name": "t"})).is_success
        assert (await asyncio.to_thread(owner.stop))[0] == 0
