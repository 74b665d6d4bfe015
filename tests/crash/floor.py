"""A call centre at work on a daemon that may fail: agents who write down what they were told (a book each), and what they
asked for when there was no answer. Every line of every book must be found in the daemon afterwards.

A daemon that can't write answers 503. The agent then asks the same again: a lease that was given is on the screen again,
and a finish that was taken gets its first answer (SPEC R5.1, R5.3).
"""

import asyncio
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from conftest import Daemon
from processes.start import NEXTLEAD, Process, environment, start

TOKEN = "t" * 32
PATIENCE_S = 300
"""No measure of speed: what has not come by then does not come."""

AREAS = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 220, 223, 224)
NUMBERS = [f"+1{area}55501{last:02}" for area in AREAS for last in range(100)]
"""Numbers reserved for fiction."""

BULK = 200
"""Leads of one import; somebody imports all the time."""

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


class Gone(Exception):
    """The daemon is gone; whoever asks it something hears this."""


class Refused(Exception):
    """It can't write now (503)."""


class Life:
    """One run of the daemon. `count` is called with every acknowledged step; `answers` is how many there were."""

    def __init__(self, daemon: Daemon, dice: random.Random, counted: Callable[[], None] = lambda: None) -> None:
        self.daemon = daemon
        self.dice = dice
        self.answers = self.refusals = 0
        self.home = False
        self.outcomes = OUTCOMES
        self._counted = counted
        self.http = httpx.AsyncClient(base_url=daemon.url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=300)

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """An answer; `Gone` when there is none, `Refused` when it is a 503 that says why."""
        try:
            answer = await self.http.request(method, path, json=body, **more)
        except httpx.TransportError as error:
            raise Gone from error
        if answer.status_code == 503:
            assert answer.json()["code"] in ("storage_failed", "not_ready", "overloaded"), answer.text
            raise Refused(answer.text)
        assert answer.status_code < 500, answer.text
        return answer

    async def ready(self) -> bool:
        """What /readyz says."""
        return (await self.http.get("/readyz")).status_code == 200

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.01)

    async def until_ready(self, *, ready: bool = True) -> None:
        """Wait until /readyz says so."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.ready() is not ready:
                await asyncio.sleep(0.05)

    async def until_answers(self, more: int) -> None:
        """Wait for so many more acknowledged steps."""
        goal = self.answers + more
        await self.until(lambda: self.answers >= goal)

    # -- work -------------------------------------------------------------------------------------------------------

    async def work(self, book: Book) -> None:
        """Next and finish until the daemon is gone or the day is over."""
        while not self.home:
            try:
                await (self._next(book) if book.open_lease is None else self._finish(book))
            except Refused:
                self.refusals += 1
                await asyncio.sleep(0.02)
            except Gone:
                return

    async def load(self, imports: Imports) -> None:
        """One import after the other until the daemon is gone or the day is over."""
        while not self.home:
            leads = [{"phone": number} for number in self.dice.sample(NUMBERS, BULK)]
            body = {"campaign": "c2", "leads": leads, "duplicates": {"match": ["phone"], "action": "load"}}
            try:
                answer = await self.ask("POST", "/v1/leads", {**body, "name": f"import {len(imports.pools)}"})
            except Refused:
                await asyncio.sleep(0.02)
                continue
            except Gone:
                return
            assert answer.is_success, answer.text
            imports.pools.append(answer.json()["id"])

    async def _next(self, book: Book) -> None:
        answer = await self.ask("POST", f"/v1/agents/{book.agent}/next", {})
        assert answer.status_code == 200, f"the list is long enough: {answer.status_code} {answer.headers}"
        lease = answer.json()
        book.open_lease = (lease["lead"]["id"], lease["token"])
        book.leases[lease["lead"]["id"]] = lease["token"]
        self._count()

    async def _finish(self, book: Book) -> None:
        assert book.open_lease is not None
        lead, token = book.open_lease
        if book.open_finish is None:
            book.open_finish = self.dice.choice(self.outcomes)
        else:
            book.repeats += 1
        answer = await self.ask("POST", f"/v1/leases/{token}/finish", book.open_finish)
        assert answer.status_code == 200, f"a finish sent again gets the first answer: {answer.text}"  # R5.3
        book.finishes[lead] = {**book.open_finish, "version": answer.json()["lead"]["version"]}
        book.open_lease = book.open_finish = None
        self._count()

    def _count(self) -> None:
        self.answers += 1
        self._counted()


async def set_up(life: Life, books: list[Book]) -> None:
    """Two campaigns, agents who are logged on, a long list."""

    async def must(method: str, path: str, body: dict[str, Any]) -> None:
        assert (await life.ask(method, path, body)).is_success

    for campaign in ("c1", "c2"):
        await must("PUT", f"/v1/campaigns/{campaign}", {"name": campaign})
    for book in books:
        await must("PUT", f"/v1/agents/{book.agent}", {"name": book.agent, "campaigns": ["c1"]})
        await must("PUT", f"/v1/agents/{book.agent}/session", {"campaigns": ["c1"]})
    await must("POST", "/v1/leads", {"campaign": "c1", "leads": [{"phone": number} for number in NUMBERS]})


# -- what must be so ------------------------------------------------------------------------------------------------


async def check(life: Life, books: list[Book], imports: Imports) -> None:
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
    for pool in imports.pools:
        found = (await life.ask("GET", f"/v1/pools/{pool}")).json()
        assert (found["state"], found["counts"]["open"]) == ("active", BULK), "an acknowledged import was lost"


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
    """Of the first campaign, by id."""
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
    """What a book says of a lead that was finished."""
    return {key: lead.get(key) for key in ("status", "closure", "attempts", "version")}


def expected(said: dict[str, Any]) -> dict[str, Any]:
    """The same of the book's line."""
    status = {"resolved": "closed", "unreached": "automatic_redial", "unresolved": "unresolved"}[said["outcome"]]
    return {"status": status, "closure": said.get("result"), "attempts": 1, "version": said["version"]}


async def check_histories(life: Life, books: list[Book]) -> None:
    """Each call is in the history once."""
    for book in books:
        for lead, said in book.finishes.items():
            history = (await life.ask("GET", f"/v1/leads/{lead}/history")).json()["items"]
            assert [line["event"] for line in history] == ["leased", said["outcome"]], "all of it, and nothing twice"


# -- the process ----------------------------------------------------------------------------------------------------


@contextmanager
def running(
    folder: Path, *program: str, config: str = "", log: str = "stderr.txt", **variables: str
) -> Iterator[Daemon]:
    """A daemon on the folder's store; what is left of it at the end is killed. `program` is run instead of nextlead.

    `config` is what nextlead.toml has, `log` the file that gets what is said on stderr.
    """
    (folder / "nextlead.toml").write_text(config)
    arguments = ("serve", "--config", "nextlead.toml", "--store", "sqlite:///leads.db", "--port", "0")
    env = environment(NEXTLEAD_ADMIN_TOKEN=TOKEN, **variables)
    with (folder / log).open("ab", buffering=0) as stderr:
        if program or "LD_PRELOAD" in variables:
            process: Process = subprocess.Popen(
                [*((sys.executable, *program) if program else NEXTLEAD), *arguments],
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        else:
            process = start(arguments, stderr.fileno(), folder, env)
    try:
        yield Daemon(process, "http://")
    finally:
        process.kill()
        process.communicate()
