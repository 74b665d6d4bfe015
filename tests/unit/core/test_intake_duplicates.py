"""Which row is a duplicate of which lead (SPEC R9.6)."""

import pytest
from msgspec.structs import replace
from unit.core.intake_desk import ANN, BOB, CY, DI, Desk, row

from nextlead.core.commands import (
    EditLead,
    IntakeRow,
    LoadRows,
    Original,
    PutCampaign,
    PutProject,
    Remove,
    Reopen,
)
from nextlead.core.matching import keys_of, merged
from nextlead.core.model import Pool
from nextlead.core.replies import Loaded


def load(desk: Desk, pool: Pool, *rows: IntakeRow) -> Loaded:
    """One command, as it is."""
    reply = desk(LoadRows(pool=pool.id, rows=rows))
    assert isinstance(reply, Loaded)
    return reply


def of(desk: Desk, pool: int) -> dict[int, int]:
    """Rows that were duplicates, with their original."""
    return {reject.row: reject.lead for reject in desk.rejects(pool, "duplicate")}


@pytest.mark.parametrize(
    ("scope", "among", "originals"),
    [
        # rows: 1 closed here, 2 open here, 3 open in the project, 4 open elsewhere, 5 and 6 the same in the file
        ("file", "all", {6: 5}),
        ("pool", "open", {6: 5}),
        ("campaign", "open", {2: 2, 6: 5}),
        ("campaign", "all", {1: 1, 2: 2, 6: 5}),
        ("project", "open", {2: 2, 3: 3, 6: 5}),
        ("project", "all", {1: 1, 2: 2, 3: 3, 6: 5}),
        ("organisation", "open", {2: 2, 3: 3, 4: 4, 6: 5}),
        ("organisation", "all", {1: 1, 2: 2, 3: 3, 4: 4, 6: 5}),
    ],
)
@pytest.mark.parametrize("match", ["phone", "name", "name+phone", "city+name"])
def test_scope_and_among(scope: str, among: str, originals: dict[int, int], match: str) -> None:  # R9.6
    desk = Desk()
    desk(PutProject(code="other"))
    desk(PutCampaign(code="c2"))
    desk(PutCampaign(code="c3", project="other"))
    people = [row(no, 14155550100 + no, name=f"name {no}", city="Troy") for no in range(1, 6)]
    desk.loaded("load", people[0], people[1])
    desk.loaded("load", people[2], campaign="c2")
    desk.loaded("load", people[3], campaign="c3")
    desk(Remove(lead=1))
    pool = desk.loaded("skip", *people, replace(people[4], row=6), match=match, scope=scope, among=among)
    made = {no: 4 + at for at, no in enumerate((no for no in range(1, 6) if no not in originals), 1)}
    assert of(desk, pool) == {no: made[5] if no == 6 else lead for no, lead in originals.items()}
    assert desk.counts(pool) == (6 - len(originals), 0, len(originals))


def test_the_first_of_all_that_match_is_the_original() -> None:  # R9.6
    desk = Desk()
    desk.loaded("load", row(1, ANN), row(2, BOB, name="Bo"), row(3, CY), row(4, ANN))
    rows = (row(1, CY, BOB), row(2, BOB, CY), row(3, ANN, name="bo"), row(4, DI, name=" BO "))
    assert of(desk, desk.loaded("skip", *rows, match="phone name")) == {1: 2, 2: 2, 3: 1, 4: 2}
    desk(Remove(lead=1))
    desk(Remove(lead=2))
    assert of(desk, desk.loaded("skip", row(1, ANN), row(2, BOB, CY))) == {1: 1, 2: 2}
    assert of(desk, desk.loaded("skip", row(1, ANN), row(2, CY, BOB), among="open")) == {1: 4, 2: 3}


@pytest.mark.parametrize(("among", "originals"), [("all", {2: 1, 3: 2}), ("open", {2: 1})])
def test_a_duplicate_that_was_loaded_closed_is_an_original_among_all(
    among: str, originals: dict[int, int]
) -> None:  # R9.6
    desk = Desk()
    pool = desk.loaded("close", row(1, ANN), row(2, ANN, BOB), row(3, BOB), among=among)
    assert of(desk, pool) == originals


