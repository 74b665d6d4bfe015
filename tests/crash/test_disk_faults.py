"""The disk fails under a daemon at work: it says 503 and nothing else, `/readyz` tells, and when the disk is well again
within the bound it goes on by itself; after it, it ends with 1. Nothing acknowledged is lost (SPEC R5.1, R5.3, R5.4).
"""

import asyncio
import errno
import json
import mmap
import random
import resource
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from conftest import Daemon
from crash.floor import NUMBERS, Book, Imports, Life, Refused, check, running, set_up
from crash.shims import shim
from processes.start import ENDS_WITHIN_S, environment, run

pytestmark = pytest.mark.slow

AGENTS = 4
SOME = 40
"""Acknowledged steps before, and after, a fault."""
IMPATIENT = "[commit]\nretry_for_s = 0.3\n"
PATIENT = "[commit]\nretry_for_s = 600.0\n"
Break = Callable[[], None]


@pytest.fixture
def books() -> list[Book]:
    return [Book(f"agent{no}") for no in range(AGENTS)]


@pytest.fixture
def imports() -> Imports:
    return Imports()


@asynccontextmanager
async def at_work(daemon: Daemon, books: list[Book], imports: Imports) -> AsyncIterator[Life]:
    """Agents work and lists are loaded while the block lasts, or until the daemon is gone."""
    life = Life(daemon, random.Random(1))
    async with life.http:
        await set_up(life, books)
        tasks = [asyncio.create_task(task) for task in (life.load(imports), *map(life.work, books))]
        await life.until_answers(SOME)
        yield life
        life.home = True
        await asyncio.gather(*tasks)


async def comes_back(folder: Path, books: list[Book], imports: Imports) -> None:
    """The next start has it all, and the store is sound."""
    with running(folder) as daemon:
        life = Life(daemon, random.Random(2))
        async with life.http:
            await check(life, books, imports)
        assert daemon.stop() == (0, "")
    sound(folder)


def sound(folder: Path) -> None:
    done = run(("verify", "--store", "sqlite:///leads.db"), folder, environment())
    assert done.returncode == 0, done.stderr


async def goes_on_after(life: Life, broken: Break, mended: Break) -> None:
    """While it is broken new work is refused, and nothing is acknowledged; then all goes on."""
    broken()
    await life.until_ready(ready=False)
    answers = life.answers
    for no in range(3):
        with pytest.raises(Refused):
            await life.ask("PUT", f"/v1/teams/new{no}", {"name": "New"})
        with pytest.raises(Refused):
            await life.ask("POST", "/v1/agents/nobody/next", {})
    assert (await life.http.get("/healthz")).status_code == 200
    assert life.answers == answers, "something was acknowledged that can't have been written"
    mended()
    await life.until_ready()
    await life.until_answers(SOME)


# -- the disk is full -----------------------------------------------------------------------------------------------


