"""How tests start `nextlead`: which code, with which environment, warm or cold.

Warm is as `warm.py` says. `NEXTLEAD_TEST_COLD=1` makes every process a cold one, as does a system without fork; those
started with the words of `NEXTLEAD` are always.
"""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from .warm import WarmProcess, Zygote

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = os.pathsep.join([str(ROOT / "engine"), str(ROOT / "adapters")])
NEXTLEAD: Final = (sys.executable, "-m", "nextlead_adapters.cli")
ENDS_WITHIN_S: Final = 300
"""No measure of speed: what has not ended by then hangs."""

COLD: Final = not hasattr(os, "fork") or not hasattr(socket, "send_fds") or "NEXTLEAD_TEST_COLD" in os.environ

Process = subprocess.Popen[str] | WarmProcess


def environment(**more: str) -> dict[str, str]:
    """The environment for a nextlead process: the checkout's code, none of the caller's tokens."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NEXTLEAD_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # one that starts cold would compile everything each time
    return kept | {"PYTHONPATH": SOURCES, "PYTHONWARNINGS": "default", "COLUMNS": "200"} | more


@cache
def zygote() -> Zygote:
    """The one of this run, started when it is first asked for."""
    return Zygote(environment())


def end_zygote() -> None:
    """If there is one."""
    if zygote.cache_info().currsize:
        zygote().close()
        zygote.cache_clear()


def start(arguments: Sequence[str], stderr: int, cwd: Path, env: Mapping[str, str]) -> Process:
    """A process that runs on; its standard output is a pipe, its standard error the descriptor."""
    if not COLD and _read_by_python(env) == _read_by_python(environment()):
        return zygote().start(arguments, stderr, cwd, env)
    return subprocess.Popen(
        [*NEXTLEAD, *arguments],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def _read_by_python(env: Mapping[str, str]) -> dict[str, str]:
    """What Python looks at once, before anything is imported."""
    return {key: value for key, value in env.items() if key.startswith(("PYTHON", "LC_", "LANG"))}


def run(arguments: Sequence[str], cwd: Path, env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """A process to its end."""
    with tempfile.TemporaryFile("r+") as stderr:
        process = start(arguments, stderr.fileno(), cwd, env)
        said, _ = process.communicate(timeout=ENDS_WITHIN_S)
        assert process.returncode is not None
        stderr.seek(0)
        return subprocess.CompletedProcess(arguments, process.returncode, said, stderr.read())
