"""What is done with duplicates (SPEC R9.8), and how rows are counted."""

import pytest
from msgspec.structs import replace
from unit.core.intake_desk import ANN, BOB, CY, Desk, row

from nextlead.core.commands import (
    ActOnPool,
    Anonymise,
    ClosePool,
    EditLead,
    LoadRows,
    RedialEdit,
    Remove,
)
from nextlead.core.model import Clones, Status
from nextlead.core.replies import Loaded, PoolDeleted

UNPROCESSED = "unprocessed"


def actions(desk: Desk, pool: int) -> list[tuple[int, int, str]]:
    """Duplicate rows: row, original, what was done."""
    return [(reject.row, reject.lead, reject.action) for reject in desk.rejects(pool, "duplicate")]


@pytest.mark.parametrize(
    ("action", "becomes"),
    [
        ("skip", {}),
        ("load", {3: UNPROCESSED, 4: UNPROCESSED}),
        ("clone", {3: UNPROCESSED, 4: UNPROCESSED}),
        ("close", {3: "duplicate", 4: "duplicate"}),
        ("update", {}),
        ("replace", {3: UNPROCESSED}),
    ],
)
def test_every_row_is_counted_once_and_kept_with_what_was_done(action: str, becomes: dict[int, str]) -> None:  # R9.8
    desk = Desk()
    desk.loaded("load", row(1, ANN), row(2, BOB))
    desk(Remove(lead=1))
    pool = desk.loaded(action, row(1, ANN), row(2, BOB))
    assert desk.counts(pool) == (0, 0, 2)
    assert desk.statuses(pool) == becomes
    first = "skip" if action in ("update", "replace") else action
    assert actions(desk, pool) == [(1, 1, first), (2, 2, action)]
    assert [reject.cells for reject in desk.rejects(pool, "duplicate")] == [(str(ANN),), (str(BOB),)]
    assert [reject.numbers for reject in desk.rejects(pool, "duplicate")] == [(ANN,), (BOB,)]


def test_only_leads_that_can_be_dialled_are_answered_in_the_order_of_their_rows() -> None:  # R9.8
    desk = Desk()
    pool = desk.open("close")
    assert desk.rows(pool, [row(1, ANN), row(2, ANN), row(3, BOB)]) == [1, 3]


# -- update ---------------------------------------------------------------------------------------------------------


def test_update_changes_the_fields_that_the_row_has() -> None:  # R9.8
    desk = Desk()
    desk.loaded("load", row(1, ANN, name="Ann", city="Troy", age=3))
    desk.loaded("update", replace(row(1, ANN, name="Anna", city=None, age=""), priority=2))
    assert desk.data(1) == {"name": "Anna", "city": "Troy", "age": 3}
    assert (desk.lead(1).priority, desk.lead(1).version) == (2, 1)
    event = desk.changes.events[-1]
    assert (event.kind, event.status, event.detail) == ("updated", Status.UNPROCESSED, "row 1 of pool 2")
    assert desk.next().lead.id == 1


def test_update_of_a_leased_lead_leaves_its_lease() -> None:  # R1.5 R9.8
    desk = Desk()
    desk.loaded("load", row(1, ANN, name="Ann"))
    offer = desk.next()
    desk.loaded("update", row(1, ANN, name="Anna"))
    assert desk.data(1) == {"name": "Anna"}
    assert desk.finish(offer, "resolved", result="success").closure == "success"


def test_update_adds_nothing_to_a_lead_that_is_being_forgotten() -> None:  # R1.5 R10.6
    desk = Desk()
    desk.loaded("load", row(1, ANN, name="Ann"))
    desk.next()
    desk(Anonymise(leads=(1,)))
    pool = desk.loaded("update", row(1, ANN, name="Ann Lee"))
    assert actions(desk, pool) == [(1, 1, "skip")]
    assert b"Lee" not in b"".join(str(row).encode() for row in desk.changes.rows.values())


