"""Make personal data go (`Store.erase`), in slices beside the commits.

Rules of this file:

1. First everything is folded, so the tables have no older row to come than what is deleted here, and no restart needs
   what the rewritten commits said.
2. A lead's commits are reached from its newest (`Erasure.last_commit`), from event to event, and by what is silent; the
   newest commits first, so that each is rewritten about once for all leads. A number leads to the deleted leads that
   had it, and to commits that name it without a lead.
3. What tells where to go on goes in the transaction that needs it no more: a lead's numbers with the commit that says
   them, a mention with the row that makes it, and the numbers of the `Erasure` rows last. So erasing may be broken off
   anywhere and begun again.
4. At the end nothing of it is left where the database is kept (`Tables.scrub`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, ParamSpec, TypeVar

from nextlead.core.model import Erasure

from .slices import batches
from .tables import Heads, Tables
from .tending import Exclusive, Tending

P = ParamSpec("P")
T = TypeVar("T")

_COMMITS: Final = 4
"""Commits that are rewritten in one slice."""


class Eraser:
    """Carries erasures out, one call at a time."""

    def __init__(self, tables: Tables, tending: Tending, exclusive: Exclusive) -> None:
        self._tables = tables
        self._tending = tending
        self._exclusive = exclusive
        self._one = asyncio.Lock()

    async def erase(self, erasures: Sequence[Erasure], up_to: int) -> None:
        """See `Store.erase`; the erasures were committed by commit `up_to`."""
        tables = self._tables
        async with self._one:
            await self._tending.catch_up(up_to)
            forget = {number for erasure in erasures for number in erasure.forget}
            heads = await self._slice(tables.heads, erasures, forget)
            leads = sorted({lead for group in heads.values() for lead in group} | {x.lead for x in erasures})
            await self._rewrite(heads)
            for ids in batches(leads):
                await self._slice(tables.delete_data, ids)
            for name in sorted(forget | {-lead for lead in leads if lead}):
                while await self._slice(tables.delete_rejects, name):
                    continue
            await self._forget(erasures, forget, up_to)
            await tables.scrub()

    async def _slice(self, work: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._exclusive():
            return await work(*args, **kwargs)

    async def _rewrite(self, heads: Heads) -> None:
        """Walk all chains down, the newest commits first."""
        while heads:
            newest = sorted(heads, reverse=True)[:_COMMITS]
            further = await self._slice(self._tables.rewrite, {no: heads.pop(no) for no in newest})
            for no, leads in further.items():
                heads.setdefault(no, set()).update(leads)

    async def _forget(self, erasures: Sequence[Erasure], forget: set[int], up_to: int) -> None:
        """Numbers that no lead says."""
        tables = self._tables
        for number in sorted(forget):
            after: int | None = 0
            while after is not None:
                after = await self._slice(tables.delete_uses, number, after)
        ids = {erasure.id for erasure in erasures}
        numbers = sorted(forget.union(*(erasure.numbers for erasure in erasures)))
        for part in batches(numbers):
            for no in await self._slice(tables.mentions, part, up_to):
                await self._slice(tables.rewrite_mentions, no, ids, forget)
        for some in batches(sorted(ids)):
            await self._slice(tables.rewrite_erasures, some)
