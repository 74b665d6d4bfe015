"""Carrying erasures out: what was decided to be forgotten goes from files and store (SPEC R10.6, R10.7).

Rules of this file:

1. An erasure is done when the originals of its pools are rewritten, then the store has erased it, then the engine was
   told. It is kept until then, so one that was broken off is begun again, after a restart too.
2. One batch at a time, and an original is rewritten once for all of a batch.
3. The original of a file that is still being loaded is not touched: what is to go from it waits until it is loaded.
   The engine asks for that by an erasure of its own, for each such file.
4. Before numbers go for good, nobody may have them any more: a lead that got one while the others of the person were
   closed is found here, and closed too.
5. What fails is tried again after a pause. Logs say how many, never who.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Final, Protocol

from msgspec import Struct

from nextlead.core.commands import Erased
from nextlead.core.errors import Conflict, NotReady
from nextlead.core.model import Erasure
from nextlead.ports import StoreError
from nextlead.runtime.dialer import Dialer

from .closing import anonymise_person
from .patience import Patience
from .person import leads_with

BATCH: Final = 10_000
TOLD: Final = 500
"""Erasures in one command: others are served after a millisecond."""
FAILURES: Final = (StoreError, NotReady, OSError, Conflict)
"""What may be otherwise the next time: the disk is full, say, or an original is being loaded once more."""


class Originals(Protocol):
    """The kept files."""

    async def rewrite(self, pool: int, numbers: Collection[int]) -> int:
        """Keep the pool's original without the rows that have one of the numbers; how many there were.

        Nothing is done for a pool that has no original, or is gone. Raises one of `FAILURES` when it can't now.
        """
        ...


class Gone(Struct, frozen=True):
    """What went: originals that lost rows, and those rows. `later`: some wait for files that are being loaded."""

    originals: int = 0
    rows: int = 0
    later: bool = False


class Eraser:
    """See the rules of this file. It is a chore of the dialer: `next_ms` and `run`."""

    def __init__(self, dialer: Dialer, originals: Originals) -> None:
        self._dialer = dialer
        self._originals = originals
        self._log = dialer.log
        self._turn = asyncio.Lock()
        self._patience = Patience(dialer.clock, dialer.look)
        self._claimed: set[int] = set()
        self._later: set[int] = set()
        self._loading: set[int] = set()
        self._gathering = False

    # -- the chore --------------------------------------------------------------------------------------------------

    def next_ms(self) -> int | None:
        """At once, when something is to be erased that nobody cares for yet; O(files that are waited for)."""
        if self._gathering or self._patience.waiting:
            return None
        if len(self._dialer.engine.erasures) > len(self._claimed) + len(self._later):
            return 0
        return None if all(map(self._is_loading, self._loading)) else 0

    async def run(self) -> None:
        """Carry out all that nobody has claimed; what fails is logged, and tried again after a pause."""
        if not all(map(self._is_loading, self._loading)):
            self._later, self._loading = set(), set()
        try:
            while not self._patience.waiting and (batch := await self._unclaimed()):
                await self.carry_out(batch)
        except FAILURES:
            return

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Let erasures pile up meanwhile, to carry them out together."""
        self._gathering = True
        try:
            yield
        finally:
            self._gathering = False
            self._dialer.look()

    def close(self) -> None:
        """Try nothing more; what is left is done after the next start."""
        self._patience.close()

    async def _unclaimed(self) -> list[Erasure]:
        """Whoever decides to forget holds `reopening` until it has claimed what came of it."""
        async with self._dialer.reopening:
            taken = self._claimed | self._later
            batch = await self._dialer.read(
                lambda engine: list(islice((row for row in engine.erasures.values() if row.id not in taken), BATCH))
            )
            self._claimed.update(row.id for row in batch)
            return batch

    # -- for who waits for the end ----------------------------------------------------------------------------------

    def claim(self, leads: Collection[int], numbers: Collection[int]) -> list[Erasure]:
        """Take on what is to be erased of leads and numbers, to be given to `carry_out`. Call it under `reopening`."""
        wanted = [
            row
            for row in self._dialer.engine.erasures.values()
            if row.id not in self._claimed | self._later
            and (row.lead in leads or not {*row.forget, *row.numbers}.isdisjoint(numbers))
        ]
        self._claimed.update(row.id for row in wanted)
        return wanted

    async def carry_out(self, batch: Sequence[Erasure]) -> Gone:
        """Rules 1 to 4, for what is claimed. Raises what of `FAILURES` came; then it is tried again after a pause."""
        claimed = [*batch]
        try:
            async with self._turn:
                claimed += await self._stragglers(batch)
                gone = await self._carry_out(claimed)
            self._patience.worked()
            return gone
        except FAILURES as problem:
            pause_s, left = self._patience.failed(), len(self._dialer.engine.erasures)
            self._log.error("erasing_failed", problem=type(problem).__name__, left=left, again_in_s=pause_s)
            raise
        finally:
            self._claimed.difference_update(row.id for row in claimed)

    async def _carry_out(self, claimed: Sequence[Erasure]) -> Gone:
        self._put_off(claimed)
        batch = [row for row in claimed if row.id not in self._later]
        originals = rows = 0
        for pool, numbers in (await self._by_pool(batch)).items():
            gone = await self._originals.rewrite(pool, numbers)
            originals, rows = originals + (gone > 0), rows + gone
        if batch:
            await self._dialer.erase(batch)
            for at in range(0, len(batch), TOLD):
                await self._dialer.submit(Erased(ids=tuple(row.id for row in batch[at : at + TOLD])))
        later = len(claimed) - len(batch)
        leads = sum(row.lead > 0 for row in batch)
        self._log.info("erased", leads=leads, originals=originals, rows=rows, later=later)
        return Gone(originals, rows, later=later > 0)

    async def _by_pool(self, batch: Iterable[Erasure]) -> dict[int, set[int]]:
        """The numbers that go from each pool's original, but for those that are being loaded."""
        found: dict[int, set[int]] = {}
        for row in batch:
            if row.numbers:
                found.setdefault(row.pool, set()).update(row.numbers)
            for number in row.forget:
                for pool in await self._dialer.archive.pools_with_number(number):
                    found.setdefault(pool, set()).add(number)
        return {pool: numbers for pool, numbers in found.items() if not self._is_loading(pool)}

    # -- files that are being loaded --------------------------------------------------------------------------------

    def _put_off(self, claimed: Sequence[Erasure]) -> None:
        """Rule 3."""
        waiting = [row for row in claimed if self._is_loading(row.pool)]
        ids = {row.id for row in waiting}
        self._claimed -= ids
        self._later |= ids
        self._loading |= {row.pool for row in waiting}

    def _is_loading(self, pool: int) -> bool:
        row = self._dialer.engine.pools.get(pool)
        return row is not None and row.state == "loading" and row.file > 0

    # -- who came in between ----------------------------------------------------------------------------------------

    async def _stragglers(self, batch: Iterable[Erasure]) -> list[Erasure]:
        """Rule 4; what came of it is claimed."""
        numbers = {number for row in batch for number in row.forget}
        if not numbers:
            return []
        async with self._dialer.reopening:
            find = partial(leads_with, self._dialer.archive, numbers)
            done = await anonymise_person(self._dialer, find, "system")
            return self.claim({row.id for row in done.person.leads}, ())
