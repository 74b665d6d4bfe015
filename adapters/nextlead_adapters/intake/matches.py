"""Who is there already, by the archive: the originals of a chunk's rows (SPEC R9.6)."""

from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from nextlead.core.commands import IntakeRow, Original
from nextlead.core.duplicates import counts_in
from nextlead.core.engine import Engine
from nextlead.core.matching import merged
from nextlead.core.model import Pool
from nextlead.ports import KeyUse, NumberUse
from nextlead.runtime.dialer import Dialer

from .duplicates import by_phone, key_rules

_NO_DATA = b"{}"

Uses = list[tuple[int | bytes, NumberUse | KeyUse]]
"""Numbers and keys, each with a lead that has it."""


async def with_originals(dialer: Dialer, pool: Pool, rows: tuple[IntakeRow, ...]) -> tuple[IntakeRow, ...]:
    """The rows, each with the first lead in scope that the archive knows to match it; one read for each rule.

    An original's version is read before its data, so that data which changed in between makes the row stale. One that
    was open when it was looked up and is not now has closed, or is gone: that is looked up again.
    """
    if not rows:
        return rows
    while True:
        uses = await _uses(dialer, pool, rows)
        first = _first(uses)
        found = [_first_of(first, row) for row in rows]
        leads = sorted({lead for lead in found if lead})
        if not leads:
            return tuple(replace(row, original=None) if row.original else row for row in rows)
        versions = await dialer.read(partial(_versions, leads))
        if all(use.closed or versions.get(use.lead, 0) is not None for _, use in uses):
            break
    data: dict[int, bytes] | None = None
    if pool.duplicates.action == "update":
        data = await dialer.archive.data([lead for lead in leads if versions[lead] is not None])
    return tuple(_with(row, lead, versions, data) for row, lead in zip(rows, found, strict=True))


async def _uses(dialer: Dialer, pool: Pool, rows: Sequence[IntakeRow]) -> Uses:
    """The leads in scope that have one of the numbers or keys."""
    archive, check = dialer.archive, pool.duplicates
    uses: Uses = []
    if by_phone(check.match):
        numbers = sorted({number for row in rows for number in row.numbers})
        uses += [(use.number, use) for use in await archive.numbers(numbers)]
    rules = key_rules(check.match)
    keys = sorted({key for row in rows for key in row.keys}) if rules else []
    for rule in rules:
        uses += [(use.key, use) for use in await archive.matches(rule, keys)]
    return [
        (what, use)
        for what, use in uses
        if not (use.closed and check.among == "open") and counts_in(dialer.engine.state, pool, use.pool, use.campaign)
    ]


def _first(uses: Uses) -> dict[int | bytes, int]:
    """The lowest lead for each number and key that somebody has."""
    first: dict[int | bytes, int] = {}
    for what, use in uses:
        first[what] = min(use.lead, first.get(what, use.lead))
    return first


def _first_of(first: dict[int | bytes, int], row: IntakeRow) -> int:
    return min((first[what] for what in (*row.numbers, *row.keys) if what in first), default=0)


def _versions(leads: Sequence[int], engine: Engine) -> dict[int, int | None]:
    """Of open leads; None for closed ones."""
    rows = {lead: engine.state.leads.get(lead) for lead in leads}
    return {lead: None if row is None else row.version for lead, row in rows.items()}


def _with(row: IntakeRow, lead: int, versions: dict[int, int | None], data: dict[int, bytes] | None) -> IntakeRow:
    if not lead:
        return replace(row, original=None) if row.original else row
    version = versions[lead]
    if version is None:
        return replace(row, original=Original(lead, 0, closed=True))
    new = None if data is None else merged(data.get(lead, _NO_DATA), row.data)
    return replace(row, original=Original(lead, version, closed=False, data=new))
