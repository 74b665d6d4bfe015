"""Servers under load: the daemon and the bare framework, each a process of its own, and what the system says of it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Final
from urllib.request import urlopen

from msgspec import Struct

from .stores import store_url

ENDS_WITHIN_S: Final = 60
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class ServerFailed(Exception):
    """The server did not start; the message is what it said."""


class Server(Struct, frozen=True):
    """A server that listens on this machine. `token` is the operator's."""

    pid: int
    port: int
    token: str

    def cpu_s(self) -> float:
        """Processor time of the process so far, all threads. Linux only: raises `OSError` elsewhere."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


@contextmanager
def daemon(store: Path, clock: str = "") -> Iterator[Server]:
    """`nextlead serve` on a store, ready; its clock is the computer's unless `clock` says `manual` or `manual=TIME`."""
    command = ["nextlead_adapters.cli", "serve", "--port", "0", "--store", store_url(store)]
    with running([*command, "--clock", clock] if clock else command, store.with_suffix(".log")) as server:
        with urlopen(f"http://127.0.0.1:{server.port}/readyz", timeout=ENDS_WITHIN_S):
            pass
        yield server


@contextmanager
def bare_server(folder: Path) -> Iterator[Server]:
    """The bare framework."""
    with running(["benchmarks.bare"], folder / "bare.log") as server:
        yield server


@contextmanager
def running(module: Sequence[str], log: Path, folder: Path | None = None) -> Iterator[Server]:
    """A process of a module that says where it listens in its first line, and ends at SIGTERM; errors go to `log`.

    It runs in `folder`. Raises `ServerFailed`.
    """
    token = token_hex(32)
    environment = os.environ | {
        "NEXTLEAD_ADMIN_TOKEN": token,
        "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
    }
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            said = process.stdout.readline().split()
            if not said:
                raise ServerFailed(log.read_text(encoding="utf-8"))
            yield Server(process.pid, int(said[-1].rpartition(":")[2]), token)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(ENDS_WITHIN_S)
