"""Another organisation in the same database, with the ids, numbers and keys that the suite uses, and other content.

`SecondStore` is the store of organisation 2, beside it: whatever the suite reads or writes may not cross over.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from contract.build import NOON, commit, event, fresh, lead, load, pool

from nextlead.core.model import (
    Answer,
    Blocked,
    Closures,
    Erasure,
    File,
    FilePart,
    Forgotten,
    Lead,
    LeadData,
    Reject,
    Status,
)
from nextlead.ports import LeadFilter, Organisation
from nextlead.testing import MemoryStore

THEIRS = Organisation(2, "second", "Second")
IDS = range(1, 41)
NUMBERS = (12025550101, 12025550102, 12025550103, *(14155550000 + i for i in IDS))
RULES = ("last_name+postcode", "name", "phone+last_name")
DATA = b'{"name":"Ada","last_name":"Lovelace","postcode":"W1","note":"of another organisation"}'


def _numbers(id_: int) -> tuple[int, ...]:
    return 14155550000 + id_, NUMBERS[id_ % 3]


def _lead(id_: int, **more: Any) -> Lead:
    status = Status.CLOSED if id_ % 2 else Status.AUTOMATIC_REDIAL
    shut = {"closure": "success", "closed_ms": NOON + id_} if id_ % 2 else {}
    return lead(id_, status, numbers=_numbers(id_), master=1 if id_ > 1 else 0, created_ms=NOON, **shut, **more)


async def live_beside(store: Any) -> None:
    """Fill the store of organisation 1."""
    for rule in RULES:
        await store.match_rule(rule)
    leads = [fresh(i, i % 3 + 1, numbers=_numbers(i), master=int(i > 1), data=DATA, created_ms=NOON) for i in IDS]
    rejects = [Reject(1, i, kind, ("theirs",), ("x",), _numbers(i)) for i in IDS for kind in ("invalid", "duplicate")]
    parts = [FilePart(i, no, b"theirs") for i in range(1, 10) for no in range(3)]
    rows: dict[Any, Any] = {("answer", key): Answer(key, "theirs", 200, b"{}", NOON) for key in ("k", "old", "new")}
    rows |= {("forgotten", key): Forgotten(key, NOON, "user:T") for key in ("ab", "cd")}
    rows |= {("closures", i): Closures(i, {"success": 77}) for i in (1, 2, 3)}
    rows |= {("file", i): File(i, 3) for i in range(1, 10)}
    pools = [pool(i, 10, file=i) for i in range(1, 10)]
    blocked = [Blocked(number, "theirs", NOON, "user:T") for number in NUMBERS]
    await commit(store, 1, *pools, fresh=leads, rejects=rejects, parts=parts, rows=rows)
    touched = IDS[:30]
    events = [event(i, "theirs", number=_numbers(i)[0], note="theirs") for i in touched]
    await commit(store, 2, *(_lead(i, last_commit=2) for i in touched), *blocked, events=events)
    await commit(store, 3, *(LeadData(i, DATA) for i in touched), Erasure(1, 1, 1, 2), Erasure(2, 0, 0, 0))
    for no in range(4, 10):
        again = [event(i, "theirs again", no - 1 if no > 4 else 2, note="theirs") for i in touched[:9]]
        await commit(store, no, *(_lead(i, last_commit=no, attempts=no) for i in touched[:9]), events=again)
    await commit(store, 10, gone=[29, 30, 31], at_ms=NOON + 1)


async def portrait(store: Any) -> list[object]:
    """Everything that a store can be asked for."""
    whole = await load(store)
    told: list[object] = [sorted(map(repr, part)) for part in (whole.rows, whole.leads, whole.fresh)]
    told.append(await store.leads(LeadFilter(limit=1_000)))
    told += [await store.history(i) for i in IDS]
    told += [await store.lead_at(no, 1) for no in range(1, 11)]
    told += [await store.numbers(NUMBERS), await store.existing(IDS), await store.data(IDS)]
    told += [await store.pools_with_number(number) for number in NUMBERS]
    told += [await store.rejects(1, kind) for kind in ("invalid", "duplicate", "log")]
    told += [await store.clones(1), await store.closed_before(10, "success", NOON + 50, 100)]
    told += [await store.file_part(i, no) for i in range(1, 10) for no in range(3)]
    told += [await store.happened(0, 10, 1_000), await store.commit_before(NOON + 1), await store.lead_from(NOON)]
    return told


_unchanged: list[object] = []
"""The portrait, which is the same in every database."""


async def unchanged() -> list[object]:
    """The portrait of organisation 1, as it is to stay."""
    if not _unchanged:
        store = MemoryStore()
        await live_beside(store)
        _unchanged.extend(await portrait(store))
    return _unchanged


def filled(database: Any) -> None:
    """Both organisations are in it, and it is closed. A loop may be running here, so it is done elsewhere."""

    async def fill() -> None:
        await database.open()
        await database.claim()
        await make_both(database)
        await database.close()

    with ThreadPoolExecutor() as pool:
        pool.submit(asyncio.run, fill()).result()


class SecondStore:
    """A store like any other: it opens, claims and closes its database, and sees that the other one stays as it is."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self._inner = database.store(THEIRS.no)
        self._claimed = False

    async def open(self) -> None:
        """Of the database only: a store in it is opened when it is claimed."""
        await self._database.open()

    async def claim(self) -> Any:
        await self._database.claim()
        self._claimed = True
        await make_both(self._database)
        await self._inner.open()
        return await self._inner.claim()

    async def close(self) -> None:
        claimed, self._claimed = self._claimed, False
        try:
            await self._inner.close()
            if claimed:
                await self._look_at_the_other()
        finally:
            await self._database.close()

    async def _look_at_the_other(self) -> None:
        first = self._database.store(1)
        await first.open()
        await first.claim()
        found = await portrait(first)
        await first.close()
        different = [pair for pair in zip(await unchanged(), found, strict=True) if pair[0] != pair[1]]
        if different:
            raise AssertionError(f"the other organisation has changed: {different}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def make_both(database: Any) -> None:
    """Both organisations, the first with its look-alikes, if they are not there yet; the database is claimed."""
    if THEIRS in await database.organisations():
        return
    await database.put(THEIRS)
    first = database.store(1)
    await first.open()
    await first.claim()
    await live_beside(first)
    await first.close()
