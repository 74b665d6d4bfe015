"""A daemon killed with SIGKILL while agents work: nothing acknowledged is lost, no lead is given to two (SPEC R5.1, R5.4).

Agents write down what they were told (a book each), and what they asked for when the connection broke. After each restart
every line of every book must be found in the daemon.
"""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Daemon, environment

TOKEN = "t" * 32
AGENTS = 8
KILLS = 4
ANSWERS_PER_LIFE = (30, 120)
"""A life ends after a random number of answers in this range."""

AREAS = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 220, 223, 224)
NUMBERS = [f"+1{area}55501{last:02}" for area in AREAS for last in range(100)]
"""Numbers reserved for fiction."""

BULK = 200
"""Leads of one import; somebody imports all the time."""

DISKS_S = (0.02, 0.0, 0.02, 0.005, 0.0)
"""How long commits hang in each life; see `slow_disk.py`."""

OUTCOMES: tuple[dict[str, Any], ...] = (
    {"outcome": "resolved", "result": "success"},
    {"outcome": "resolved", "result": "not_interested"},
    {"outcome": "unreached", "cause": "no_answer"},
    {"outcome": "unresolved"},
)
"""None brings the lead back within the test, so a lead is called once and its last answer is its state."""


@dataclass
class Book:
    """What one agent was told, and the finish that it does not know the fate of."""

    agent: str
    leases: dict[int, str] = field(default_factory=dict)
    finishes: dict[int, dict[str, Any]] = field(default_factory=dict)
    open_lease: tuple[int, str] | None = None
    open_finish: dict[str, Any] | None = None
    repeats: int = 0


@dataclass
class Imports:
    """Pools that were acknowledged as loaded."""

    pools: list[int] = field(default_factory=list)


class Killed(Exception):
    """The daemon is gone; whoever asks it something hears this."""


class Life:
    """One run of the daemon, which ends after `answers` answers."""

    def __init__(self, daemon: Daemon, dice: random.Random, answers: int) -> None:
        self.daemon = daemon
        self.dice = dice
        self.answers = answers
        self.http = httpx.AsyncClient(base_url=daemon.url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=300)

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """An answer; `Killed` when there is none."""
        try:
            answer = await self.http.request(method, path, json=body)
        except httpx.TransportError as error:
            raise Killed from error
        assert answer.status_code < 500, answer.text
        return answer

    def count(self) -> None:
        """One more acknowledged step; the last one kills, with the others' steps under way."""
        self.answers -= 1
        if self.answers == 0:
            self.daemon.process.kill()

    async def work(self, book: Book) -> None:
        """Next and finish until the daemon is gone."""
        try:
            while True:
                if book.open_lease is None:
                    await self._next(book)
                await self._finish(book)
        except Killed:
            return

    async def load(self, imports: Imports) -> None:
        """One import after the other until the daemon is gone."""
        leads = [{"phone": number} for number in self.dice.sample(NUMBERS, BULK)]
        body = {"campaign": "c2", "leads": leads, "duplicates": {"match": ["phone"], "action": "load"}}
        try:
            while True:
                answer = await self.ask("POST", "/v1/leads", {**body, "name": f"import {len(imports.pools)}"})
                assert answer.is_success, answer.text
                imports.pools.append(answer.json()["id"])
        except Killed:
            return

    async def _next(self, book: Book) -> None:
        answer = await self.ask("POST", f"/v1/agents/{book.agent}/next", {})
        assert answer.status_code == 200, f"the list is long enough: {answer.status_code} {answer.headers}"
        lease = answer.json()
        book.open_lease = (lease["lead"]["id"], lease["token"])
        book.leases[lease["lead"]["id"]] = lease["token"]
        self.count()

    async def _finish(self, book: Book) -> None:
        assert book.open_lease is not None
        lead, token = book.open_lease
        if book.open_finish is None:
            book.open_finish = self.dice.choice(OUTCOMES)
        else:
            book.repeats += 1
        answer = await self.ask("POST", f"/v1/leases/{token}/finish", book.open_finish)
        assert answer.status_code == 200, f"a finish sent again gets the first answer: {answer.text}"  # R5.3
        book.finishes[lead] = {**book.open_finish, "version": answer.json()["lead"]["version"]}
        book.open_lease = book.open_finish = None
        self.count()


