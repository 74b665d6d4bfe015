"""Stores to measure on: SQLite files with a job's leads, just loaded or with 60 % of them called."""

import asyncio
import gc
from pathlib import Path
from shutil import copyfile
from typing import Final

from nextlead.core.changes import Changes
from nextlead.core.engine import Engine
from nextlead.ports import Commit
from nextlead_adapters.sqlite import SqliteStore

from .calls import STEP_MS, Shift, Tally
from .disk import settle
from .engine import Tell, load
from .job import START_MS, Job, make_centre
from .memory import WORKED

TURNS_PER_COMMIT: Final = 1_000


def store_url(path: Path) -> str:
    """The URL of a store file."""
    return f"sqlite:///{path}"


def copy_store(made: Path, folder: Path) -> Path:
    """A copy to work on; the original stays as it was made."""
    path = folder / "work.db"
    for old in folder.glob("work.db*"):
        old.unlink()
    copyfile(made, path)
    settle(path)
    return path


def make_loaded(job: Job, path: Path, tell: Tell) -> None:
    """A store as after an upload: all leads there, none called."""
    asyncio.run(_load(job, path, tell))


async def _load(job: Job, path: Path, tell: Tell) -> None:
    store, centre = SqliteStore(path), make_centre(job)
    await store.open()
    try:
        no = (await store.claim()).commit_no + 1
        await store.commit(Commit(no, START_MS, Changes(rows=dict(centre.rows))))
        written = 0
        for leads in centre.fresh(data=True):
            no += 1
            await store.commit(Commit(no, START_MS, Changes(fresh=leads)))
            written += len(leads)
            tell(f"writing the store {100 * written // job.leads} %")
    finally:
        await store.close()


def make_worked(job: Job, loaded: Path, path: Path, tell: Tell) -> None:
    """A copy of a loaded store in which 60 % of the leads were called, with all their history."""
    copyfile(loaded, path)
    engine = load(job)
    try:
        asyncio.run(_work(job, engine, path, tell))
    finally:
        gc.unfreeze()


async def _work(job: Job, engine: Engine, path: Path, tell: Tell) -> None:
    store = SqliteStore(path)
    await store.open()
    try:
        no = (await store.claim()).commit_no
        shift = Shift(engine, job)
        while shift.worked < WORKED * job.leads:
            no += 1
            engine.commit_no = no
            changes = changes_of(shift, engine, min(TURNS_PER_COMMIT, max(1, job.leads // 10)))
            await store.commit(Commit(no, shift.now_ms, changes))
            tell(f"working the store {100 * shift.worked // job.leads} %")
    finally:
        await store.close()


def changes_of(shift: Shift, engine: Engine, turns: int) -> Changes:
    """What so many turns of a shift leave to write."""
    changes, tally = Changes(), Tally()
    for _ in range(turns):
        finish, ask = shift.commands()
        if finish is not None:
            changes.merge(engine.apply(finish, shift.now_ms).changes)
        shift.now_ms += STEP_MS
        outcome = engine.apply(ask, shift.now_ms)
        changes.merge(outcome.changes)
        shift.took(outcome.reply, tally)
    return changes
