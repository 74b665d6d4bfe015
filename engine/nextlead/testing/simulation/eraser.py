"""The chore that has the store erase what was anonymised, and tells the engine (SPEC R10.6)."""

from collections.abc import Callable

from nextlead.core.commands import Erased
from nextlead.core.errors import NextleadError
from nextlead.ports import StoreError
from nextlead.runtime.dialer import Dialer

PAUSE_MS = 60_000


class Eraser:
    """A `Chore`. After a failure it rests for a minute."""

    def __init__(self, dialer: Dialer, now_ms: Callable[[], int]) -> None:
        self._dialer = dialer
        self._now_ms = now_ms
        self._rests_until_ms = 0

    def next_ms(self) -> int | None:
        """Now, while there is something to erase."""
        return self._rests_until_ms if self._dialer.engine.erasures else None

    async def run(self) -> None:
        """Erase what there is."""
        erasures = list(self._dialer.engine.erasures.values())
        try:
            await self._dialer.read(lambda _engine: None)  # what is to be erased was committed
            await self._dialer.erase(erasures)
            await self._dialer.submit(Erased(ids=tuple(each.id for each in erasures)))
        except (StoreError, NextleadError):
            self._rests_until_ms = self._now_ms() + PAUSE_MS