def test_rows_of_one_chunk_update_one_lead_one_after_the_other() -> None:  # R9.8
    desk = Desk()
    desk.loaded("load", row(1, ANN, name="Ann"))
    pool = desk.open("update")
    rows = [desk.looked_up(pool, row) for row in (row(1, ANN, city="Troy"), row(2, ANN, age=4), row(3, BOB, name="B"))]
    loaded = desk(LoadRows(pool=pool.id, rows=(*rows, row(4, BOB, name="Bo"))))
    assert loaded == Loaded((2,), 3, 0)
    assert desk.data(1) == {"name": "Ann", "city": "Troy", "age": 4}
    assert desk.data(2) == {"name": "Bo"}


def test_an_update_by_data_that_was_read_before_the_last_edit_is_not_done() -> None:  # R9.6 R9.8
    desk = Desk()
    desk.loaded("load", row(1, ANN, name="Ann"))
    pool = desk.open("update")
    before = desk.looked_up(pool, row(1, ANN, city="Troy"))
    desk(EditLead(lead=1, data=b'{"name":"Edited"}'))
    assert desk(LoadRows(pool=pool.id, rows=(before,))) == Loaded((), 0, 0, (1,))
    assert desk.data(1) == {"name": "Edited"}
    assert desk(LoadRows(pool=pool.id, rows=(row(1, ANN, city="Troy"),))) == Loaded((), 0, 0, (1,))


# -- replace --------------------------------------------------------------------------------------------------------


def test_replace_removes_an_original_that_nobody_was_shown() -> None:  # R9.8
    desk = Desk()
    desk.loaded("load", row(1, ANN, name="Ann"))
    pool = desk.loaded("replace", row(1, ANN, name="Anna"))
    assert desk.lead(1).closure == "removed"
    assert [(event.kind, event.cause, event.closure) for event in desk.changes.events] == [
        ("removed", "replaced", "removed")
    ]
    assert desk.statuses(pool) == {2: UNPROCESSED}
    assert desk.next().lead.id == 2


def test_replace_leaves_what_an_agent_was_shown() -> None:  # R9.8
    desk = Desk()
    desk.loaded("load", row(1, ANN), row(2, BOB), row(3, CY))
    desk.promise()
    desk.finish(desk.next(), "cancelled")
    assert desk.next().lead.id == 3
    pool = desk.loaded("replace", row(1, ANN), row(2, BOB), row(3, CY))
    assert [desk.lead(lead).status.code for lead in (1, 2, 3)] == ["private_redial", UNPROCESSED, UNPROCESSED]
    assert actions(desk, pool) == [(1, 1, "skip"), (2, 2, "skip"), (3, 3, "skip")]
    assert {reject.reasons[1] for reject in desk.rejects(pool, "duplicate")} == {
        "not replaced, as it was shown to an agent"
    }


def test_replace_leaves_a_redial_that_an_admin_set() -> None:  # R9.8
    desk = Desk()
    desk.loaded("load", row(1, ANN))
    desk(EditLead(lead=1, redial=RedialEdit("common", desk.now_ms + 1000)))
    pool = desk.loaded("replace", row(1, ANN))
    assert [reject.reasons[1] for reject in desk.rejects(pool, "duplicate")] == ["not replaced, as it is common_redial"]


def test_rows_of_one_chunk_replace_each_other() -> None:  # R9.8
    desk = Desk()
    pool = desk.open("replace", among="open")
    assert desk.rows(pool, [row(1, ANN), row(2, ANN), row(3, ANN)]) == [3]
    desk(ClosePool(pool=pool.id))
    assert desk.statuses(pool.id) == {1: "removed", 2: "removed", 3: UNPROCESSED}
    assert desk.counts(pool.id) == (1, 0, 2)
    assert actions(desk, pool.id) == [(2, 1, "replace"), (3, 2, "replace")]


# -- clone and close ------------------------------------------------------------------------------------------------


