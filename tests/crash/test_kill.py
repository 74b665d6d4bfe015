"""A daemon killed with SIGKILL while agents work: nothing acknowledged is lost, no lead is given to two (SPEC R5.1, R5.4).

`make faults KILLS=200` kills more often: NEXTLEAD_KILLS is how many times.
"""

import asyncio
import os
import random
from pathlib import Path

import pytest
from crash.floor import Book, Imports, Life, check, check_histories, running, set_up

AGENTS = 8
KILLS = int(os.environ.get("NEXTLEAD_KILLS", "4"))
KILLS_ON_ONE_STORE = 20
"""Then the list is called through, and a new store begins."""
ANSWERS_PER_LIFE = (30, 120)
"""A life ends after a random number of answers in this range."""

DISKS_S = (0.02, 0.0, 0.02, 0.005, 0.0)
"""How long commits hang in each life, in turn; see `slow_disk.py`."""
SLOW_DISK = str(Path(__file__).with_name("slow_disk.py"))


class Doomed(Life):
    """A life that ends with a kill after so many answers, with the others' steps under way."""

    def kill_after(self, answers: int) -> None:
        """Count from now on."""
        self._counted = lambda: self.daemon.process.kill() if self.answers == answers else None


@pytest.mark.slow
async def test_a_killed_daemon_comes_back_with_everything_it_acknowledged(tmp_path: Path) -> None:
    seed = int(os.environ.get("NEXTLEAD_TEST_SEED") or random.randrange(1 << 32))
    print(f"NEXTLEAD_TEST_SEED={seed} NEXTLEAD_KILLS={KILLS}")
    dice = random.Random(seed)
    for done in range(0, KILLS, KILLS_ON_ONE_STORE):
        folder = tmp_path / str(done)
        folder.mkdir()
        await kill_again_and_again(folder, dice, min(KILLS - done, KILLS_ON_ONE_STORE))


async def kill_again_and_again(folder: Path, dice: random.Random, kills: int) -> None:
    """A store's lives: each but the last ends by a kill, and begins with a look at all the books."""
    books = [Book(f"agent{no}") for no in range(AGENTS)]
    imports = Imports()
    for life_no in range(kills + 1):
        disk_s = DISKS_S[life_no % len(DISKS_S)]
        with running(folder, SLOW_DISK, SLOW_DISK_S=str(disk_s)) as daemon:
            life = Doomed(daemon, dice)
            async with life.http:
                if life_no == 0:
                    await set_up(life, books)
                await check(life, books, imports)
                if life_no < kills:
                    life.kill_after(dice.randint(*ANSWERS_PER_LIFE))
                    await asyncio.gather(life.load(imports), *(life.work(book) for book in books))
                else:
                    await check_histories(life, books)
            if life_no == kills:
                assert daemon.stop() == (0, "")
    assert sum(len(book.finishes) for book in books) >= kills * (ANSWERS_PER_LIFE[0] // 2 - AGENTS)
