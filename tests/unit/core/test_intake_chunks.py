"""What becomes of a row does not depend on the chunk it is in, nor on what is in memory (SPEC R9.6, R9.8)."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json
from unit.core.intake_desk import Desk

from nextlead.core.commands import (
    Block,
    ClosePool,
    EditLead,
    IntakeReject,
    IntakeRow,
    LoadRows,
    PutCampaign,
    PutProject,
    Remove,
)
from nextlead.core.duplicates import ACTIONS, AMONG, SCOPES
from nextlead.core.model import Pool
from nextlead.core.replies import Loaded

NUMBERS = tuple(range(14155550101, 14155550106))
BLOCKED = NUMBERS[-1]
numbers = st.lists(st.sampled_from(NUMBERS[:3] * 3 + NUMBERS[3:]), min_size=1, max_size=2, unique=True).map(tuple)
fields = st.fixed_dictionaries(
    {}, optional={"name": st.sampled_from(["Ann", " ann", "Bo", ""]), "city": st.just("Troy")}
)
Content = tuple[str, tuple[int, ...], dict[str, str], int]
contents: st.SearchStrategy[list[Content]] = st.lists(
    st.tuples(st.sampled_from(["row"] * 4 + ["reject"]), numbers, fields, st.sampled_from([0, 0, 3])),
    min_size=3,
    max_size=12,
)
pools = st.fixed_dictionaries(
    {
        "action": st.sampled_from(ACTIONS),
        "match": st.sampled_from(["phone", "phone", "name", "name+city", "phone name", "name+phone", ""]),
        "scope": st.sampled_from(SCOPES),
        "among": st.sampled_from(AMONG),
        "on_invalid": st.sampled_from(["file", "close"]),
        "campaign": st.sampled_from(["c1", "c2"]),
    }
)


def at_work() -> Desk:
    """Two campaigns of two projects; some leads are open, shown, redials, closed; one number is blocked."""
    desk = Desk()
    desk.verifies = False
    desk(PutProject(code="other"))
    desk(PutCampaign(code="c2", project="other"))
    rows = [IntakeRow(no, (number,), b'{"name":"Ann"}') for no, number in enumerate(NUMBERS, 1)]
    desk.loaded("load", *rows[:3])
    desk.loaded("load", *rows[3:], campaign="c2")
    desk.promise()
    desk.finish(desk.next(), "resolved", result="success")
    desk(EditLead(lead=4, priority=9))
    desk(Block(numbers=(BLOCKED,)))
    return desk


def outcome(desk: Desk, options: dict[str, str], content: list[Content], chunk: int) -> object:
    """All that can be seen afterwards."""
    pool = desk.open(**options)  # type: ignore[arg-type]
    at = 0
    while at < len(content) or at == 0:
        load(desk, pool, content[at : at + chunk], at + 1)
        at += chunk
    desk(ClosePool(pool=pool.id))
    assert desk.engine.verify() == []
    rows = [desk.lead(lead) for lead in desk.ids()]
    kept = [
        (row.id, row.pool, row.status, row.closure, row.numbers, row.priority, row.master, row.ordinal, row.shown)
        for row in rows
    ]
    data = [desk.data(row.id) for row in rows]
    rejects = sorted(desk.changes.rejects, key=lambda reject: reject.row)
    return kept, data, rejects, desk.counts(pool.id), desk.engine.state.clones, desk.engine.state.counts.closures


def load(desk: Desk, pool: Pool, content: list[Content], first: int) -> None:
    rows: list[IntakeRow] = []
    rejects: list[IntakeReject] = []
    for no, (kind, given_numbers, data, priority) in enumerate(content, first):
        if kind == "row":
            rows.append(IntakeRow(no, given_numbers, json.encode(data), priority, dropped=("odd",) * (priority > 0)))
        else:
            rejects.append(IntakeReject(no, ("bad",), (), given_numbers, json.encode(data), "not_accepted", "rule"))
    desk.rows(pool, rows, rejects)


@settings(max_examples=120, deadline=None)
@given(options=pools, content=contents, chunk=st.integers(2, 12))
def test_chunks_of_any_size_decide_the_same(options: dict[str, str], content: list[Content], chunk: int) -> None:
    if options["action"] == "replace" and options["match"] != "phone":
        options["on_invalid"] = "file"  # rows may be stale: a lead of a later row that is invalid has a lower id then
    one_by_one = outcome(at_work(), options, content, 1)
    assert outcome(at_work(), options, content, chunk) == one_by_one


@settings(max_examples=60, deadline=None)
@given(options=pools, content=contents, data=st.data())
def test_what_happens_between_look_up_and_load_does_not_matter(
    options: dict[str, str], content: list[Content], data: st.DataObject
) -> None:
    """A row is not taken, or as if it had been looked up at that moment."""
    now, later = at_work(), at_work()
    pool = now.open(**options)  # type: ignore[arg-type]
    later.open(**options)  # type: ignore[arg-type]
    for no, (_, given_numbers, fields_, _priority) in enumerate(content, 1):
        plain = IntakeRow(no, given_numbers, json.encode(fields_))
        looked_up = later.looked_up(pool, plain)
        lead = data.draw(st.integers(1, 5))
        change = data.draw(
            st.sampled_from([None, EditLead(lead=lead, priority=2), Remove(lead=lead), EditLead(lead=lead, data=b"{}")])
        )
        if change is not None and now.engine.lead(lead) is not None:
            now(change)
            later(change)
        reply = later(LoadRows(pool=pool.id, rows=(looked_up,)))
        assert isinstance(reply, Loaded)
        fresh = now.looked_up(pool, plain)
        if reply.stale:
            assert fresh.original != looked_up.original
            later(LoadRows(pool=pool.id, rows=(fresh,)))
        now(LoadRows(pool=pool.id, rows=(fresh,)))
        assert later.changes.rejects[-1:] == now.changes.rejects[-1:]
        assert later.statuses(pool.id) == now.statuses(pool.id)
        assert later.counts(pool.id) == now.counts(pool.id)
        assert [later.data(lead) for lead in later.ids()] == [now.data(lead) for lead in now.ids()]
