"""Power goes at any moment: what was acknowledged is on the disk, what was erased is not (SPEC R5.1, R10.6).

The work is done once, under a shim that writes down what is written and synced (`disk_trace.c`). Then the files are put
together as a disk may have kept them that lost its power after some step (`power_loss.py`), again and again.

`make faults` tries more moments: NEXTLEAD_POWER_CUTS is how many.
"""

import asyncio
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from contract.build import commit, load, pool
from contract.town import traces
from crash import power_work
from crash.power_loss import Disk, Step, losses, read_trace
from crash.shims import shim
from processes.start import ENDS_WITHIN_S, ROOT, SOURCES

from nextlead.core.model import Lead, Status
from nextlead.ports import Commit
from nextlead_adapters.sqlite import SqliteStore

pytestmark = pytest.mark.slow

CUTS = int(os.environ.get("NEXTLEAD_POWER_CUTS", "3"))
SEED = int(os.environ.get("NEXTLEAD_TEST_SEED", "1"))
TRACE = re.compile("Zo\u00eb-[0-9a-f]{18}|(?<=[+])1[23][0-9]{9}".encode())
"""What looks like a name or a number of the town."""
State = tuple[dict[int, Lead], set[int]]
"""Touched leads that are open, and untouched ones."""


class Remembered(power_work.Nowhere):
    """What every commit left, by number."""

    def __init__(self) -> None:
        self.states: list[State] = [({}, set())]

    async def commit(self, commit: Commit) -> None:
        leads, fresh = self.states[-1]
        changes = commit.changes
        touched = leads | changes.leads
        rows = {id_: row for id_, row in touched.items() if id_ not in changes.gone and row.status != Status.CLOSED}
        new = fresh | {lead.id for lead in changes.fresh}
        self.states.append((rows, new - set(changes.leads) - set(changes.gone)))
        await super().commit(commit)


async def states() -> list[State]:
    """Of all the work."""
    remembered = Remembered()
    town = power_work.Town(power_work.LEADS, power_work.SEED)
    for life in range(power_work.LIVES):
        await power_work.work(town, remembered, life)
    return remembered.states


def traced(folder: Path) -> list[Step]:
    """Do all the work under the shim."""
    files, trace = folder / "traced", folder / "trace"
    files.mkdir()
    environment = {
        **os.environ,
        "LD_PRELOAD": shim("disk_trace.c", folder),
        "DISK_TRACE_FOLDER": str(files),
        "DISK_TRACE_FILE": str(trace),
        "PYTHONPATH": os.pathsep.join([SOURCES, str(ROOT / "tests")]),
    }
    for life in range(power_work.LIVES):
        command = [sys.executable, power_work.__file__, str(files / "a.db"), str(trace), str(life)]
        subprocess.run(command, env=environment, check=True, timeout=ENDS_WITHIN_S)
    return read_trace(trace)


class Said:
    """What the marks say up to a step."""

    def __init__(self) -> None:
        self.begun = self.acknowledged = 0
        self.erased: list[int] = []

    def hear(self, step: Step) -> None:
        if step.kind == "M":
            what, no = step.data.decode().split()
            match what:
                case "begun":
                    self.begun = int(no)
                case "commit":
                    self.acknowledged = int(no)
                case _:
                    self.erased += power_work.forgotten(int(no))


async def check(folder: Path, said: Said, known: list[State]) -> None:
    """The store in the folder has what it must, and goes on."""
    assert not left(folder, said.erased), "what was erased came back"  # R10.6
    path = folder / "a.db"
    store = SqliteStore(path)
    try:
        await store.open()
        last = (await store.claim()).commit_no
        assert said.acknowledged <= last <= said.begun, "an acknowledged commit is lost"  # R5.1
        whole = await load(store)
        assert {row.id: row for row in whole.leads} == known[last][0]
        assert {row.id for row in whole.fresh} == known[last][1]
        await commit(store, last + 1, pool(9))
    finally:
        await store.close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("SELECT max(no) FROM journal").fetchone() == (last + 1,)
    assert not left(folder, said.erased), "what was erased came back"


def left(folder: Path, ids: list[int]) -> list[str]:
    """Files in which names or numbers of these are found."""
    wanted = {trace for id_ in ids for trace in traces(id_)}
    contents = {file.name: file.read_bytes() for file in folder.iterdir()}
    return [name for name, content in contents.items() if wanted.intersection(TRACE.findall(content))]


def cuts(steps: list[Step], dice: random.Random) -> set[int]:
    """Numbers of steps after which power goes: some that were acknowledged just now, some anywhere, the last."""
    told = [at for at, step in enumerate(steps, 1) if step.kind == "M" and not step.data.startswith(b"begun")]
    erased = [at for at, step in enumerate(steps, 1) if step.data.startswith(b"erased")]
    return {*erased, *dice.sample(told, min(len(told), CUTS)), *dice.sample(range(1, len(steps)), CUTS), len(steps)}


async def test_what_was_acknowledged_is_there_after_any_loss_of_power(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    steps, known = await asyncio.to_thread(traced, tmp_path), await states()
    chosen = cuts(steps, dice)
    disk, said, tried = Disk(), Said(), 0
    for at, step in enumerate(steps, 1):
        disk.play(step)
        said.hear(step)
        if at not in chosen:
            continue
        for loss in losses(dice, at):
            folder = tmp_path / f"cut{tried}"
            folder.mkdir()
            for name, content in disk.after(loss).items():
                (folder / name).write_bytes(content)
            print(f"NEXTLEAD_TEST_SEED={SEED} NEXTLEAD_POWER_CUTS={CUTS}: {type(loss).__name__} at step {at}")
            await check(folder, said, known)
            shutil.rmtree(folder)
            tried += 1
    assert tried >= CUTS
