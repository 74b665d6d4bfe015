"""The daemon: a dialer, its HTTP face on a socket, and an orderly end.

Rules of this file:

1. It listens from its first moment; until everything is loaded the lobby answers. As a standby it stays there.
2. SIGTERM and Ctrl-C: no new connections, those who wait for a lead are told there is none, what is in flight is
   answered, what was decided is committed; exit 0. A second signal ends without waiting for slow clients. A signal
   that comes while the store is opened or loaded breaks that off: nobody was served yet, so there is nothing to answer.
3. A store that stays failed ends the daemon with exit 1: memory is ahead of the disk. So does another process that
   has become the owner. Who is still connected is answered with a 503 first.
"""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
import uvicorn
from msgspec import Struct

from nextlead.core.errors import NotReady
from nextlead.ports import StoreError, StoreRefused

from . import systemd
from .bootstrap import BadUrl, Built, build
from .compiled import engine_form
from .config import Config, HttpConfig
from .http.lobby import STANDBY, Lobby
from .limit_packs import PackError
from .scheme_files import SchemeError

if TYPE_CHECKING:
    from .http.direct import DirectProtocol

T = TypeVar("T")

_log = structlog.get_logger("nextlead.server")


class CannotListen(Exception):
    """The address can't be listened to; the message says why."""


REFUSALS = (StoreRefused, StoreError, NotReady, BadUrl, CannotListen, PackError, SchemeError)
"""Why a daemon can't start, or a store can't be looked at; the messages are for people."""


class Running(Struct):
    """A daemon that answers at `url`. `stop` begins the orderly end, `stopped` is done when the last answer is out."""

    url: str
    built: Built
    stop: Callable[[], None]
    stopped: asyncio.Task[None]


class _Server(uvicorn.Server):
    """Uvicorn without its signal handling, which would end the process by the signal, not with exit 0.

    It begins to end when it is told to; uvicorn's own looks ten times a second whether it was.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    def end(self) -> None:
        """Begin the orderly end; the second time, do without waiting for clients."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self._told.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Renew the `Date` of answers once a second, until told to end."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 1)


@asynccontextmanager
async def running(config: Config, clock: str | None = None) -> AsyncIterator[Running]:
    """A daemon for as long as the block lasts, which begins when it is open. Raises `REFUSALS`."""
    listener = await _listen(config.http)
    url = _url(config.http.host, listener)
    lobby = Lobby()
    server = _Server(uvicorn_config(lobby, config.http))

    def waiting(owner: str) -> None:
        lobby.status = STANDBY
        _say(f"nextlead waits on {url} as a standby of {owner}")
        systemd.started(f"waits as a standby of {owner}")

    serving = asyncio.create_task(server.serve(sockets=[listener]), name="nextlead-http")
    try:
        async with build(config, clock, waiting) as built:
            lobby.become(built.app)

            def stop() -> None:
                systemd.stopping()
                server.end()
                built.tenancy.drain()

            try:
                yield Running(url, built, stop, serving)
            finally:
                if not server.should_exit:
                    stop()
                await serving
    finally:
        if not server.should_exit:
            server.end()
        await serving


def serve_forever(config: Config, clock: str | None = None) -> int:
    """Run until a signal or a failure; the process's exit code. Says on stdout where it listens."""
    try:
        return run_loop(_serve(config, clock))
    except REFUSALS as error:
        sys.stderr.write(f"nextlead: {error}\n")
        return 1


async def _serve(config: Config, clock: str | None) -> int:
    try:
        return await _serve_once_open(config, clock)
    except asyncio.CancelledError:  # only `stop_on_signals` cancels this task
        return 0


async def _serve_once_open(config: Config, clock: str | None) -> int:
    this = asyncio.current_task()
    assert this is not None
    stop_on_signals(lambda: this.cancel("a signal came before the daemon was open"))
    async with systemd.watchdog(), running(config, clock) as daemon:
        stop_on_signals(daemon.stop)
        seconds = round(daemon.built.dialer.stats.recovery_seconds, 3)
        _log.info("ready", seconds=seconds, engine=engine_form())
        _say(f"nextlead serves on {daemon.url}")
        if daemon.built.token_made:
            _tell_token(daemon.built)
        systemd.started(f"serves on {daemon.url}")
        return await until_over(daemon)


async def until_over(daemon: Running) -> int:
    """Wait until it is stopped (0), or a store has failed for good or is another's (1)."""
    fatal = daemon.built.tenancy.failed
    failed = asyncio.create_task(fatal.wait(), name="nextlead-fatal")
    await asyncio.wait((failed, daemon.stopped), return_when=asyncio.FIRST_COMPLETED)
    failed.cancel()
    return 1 if fatal.is_set() else 0


def stop_on_signals(stop: Callable[[], object]) -> None:
    """Let SIGTERM and SIGINT call `stop`, and nothing that was named before."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run it on uvloop where that is installed, else on asyncio's own loop."""
    loop_factory = import_module("uvloop").new_event_loop if find_spec("uvloop") else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(main)


def uvicorn_config(app: Any, http: HttpConfig) -> uvicorn.Config:
    """How uvicorn is run, for whoever measures what it costs by itself as well.

    A `Lobby` gets the protocol that takes hot calls from the socket (`http/direct.py`), where there is httptools.
    """
    # No proxy headers: who asks for /metrics is judged by where the connection comes from.
    return uvicorn.Config(
        app,
        http=_direct_protocol() if isinstance(app, Lobby) and find_spec("httptools") else "auto",
        log_config=None,
        log_level="warning",  # of itself it only says that it starts and ends
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=http.drain_s,
    )


def _direct_protocol() -> "type[DirectProtocol]":
    from .http.direct import DirectProtocol  # noqa: PLC0415 - it needs httptools

    return DirectProtocol


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _listen(http: HttpConfig) -> socket.socket:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(http.host, http.port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        raise CannotListen(f"can't listen on {http.host} port {http.port}: {error.strerror or error}") from None


def _url(host: str, listener: socket.socket) -> str:
    named = f"[{host}]" if ":" in host else host
    return f"http://{named}:{listener.getsockname()[1]}"


def _tell_token(built: Built) -> None:
    """The token goes to a terminal only, never into a log or a pipe; its file is named everywhere."""
    _log.info("admin token written", file=str(built.token_file))
    if sys.stdout.isatty():
        sys.stdout.write(f"admin token (kept in {built.token_file}): {built.token}\n")
        sys.stdout.flush()
