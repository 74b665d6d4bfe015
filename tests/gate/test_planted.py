"""The gate fails for what it is there for: each test makes the program do a little more, and the gate names it."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import pytest
from benchmarks.gate import commits, decisions, memory, slices
from benchmarks.gate.bounds import Figure, Recorded, hold, record
from benchmarks.job import Job

from nextlead.core import state
from nextlead.core.engine import Engine
from nextlead.core.model import FreshLead
from nextlead.ports import Commit
from nextlead_adapters.journalled.store import JournalledStore
from nextlead_adapters.sqlite import SqliteStore

Count = Callable[[], list[Figure]]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is planted shows with few leads, too."""
    monkeypatch.setattr(decisions, "SCENES", ("pools",))
    monkeypatch.setattr(decisions, "GROWTH_SCENES", ("pools",))
    monkeypatch.setattr(decisions, "SCENE_LEADS", (1_500, 6_000))
    monkeypatch.setattr(decisions, "SCENE_BEFORE", 50)
    monkeypatch.setattr(decisions, "SCENE_TURNS", 4)
    monkeypatch.setattr(memory, "LEADS", (200, 1_000))
    monkeypatch.setattr(memory, "TURNS", 200)
    monkeypatch.setattr(commits, "COMMITS", 5)
    monkeypatch.setattr(slices, "JOB", Job(6_000, agents=10, scene="free"))


@cache
def clean(count: Count) -> Recorded:
    """What is counted with nothing planted."""
    recorded: Recorded = {}
    record(recorded, "here", count())
    return recorded


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What fails once something has taken the place of a function."""

    def planted(count: Count, owner: object, name: str, value: object) -> list[str]:
        recorded = clean(count)
        monkeypatch.setattr(owner, name, value)
        return [finding.text for finding in hold("here", count(), recorded) if finding.kind == "fails"]

    return planted


def names(texts: Sequence[str], *words: str) -> bool:
    """Whether each of the words is in one of the texts."""
    return all(any(word in text for text in texts) for word in words)


def test_a_scan_of_all_parts(failing: Callable[..., list[str]]) -> None:
    apply = Engine.apply

    def scanning(self: Engine, *args: Any) -> Any:
        for queue in self.state.queues.values():
            for part in queue.parts.values():
                assert not part.head < 0
        return apply(self, *args)

    texts = failing(decisions.blocked, Engine, "apply", scanning)
    assert names(
        texts, "heads and limits compared, free is", "instructions, pools is", "over a quarter as many leads is"
    )


def test_a_scan_of_blocked_leads(failing: Callable[..., list[str]]) -> None:
    apply = Engine.apply

    def scanning(self: Engine, *args: Any) -> Any:
        for lead in self.state.leads.untouched():
            if lead % 2 < 0:
                break
        return apply(self, *args)

    texts = failing(decisions.blocked, Engine, "apply", scanning)
    assert names(texts, "turns of loops, pools, over a quarter as many leads is")


def test_a_tracked_object_for_each_lead(failing: Callable[..., list[str]]) -> None:
    restore, kept = Engine.restore_fresh, []

    def keeping(self: Engine, leads: Sequence[FreshLead]) -> None:
        kept.extend([lead.id] for lead in leads)
        restore(self, leads)

    texts = failing(memory.memory, Engine, "restore_fresh", keeping)
    assert names(texts, "objects that the collector tracks per loaded lead", "bytes per loaded lead", "blocks")
    assert not names(texts, "left per operation")


def test_an_object_that_every_operation_leaves_behind(failing: Callable[..., list[str]]) -> None:
    apply, kept = Engine.apply, []

    def keeping(self: Engine, *args: Any) -> Any:
        kept.append([self])
        return apply(self, *args)

    texts = failing(memory.memory, Engine, "apply", keeping)
    assert names(texts, "objects that the collector tracks left per operation")


def test_larger_slices(failing: Callable[..., list[str]]) -> None:
    texts = failing(slices.slices, state, "SLICE_LEADS", 2 * state.SLICE_LEADS)
    assert names(texts, "leads changed in the largest slice, delete is 200", "leads of the pool per slice, shuffle")


def test_another_statement_with_each_commit(failing: Callable[..., list[str]]) -> None:
    async def asking(self: SqliteStore, commit: Commit) -> None:
        await JournalledStore.commit(self, commit)
        await self._tables.folded_to()

    texts = failing(commits.sqlite, SqliteStore, "commit", asking)
    assert names(texts, "statements per commit is 2", "hops to a thread per commit is 2")
    assert not names(texts, "rows written per commit is")


def test_another_row_with_each_commit(failing: Callable[..., list[str]]) -> None:
    async def writing(self: SqliteStore, commit: Commit) -> None:
        await JournalledStore.commit(self, commit)
        await self._tables.set_folded(await self._tables.folded_to(), commit.at_ms)

    texts = failing(commits.sqlite, SqliteStore, "commit", writing)
    assert names(texts, "rows written per commit is 2")


def test_another_statement_with_each_commit_on_postgres(server: Any, failing: Callable[..., list[str]]) -> None:
    from benchmarks.gate.postgres import PostgresStore, postgres  # noqa: PLC0415 - there is a driver

    async def asking(self: PostgresStore, commit: Commit) -> None:
        await JournalledStore.commit(self, commit)
        await self._tables.folded_to()

    def counted() -> list[Figure]:
        with server.schema() as url:
            return postgres(url)

    texts = failing(counted, PostgresStore, "commit", asking)
    assert names(texts, "statements per commit is 2")
