"""What goes on beside what in a store with a journal, where the database can do two things at once, and where not.

The tables are SQLite's; what is sent to them can be held up.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from contract.build import commit, event, fresh, lead, load, pool

from nextlead.core.matching import keys_of
from nextlead.core.model import LeadData
from nextlead.ports import KeyUse, StoreError
from nextlead_adapters.journalled.store import JournalledStore
from nextlead_adapters.journalled.tables import Direct, Entry
from nextlead_adapters.sqlite.database_file import DatabaseFile
from nextlead_adapters.sqlite.tables import SqliteTables

ANN = b'{"name":"Ann"}'


class Held(SqliteTables):
    """Commits wait at `gate`; `broken` of them say that they failed though they did not, and so do so many `steps`."""

    def __init__(self, file: DatabaseFile, *, beside: bool) -> None:
        super().__init__(file, 1)
        self.beside = beside
        self.gate = asyncio.Event()
        self.gate.set()
        self.under_way = 0
        self.broken = 0
        self.folds = 0

    async def write(self, entry: Entry, direct: Direct) -> None:
        self.under_way += 1
        await self.gate.wait()
        await super().write(entry, direct)
        self.under_way -= 1
        self._break()

    async def steps(self, after: int) -> Any:
        self._break()
        return await super().steps(after)

    async def fold_leads(self, leads: Any) -> None:
        self.folds += 1
        await super().fold_leads(leads)

    def _break(self) -> None:
        if self.broken:
            self.broken -= 1
            raise StoreError("the connection is gone")


@pytest.fixture(params=[True, False], ids=["beside", "one by one"])
async def held(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Held]:
    file = DatabaseFile(tmp_path / "a.db")
    await file.open()
    await file.claim()
    yield Held(file, beside=request.param)
    await file.close()


@pytest.fixture
async def store(held: Held) -> AsyncIterator[JournalledStore]:
    store = JournalledStore(held)
    await store.open()
    await store.claim()
    yield store
    held.gate.set()
    await store.close()


async def turns(count: int = 50) -> None:
    """Whatever can go on has gone on, but for threads."""
    for _ in range(count):
        await asyncio.sleep(0)


async def settled(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0)


async def held_up(store: JournalledStore, held: Held, no: int, *rows: Any, **more: Any) -> asyncio.Task[None]:
    """A commit that has been sent, and is not durable yet."""
    held.gate.clear()
    task = asyncio.create_task(commit(store, no, *rows, **more))
    await settled(lambda: held.under_way == 1)
    return task


def folding(store: JournalledStore) -> asyncio.Task[None]:
    assert store._tending
    return asyncio.create_task(store._tending._fold())


async def test_folding_goes_on_beside_a_commit_that_touches_no_table(store: JournalledStore, held: Held) -> None:
    await commit(store, 1, pool(), lead(1), lead(2))
    task = await held_up(store, held, 2, lead(1, attempts=1))
    fold = folding(store)
    if held.beside:
        await asyncio.wait_for(fold, 60)
        assert store._overlay.folded_to == 1
        assert not task.done()
    else:
        await turns()
        assert held.folds == 0
    held.gate.set()
    await task
    await fold
    assert {row.id: row.attempts for row in (await load(store)).leads} == {1: 1, 2: 0}


async def test_folding_waits_for_a_commit_that_touches_tables(store: JournalledStore, held: Held) -> None:
    """It would bring leads back that are going."""
    await commit(store, 1, pool(), lead(1), lead(2))
    task = await held_up(store, held, 2, gone=[1])
    fold = folding(store)
    await turns()
    assert held.folds == 0
    held.gate.set()
    await task
    await fold
    assert await store.existing([1, 2]) == {2}


async def test_folding_waits_until_no_doubt_is_left_what_went(store: JournalledStore, held: Held) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1), fresh(2)])
    await commit(store, 2, lead(1), lead(2))
    held.broken = 2
    with pytest.raises(StoreError, match="in doubt"):
        await commit(store, 3, gone=[1])
    assert not held.broken
    await folding(store)
    assert await store.existing([1, 2]) == {2}
    assert store._no == 3
    held.broken = 2
    with pytest.raises(StoreError, match="in doubt"):
        await commit(store, 4, gone=[2])
    held.broken = 1
    with pytest.raises(StoreError, match="in doubt"):
        await folding(store)
    await folding(store)
    assert await store.existing([1, 2]) == set()


async def test_a_rule_is_added_while_no_commit_is_under_way(store: JournalledStore, held: Held) -> None:
    """The commit that was sent before it did not know of it; its data are there when the rule is filled."""
    await commit(store, 1, pool(), fresh=[fresh(1), fresh(2)])
    task = await held_up(store, held, 2, LeadData(1, ANN), lead(1))
    rule = asyncio.create_task(store.match_rule("name"))
    await turns()
    assert not store._rules
    held.gate.set()
    await task
    await rule
    (ada,), (ann,) = keys_of("name", (), {"name": "Ada"}), keys_of("name", (), {"name": "Ann"})
    assert await store.matches("name", [ann]) == [KeyUse(ann, 1, 1, 10, False)]
    assert await store.matches("name", [ada]) == [KeyUse(ada, 2, 1, 10, False)]


async def test_data_that_change_while_a_rule_is_filled_are_matched_as_they_are(
    store: JournalledStore, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextlead_adapters.journalled.store.SLICE", 3)
    await commit(store, 1, pool(), fresh=[fresh(i) for i in range(1, 31)])
    rule = asyncio.create_task(store.match_rule("name"))
    await settled(lambda: bool(store._rules))
    for no in range(2, 32):
        await commit(store, no, LeadData(no - 1, ANN), lead(no - 1))
    await rule
    (ada,), (ann,) = keys_of("name", (), {"name": "Ada"}), keys_of("name", (), {"name": "Ann"})
    assert await store.matches("name", [ada]) == []
    assert [use.lead for use in await store.matches("name", [ann])] == list(range(1, 31))


async def test_commits_that_touch_tables_and_others_keep_their_order(store: JournalledStore, held: Held) -> None:
    task = await held_up(store, held, 1, pool(), fresh=[fresh(1)])
    later = asyncio.create_task(commit(store, 2, lead(1, last_commit=2), events=[event(1, "leased")]))
    await turns()
    assert held.under_way == 1
    held.gate.set()
    await asyncio.gather(task, later)
    assert [found.kind for found in await store.history(1)] == ["leased"]


async def test_who_waits_for_folding_is_told_when_the_store_is_closed(store: JournalledStore) -> None:
    """As who erases while a dialer is closed: it would wait for ever."""
    await commit(store, 1, pool(), lead(1))
    assert store._tending
    waiting = asyncio.create_task(store._tending.catch_up(2))
    await turns()
    await store.close()
    with pytest.raises(StoreError, match="being closed"):
        await asyncio.wait_for(waiting, 60)
