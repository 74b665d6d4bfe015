"""Power goes under a daemon at work: what its agents were told by then is there (SPEC R5.1, R5.4).

As `test_power_loss.py`, with the whole daemon: leases, finishes and lists over HTTP, the keys and tokens beside the store.
"""

import asyncio
import copy
import os
import random
from pathlib import Path

import pytest
from crash.floor import Book, Imports, Life, check, running, set_up
from crash.power_loss import Disk, Mark, losses, read_trace
from crash.shims import shim

pytestmark = pytest.mark.slow

CUTS = int(os.environ.get("NEXTLEAD_POWER_CUTS", "3"))
SEED = int(os.environ.get("NEXTLEAD_TEST_SEED", "1"))
ANSWERS = 120
Told = tuple[list[Book], Imports]


async def work(store: Path, trace: Path, library: str) -> list[Told]:
    """A day of work; what everybody had been told at each mark, by number."""
    variables = {"LD_PRELOAD": library, "DISK_TRACE_FOLDER": str(store), "DISK_TRACE_FILE": str(trace)}
    books, imports = [Book(f"agent{no}") for no in range(4)], Imports()
    told: list[Told] = []
    with running(store, **variables) as daemon:
        mark = Mark(trace)

        def note() -> None:
            mark(str(len(told)))
            told.append((copy.deepcopy(books), copy.deepcopy(imports)))

        life = Life(daemon, random.Random(SEED), note)
        async with life.http:
            await set_up(life, books)
            tasks = [asyncio.create_task(task) for task in (life.load(imports), *map(life.work, books))]
            await life.until_answers(ANSWERS)
            life.home = True
            await asyncio.gather(*tasks)
        daemon.process.kill()
        mark.close()
    return told


async def comes_back(folder: Path, told: Told) -> None:
    with running(folder) as daemon:
        life = Life(daemon, random.Random(SEED))
        async with life.http:
            await check(life, *told)
        assert daemon.stop() == (0, "")


async def test_what_agents_were_told_is_there_after_a_loss_of_power(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    store, trace = tmp_path / "store", tmp_path / "trace"
    store.mkdir()
    told = await work(store, trace, shim("disk_trace.c", tmp_path))
    steps = read_trace(trace)
    marks = [at for at, step in enumerate(steps, 1) if step.kind == "M"]
    chosen = set(dice.sample(marks, min(CUTS, len(marks))))
    disk, last = Disk(), 0
    for at, step in enumerate(steps, 1):
        disk.play(step)
        if step.kind == "M":
            last = int(step.data)
        if at not in chosen:
            continue
        for no, loss in enumerate(dice.sample(list(losses(dice, at)), 2)):
            print(f"NEXTLEAD_TEST_SEED={SEED} NEXTLEAD_POWER_CUTS={CUTS}: {type(loss).__name__} at step {at}")
            folder = tmp_path / f"cut{at}-{no}"
            folder.mkdir()
            for name, content in disk.after(loss).items():
                (folder / name).write_bytes(content)
            await comes_back(folder, told[last])
