"""A process that has imported all that `nextlead serve` needs, and forks one daemon after the other.

Started by `warm.py` with the number of a socket. Every message on it is an order: arguments, folder and environment, and
with it three descriptors: standard output, standard error, and one that gets the exit code. The answer is the process's
number. When the socket is closed, all that still runs is killed.

The child has no thread and no loop of its parent, which has none, and goes on as `python -m nextlead_adapters.cli` does.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import Any, Final

PROGRAM: Final = "nextlead_adapters.cli"
NEEDED: Final = (
    "nextlead_adapters.almanac",
    "nextlead_adapters.cli.main",
    "nextlead_adapters.demo.run",
    "nextlead_adapters.http.app",
    "nextlead_adapters.intake.service",
    "nextlead_adapters.logs",
    "nextlead_adapters.privacy.service",
    "nextlead_adapters.server",
)
"""Whatever else a process needs it imports itself, as it would without all this; it only takes longer."""
WELCOME: Final = (
    "typer._adapters",
    "uvicorn.lifespan.off",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
    "uvloop",
)
"""Not everywhere, or not in every version."""
ORDER_BYTES: Final = 1 << 20


class Zygote:
    """`next_child` comes back in every child, never in the parent."""

    def __init__(self, orders: socket.socket) -> None:
        self._orders = orders
        self._tell: dict[int, int] = {}
        self._ended, woken = os.pipe()
        for end in (self._ended, woken):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the tests' Ctrl-C is for the daemons
        self._woken = woken

    def next_child(self) -> None:
        while True:
            ready, _, _ = select.select([self._orders.fileno(), self._ended], [], [])
            if self._ended in ready:
                os.read(self._ended, 1 << 12)
                self._collect()
            if self._orders.fileno() in ready and self._forked():
                return

    def _collect(self) -> None:
        """Tell the exit codes of all that have ended."""
        while self._tell:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            tell = self._tell.pop(pid)
            with suppress(BrokenPipeError):  # nobody wants to know
                os.write(tell, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(tell)

    def _forked(self) -> bool:
        """Take an order; whether this is the child."""
        order, descriptors = self._order()
        out, error, tell = descriptors
        pid = os.fork()
        if pid:
            self._tell[pid] = tell
            os.close(out)
            os.close(error)
            self._orders.send(str(pid).encode())
            return False
        self._become(order, out, error, tell)
        return True

    def _order(self) -> tuple[dict[str, Any], list[int]]:
        """Read a line. Where there is none any more, this is the end."""
        message, descriptors, _, _ = socket.recv_fds(self._orders, ORDER_BYTES, 3)
        while message and not message.endswith(b"\n"):
            message += self._orders.recv(ORDER_BYTES)
        if message:
            return json.loads(message), descriptors
        for pid in self._tell:
            os.kill(pid, signal.SIGKILL)
        sys.exit()

    def _become(self, order: dict[str, Any], out: int, error: int, tell: int) -> None:
        """Nothing is left of the parent but what it has imported."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(out, 1)
        os.dup2(error, 2)
        for each in (out, error, tell, *self._tell.values(), self._ended, self._woken):
            os.close(each)
        self._orders.close()
        os.chdir(order["folder"])
        os.environ.clear()
        os.environ.update(order["environment"])
        time.tzset()
        sys.argv[1:] = order["arguments"]
        sys.path[0] = order["folder"]  # where `python -m` has the folder it is started in


def main() -> None:
    for name in NEEDED:
        importlib.import_module(name)
    for name in WELCOME:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    Zygote(socket.socket(fileno=int(sys.argv[1]))).next_child()
    try:
        runpy.run_module(PROGRAM, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            raise
        leave(end.code or 0)


def leave(code: int) -> None:
    """End as Python does, but for taking all modules apart, which would first copy the memory that is shared."""
    threading._shutdown()  # type: ignore[attr-defined] # waits for threads
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


main()
