"""SIGTERM and Ctrl-C at awkward moments: while the store is opened or loaded, under load, with a log that nobody reads."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ENDS_WITHIN_S, Daemon, StartNextlead, environment
from crash.floor import Book, Imports, Life, check, running, set_up

pytestmark = pytest.mark.slow

SOME = 40


@pytest.mark.parametrize(("step", "number"), [("open", signal.SIGINT), ("load", signal.SIGTERM)])
def test_a_daemon_that_is_not_open_yet_ends_at_once_with_0(
    tmp_path: Path, start_nextlead: StartNextlead, step: str, number: int
) -> None:
    assert start_nextlead("serve", "--store", "sqlite:///leads.db").stop() == (0, "")
    slow_start = str(Path(__file__).with_name("slow_start.py"))
    with subprocess.Popen(
        [sys.executable, slow_start, "serve", "--store", "sqlite:///leads.db", "--port", "0"],
        cwd=tmp_path,
        env=environment(SLOW_STEP=step),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "it begins\n"
        process.send_signal(number)
        assert process.communicate(timeout=ENDS_WITHIN_S) == ("", ""), "it was never ready, and nothing is wrong"
    assert process.returncode == 0
    assert start_nextlead("serve", "--store", "sqlite:///leads.db").stop() == (0, "")


async def test_the_end_under_load(tmp_path: Path) -> None:
    """Who gets an answer can rely on it, and who gets none asks again after the next start."""
    books, imports = [Book(f"agent{no}") for no in range(6)], Imports()
    for life_no in range(3):
        with running(tmp_path) as daemon:
            life = Life(daemon, random.Random(life_no))
            async with life.http:
                if life_no == 0:
                    await set_up(life, books)
                await check(life, books, imports)
                tasks = [asyncio.create_task(task) for task in (life.load(imports), *map(life.work, books))]
                await life.until_answers(SOME)
                assert await asyncio.to_thread(daemon.stop) == (0, "")
                await asyncio.gather(*tasks)


def complain(daemon: Daemon, times: int) -> None:
    """Have it log some lines: of requests that are none."""
    address = ("127.0.0.1", int(daemon.url.rsplit(":", 1)[1]))
    for _ in range(times):
        with socket.create_connection(address, timeout=ENDS_WITHIN_S) as one:
            one.sendall(b"this is not HTTP\r\n\r\n")
            while one.recv(4096):
                pass


async def test_nobody_reads_the_log(tmp_path: Path) -> None:
    """The pipe is full long before the daemon is told to end."""
    os.mkfifo(tmp_path / "log")
    reader = os.open(tmp_path / "log", os.O_RDONLY | os.O_NONBLOCK)
    books, imports = [Book("one")], Imports()
    with running(tmp_path, log="log") as daemon:
        life = Life(daemon, random.Random(1))
        async with life.http:
            await set_up(life, books)
            await asyncio.to_thread(complain, daemon, 1_000)
            working = asyncio.create_task(life.work(books[0]))
            await life.until_answers(SOME)
            life.home = True
            await working
            await check(life, books, imports)
        assert await asyncio.to_thread(daemon.stop) == (0, "")
    assert len(os.read(reader, 1 << 20)) >= 60_000, "the pipe was not full"
    os.close(reader)