def test_a_number_that_the_lead_lost_counts_too() -> None:  # R9.6
    desk = Desk()
    desk.loaded("load", row(1, ANN, BOB))
    desk.finish(desk.next(), "unreached", cause="invalid_number")
    assert desk.lead(1).numbers == (BOB,)
    assert of(desk, desk.loaded("skip", row(1, ANN))) == {1: 1}


def test_a_blank_is_the_same_as_nothing() -> None:  # R9.6
    numbers = (ANN,)
    assert keys_of("name", numbers, {"name": "  "}) == keys_of("name", numbers, {"name": None}) == ()
    assert keys_of("name+city", numbers, {"name": "Ann"}) == ()
    assert keys_of("name", numbers, {"Name ": "Zoe\u0308 "}) == keys_of(" NAME", numbers, {"name": "zo\u00eb"})
    assert keys_of("name+phone", (ANN, BOB), {"name": "Ann"}) != keys_of("name+phone", (BOB, ANN), {"name": "Ann"})
    assert keys_of("a+b", numbers, {"a": "x", "b": "y"}) != keys_of("a+b", numbers, {"a": "y", "b": "x"})


def test_leads_that_have_expired_count_as_closed() -> None:  # R8.3 R9.6
    desk = Desk(expire_after_ms=1000)
    desk.engine.state.slice_leads = 1
    desk.loaded("load", row(1, ANN), row(2, BOB))
    desk.now_ms += 1000
    pool = desk.open("skip", among="open")
    first, second = load(desk, pool, row(1, ANN)), load(desk, pool, row(2, BOB))
    assert (first.leads, second.leads) == ((3,), (4,))
    assert desk.engine.state.tasks, "one of the two is not written yet"


# -- what the archive said is not so any more ----------------------------------------------------------------------


def told(desk: Desk, lead: int, *, update: bytes | None = None) -> IntakeRow:
    """A row of another number that matches a lead by its name."""
    known = desk.lead(lead)
    keys = keys_of("name", (), {"name": "Ann"})
    return replace(
        row(1, DI, name="Ann"), keys=keys, original=Original(lead, known.version, known.closure is not None, update)
    )


@pytest.mark.parametrize("action", ["skip", "load", "update", "replace", "clone", "close"])
def test_a_row_whose_original_changed_is_not_taken(action: str) -> None:  # R9.6
    desk = Desk()
    desk.loaded("load", row(1, ANN, name="Ann"))
    pool = desk.open(action, match="name")
    before = told(desk, 1, update=merged(b'{"name":"Ann"}', b'{"name":"Ann"}'))
    desk(EditLead(lead=1, priority=3))
    changes = len(desk.changes.rejects), len(desk.changes.fresh)
    assert load(desk, pool, before) == Loaded((), 0, 0, (1,))
    assert (len(desk.changes.rejects), len(desk.changes.fresh)) == changes
    assert desk.counts(pool.id) == (0, 0, 0)
    assert load(desk, pool, told(desk, 1, update=b"{}")).duplicates == 1


def test_a_row_is_stale_when_its_original_closed_reopened_or_went() -> None:  # R9.6
    desk = Desk()
    desk.loaded("load", row(1, ANN, name="Ann"))
    pool = desk.open("skip", match="name")
    before = told(desk, 1)
    desk(Remove(lead=1))
    assert load(desk, pool, before).stale == (1,)
    before = told(desk, 1)
    desk(Reopen(lead=1, row=desk.lead(1)))
    assert load(desk, pool, before).stale == (1,)
    assert load(desk, pool, told(desk, 1)).duplicates == 1


def test_rows_after_a_stale_one_wait_so_that_the_file_stays_in_order() -> None:  # R2.2 R9.6
    desk = Desk()
    desk.loaded("load", row(1, ANN, name="Ann"))
    pool = desk.open("skip", match="phone name")
    before = told(desk, 1)
    desk(EditLead(lead=1, priority=3))
    loaded = load(desk, pool, row(5, BOB), replace(before, row=6), row(7, CY), row(8, BOB))
    assert loaded == Loaded((2,), 0, 0, (6, 7, 8))


def test_an_open_lead_with_the_number_is_the_original_whatever_its_version() -> None:  # R9.6
    desk = Desk()
    desk.loaded("load", row(1, ANN))
    pool = desk.open("skip")
    assert load(desk, pool, replace(row(1, ANN), original=Original(1, 7, closed=True))).duplicates == 1
    assert of(desk, pool.id) == {1: 1}
