"""A daemon's start on a store that has leads (T8), and how large it is then (T7 for the whole daemon).

Timed is what an operator sees: from starting the process to `GET /readyz` answering 200. The clock stands where the
store left it, so nothing came due meanwhile.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from secrets import token_hex
from time import perf_counter
from typing import Final
from urllib.request import urlopen

from .disk import settle
from .engine import Tell
from .figures import Result
from .resident import MB, resident_bytes
from .stores import store_url

_ENDS_WITHIN_S: Final = 60


class DaemonFailed(Exception):
    """The daemon did not start; the message is what it said."""


def measure_restart(empty: Path, stores: dict[str, Path], tell: Tell) -> Result:
    """Seconds to ready with each store in the system's cache and out of it; MB over a daemon with an empty store."""
    result: Result = {}
    tell("starting on an empty store")
    result["empty_s"], empty_bytes = start_daemon(store_url(empty), empty.with_suffix(".log"))
    for name, path in stores.items():
        tell(f"starting on a {name} store")
        result[f"{name}_s"], found_bytes = start_daemon(store_url(path), path.with_suffix(".log"))
        result[f"{name}_daemon_mb"] = (found_bytes - empty_bytes) / MB
        tell(f"starting on a {name} store, nothing cached")
        settle(path, forget=True)
        result[f"{name}_cold_s"], _ = start_daemon(store_url(path), path.with_suffix(".log"))
    return result


def start_daemon(store: str, log: Path, folder: Path | None = None) -> tuple[float, int]:
    """Start a daemon on the store of a URL, wait until it is ready, stop it: seconds and resident bytes.

    What it keeps beside a store that is no file goes to `folder`. Raises `DaemonFailed`.
    """
    command = [sys.executable, "-m", "nextlead_adapters.cli", "serve", "--port", "0", "--clock", "manual"]
    environment = os.environ | {"NEXTLEAD_ADMIN_TOKEN": token_hex(32)}
    if folder is not None:
        environment["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, sys.path))
    started = perf_counter()
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            [*command, "--store", store],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as daemon,
    ):
        try:
            assert daemon.stdout is not None
            said = daemon.stdout.readline().split()
            if not said:
                raise DaemonFailed(log.read_text(encoding="utf-8"))
            with urlopen(f"{said[-1]}/readyz", timeout=_ENDS_WITHIN_S):  # noqa: S310 - the daemon's own address
                seconds = perf_counter() - started
            return seconds, resident_bytes(daemon.pid)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(_ENDS_WITHIN_S)
