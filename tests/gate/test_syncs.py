"""A commit waits for the disk once: syncs are counted by a library between the process and the system."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from benchmarks.gate.commits import COMMITS, JOB, work_on
from benchmarks.job import CAMPAIGNS, build_engine, make_centre
from crash.power_loss import Mark, read_trace
from crash.shims import shim

from nextlead_adapters.sqlite import SqliteStore


def commit_into(folder: Path, trace: Path) -> None:
    """What the traced process does."""
    centre = make_centre(JOB)
    asyncio.run(work_on(SqliteStore(folder / "a.db"), centre, build_engine(centre), Mark(trace)))


def test_a_commit_is_one_sync(tmp_path: Path) -> None:
    folder, trace = tmp_path / "store", tmp_path / "trace"
    folder.mkdir()
    library = shim("disk_trace.c", tmp_path)
    traced = {"LD_PRELOAD": library, "DISK_TRACE_FOLDER": str(folder), "DISK_TRACE_FILE": str(trace)}
    command = [sys.executable, __file__, str(folder), str(trace)]
    subprocess.run(command, env=os.environ | traced | {"PYTHONPATH": os.pathsep.join(sys.path)}, check=True)
    syncs, phase = Counter[str](), ""
    for step in read_trace(trace):
        phase = step.data.decode() if step.kind == "M" else phase
        syncs[phase] += step.kind == "S"
    assert syncs["commit"] == COMMITS, "fewer lose commits, more are slow"
    assert syncs["load"] == 2 * CAMPAIGNS, "a pool is loaded by a commit"
    assert syncs["fold"] <= 2, "folding waits for the disk when all of it is done"


if __name__ == "__main__":
    commit_into(Path(sys.argv[1]), Path(sys.argv[2]))
