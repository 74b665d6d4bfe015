"""The computer's clock is put back an hour and forward a day under a daemon at work: engine time never goes back, no lease
ends early or twice, and each step is logged and counted (SPEC R5.1, R5.2, R5.4).
"""

import asyncio
import json
import mmap
import random
import struct
from datetime import datetime
from pathlib import Path

import pytest
from crash.floor import OUTCOMES, Book, Imports, Life, check, running, set_up
from crash.shims import shim

pytestmark = pytest.mark.slow

HOUR_S, DAY_S = 3_600, 86_400
STEPS_S = (-HOUR_S, DAY_S, 30)
"""Each is added; the last is too small to be a step."""
SOME = 20


class Wall:
    """The wall clock of a process."""

    def __init__(self, folder: Path) -> None:
        file = folder / "shift"
        file.write_bytes(bytes(8))
        with file.open("r+b") as opened:
            self._shift = mmap.mmap(opened.fileno(), 8)
        self._by_s = 0
        self.variables = {"LD_PRELOAD": shim("clock_shift.c", folder), "CLOCK_SHIFT_FILE": str(file)}

    def step(self, by_s: int) -> None:
        """At once."""
        self._by_s += by_s
        self._shift[:] = struct.pack("=q", self._by_s)


async def times(life: Life, book: Book) -> list[datetime]:
    """When the agent's calls ended, in the order in which they were acknowledged.

    Their texts could not be compared: one that falls on a full second has no fraction.
    """
    found = []
    for lead in book.finishes:
        history = (await life.ask("GET", f"/v1/leads/{lead}/history")).json()["items"]
        assert len(history) == 2, "leased and finished, and nothing between"
        found += [datetime.fromisoformat(line["at"]) for line in history]
    return found


async def held(life: Life, agent: str) -> list[str]:
    leases = (await life.ask("GET", f"/v1/agents/{agent}/lease")).json()["items"]
    return [lease["token"] for lease in leases]


async def test_steps_of_the_clock(tmp_path: Path) -> None:
    store, wall = tmp_path / "store", Wall(tmp_path)
    store.mkdir()
    books, idle, imports = [Book("one"), Book("two")], Book("idle"), Imports()
    with running(store, **wall.variables) as daemon:
        life = Life(daemon, random.Random(1))
        async with life.http:
            life.outcomes = OUTCOMES[:2]  # none comes back, however much time goes by
            await set_up(life, [*books, idle])
            await life.ask("POST", "/v1/agents/idle/next", {})
            (token,) = await held(life, "idle")
            tasks = [asyncio.create_task(life.work(book)) for book in books]
            for step_s in STEPS_S:
                await life.until_answers(SOME)
                wall.step(step_s)
                await life.until_answers(SOME)
                assert await held(life, "idle") == [token], "a lease ended with the clock's step"  # R5.2
            life.home = True
            await asyncio.gather(*tasks)
            for book in books:
                told = await times(life, book)
                assert told == sorted(told), "time went back"
            await check(life, books, imports)
            metrics = (await life.http.get("/metrics")).text
        assert daemon.stop() == (0, "")
    assert 'nextlead_clock_steps_total{organisation="default"} 2.0' in metrics
    lines = [json.loads(line) for line in (store / "stderr.txt").read_text().splitlines() if line.startswith("{")]
    steps = [round(line["step_s"]) for line in lines if line["event"] == "clock_step"]
    assert steps == list(STEPS_S[:2])
    with running(store) as daemon:  # by a clock that is a day behind what the store has seen
        life = Life(daemon, random.Random(2))
        async with life.http:
            assert await held(life, "idle") == [token]
            await check(life, books, imports)
            await life.ask("POST", f"/v1/leases/{token}/finish", {"outcome": "unresolved"})
        assert daemon.stop() == (0, "")
    assert "clock_behind_store" in (store / "stderr.txt").read_text()
