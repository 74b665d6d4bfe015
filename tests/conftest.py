"""What every test may ask for: a nextlead process of its own, and a PostgreSQL server.

No test fails because the machine is slow.
"""

import gc
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from processes.start import ENDS_WITHIN_S, NEXTLEAD, ROOT, Process, end_zygote, environment, run, start

from nextlead_adapters.compiled import engine_form

__all__ = ["NEXTLEAD", "ROOT", "Daemon", "StartNextlead", "environment"]

_modules = count(1)

settings.register_profile("at any speed", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("at any speed")


def pytest_configure(config: pytest.Config) -> None:
    """What is compiled knows nothing of what was edited since, so tests are of the sources, unless somebody says so."""
    if engine_form() == "compiled" and "NEXTLEAD_TEST_COMPILED" not in os.environ:
        raise pytest.UsageError(
            "the engine is compiled, and tests are of its sources: `make interpreted` takes away what is compiled, "
            "NEXTLEAD_TEST_COMPILED=1 tests it as it is"
        )


def pytest_runtest_setup(item: pytest.Item) -> None:
    if engine_form() == "compiled" and item.get_closest_marker("patches"):
        pytest.skip("it puts something of its own into the engine, which compiled modules do not see")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait for a daemon that starts or stops."""
    return (os.cpu_count() or 1) + 1


class Daemon:
    """A `nextlead serve` or `nextlead demo` that has said where it is. `said` are its lines so far."""

    def __init__(self, process: Process, until: str) -> None:
        self.process = process
        self.said: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            self.said.append(line.rstrip("\n"))
            if until in line:
                break
        assert until in "".join(self.said[-1:]), f"it ended without a word of {until!r}: {self.said}"
        self.url = next(word for line in self.said for word in line.split() if word.startswith("http://"))

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; exit code and what else was said."""
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=ENDS_WITHIN_S)
        return self.process.returncode, rest


StartNextlead = Callable[..., Daemon]


@pytest.fixture
def start_nextlead(tmp_path: Path) -> Iterator[StartNextlead]:
    """Start `nextlead` with arguments, in `cwd` (default: the test's own folder), and wait for the line `until`.

    Port 0 is added. What the test leaves running is killed.
    """
    started: list[Process] = []

    def start_one(*arguments: str, cwd: Path = tmp_path, until: str = "http://", **more: str) -> Daemon:
        with (cwd / "stderr.txt").open("ab") as stderr:
            process = start([*arguments, "--port", "0"], stderr.fileno(), cwd, environment(**more))
        started.append(process)
        return Daemon(process, until)

    yield start_one
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def nextlead(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run a `nextlead` command to its end, in `cwd` (default: the test's own folder); keywords are the environment."""

    def run_one(*arguments: str, cwd: Path = tmp_path, **more: str) -> "subprocess.CompletedProcess[str]":
        return run(arguments, cwd, environment(**more))

    return run_one


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server, and a session to ask it by: `postgres.Admin`. Skips where there is no server, or no driver."""
    from postgres import asking  # noqa: PLC0415 - other tests need no driver

    with asking() as admin:
        yield admin


@pytest.fixture
def postgres_url(postgres: Any) -> Iterator[str]:
    """A new and empty schema; in which the tables may be made already."""
    with postgres.store() as url:
        yield url


@pytest.fixture(autouse=True, scope="module")
def _no_garbage_is_kept() -> Iterator[None]:
    """Every dialer that opens keeps from the collector what is in memory, the garbage of earlier tests included.

    A module of tests leaves some 100 MB; to look through everything takes as long as many a module.
    """
    yield
    if next(_modules) % 3 == 0:
        gc.unfreeze()
        gc.collect()


@pytest.fixture(autouse=True, scope="session")
def _no_process_is_left() -> Iterator[None]:
    yield
    end_zygote()
