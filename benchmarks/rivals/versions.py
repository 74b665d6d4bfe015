"""Which servers rivals run on: versions as they say them, "" where one says none."""

import asyncio
import re
import subprocess
import warnings
from importlib import import_module

from .servers import redis_program

_NUMBER = re.compile(r"\d+(\.\d+)+")


def postgres_version(url: str = "") -> str:
    """The version of the server that was named, else of the one that the wheel brings."""
    if url:
        return asyncio.run(_asked(url))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it keeps a lock of its own
        programs = import_module("pgserver._commands").POSTGRES_BIN_PATH
    return _said(str(programs / "postgres"))


async def _asked(url: str) -> str:
    import asyncpg  # noqa: PLC0415 - a driver that need not be there

    db = await asyncpg.connect(url)
    try:
        return str(await db.fetchval("SHOW server_version"))
    finally:
        await db.close()


def redis_version() -> str:
    """The version of the `redis-server` that would be started."""
    program = redis_program()
    return _said(program) if program else ""


def _said(program: str) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = _NUMBER.search(said)
    return found[0] if found else said.strip()
