"""Reads an uploaded file in a process of its own, and gives its rows as they come.

A file is strangers' data: reading it must not be able to stop the daemon, fill its memory, or hold up `next`. The pipe
is the back-pressure: the process waits while nobody takes its rows.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from msgspec import DecodeError, Struct, field

from nextlead.core.errors import Invalid, NextleadError, NotReady

from .wire import (
    FRAME_BYTES_MAX,
    LENGTH_BYTES,
    Chunk,
    Cut,
    Done,
    Failed,
    Header,
    Job,
    Kept,
    Message,
    Reading,
    decode_message,
    encode_job,
)

SLOTS: Final = 8
"""Twice what one organisation may have, so that one which uploads much leaves the others room."""
_PROGRAM: Final = "nextlead_adapters.intake.worker_main"
_PIPE_BYTES: Final = 1 << 20
_ERROR_BYTES: Final = 4_000
_MEMORY_WORDS: Final = ("MemoryError", "memory allocation of")
"""What Python, and the library that reads workbooks, say last."""
_ENVIRONMENT: Final = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "PYTHONHOME",
    "SYSTEMROOT",
    "TZDIR",
)


class Slots:
    """How many processes read at once, altogether; `for_small` files have slots apart, so they need not wait long."""

    def __init__(self, most: int = SLOTS) -> None:
        self._by_small = {small: asyncio.Semaphore(most) for small in (True, False)}

    def slot(self, *, for_small: bool) -> asyncio.Semaphore:
        """To be held while a process reads. First come, first served."""
        return self._by_small[for_small]


class Limits(Struct, frozen=True):
    """What reading one file may take. `silence_s` is the longest the process may take for its next answer.

    Temporary files lie in `folder`; None is the system's. Those who have the same limits share their `slots`.
    """

    memory_bytes: int = 768 << 20
    cpu_s: int = 900
    silence_s: float = 120.0
    chunk_rows: int = 250
    folder: Path | None = None
    slots: Slots = field(default_factory=Slots)


def job_of(path: Path, reading: Reading, owners: Collection[str], limits: Limits) -> Job:
    """What a process is told to read all of a file."""
    return Job(
        path=str(path.absolute()),
        reading=reading,
        owners=tuple(owners),
        chunk_rows=limits.chunk_rows,
        memory_bytes=limits.memory_bytes,
        cpu_s=limits.cpu_s,
    )


class UnreadableFile(Invalid):
    """The file can't be read."""

    code = "unreadable_file"


class IntakeFailed(NextleadError):
    """Reading the file was given up."""

    code = "intake_failed"


class Worker:
    """One file, one process. Use as an async context manager; leaving it ends the process.

    Raises `UnreadableFile` or `Invalid` when the file, or the mapping or sheet for it, is at fault; `IntakeFailed` when
    the process died or went over a limit, `NotReady` when the system has no process to give.
    """

    def __init__(self, job: Job, limits: Limits) -> None:
        self._job = job
        self._limits = limits
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        try:
            await _to_the_end(self._start())
        except asyncio.CancelledError:
            if self._process is not None:
                await _to_the_end(_end(self._process))
            raise
        except OSError as problem:
            raise NotReady(f"no process to read the file could be started: {problem.strerror}") from problem
        return self

    async def __aexit__(self, *_: object) -> None:
        await _to_the_end(_end(self._started()))

    async def _start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", _PROGRAM,
            stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=_PIPE_BYTES, env=_environment(),
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._started().pid

    def _started(self) -> Process:
        assert self._process is not None, "a worker is used as a context manager"
        return self._process

    async def header(self) -> Header:
        """Start; answers when the file turned out to be readable."""
        self._tell()
        message = await self._message()
        assert isinstance(message, Header), "the header comes first"
        return message

    async def chunks(self) -> AsyncIterator[Chunk]:
        """The rows, to the end of the file."""
        while not isinstance(message := await self._message(), Done):
            assert isinstance(message, Chunk), "rows come behind the header"
            yield message

    async def pieces(self) -> AsyncIterator[Kept | Cut]:
        """Of a job with `erase`: the file without the rows, and then how many there were."""
        self._tell()
        while not isinstance(message := await self._message(), Done):
            assert isinstance(message, Kept | Cut), "pieces come, and what was cut"
            yield message

    def _tell(self) -> None:
        stdin = self._started().stdin
        assert stdin is not None
        stdin.write(encode_job(self._job))
        stdin.close()

    async def _message(self) -> Message:
        stdout = self._started().stdout
        assert stdout is not None
        try:
            async with asyncio.timeout(self._limits.silence_s):
                length = int.from_bytes(await stdout.readexactly(LENGTH_BYTES), "big")
                if length > FRAME_BYTES_MAX:
                    raise IntakeFailed("the reading process sent more than it may")
                message = decode_message(await stdout.readexactly(length))
        except TimeoutError:
            raise IntakeFailed(f"reading the file made no progress for {self._limits.silence_s:g} s") from None
        except (asyncio.IncompleteReadError, DecodeError):
            raise await self._death() from None
        if isinstance(message, Failed):
            raise _refusal(message)
        return message

    async def _death(self) -> NextleadError:
        """Why the process has ended. What needs too much memory is the file's fault."""
        process = self._started()
        assert process.stderr is not None
        said = (await process.stderr.read(_ERROR_BYTES)).decode("utf-8", "replace").strip()
        if process.returncode is None:
            _kill(process)
        code = await process.wait()
        if any(words in said for words in _MEMORY_WORDS):
            return UnreadableFile("file", "needs more memory than an upload may take")
        if code == -signal.SIGXCPU:
            return IntakeFailed(f"reading the file took more than {self._limits.cpu_s} s of processor time")
        if code < 0:
            return IntakeFailed(f"the process that read the file was ended by {signal.Signals(-code).name}")
        last = said.splitlines()[-1] if said else "no message"
        return IntakeFailed(f"the process that read the file ended with {code}: {last}")


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Do short work whatever happens: who is cancelled meanwhile is so when it is done.

    A process that is started or ended half-way is left over: nobody takes its exit status, nobody closes its pipes.
    """
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as stop:
            cancelled = stop
    if cancelled is not None:
        raise cancelled from task.exception()
    task.result()


async def _end(process: Process) -> None:
    """Kill it if it still runs, and return when the system and the loop are done with it."""
    if process.returncode is None:
        _kill(process)
    await _drain(process)
    await process.wait()


async def _drain(process: Process) -> None:
    """Read what it still said, to the end: the loop lets go of a process when its pipes are closed, not before."""
    for pipe in (process.stdout, process.stderr):
        while pipe is not None and await pipe.read(_PIPE_BYTES):
            pass


def _kill(process: Process) -> None:
    """End it, dead or alive, and leave its exit status to the event loop.

    `Process.kill` looks whether it has ended, and so takes the status of one that just has; the loop then finds none.
    """
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)


def _refusal(failed: Failed) -> NextleadError:
    if failed.field == "file":
        return UnreadableFile(failed.field, failed.rule)
    return Invalid(failed.field, failed.rule)


def _environment() -> dict[str, str]:
    """What Python needs to start, and none of the daemon's secrets; it imports from where the daemon does."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