def room_for(daemon: Daemon, size: int) -> None:
    """Let no file of the process grow beyond a size: what is written then fails for real."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (size, hard))


async def test_no_room_for_a_while(tmp_path: Path, books: list[Book], imports: Imports) -> None:
    with running(tmp_path, config=PATIENT) as daemon:
        async with at_work(daemon, books, imports) as life:
            full = lambda: room_for(daemon, 4096)  # noqa: E731
            await goes_on_after(life, full, lambda: room_for(daemon, resource.RLIM_INFINITY))
        assert daemon.stop() == (0, "")
    await comes_back(tmp_path, books, imports)


async def test_no_room_for_too_long(tmp_path: Path, books: list[Book], imports: Imports) -> None:
    with running(tmp_path, config=IMPATIENT) as daemon:
        async with at_work(daemon, books, imports):
            room_for(daemon, 4096)
            assert await asyncio.to_thread(daemon.process.wait, ENDS_WITHIN_S) == 1
    await comes_back(tmp_path, books, imports)


async def upload(life: Life, size: int) -> int:
    """Load a file of about so many bytes; the status of the answer."""
    lines = ["phone,name", *(f"{number},{'x' * (size // len(NUMBERS))}" for number in NUMBERS)]
    options = {"campaign": "c2", "duplicates": {"action": "load"}}
    parts = {"file": ("list.csv", "\n".join(lines).encode()), "options": (None, json.dumps(options))}
    return (await life.ask("POST", "/v1/pools", files=parts)).status_code


async def test_no_room_for_an_upload(tmp_path: Path, books: list[Book], imports: Imports) -> None:
    """There is room for commits: nobody else notices, and nothing of the file stays."""
    with running(tmp_path, config=PATIENT) as daemon:
        async with at_work(daemon, books, imports) as life:
            room_for(daemon, 8 << 20)
            with pytest.raises(Refused):
                await upload(life, 10 << 20)
            assert [file.name for file in (tmp_path / "leads.tmp").rglob("*") if file.is_file()] == ["lock"]
            await life.until_answers(SOME)
            room_for(daemon, resource.RLIM_INFINITY)
            assert await upload(life, 1 << 16) == 201
            assert life.refusals == 0
        assert daemon.stop() == (0, "")
    await comes_back(tmp_path, books, imports)


# -- the disk does not take writes, or does not sync ----------------------------------------------------------------


class Disk:
    """A disk that fails at a word."""

    def __init__(self, folder: Path) -> None:
        file = folder / "faults"
        file.write_bytes(bytes(12))
        with file.open("r+b") as opened:
            self._faults = mmap.mmap(opened.fileno(), 12)
        store = folder / "store"
        store.mkdir()
        self.folder = store
        self.variables = {
            "LD_PRELOAD": shim("disk_fault.c", folder),
            "DISK_FAULT_FOLDER": str(store),
            "DISK_FAULT_FILE": str(file),
        }

    def fail(self, write: int = 0, sync: int = 0, sync_ms: int = 0) -> None:
        """From now on."""
        self._faults[:] = struct.pack("=iii", write, sync, sync_ms)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


@pytest.mark.parametrize("error", [errno.EROFS, errno.ENOSPC])
async def test_writes_fail_for_a_while(disk: Disk, books: list[Book], imports: Imports, error: int) -> None:
    with running(disk.folder, config=PATIENT, **disk.variables) as daemon:
        async with at_work(daemon, books, imports) as life:
            await goes_on_after(life, lambda: disk.fail(write=error), disk.fail)
        assert daemon.stop() == (0, "")
    await comes_back(disk.folder, books, imports)


async def test_a_sync_that_fails_is_not_tried_again(disk: Disk, books: list[Book], imports: Imports) -> None:
    """The next one would be taken, without what the first has lost; see `DatabaseFile.failure`."""
    with running(disk.folder, config=PATIENT, **disk.variables) as daemon:
        async with at_work(daemon, books, imports):
            disk.fail(sync=errno.EIO)
            assert await asyncio.to_thread(daemon.process.wait, ENDS_WITHIN_S) == 1
    assert "did not take a sync" in (disk.folder / "stderr.txt").read_text()
    await comes_back(disk.folder, books, imports)


async def test_a_slow_disk_is_waited_for(disk: Disk, books: list[Book], imports: Imports) -> None:
    with running(disk.folder, config=IMPATIENT, **disk.variables) as daemon:
        async with at_work(daemon, books, imports) as life:
            disk.fail(sync_ms=100)
            await life.until_answers(2 * AGENTS)
            assert life.refusals == 0
            disk.fail()
        assert daemon.stop() == (0, "")
    await comes_back(disk.folder, books, imports)


# -- somebody else has the database ---------------------------------------------------------------------------------


@contextmanager
def another(folder: Path, *statements: str) -> Iterator[None]:
    """Another program on the database, with these statements run and nothing ended."""
    code = "import sqlite3, sys; db = sqlite3.connect('leads.db', isolation_level=None, timeout=60)\n"
    code += f"for each in {statements!r}: db.execute(each).fetchall()\n"
    code += "print('there', flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", code], cwd=folder, stdin=pipe, stdout=pipe, text=True)
    try:
        assert process.stdout
        assert process.stdout.readline() == "there\n"
        yield
    finally:
        process.communicate("")


async def test_another_program_writes_for_longer_than_is_waited(
    tmp_path: Path, books: list[Book], imports: Imports
) -> None:
    with running(tmp_path, config=PATIENT) as daemon:
        async with at_work(daemon, books, imports) as life:
            other = another(tmp_path, "BEGIN IMMEDIATE")
            await goes_on_after(life, other.__enter__, lambda: other.__exit__(None, None, None))
        assert daemon.stop() == (0, "")
    await comes_back(tmp_path, books, imports)


async def test_another_program_reads_all_the_time(tmp_path: Path, books: list[Book], imports: Imports) -> None:
    """It holds on to the log, which grows; nothing else is to be noticed, not even at the end."""
    with running(tmp_path) as daemon:
        async with at_work(daemon, books, imports) as life:
            with another(tmp_path, "BEGIN", "SELECT count(*) FROM journal"):
                await life.until_answers(SOME)
                life.home = True
                assert await asyncio.to_thread(daemon.stop) == (0, "")
        assert life.refusals == 0
    await comes_back(tmp_path, books, imports)


# -- the files go under the daemon ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["leads.db-wal", "leads.db-shm"])
async def test_a_companion_is_deleted(tmp_path: Path, books: list[Book], imports: Imports, name: str) -> None:
    """The daemon ends before it acknowledges anything more, and brings into the database what the deleted log has."""
    with running(tmp_path) as daemon:
        async with at_work(daemon, books, imports):
            (tmp_path / name).unlink()
            assert await asyncio.to_thread(daemon.process.wait, ENDS_WITHIN_S) == 1
    assert f"{name} was deleted, moved or replaced" in (tmp_path / "stderr.txt").read_text()
    await comes_back(tmp_path, books, imports)


async def test_the_database_is_moved_away_and_another_put_in_its_place(
    tmp_path: Path, books: list[Book], imports: Imports
) -> None:
    """What was acknowledged is in the one that was moved."""
    path, moved, other = (tmp_path / name for name in ("leads.db", "moved.db", "other.db"))
    with running(tmp_path) as daemon:
        async with at_work(daemon, books, imports):
            other.write_bytes(path.read_bytes())
            path.rename(moved)
            other.rename(path)
            assert await asyncio.to_thread(daemon.process.wait, ENDS_WITHIN_S) == 1
    assert "leads.db was deleted, moved or replaced" in (tmp_path / "stderr.txt").read_text()
    moved.replace(path)
    await comes_back(tmp_path, books, imports)
