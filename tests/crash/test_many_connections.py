"""More connections than the process may have files, and clients that send or read nothing: those who come later wait, the
daemon neither ends nor spins, agents who are connected go on, and when the others have gone all is as before.
"""

import asyncio
import contextlib
import os
import random
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Daemon
from crash.floor import PATIENCE_S, Book, Imports, Life, check, running, set_up

pytestmark = pytest.mark.slow

MANY = int(os.environ.get("NEXTLEAD_CONNECTIONS", "150"))
"""Beyond what the daemon may have open; `make faults` opens ten thousand."""
SOME = 20
REST_S = 0.5


@contextlib.contextmanager
def crowd(daemon: Daemon, many: int) -> Iterator[list[socket.socket]]:
    """So many connections: half say nothing, the others half a request. Those that are not let in wait outside."""
    port = int(daemon.url.rsplit(":", 1)[1])
    sockets: list[socket.socket] = []
    try:
        for no in range(many):
            one = socket.socket()
            sockets.append(one)
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.connect(("127.0.0.1", port))
            if no % 2:
                with contextlib.suppress(OSError):
                    one.send(b"POST /v1/agents/x/next HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        yield sockets
    finally:
        for one in sockets:
            one.close()


def seconds_of_work(daemon: Daemon) -> float:
    """Processor time that the process has used."""
    fields = Path(f"/proc/{daemon.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def at_rest(daemon: Daemon) -> None:
    """Wait until it does next to nothing; who spins never does."""
    async with asyncio.timeout(PATIENCE_S):
        before = -1.0
        while (now := seconds_of_work(daemon)) - before > REST_S / 2:
            before = now
            await asyncio.sleep(REST_S)


@contextlib.contextmanager
def room_for_files(process: int, many: int) -> Iterator[None]:
    """How many files a process may have open, while the block lasts."""
    soft, hard = resource.prlimit(process, resource.RLIMIT_NOFILE)
    resource.prlimit(process, resource.RLIMIT_NOFILE, (min(many, hard), hard))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_NOFILE, (soft, hard))


async def test_more_connections_than_files(tmp_path: Path) -> None:
    books, imports = [Book("one"), Book("two")], Imports()
    with running(tmp_path) as daemon, room_for_files(os.getpid(), MANY + 500):
        life = Life(daemon, random.Random(1))
        async with life.http:
            await set_up(life, books)
            tasks = [asyncio.create_task(life.work(book)) for book in books]
            await life.until_answers(SOME)
            with room_for_files(daemon.process.pid, MANY * 2 // 3), crowd(daemon, MANY):
                await life.until_answers(SOME)
                life.home = True
                await asyncio.gather(*tasks)
                await at_rest(daemon)
            await life.until_ready()
            await check(life, books, imports)
        assert daemon.stop() == (0, "")
