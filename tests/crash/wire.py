"""A wire between a daemon and its PostgreSQL server that can be cut: nothing gets through, and nobody is told."""

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit


class Wire:
    """Listens on a port of its own while the block lasts. `url` leads through it to the server that `server` names."""

    def __init__(self, server: str) -> None:
        self._server = urlsplit(server)
        self._whole = asyncio.Event()
        self._whole.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server
        self.url = ""

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = self._listener.sockets[0].getsockname()[1]
        who = f"{self._server.username or 'postgres'}:{self._server.password or ''}@"
        options = {key: value for key, value in parse_qs(self._server.query).items() if key not in ("host", "port")}
        query = urlencode(options, doseq=True)
        self.url = urlunsplit(("postgresql", f"{who}127.0.0.1:{port}", self._server.path, query, ""))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """From now on nothing gets through."""
        self._whole.clear()

    def mend(self) -> None:
        """What was on its way arrives, late."""
        self._whole.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await self._whole.wait()
        there, back = await self._connect()
        await asyncio.gather(self._carry(reader, back), self._carry(there, writer))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        options = parse_qs(self._server.query)
        host = options.get("host", [self._server.hostname or "127.0.0.1"])[0]
        port = int(options.get("port", [self._server.port or 5432])[0])
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            return
        finally:
            writer.close()
