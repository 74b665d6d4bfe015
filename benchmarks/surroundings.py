"""What figures were measured on: machine, versions, state of the checkout."""

import os
import platform
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from nextlead_adapters.compiled import engine_form

from .files import About

ROOT: Final = Path(__file__).resolve().parent.parent
_PACKAGES: Final = (
    *("nextlead", "msgspec", "sortedcontainers", "aiosqlite", "uvloop", "uvicorn", "httptools", "starlette"),
    *("asyncpg", "hiredis"),
)


def surroundings() -> About:
    """All of it, for the JSON file; to be taken before anything is measured."""
    return About(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=" ".join(["python -m benchmarks", *sys.argv[1:]]),
        commit=_git("rev-parse", "HEAD"),
        changed_files=len(_git("status", "--porcelain", "--untracked-files=no").splitlines()),
        machine={
            "system": f"{platform.system()} {platform.release().partition('-')[0]} {platform.machine()}",
            "processor": _processor(),
            "cores": os.cpu_count(),
            "memory_gib": _memory_gib(),
            "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        },
        versions={"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
        | {name: _version(name) for name in _PACKAGES}
        | {"engine": _engine()},
    )


def _engine() -> str:
    """In a checkout it is compiled by the mypyc that is installed."""
    form = engine_form()
    return form if form == "interpreted" else f"{form} with mypyc {_version('mypy')}"


def _git(*arguments: str) -> str:
    try:
        found = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.strip()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30), 1)
    except (AttributeError, OSError, ValueError):
        return None