def test_a_clone_knows_its_master_and_the_master_is_not_deleted_while_it_is_there() -> None:  # R9.8 R9.11
    desk = Desk()
    desk.loaded("load", row(1, ANN), row(2, BOB))
    clones = desk.loaded("clone", row(1, ANN), row(2, ANN), row(3, CY))
    assert [desk.lead(lead).master for lead in (3, 4, 5)] == [1, 1, 0]
    assert desk.changes.rows["clones", 1] == Clones(1, 2)
    desk.restart()
    assert desk.lead(3).master == 1
    assert desk(ActOnPool(pool=1, action="delete")) == PoolDeleted(1, {"has_clones": 1})
    desk(Remove(lead=4))
    assert desk(ActOnPool(pool=clones, action="delete")) == PoolDeleted(2, {"closed": 1})
    assert desk.changes.rows["clones", 1] == Clones(1, 1)
    assert desk(ActOnPool(pool=1, action="delete")) == PoolDeleted(0, {"has_clones": 1})


def test_the_last_clone_that_is_deleted_frees_the_master() -> None:  # R9.11
    desk = Desk()
    desk.loaded("load", row(1, ANN))
    clones = desk.loaded("clone", row(1, ANN))
    desk(ActOnPool(pool=clones, action="delete"))
    assert desk.changes.rows["clones", 1] is None
    assert desk(ActOnPool(pool=1, action="delete")) == PoolDeleted(1, {})


def test_clones_of_a_file_that_failed_are_not_counted() -> None:  # R9.5 R9.11
    desk = Desk()
    desk.loaded("load", row(1, ANN))
    pool = desk.open("clone")
    desk.rows(pool, [row(1, ANN), row(2, ANN)])
    desk.whole(ClosePool(pool=pool.id, error="the file broke off"))
    assert desk.engine.state.clones == {}


def test_a_duplicate_that_comes_in_closed_has_a_row_and_a_history_and_no_place() -> None:  # R1.3 R1.4 R9.8
    desk = Desk()
    desk.loaded("load", row(1, ANN))
    desk.engine.commit_no = 77
    pool = desk.loaded("close", row(1, ANN, name="Ann"), row(2, BOB))
    closed = desk.lead(2)
    assert (closed.status, closed.closure, closed.numbers) == (Status.CLOSED, "duplicate", (ANN,))
    assert (closed.closed_ms, closed.last_commit, closed.ordinal) == (desk.now_ms, 77, 1)
    assert desk.data(2) == {"name": "Ann"}
    event = desk.changes.events[-1]
    assert (event.lead, event.previous, event.actor, event.kind) == (2, 0, "admin", "loaded")
    assert (event.status, event.closure, event.detail) == (Status.CLOSED, "duplicate", "of lead 1")
    assert desk.engine.lead(2) is None
    counts = desk.engine.pool_counts(pool, desk.now_ms)
    assert (counts.open, counts.closed, counts.used) == (1, {"duplicate": 1}, 0)
    assert desk.engine.counts()["c1", "closed"] == 1
    desk.restart()
    assert desk.engine.pool_counts(pool, desk.now_ms) == counts


def test_with_no_check_every_row_is_loaded() -> None:  # R9.6
    desk = Desk()
    pool = desk.open("skip", match="")
    assert desk.rows(pool, [row(1, ANN), row(2, ANN)]) == [1, 2]
    assert desk.counts(pool.id) == (2, 0, 0)


@pytest.mark.parametrize("chunk", [1, 3])
def test_what_an_update_makes_of_a_lead_is_what_later_rows_match(chunk: int) -> None:  # R9.6 R9.8
    desk = Desk()
    desk.loaded("load", row(1, ANN, name="Ann"))
    pool = desk.open("update", match="phone name")
    rows = [row(1, ANN, name="Zoe"), row(2, BOB, name="Zoe", city="Troy"), row(3, CY, name="Ann")]
    assert desk.rows(pool, rows, chunk=chunk) == [2]
    assert actions(desk, pool.id) == [(1, 1, "update"), (2, 1, "update")]
    assert desk.data(1) == {"name": "Zoe", "city": "Troy"}


def test_verify_sees_clones_that_are_not_counted() -> None:
    desk = Desk()
    desk.loaded("load", row(1, ANN))
    desk.loaded("clone", row(1, ANN))
    desk.engine.state.clones.clear()
    assert desk.engine.verify() == ["lead 1: 0 clones are counted, 1 are open"]
