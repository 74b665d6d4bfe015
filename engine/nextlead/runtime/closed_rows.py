"""Closed leads are in no memory: who changes one brings its row from the archive, and only one may at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType


class ClosedRows:
    """`async with` holds it: from then on the archive says what closed leads are, until it is let go.

    `settled` returns when all that was decided so far is durable. Whoever held it before may have gone without waiting
    for that, and then the archive does not say yet what it did. Changing a row that is not the newest would break the
    lead's history, along which personal data is erased (SPEC R1.3, R10.6).
    """

    def __init__(self, settled: Callable[[], Awaitable[object]]) -> None:
        self._turn = asyncio.Lock()
        self._settled = settled

    async def __aenter__(self) -> None:
        """Raises what `settled` raises, and is not held then."""
        await self._turn.acquire()
        try:
            await self._settled()
        except BaseException:
            self._turn.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turn.release()
