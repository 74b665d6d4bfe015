"""What goes on behind the commits: folding the journal into the tables, and what the database itself needs.

It waits until there is enough to do, for the same lead and the same page are then met several times at the cost of one.
Folding holds the right to change tables for one slice at a time. What belonged to a pool or a file that is gone is
taken away here, too, in slices.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from nextlead.ports import StoreError, StoreRefused

from .overlay import Overlay
from .slices import SLICE, batches
from .tables import Tables

FOLD_ROWS: Final = 16_384
"""Changed rows that wait before they are folded: a fifth cheaper than a quarter of them, 5 MB, 0.1 s of a start."""
PAGES: Final = 8_192
"""Pages of 4 KiB that commits wrote, roughly, before a restart would have much to read."""
ROWS_MAX: Final = 16 * FOLD_ROWS
"""Changed rows at which a commit waits for folding."""
SLICE_MAX: Final = 2_048
"""Rows that are folded at most between two commits."""

Exclusive = Callable[[], AbstractAsyncContextManager[None]]
"""The right to change tables, with no change in doubt."""


class Tending:
    """Folds in a task of its own until `stop`."""

    def __init__(self, tables: Tables, overlay: Overlay, exclusive: Exclusive, *, doomed: bool = False) -> None:
        self._tables = tables
        self._overlay = overlay
        self._exclusive = exclusive
        self._pages = 0
        self._at_ms = 0
        self._trouble: Exception | None = None
        self._stopping = False
        self._doomed = doomed
        self._wake = asyncio.Event()
        self._turn_over = asyncio.Event()
        if doomed:
            self._wake.set()
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(lambda _: self._turn_over.set())

    def note(self, pages: int, at_ms: int, *, doomed: bool = False) -> None:
        """A commit wrote about so many pages; with `doomed`, something is to be taken away after it."""
        self._pages += pages
        self._at_ms = at_ms
        self._doomed |= doomed
        if doomed or self._pages >= PAGES or len(self._overlay) >= FOLD_ROWS or self._tables.due():
            self._wake.set()

    async def relief(self) -> None:
        """Wait while too much is unfolded; raises `StoreError` when folding fails, or can't go on at all."""
        self._check()
        while len(self._overlay) >= ROWS_MAX:
            await self._turn()

    async def catch_up(self, no: int) -> None:
        """Wait until commit `no` is folded, and all that is to be taken away is; raises `StoreError` as `relief`."""
        self._check()
        while self._overlay.folded_to < no or self._doomed:
            await self._turn()

    async def stop(self) -> None:
        """Finish what is under way, and fold the rest.

        Failing loses nothing: the journal has it all. Only an error that is not the database's is raised, as
        `StoreError`.
        """
        self._stopping = True
        self._wake.set()
        await asyncio.wait([self._task])
        self._check()
        try:
            while self._overlay.behind:
                await self._fold()
        except (StoreError, StoreRefused):
            return

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._stopping:
                return
            try:
                await self._fold()
                await self._take_away()
                self._pages = 0
                await self._tables.tend()
                self._trouble = None
            except (StoreError, StoreRefused) as error:
                self._trouble = error
            self._turn_over.set()

    async def _turn(self) -> None:
        """Have everything tended once. Raises `StoreError` when it is stopped: nothing is tended any more."""
        self._check()
        if self._stopping:
            raise StoreError("the store is being closed")
        self._turn_over.clear()
        self._wake.set()
        await self._turn_over.wait()
        self._check()
        if self._trouble:
            raise StoreError(f"the journal can't be folded: {self._trouble}")

    def _check(self) -> None:
        """The task ends early only by an error that nobody foresaw; nothing may go on as if it were there."""
        if self._task.done() and not self._task.cancelled() and (error := self._task.exception()):
            raise StoreError(f"what goes on behind the commits has ended: {error!r}") from error

    async def _fold(self) -> None:
        """A slice grows with what waits, so that folding keeps up with large commits, too.

        Rows are taken apart while commits go on. Those that went away meanwhile are looked for again in each slice.
        """
        layer = self._overlay.turn()
        size = min(SLICE_MAX, max(SLICE, len(layer) // 64))
        for ids in batches(sorted(layer.leads), size):
            rows = await self._tables.columns_of([layer.leads[id_] for id_ in ids if id_ in layer.leads])
            async with self._exclusive():
                await self._tables.fold_leads([row for row in rows if row[0] in layer.leads])
        for keys in batches(list(layer.rows), size):
            async with self._exclusive():
                await self._tables.fold_rows({key: layer.rows[key] for key in keys if key in layer.rows})
        async with self._exclusive():
            await self._tables.set_folded(layer.up_to, self._at_ms)
            self._overlay.folded()

    async def _take_away(self) -> None:
        """Slice by slice; what is doomed meanwhile is met too."""
        while self._doomed and not self._stopping:
            async with self._exclusive():
                self._doomed = await self._tables.take_away()