async def set_up(life: Life, books: list[Book]) -> None:
    async def must(method: str, path: str, body: dict[str, Any]) -> None:
        assert (await life.ask(method, path, body)).is_success

    for campaign in ("c1", "c2"):
        await must("PUT", f"/v1/campaigns/{campaign}", {"name": campaign})
    for book in books:
        await must("PUT", f"/v1/agents/{book.agent}", {"name": book.agent, "campaigns": ["c1"]})
        await must("PUT", f"/v1/agents/{book.agent}/session", {"campaigns": ["c1"]})
    await must("POST", "/v1/leads", {"campaign": "c1", "leads": [{"phone": number} for number in NUMBERS]})


async def check(life: Life, books: list[Book]) -> None:
    """Every line of every book is in the daemon, and no lead is in two books or on two screens."""
    told = [lead for book in books for lead in book.leases]
    assert len(told) == len(set(told)), "a lead was leased to two agents"  # R5.4
    on_screens: set[int] = set()
    for book in books:
        on_screen = await screen(life, book)
        assert not on_screens & on_screen, "a lead is on two screens"  # R5.4
        on_screens |= on_screen
    leads = await all_leads(life)
    for book in books:
        for lead, said in book.finishes.items():
            assert shown(leads[lead]) == expected(said)


async def screen(life: Life, book: Book) -> set[int]:
    """The leads that the agent holds, each as the agent was told."""
    leases = (await life.ask("GET", f"/v1/agents/{book.agent}/lease")).json()["items"]
    found = {lease["lead"]["id"]: lease["token"] for lease in leases}
    for lead, token in found.items():
        assert book.leases.get(lead, token) == token, "a lease came back with another token"  # R5.1
        assert lead not in book.finishes, "an acknowledged finish was lost"
    if book.open_lease is not None and book.open_finish is None:
        assert book.open_lease[0] in found, "an acknowledged lease was lost"  # R5.1
    return set(found)


async def all_leads(life: Life) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    path = "/v1/leads?campaign=c1&limit=1000"
    after = ""
    while True:
        page = (await life.ask("GET", path + after)).json()
        found |= {lead["id"]: lead for lead in page["items"]}
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


def shown(lead: dict[str, Any]) -> dict[str, Any]:
    return {key: lead.get(key) for key in ("status", "closure", "attempts", "version")}


def expected(said: dict[str, Any]) -> dict[str, Any]:
    status = {"resolved": "closed", "unreached": "automatic_redial", "unresolved": "unresolved"}[said["outcome"]]
    return {"status": status, "closure": said.get("result"), "attempts": 1, "version": said["version"]}


async def check_imports(life: Life, imports: Imports) -> None:
    for pool in imports.pools:
        found = (await life.ask("GET", f"/v1/pools/{pool}")).json()
        assert (found["state"], found["counts"]["open"]) == ("active", BULK), "an acknowledged import was lost"


async def check_histories(life: Life, books: list[Book]) -> None:
    for book in books:
        for lead, said in book.finishes.items():
            history = (await life.ask("GET", f"/v1/leads/{lead}/history")).json()["items"]
            assert [line["event"] for line in history] == ["leased", said["outcome"]], "all of it, and nothing twice"


@contextmanager
def running(folder: Path, disk_s: float) -> Iterator[Daemon]:
    """A daemon on the folder's store; what is left of it at the end is killed."""
    arguments = ("serve", "--store", "sqlite:///leads.db", "--port", "0")
    with (folder / "stderr.txt").open("ab") as stderr:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("slow_disk.py")), *arguments],
            cwd=folder,
            env=environment(NEXTLEAD_ADMIN_TOKEN=TOKEN, SLOW_DISK_S=str(disk_s)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    try:
        yield Daemon(process, "http://")
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
async def test_a_killed_daemon_comes_back_with_everything_it_acknowledged(tmp_path: Path) -> None:
    seed = int(os.environ.get("NEXTLEAD_TEST_SEED") or random.randrange(1 << 32))
    print(f"NEXTLEAD_TEST_SEED={seed}")
    dice = random.Random(seed)
    books = [Book(f"agent{no}") for no in range(AGENTS)]
    imports = Imports()
    for life_no in range(KILLS + 1):
        with running(tmp_path, DISKS_S[life_no]) as daemon:
            life = Life(daemon, dice, dice.randint(*ANSWERS_PER_LIFE))
            async with life.http:
                if life_no == 0:
                    await set_up(life, books)
                await check(life, books)
                await check_imports(life, imports)
                if life_no < KILLS:
                    await asyncio.gather(life.load(imports), *(life.work(book) for book in books))
                else:
                    await check_histories(life, books)
            if life_no == KILLS:
                assert daemon.stop() == (0, "")
    assert sum(len(book.finishes) for book in books) >= KILLS * (ANSWERS_PER_LIFE[0] // 2 - AGENTS)
