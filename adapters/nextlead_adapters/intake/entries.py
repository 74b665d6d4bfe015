"""Leads entered through the API or by hand, and which pool they go to (SPEC R9.1).

Calls of the same caller with the same options share a pool while they follow each other within `manual_pool_gap`, over
a restart too: the pool has a key made of both. A call with a name has a pool of its own.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Final

from msgspec import Struct, json
from msgspec.structs import replace

from nextlead.core.commands import Command, IntakeReject, IntakeRow
from nextlead.core.errors import Conflict, Invalid, NextleadError, NotFound, NotReady
from nextlead.core.model import Pool
from nextlead.core.pools import shared_pool
from nextlead.ports import StoreError

from .leads import LeadTable, lead_table
from .loading import AndThen, Loader, left_out
from .mapping import Plan
from .numbers import Numbers
from .options import DuplicateOptions, Order, PoolOptions
from .rows import RowChecker
from .upload_rules import compile_rules

_SLICE: Final = 100
"""Leads checked between two turns of the loop: some two milliseconds."""
_KEY_BYTES: Final = 16
_COLUMNS: Final = ("lead",)
"""The only cell of an entry is its JSON."""


class Entered(Struct, frozen=True):
    """What became of the leads of one call: the pool they went to as it is after them, and how they were counted."""

    pool: Pool
    valid: int
    invalid: int
    duplicates: int


AndEntered = Callable[[Entered], Command | None]
"""As `AndThen`, called when the last lead of a call is in."""


def _entered(pool: Pool, before: Pool | None = None) -> Entered:
    """Nobody else's leads come between: calls that may share a pool wait for each other."""
    if before is None:
        return Entered(pool, pool.valid, pool.invalid, pool.duplicate)
    counts = pool.valid - before.valid, pool.invalid - before.invalid, pool.duplicate - before.duplicate
    return Entered(pool, *counts)


class Entries:
    """Loads entries."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._lock = asyncio.Lock()

    async def add(
        self, leads: Sequence[object], options: PoolOptions, order: Order, caller: str, then: AndEntered | None = None
    ) -> Entered:
        """What became of them."""
        table = await asyncio.to_thread(lead_table, leads)  # a tenth of a second for ten thousand
        plan = _plan(order, table)
        rows, rejects = await _check(table, plan, order)
        key = "" if options.name.strip() else _key(caller, options, order, plan)
        async with self._lock:
            before = self._find(key) if key else None

            def when_in(pool: Pool) -> Command | None:
                return None if then is None else then(_entered(pool, before))

            if before is None:
                pool = await self._load_new(order, key, plan, rows, rejects, when_in)
            else:
                pool = before
                await self._load_more(pool, rows, rejects, order.open.by, when_in)
            pool_id = pool.id
            after = await self._loader.dialer.read(lambda engine: engine.pools.get(pool_id, pool))
            return _entered(after, before)

    def _find(self, key: str) -> Pool | None:
        dialer = self._loader.dialer
        oldest_ms = dialer.now_ms() - dialer.engine.settings.manual_pool_gap_ms
        return shared_pool(dialer.engine.state, key, oldest_ms)

    async def _load_new(
        self,
        order: Order,
        key: str,
        plan: Plan,
        rows: list[IntakeRow],
        rejects: list[IntakeReject],
        then: AndThen,
    ) -> Pool:
        by = order.open.by
        pool = await self._loader.open(replace(order.open, entry_key=key, columns=_COLUMNS))
        try:
            await self._loader.load(pool.id, rows, rejects, by)
            await self._loader.log(pool.id, left_out("key", plan.unmatched), by)
            return await self._loader.close(pool.id, by, unmatched=plan.unmatched, then=then)
        except (NextleadError, StoreError) as problem:
            error = problem.detail if isinstance(problem, NextleadError) else f"the storage failed: {problem}"
            with suppress(NotReady):
                await self._loader.close(pool.id, by, error=error, patient=True)
            raise

    async def _load_more(
        self, pool: Pool, rows: list[IntakeRow], rejects: list[IntakeReject], by: str, then: AndThen
    ) -> None:
        """Row numbers go on where the pool's end."""
        before = pool.valid + pool.invalid + pool.duplicate
        rows = [replace(row, row=row.row + before) for row in rows]
        rejects = [replace(reject, row=reject.row + before) for reject in rejects]
        try:
            await self._loader.load(pool.id, rows, rejects, by, then)
        except NotFound:
            raise Conflict(f"pool {pool.id} was deleted meanwhile; send the leads again") from None


def _key(caller: str, options: PoolOptions, order: Order, plan: Plan) -> str:
    """Of caller, source and options; a pool that is held for unmatched keys takes no leads that all match (R9.3).

    What a campaign's rules say for options that were left out counts as if it had been said.
    """
    said = (order.open.duplicates, order.open.on_invalid, order.reading.mapping, plan.unmatched)
    others = replace(options, mapping={}, duplicates=DuplicateOptions(), on_invalid=None)
    whole = json.encode((caller, order.open.source, others, said))
    return blake2b(whole, digest_size=_KEY_BYTES).hexdigest()


def _plan(order: Order, table: LeadTable) -> Plan:
    try:
        return order.matcher.plan(table.columns, mapped_must_exist=False)
    except Invalid as problem:
        if problem.field == "file":
            raise Invalid("leads", problem.rule) from None
        raise


async def _check(table: LeadTable, plan: Plan, order: Order) -> tuple[list[IntakeRow], list[IntakeReject]]:
    reading = order.reading
    rules = compile_rules(reading.rules, reading.fields)
    checker = RowChecker(plan, Numbers(reading.region), order.owners, rules, reading.match)
    rows: list[IntakeRow] = []
    rejects: list[IntakeReject] = []
    for no, lead in enumerate(table.leads, 1):
        if lead.problem:
            rejects.append(checker.broken(no, f"lead {lead.problem}", (lead.cell,)))
            continue
        found = checker.check(no, lead.values, (lead.cell,))
        if isinstance(found, IntakeRow):
            rows.append(found)
        else:
            rejects.append(found)
        if no % _SLICE == 0:
            await asyncio.sleep(0)
    return rows, rejects
