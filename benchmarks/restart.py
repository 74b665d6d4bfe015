"""A daemon's start on a store that has leads (T8), and how large it is then (T7 for the whole daemon).

Timed is what an operator sees: from starting the process to `GET /readyz` answering 200. The clock stands where the
store left it, so nothing came due meanwhile.
"""

from pathlib import Path
from time import perf_counter
from urllib.request import urlopen

from .disk import settle
from .engine import Tell
from .figures import Result
from .resident import MB, resident_bytes
from .served import ENDS_WITHIN_S, running
from .stores import store_url


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

    What it keeps beside a store that is no file goes to `folder`. Raises `ServerFailed`.
    """
    command = ["nextlead_adapters.cli", "serve", "--port", "0", "--clock", "manual", "--store", store]
    started = perf_counter()
    with running(command, log, folder) as server:
        with urlopen(f"http://127.0.0.1:{server.port}/readyz", timeout=ENDS_WITHIN_S):
            seconds = perf_counter() - started
        return seconds, resident_bytes(server.pid)
