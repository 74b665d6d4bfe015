"""Pools: opened, loaded, confirmed, shared by entries (SPEC R9.1 to R9.3, R8.1)."""

import pytest
from unit.core.intake_desk import ANN, BOB, Desk, row

from nextlead.core.commands import (
    ActOnPool,
    AddFile,
    ClosePool,
    Command,
    IntakeRow,
    LoadRows,
    OpenPool,
)
from nextlead.core.errors import Conflict, InUse, Invalid, NotFound
from nextlead.core.model import File, Pool
from nextlead.core.pools import shared_pool, takes_rows
from nextlead.core.replies import Begun
from nextlead.core.setup_model import Duplicates

GAP_MS = 30 * 60_000
KEY = "crm|options"


def entry(desk: Desk) -> Pool:
    """A pool of an entry, loaded."""
    pool = desk.open(source="api", entry_key=KEY)
    desk(LoadRows(pool=pool.id, rows=(IntakeRow(1, (ANN,)),)))
    desk(ClosePool(pool=pool.id))
    return desk.engine.pools[pool.id]


def shared(desk: Desk, key: str = KEY) -> int | None:
    """The pool that an entry would go to now."""
    pool = shared_pool(desk.engine.state, key, desk.now_ms - GAP_MS)
    return None if pool is None else pool.id


def test_a_pool_keeps_what_it_was_opened_with() -> None:  # R9.2 R9.12
    desk = Desk()
    file = desk(AddFile())
    assert isinstance(file, File)
    duplicates = Duplicates(("name",), "project", "open", "close")
    pool = desk(
        OpenPool(
            campaign="c1",
            duplicates=duplicates,
            on_invalid="close",
            columns=("phone", "shoe size"),
            options='{"campaign":"c1"}',
            file=file.id,
            file_bytes=12,
            entry_key=KEY,
        )
    )
    assert isinstance(pool, Pool)
    assert (pool.duplicates, pool.on_invalid, pool.columns) == (duplicates, "close", ("phone", "shoe size"))
    assert (pool.options, pool.file, pool.file_bytes, pool.entry_key) == ('{"campaign":"c1"}', file.id, 12, KEY)
    assert pool.entered_ms == desk.now_ms
    assert pool.loaded_ms == 0
    with pytest.raises(InUse):
        desk(OpenPool(campaign="c1", file=file.id))
    with pytest.raises(NotFound):
        desk(OpenPool(campaign="c1", file=file.id + 1))


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (OpenPool(campaign="c1", duplicates=Duplicates(scope="world")), "duplicates.scope"),
        (OpenPool(campaign="c1", duplicates=Duplicates(among="some")), "duplicates.among"),
        (OpenPool(campaign="c1", duplicates=Duplicates(action="merge")), "duplicates.action"),
        (OpenPool(campaign="c1", on_invalid="drop"), "on_invalid"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_refused_by_its_name(command: Command, field: str) -> None:  # R9.2
    desk = Desk()
    desk.open()
    with pytest.raises(Invalid) as refusal:
        desk(command)
    assert refusal.value.field == field


def test_a_pool_is_loaded_when_it_is_closed_or_confirmed() -> None:  # R8.1 R9.3
    desk = Desk()
    first, held = desk.open(), desk.open()
    desk.now_ms += 1000
    desk(ClosePool(pool=first.id))
    desk(ClosePool(pool=held.id, unmatched=("shoe size",)))
    assert desk.engine.pools[first.id].loaded_ms == desk.now_ms
    assert (desk.engine.pools[held.id].loaded_ms, desk.engine.pools[held.id].state) == (0, "awaiting_confirmation")
    desk.now_ms += 1000
    desk(ActOnPool(pool=held.id, action="confirm"))
    assert desk.engine.pools[held.id].loaded_ms == desk.now_ms


def test_a_pool_that_failed_lets_all_its_leads_go() -> None:  # R9.5
    desk = Desk()
    desk.engine.state.slice_leads = 2
    pool = desk.open()
    desk.rows(pool, [row(no, 14155550100 + no) for no in range(5)])
    desk.now_ms += 1000
    assert isinstance(desk(ClosePool(pool=pool.id, error="cancelled")), Begun)
    failed = desk.engine.pools[pool.id]
    assert (failed.state, failed.error, failed.modified_ms) == ("failed", "cancelled", desk.now_ms)
    with pytest.raises(Conflict, match="failed, which can't be activated"):
        desk(ActOnPool(pool=pool.id, action="activate"))
    with pytest.raises(Conflict):
        desk(LoadRows(pool=pool.id, rows=(row(9, ANN),)))
    while desk.engine.state.tasks:
        desk.work()
    assert not desk.engine.state.leads
    assert sorted(desk.changes.gone) == [1, 2, 3, 4, 5]


# -- who takes rows -------------------------------------------------------------------------------------------------


def test_entries_of_one_key_share_a_pool_for_a_while() -> None:  # R9.1
    desk = Desk()
    assert shared(desk) is None
    pool = entry(desk)
    assert shared(desk) == pool.id
    assert shared(desk, "crm|others") is None
    desk.now_ms += GAP_MS
    assert shared(desk) == pool.id
    desk(LoadRows(pool=pool.id, rows=(IntakeRow(2, (BOB,)),)))
    desk.now_ms += GAP_MS
    desk.restart()
    assert shared(desk) == pool.id
    desk.now_ms += 1
    assert shared(desk) is None


def test_the_last_pool_of_a_key_that_is_there_is_shared() -> None:  # R9.1
    desk = Desk()
    first, second = entry(desk), entry(desk)
    assert shared(desk) == second.id
    desk(ActOnPool(pool=second.id, action="delete"))
    assert shared(desk) == first.id
    desk(ActOnPool(pool=first.id, action="delete"))
    assert shared(desk) is None
    assert desk.engine.state.entries == {}


def test_a_pool_that_takes_no_rows_is_not_shared() -> None:  # R8.3 R9.1 R9.11
    desk = Desk(expire_after_ms=1000)
    desk.engine.state.slice_leads = 1
    pool = entry(desk)
    desk.now_ms += 1000
    assert desk.ask("a")
    assert desk.engine.pools[pool.id].expired_ms
    assert not takes_rows(desk.engine.pools[pool.id])
    assert shared(desk) is None
    with pytest.raises(Conflict, match="has expired"):
        desk(LoadRows(pool=pool.id, rows=(row(2, BOB),)))


def test_a_pool_that_is_being_deleted_takes_no_rows() -> None:  # R9.11
    desk = Desk()
    desk.engine.state.slice_leads = 1
    pool = entry(desk)
    desk(LoadRows(pool=pool.id, rows=tuple(row(no, 14155550110 + no) for no in range(4))))
    assert isinstance(desk(ActOnPool(pool=pool.id, action="delete")), Begun)
    assert shared(desk) is None
    with pytest.raises(Conflict, match="is being deleted"):
        desk(LoadRows(pool=pool.id, rows=(row(9, BOB),)))


def test_a_pool_that_is_loading_is_nobody_elses() -> None:  # R9.1
    desk = Desk()
    desk(OpenPool(campaign="c1", source="api", entry_key=KEY))
    assert shared(desk) is None


def test_verify_sees_a_pool_of_entries_that_is_not_found() -> None:
    desk = Desk()
    entry(desk)
    desk.engine.state.entries.clear()
    assert desk.engine.verify() == [f"pools of entries: {KEY} is None, should be [1]"]
