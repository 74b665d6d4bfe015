"""Leads entered through the API or by hand, and which pool they go to (SPEC R9.1).

Calls of the same caller with the same options share a pool while they follow each other within `manual_pool_gap`.
A call with a name has a pool of its own. After a restart the first call opens a new pool.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from msgspec import json
from msgspec.structs import replace

from nextlead.core.commands import IntakeReject, IntakeRow
from nextlead.core.errors import Invalid, NextleadError, NotReady
from nextlead.core.model import Pool
from nextlead.core.pools import takes_rows

from .leads import LeadTable, lead_table
from .loading import AndThen, Loader
from .mapping import Plan
from .numbers import Numbers
from .options import Order, PoolOptions
from .rows import RowChecker

_SLICE: Final = 100
"""Leads checked between two turns of the loop: some two milliseconds."""

Key = tuple[str, bytes, tuple[str, ...]]
"""Caller, options, unmatched keys: a pool that is held for those takes no leads that all match (SPEC R9.3)."""


class Entries:
    """Loads entries; remembers per caller and options the pool they went to, and when."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._lock = asyncio.Lock()
        self._shared: dict[Key, tuple[int, int]] = {}

    async def add(
        self, leads: Sequence[object], options: PoolOptions, order: Order, caller: str, then: AndThen | None = None
    ) -> Pool:
        """The pool the leads went to, as it is after them."""
        table = lead_table(leads)
        plan = _plan(order, table)
        rows, rejects = await _check(table, plan, order)
        key = (caller, order.open.source.encode() + json.encode(options), plan.unmatched)
        async with self._lock:
            pool = None if options.name.strip() else self._find(key)
            if pool is None:
                pool = await self._load_new(order, plan, rows, rejects, then)
            else:
                before = pool.valid + pool.invalid + pool.duplicate
                await self._load(pool.id, before, rows, rejects, order.open.by, then)
            if not options.name.strip():
                self._shared[key] = (pool.id, self._loader.dialer.now_ms())
        pool_id = pool.id
        return await self._loader.dialer.read(lambda engine: engine.pools[pool_id])

    def _find(self, key: Key) -> Pool | None:
        """The pool to share, if it still takes leads."""
        dialer = self._loader.dialer
        oldest_ms = dialer.now_ms() - dialer.engine.settings.manual_pool_gap_ms
        self._shared = {key: entry for key, entry in self._shared.items() if entry[1] >= oldest_ms}
        pool = dialer.engine.pools.get(self._shared[key][0]) if key in self._shared else None
        if pool is None or not takes_rows(pool):
            return None
        return pool

    async def _load_new(
        self, order: Order, plan: Plan, rows: list[IntakeRow], rejects: list[IntakeReject], then: AndThen | None
    ) -> Pool:
        by = order.open.by
        pool = await self._loader.open(order.open)
        try:
            await self._load(pool.id, 0, rows, rejects, by)
            return await self._loader.close(pool.id, by, unmatched=plan.unmatched, then=then)
        except NextleadError as problem:
            with suppress(NotReady):
                await self._loader.close(pool.id, by, error=problem.detail)
            raise

    async def _load(
        self,
        pool: int,
        before: int,
        rows: list[IntakeRow],
        rejects: list[IntakeReject],
        by: str,
        then: AndThen | None = None,
    ) -> None:
        if before:
            rows = [replace(row, row=row.row + before) for row in rows]
            rejects = [replace(reject, row=reject.row + before) for reject in rejects]
        await self._loader.load(pool, rows, rejects, by, then)


def _plan(order: Order, table: LeadTable) -> Plan:
    try:
        return order.matcher.plan(table.columns, mapped_must_exist=False)
    except Invalid as problem:
        if problem.field == "file":
            raise Invalid("leads", problem.rule) from None
        raise


async def _check(table: LeadTable, plan: Plan, order: Order) -> tuple[list[IntakeRow], list[IntakeReject]]:
    checker = RowChecker(plan, Numbers(order.region), order.owners)
    rows: list[IntakeRow] = []
    rejects: list[IntakeReject] = []
    for no, lead in enumerate(table.leads, 1):
        if lead.problem:
            rejects.append(IntakeReject(no, (f"lead {lead.problem}",), (lead.cell,)))
            continue
        found = checker.check(no, lead.values, (lead.cell,))
        if isinstance(found, IntakeRow):
            rows.append(found)
        else:
            rejects.append(found)
        if no % _SLICE == 0:
            await asyncio.sleep(0)
    return rows, rejects
