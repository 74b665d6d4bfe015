"""`nextlead` processes from one that has imported everything: a few milliseconds each, where a cold one takes 0.5 s.

Each is a process of its own, forked off the zygote (`zygote.py`) of this run of pytest before anything has run in it.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

PROGRAM: Final = Path(__file__).with_name("zygote.py")


class WarmProcess:
    """What tests use of a `subprocess.Popen[str]`, with its meaning. Standard output is a pipe."""

    def __init__(self, pid: int, stdout: IO[str], told: int) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._told = told

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code; raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("nextlead", timeout or 0)
            self.returncode = int(os.read(self._told, 16))
            os.close(self._told)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """What else it says, to its end. It is killed when it has not ended by then."""
        killer = threading.Timer(timeout or 0, os.kill, (self.pid, signal.SIGKILL))
        if timeout is not None:
            killer.start()
        try:
            said = "" if self.stdout.closed else self.stdout.read()
            self.stdout.close()
            self.wait()
        finally:
            killer.cancel()
        return said, None

    def send_signal(self, number: int) -> None:
        """Nothing happens when it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class Zygote:
    """The process that is forked. `close` ends it, and kills what came out of it and still runs."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._orders, theirs = socket.socketpair()
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(PROGRAM), str(theirs.fileno())],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def start(self, arguments: Sequence[str], stderr: int, folder: Path, environment: Mapping[str, str]) -> WarmProcess:
        """Fork one off. The folder must be there."""
        order = {"arguments": arguments, "folder": str(folder), "environment": dict(environment)}
        out, their_out = os.pipe()
        told, their_told = os.pipe()
        with self._lock:
            socket.send_fds(self._orders, [json.dumps(order).encode() + b"\n"], [their_out, stderr, their_told])
            pid = int(self._orders.recv(16))
        os.close(their_out)
        os.close(their_told)
        return WarmProcess(pid, os.fdopen(out, encoding="utf-8"), told)

    def close(self) -> None:
        self._orders.close()
        self._process.wait()
