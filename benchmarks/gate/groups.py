"""The groups of figures, and how one is counted in a process of its own, so that nothing else there bears on it.

`python -m benchmarks.gate.groups GROUP ...` prints the figures as JSON. `postgres` wants the URL of an empty schema in
`NEXTLEAD_GATE_POSTGRES`.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Collection
from importlib import import_module
from typing import Final

from msgspec import json

from .bounds import Figure

GROUPS: Final = {
    "memory": "memory",
    "decisions": "decisions",
    "blocked": "decisions",
    "slices": "slices",
    "dialer": "dialer",
    "face": "face",
    "sqlite": "commits",
    "postgres": "postgres",
}
"""Modules by group; the group is the name of the function. `memory` comes first: it likes an empty process."""
POSTGRES: Final = "postgres"
URL: Final = "NEXTLEAD_GATE_POSTGRES"

Figures = dict[str, list[Figure]]


class GateFailed(Exception):
    """A process that was to count ended without figures; what it said is on stderr."""


def count(groups: Collection[str]) -> Figures:
    """The figures of some groups, counted in this process."""
    return {group: _function(group)() for group in GROUPS if group in groups}


def _function(group: str) -> Callable[[], list[Figure]]:
    function = getattr(import_module(f"{__package__}.{GROUPS[group]}"), group)
    return (lambda: function(os.environ[URL])) if group == POSTGRES else function


def count_apart(groups: Collection[str], postgres: str = "") -> Figures:
    """The same in a process of its own, with strings hashed as in every other run. Raises `GateFailed`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path), "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-m", "benchmarks.gate.groups", *groups]
    done = subprocess.run(command, env=environment | {URL: postgres}, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise GateFailed(f"counting {', '.join(groups)} ended with {done.returncode}")
    return json.decode(done.stdout, type=Figures)


if __name__ == "__main__":
    sys.stdout.buffer.write(json.encode(count(sys.argv[1:])))
