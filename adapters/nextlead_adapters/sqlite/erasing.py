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
4. At the end nothing of it is left in the pages and in the log (`scrub.py`).
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import product
from typing import Concatenate, Final, ParamSpec, TypeVar

from nextlead.core.model import Erasure, Lead
from nextlead.ports import StoreError
from nextlead.redaction import (
    BLOCKED_TABLES,
    LEAD_TABLES,
    Forgetting,
    RowKey,
    numbers_of,
    redacted_event,
    redacted_lead,
)

from ..journalled.bodies import Whole
from ..journalled.codec import decode_lead, decode_row, encode
from . import doomed, journal, keys, scrub
from .connection import Connection, transaction
from .statements import BY_ID, SLICE, batches, marks
from .tending import Tending, checkpoint

P = ParamSpec("P")
T = TypeVar("T")
Heads = dict[int, set[int]]
"""Commits, and the leads of which they speak."""

_COMMITS: Final = 4
"""Commits that are rewritten in one slice."""
_SCANNED: Final = 1_024
"""Pages that are looked at in one go."""
_CLEANED: Final = 256
"""Pages that are cleaned in one slice."""
_TRIES: Final = 100
"""How often the log is tried to be emptied while somebody reads it, each for a twentieth of a second."""


class Eraser:
    """Carries erasures out, one call at a time, by the connection that also folds and makes checkpoints."""

    def __init__(
        self,
        connection: Connection,
        org: int,
        fd: int,
        tending: Tending,
        exclusive: Callable[[], AbstractAsyncContextManager[None]],
    ) -> None:
        self._back = connection
        self._org = org
        self._fd = fd
        self._tending = tending
        self._exclusive = exclusive
        self._one = asyncio.Lock()

    async def erase(self, erasures: Sequence[Erasure], up_to: int) -> None:
        """See `Store.erase`; the erasures were committed by commit `up_to`."""
        async with self._one:
            await self._tending.catch_up(up_to)
            forget = {number for erasure in erasures for number in erasure.forget}
            heads = await self._back.run(_heads, self._org, erasures, forget)
            leads = sorted({lead for group in heads.values() for lead in group} | {x.lead for x in erasures})
            await self._rewrite(heads)
            for ids in batches(leads):
                await self._slice(_delete_data, self._org, ids)
            for name in sorted(forget | {-lead for lead in leads if lead}):
                while await self._slice(_delete_rejects, self._org, name):
                    continue
            await self._forget(erasures, forget, up_to)
            await self._scrub()

    async def _slice(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async with self._exclusive():
            return await self._back.run(work, *args, **kwargs)

    async def _rewrite(self, heads: Heads) -> None:
        """Walk all chains down, the newest commits first."""
        while heads:
            newest = sorted(heads, reverse=True)[:_COMMITS]
            further = await self._slice(_rewrite, self._org, {no: heads.pop(no) for no in newest})
            for no, leads in further.items():
                heads.setdefault(no, set()).update(leads)

    async def _forget(self, erasures: Sequence[Erasure], forget: set[int], up_to: int) -> None:
        """Numbers that no lead says."""
        for number in sorted(forget):
            after: int | None = 0
            while after is not None:
                after = await self._slice(_delete_uses, self._org, number, after)
        ids = {erasure.id for erasure in erasures}
        numbers = sorted(forget.union(*(erasure.numbers for erasure in erasures)))
        for part in batches(numbers):
            commits = await self._back.run(_commits_that_mention, self._org, part, up_to)
            for no in commits:
                await self._slice(_rewrite_mentions, self._org, no, ids, forget)
        for some in batches(sorted(ids)):
            await self._slice(_rewrite_erasures, self._org, some)

    async def _scrub(self) -> None:
        """See `scrub.py`."""
        await self._back.run(checkpoint, "PASSIVE")
        await self._clean([])
        shape = await self._back.run(scrub.shape_of, self._fd)
        if not shape.plain:
            await self._slice(_vacuum)
        found: list[int] = []
        for first in range(1, shape.pages + 1, _SCANNED) if shape.plain else ():
            found += await self._back.run(scrub.find, self._fd, first, _SCANNED)
        for pages in batches(found, _CLEANED):
            await self._clean(pages)
        await self._clean([])

    async def _clean(self, pages: list[int]) -> None:
        for _ in range(_TRIES):
            async with self._exclusive():
                try:
                    await self._back.run(scrub.clean, self._fd, pages)
                except scrub.LogIsRead:
                    continue
                return
        raise StoreError("the log can't be emptied: somebody else reads the database")


# -- where to go ----------------------------------------------------------------------------------------------------


def _heads(db: sqlite3.Connection, org: int, erasures: Iterable[Erasure], forget: Iterable[int]) -> Heads:
    """Where the journal speaks of the leads to be erased, and of deleted leads that had a number to be forgotten."""
    heads: Heads = {}
    ids = _deleted(db, org, forget)
    for erasure in erasures:
        ids.add(erasure.lead)
        for no in (erasure.last_commit, *erasure.silent):
            heads.setdefault(no, set()).add(erasure.lead)
    for part in batches(ids):
        which = f"WHERE org = ? AND lead IN {marks(len(part))}"
        for no, lead in db.execute(f"SELECT no, lead FROM trail {which}", (org, *part)):
            heads.setdefault(no, set()).add(lead)
    heads.pop(0, None)
    return heads


def _deleted(db: sqlite3.Connection, org: int, numbers: Iterable[int]) -> set[int]:
    """Leads that had one of the numbers and are gone."""
    found: set[int] = set()
    for part in batches(numbers):
        which = f"org = ? AND number IN {marks(len(part))}"
        found.update(
            lead
            for (lead,) in db.execute(
                f"SELECT lead FROM number WHERE {which} "
                "AND NOT EXISTS (SELECT 1 FROM state AS s WHERE s.org = number.org AND s.id = number.lead) "
                f"AND NOT EXISTS (SELECT 1 FROM lead AS l {BY_ID} WHERE l.org = number.org AND l.id = number.lead)",
                (org, *part),
            )
        )
    return found


def _commits_that_mention(db: sqlite3.Connection, org: int, numbers: Sequence[int], up_to: int) -> list[int]:
    """Only those that are folded: a later one may have blocked the number again, and is needed after a crash."""
    found = db.execute(
        f"SELECT DISTINCT no FROM mention WHERE org = ? AND number IN {marks(len(numbers))} AND no <= ? ORDER BY no",
        (org, *numbers, up_to),
    )
    return [no for (no,) in found]


# -- the journal ----------------------------------------------------------------------------------------------------


def _rewrite(db: sqlite3.Connection, org: int, commits: Heads) -> Heads:
    """Take what is personal of some leads out of some commits; where their stories go on."""
    further: Heads = {}
    with transaction(db):
        for no, leads in commits.items():
            whole = journal.read(db, org, no)
            for before, lead in _before(whole, leads):
                if 0 < before < no:
                    further.setdefault(before, set()).add(lead)
            _delete_numbers(db, org, [(number, lead) for lead, number in _numbers(whole, leads)])
            whole.leads = [redacted_lead(row) if row.id in leads else row for row in whole.leads]
            whole.events = [redacted_event(event) if event.lead in leads else event for event in whole.events]
            for key in product(LEAD_TABLES, leads):
                whole.rows.pop(key, None)
            journal.rewrite(db, org, no, whole)
    return further


def _before(whole: Whole, leads: set[int]) -> Iterable[tuple[int, int]]:
    """(commit, lead) of what was before: an event of the same commit is not."""
    for event in whole.events:
        if event.lead in leads:
            yield from ((no, event.lead) for no in (event.previous, *event.silent))


def _numbers(whole: Whole, leads: set[int]) -> Iterable[tuple[int, int]]:
    for row in whole.leads:
        if row.id in leads:
            yield from ((row.id, number) for number in numbers_of(row))
    yield from ((event.lead, event.number) for event in whole.events if event.lead in leads and event.number)


def _rewrite_mentions(db: sqlite3.Connection, org: int, no: int, erasures: set[int], forget: set[int]) -> None:
    """Take numbers out of rows that are not leads', and what led to them."""
    with transaction(db):
        whole = journal.read(db, org, no)
        named = whole.mentions()
        live = {key for key in whole.rows if key[0] in BLOCKED_TABLES and _stands(db, org, key)}
        forgetting = Forgetting(erasures, forget, live)
        rows = ((key, row) for key, row in whole.rows.items() if not forgetting.drops(key))
        whole.rows = {key: forgetting.redacted(row) for key, row in rows}
        journal.rewrite(db, org, no, whole)
        dead = [(org, number, no) for number in named - whole.mentions()]
        db.executemany("DELETE FROM mention WHERE org = ? AND number = ? AND no = ?", dead)


def _stands(db: sqlite3.Connection, org: int, key: RowKey) -> bool:
    return db.execute("SELECT 1 FROM row WHERE org = ? AND tbl = ? AND key = ?", (org, *key)).fetchone() is not None


# -- the tables -----------------------------------------------------------------------------------------------------


def _delete_data(db: sqlite3.Connection, org: int, leads: Sequence[int]) -> None:
    with transaction(db):
        db.execute(f"DELETE FROM lead_data WHERE org = ? AND lead IN {marks(len(leads))}", (org, *leads))
        keys.delete(db, org, leads)


def _delete_numbers(db: sqlite3.Connection, org: int, uses: Iterable[tuple[int, int]]) -> None:
    """Rows of (number, lead)."""
    db.executemany(
        "DELETE FROM number WHERE org = ? AND number = ? AND lead = ?", [(org, number, lead) for number, lead in uses]
    )


def _delete_rejects(db: sqlite3.Connection, org: int, name: int) -> bool:
    """Some of the rejected rows that have the number, or with a negative one the lead; False when there are no more."""
    with transaction(db):
        found = db.execute(
            "SELECT org, pool, kind, row, no, at FROM reject_number WHERE org = ? AND number = ? LIMIT ?",
            (org, name, SLICE),
        ).fetchall()
        doomed.delete_rejects(db, found)
    return bool(found)


def _delete_uses(db: sqlite3.Connection, org: int, number: int, after: int) -> int | None:
    """Some of those who have a number but for leads that still say it; the last one seen, None at the end."""
    with transaction(db):
        found = db.execute(
            "SELECT n.lead, s.body, l.id FROM number AS n LEFT JOIN state AS s ON s.org = n.org AND s.id = n.lead "
            f"LEFT JOIN lead AS l {BY_ID} ON l.org = n.org AND l.id = n.lead "
            "WHERE n.org = ? AND n.number = ? AND n.lead > ? ORDER BY n.lead LIMIT ?",
            (org, number, after, SLICE),
        ).fetchall()
        dead = [lead for lead, body, fresh in found if not (fresh or (body and number in _said(decode_lead(body))))]
        _delete_numbers(db, org, [(number, lead) for lead in dead])
    return found[-1][0] if found else None


def _said(row: Lead) -> tuple[int, ...]:
    return (*row.numbers, *row.dropped)


def _rewrite_erasures(db: sqlite3.Connection, org: int, ids: Sequence[int]) -> None:
    """The rows themselves, without numbers."""
    which = f"WHERE org = ? AND tbl = 'erasure' AND key IN {marks(len(ids))}"
    with transaction(db):
        rows = [decode_row("erasure", body) for (body,) in db.execute(f"SELECT body FROM row {which}", (org, *ids))]
        bare = [(encode(Forgetting(ids, ()).redacted(row)), row.id) for row in rows if isinstance(row, Erasure)]
        db.executemany(f"UPDATE row SET body = ? WHERE org = {org:d} AND tbl = 'erasure' AND key = ?", bare)


def _vacuum(db: sqlite3.Connection) -> None:
    """The last resort, for files whose pages can't be told apart: everything waits until all of it is written anew."""
    db.execute("VACUUM")
