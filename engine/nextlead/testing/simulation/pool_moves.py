"""What admins do to pools: they load them, row by row while others work, and press their buttons."""

import asyncio
from random import Random
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from nextlead.core import commands as c
from nextlead.core.engine import Engine
from nextlead.core.errors import NextleadError
from nextlead.core.model import Lead, Pool
from nextlead.core.replies import Loaded
from nextlead.core.row import HOUR_MS
from nextlead.core.setup_model import Duplicates
from nextlead.ports import StoreError
from nextlead.runtime.dialer import Dialer

from .life import Lost
from .setup_moves import ADMIN
from .town import OWN_ZONES, some_number

if TYPE_CHECKING:
    from .centre import Centre

CHUNK = 6
"""Rows that are sent at once."""


def _pool(dice: Random, engine: Engine) -> Pool | None:
    pools = list(engine.pools.values())
    return dice.choice(pools) if pools else None


def press(_centre: "Centre", dice: Random, engine: Engine) -> c.Command | None:
    """Pools that are off are mostly switched on again."""
    pool = _pool(dice, engine)
    if pool is None:
        return None
    action: Any = dice.choice(("deactivate", "shuffle", "shuffle", "delete"))
    if pool.state in ("inactive", "awaiting_confirmation"):
        action = dice.choice({"inactive": ("activate",), "awaiting_confirmation": ("confirm", "reject")}[pool.state])
    return c.ActOnPool(pool=pool.id, action=action, seed=dice.randrange(99), by=ADMIN)


def edit(centre: "Centre", dice: Random, engine: Engine) -> c.Command | None:
    """Another priority, or other dates."""
    pool = _pool(dice, engine)
    if pool is None:
        return None
    if dice.random() < 0.5:
        return c.EditPool(pool=pool.id, priority=dice.choice((0, 2, 9)), by=ADMIN)
    now_ms = centre.wall.true_ms()
    from_ms, until_ms = dice.choice((None, now_ms + HOUR_MS)), dice.choice((None, None, now_ms + 3 * HOUR_MS))
    return c.EditPool(pool=pool.id, active_from_ms=from_ms, active_until_ms=until_ms, by=ADMIN)


BUTTONS = (press, press, edit)


class Loader:
    """Keeps the organisation in leads: when few are left another file comes."""

    def __init__(self, centre: "Centre") -> None:
        self._centre = centre
        self._plan = centre.plan
        self._dice = Random(f"loader {centre.plan.seed}")

    async def live(self) -> None:
        """Day in, day out."""
        while True:
            await asyncio.sleep(self._dice.expovariate(1 / 1800))
            try:
                await self._mend()
                opened = await self._centre.look(lambda engine: sum(_is_open(engine, at) for at in _ids(engine)))
                if opened < self._plan.leads:
                    await self.load(max(2, min(15, self._plan.leads - opened)))
            except (Lost, NextleadError, StoreError):
                continue

    async def load(self, rows: int, campaign: str = "") -> None:
        """One file."""
        code = campaign or self._dice.choice(self._centre.campaigns)
        options: dict[str, Any] = {"priority": self._dice.choice((0, 0, 4))} if self._plan.has("priorities") else {}
        if self._plan.has("owners"):
            options["owner"] = self._dice.choice((None, "team:north", "agent:ann"))
        if self._plan.has("duplicates"):
            action = self._dice.choice(("skip", "load", "replace", "clone", "close"))
            options["duplicates"] = Duplicates(("phone",), "campaign", "open", action)
        else:
            options["duplicates"] = Duplicates(())
        pool: Pool = await self._centre.submit(c.OpenPool(campaign=code, by=ADMIN, **options))
        for at in range(0, rows, CHUNK):
            some = tuple(self._row(at + no) for no in range(min(CHUNK, rows - at)))
            await self._send(pool, some)
            await asyncio.sleep(self._dice.choice((0, 0, 5)))
        await self._close(pool.id)

    async def _send(self, pool: Pool, rows: tuple[c.IntakeRow, ...]) -> None:
        """Rows whose original changed while it was looked up are sent again."""
        while rows:
            sent = rows

            async def load(dialer: Dialer, pool: Pool = pool, sent: tuple[c.IntakeRow, ...] = sent) -> Loaded:
                found = await with_originals(dialer, pool, sent)
                loaded: Loaded = await dialer.submit(c.LoadRows(pool=pool.id, rows=found, by=ADMIN))
                return loaded

            loaded = await self._centre.ask(load)
            rows = tuple(row for row in rows if row.row in loaded.stale)

    async def _mend(self) -> None:
        """What was being loaded when the connection broke is given up, or left as it is."""
        loading = await self._centre.look(
            lambda engine: [pool.id for pool in engine.pools.values() if pool.state == "loading"]
        )
        for pool in loading:
            await self._close(pool)

    async def _close(self, pool: int) -> None:
        fails, held = self._dice.random() < 0.05, self._dice.random() < 0.1 and self._plan.has("pools")
        unmatched = ("colour",) if held else ()
        await self._centre.submit(
            c.ClosePool(pool=pool, unmatched=unmatched, error="it can't be read" if fails else "", by=ADMIN)
        )

    def _row(self, no: int) -> c.IntakeRow:
        dice, plan = self._dice, self._plan
        several = plan.has("several_numbers") and dice.random() < 0.4
        numbers = [some_number(dice) for _ in range(dice.randint(2, 3) if several else 1)]
        if plan.has("shared_numbers") and self._centre.numbers and dice.random() < 0.3:
            numbers[0] = dice.choice(self._centre.numbers)
        self._centre.numbers += numbers
        return c.IntakeRow(
            row=no + 1,
            numbers=tuple(dict.fromkeys(numbers)),
            priority=dice.choice((0, 0, 1, 9)) if plan.has("priorities") else 0,
            zone=dice.choice(OWN_ZONES) if plan.has("hours") and dice.random() < 0.2 else "",
        )


async def with_originals(dialer: Dialer, pool: Pool, rows: tuple[c.IntakeRow, ...]) -> tuple[c.IntakeRow, ...]:
    """The rows, each with the first open lead of the campaign that has, or had, one of its numbers (SPEC R9.6)."""
    if not pool.duplicates.match:
        return rows
    uses = await dialer.archive.numbers([number for row in rows for number in row.numbers])
    first: dict[int, int] = {}
    for use in uses:
        if not use.closed and use.campaign == pool.campaign:
            first[use.number] = min(use.lead, first.get(use.number, use.lead))
    known = await dialer.read(lambda engine: {lead: engine.lead(lead) for lead in first.values()})
    return tuple(replace(row, original=_original(row, first, known)) for row in rows)


def _original(row: c.IntakeRow, first: dict[int, int], known: dict[int, Lead | None]) -> c.Original | None:
    lead = min((first[number] for number in row.numbers if number in first), default=0)
    found = known.get(lead)
    return None if found is None else c.Original(lead, found.version, closed=False)


def _ids(engine: Engine) -> range:
    return range(1, engine.sequences.lead)


def _is_open(engine: Engine, lead: int) -> bool:
    return engine.lead(lead) is not None
