"""The way to a PostgreSQL server, with somebody's hand on it.

It can be cut, be blocked so that nothing gets through and nobody is told, be long, or keep to itself what the server says.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

_PORT = 5432


class Cable:
    """`url` leads through it. All that goes through it comes and goes as it was, unless a test says otherwise."""

    def __init__(self, url: str, folder: Path) -> None:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        self._there = options.get("host", parts.hostname or "localhost")
        self._port = parts.port or _PORT
        self._here = folder / f".s.PGSQL.{_PORT}"
        self._pairs: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: asyncio.Future[None] | None = None
        self._deaf = False
        self._free = asyncio.Event()
        self._free.set()
        self.delay_s = 0.0
        """What goes through takes so long."""
        self.silent = False
        """Keeps back what the server says; what was kept back is lost."""
        user = parts.netloc.rpartition("@")[0]
        self.url = f"postgresql://{user}@{parts.path}?{urlencode({**options, 'host': str(folder)})}"

    def cut(self) -> None:
        """Every connection is gone, for both sides."""
        for pair in self._pairs:
            for writer in pair:
                writer.transport.abort()
        self._pairs.clear()

    def block(self) -> None:
        """From now on nothing gets through, and no connection ends by it."""
        self._free.clear()

    def clear(self) -> None:
        """What was on its way arrives, late."""
        self._free.set()

    def cut_on_answer(self) -> "asyncio.Future[None]":
        """The next thing that the server says is lost, and so are all connections; done when that has happened."""
        self._waiting = asyncio.get_running_loop().create_future()
        return self._waiting

    def cut_on_question(self) -> None:
        """The next thing that is said to the server is lost, and so are all connections."""
        self._deaf = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._free.wait()
        if self._there.startswith("/"):
            far = await asyncio.open_unix_connection(f"{self._there}/.s.PGSQL.{self._port}")
        else:
            far = await asyncio.open_connection(self._there, self._port)
        self._pairs.append((writer, far[1]))
        await asyncio.gather(self._carry(reader, far[1], answers=False), self._carry(far[0], writer, answers=True))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        try:
            while said := await reader.read(1 << 16):
                await asyncio.sleep(self.delay_s)
                await self._free.wait()
                if answers and self._waiting is not None:
                    self._waiting.set_result(None)
                    self._waiting = None
                    self.cut()
                elif not answers and self._deaf:
                    self._deaf = False
                    self.cut()
                elif not (answers and self.silent):
                    writer.write(said)
                    await writer.drain()
        except OSError:
            pass
        writer.transport.abort()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator["Cable"]:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._serve(reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        listener = await asyncio.start_unix_server(accept, self._here)
        try:
            yield self
        finally:
            listener.close()
            self._free.set()
            self.cut()
            await asyncio.gather(*self._tasks)


@asynccontextmanager
async def cable(url: str) -> AsyncIterator[Cable]:
    """A cable to the server of a URL."""
    with tempfile.TemporaryDirectory() as folder:  # a socket's path may not be long
        async with Cable(url, Path(folder))._open() as found:
            yield found
