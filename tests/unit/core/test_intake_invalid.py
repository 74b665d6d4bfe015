"""Rows that are not loaded to be called: invalid ones, and with `on_invalid: close` closed leads (SPEC R9.4, R9.7)."""

import pytest
from msgspec.structs import replace
from unit.core.intake_desk import ANN, BOB, CY, DI, Desk, row

from nextlead.core.commands import Anonymise, Block, IntakeReject, IntakeRow, LoadRows
from nextlead.core.model import Reject
from nextlead.core.replies import Loaded

LONG = 10**15
REGION = IntakeReject(2, ("region: not allowed",), ("Ed", "Alaska"), (BOB,), b'{"name":"Ed"}', "not_accepted", "region")
NUMBER = IntakeReject(4, ("no number",), ("Fay",), (), b'{"name":"Fay"}', "invalid_phone_number")


def blocked(desk: Desk) -> None:
    """Ann's number is on the list, Bob's on the global one, Cy's is forgotten."""
    desk(Block(numbers=(ANN,)))
    desk(Block(numbers=(BOB,), scope="global"))
    desk(Anonymise(leads=(), numbers=(CY,)))


@pytest.mark.parametrize("on_invalid", ["file", "close"])
def test_numbers_that_may_not_be_dialled_make_a_row_invalid(on_invalid: str) -> None:  # R9.4 R9.7
    desk = Desk()
    blocked(desk)
    pool = desk.open("load", on_invalid=on_invalid)
    rows = [row(1, DI), row(2, DI, ANN), row(3, BOB), row(4, CY, name="Cy"), row(5, ANN, BOB)]
    assert desk.rows(pool, rows) == [1]
    assert desk.counts(pool.id) == (1, 4, 0)
    kept = desk.rejects(pool.id, "invalid")
    assert [reject.reasons for reject in kept] == [
        ("number is on the do-not-call list",),
        ("number is on the global do-not-call list",),
        ("a number of it was forgotten",),
        ("number is on the global do-not-call list",),
    ]
    closed = {2: "do_not_call", 3: "global_do_not_call", 4: "anonymized", 5: "global_do_not_call"}
    assert desk.statuses(pool.id) == {1: "unprocessed", **(closed if on_invalid == "close" else {})}


def test_nothing_is_kept_of_a_row_with_a_forgotten_number() -> None:  # R10.6
    desk = Desk()
    blocked(desk)
    pool = desk.open("load", on_invalid="close")
    bad = replace(REGION, row=2, numbers=(CY,), cells=("Cy", "Alaska"), data=b'{"name":"Cy"}')
    desk.rows(pool, [replace(row(1, CY, name="Cy"), dropped=("0103 is too short",))], [bad])
    for no, lead in ((1, 1), (2, 2)):
        assert desk.rejects(pool.id, "invalid")[no - 1] == Reject(
            pool.id, no, "invalid", ("a number of it was forgotten",), ()
        )
        assert (desk.lead(lead).numbers, desk.lead(lead).erased, desk.data(lead)) == ((), True, {})
    assert not desk.rejects(pool.id, "log")
    assert str(CY) not in str(desk.changes.rejects) + str(desk.changes.fresh) + str(desk.changes.events)


def test_rejects_are_counted_and_kept_with_every_reason() -> None:  # R9.4
    desk = Desk()
    desk(Block(numbers=(BOB,)))
    pool = desk.open("skip")
    desk.rows(pool, [row(1, ANN)], [REGION, NUMBER])
    assert desk.counts(pool.id) == (1, 2, 0)
    assert desk.rejects(pool.id, "invalid") == [
        Reject(
            pool.id,
            2,
            "invalid",
            ("region: not allowed", "number is on the do-not-call list"),
            ("Ed", "Alaska"),
            (BOB,),
        ),
        Reject(pool.id, 4, "invalid", ("no number",), ("Fay",), ()),
    ]
    assert desk.statuses(pool.id) == {1: "unprocessed"}


def test_with_on_invalid_close_every_row_has_a_status_in_the_order_of_the_file() -> None:  # R1.4 R9.4
    desk = Desk()
    pool = desk.open("skip", on_invalid="close", owner="team:root")
    made = desk.rows(pool, [row(1, ANN), row(3, CY), row(5, DI)], [REGION, NUMBER])
    assert made == [1, 3, 5]
    assert desk.statuses(pool.id) == {
        1: "unprocessed",
        2: "not_accepted",
        3: "unprocessed",
        4: "invalid_phone_number",
        5: "unprocessed",
    }
    assert [desk.lead(lead).numbers for lead in (2, 4)] == [(BOB,), ()]
    assert [desk.data(lead)["name"] for lead in (2, 4)] == ["Ed", "Fay"]
    assert [(event.lead, event.closure, event.cause) for event in desk.changes.events] == [
        (2, "not_accepted", "region"),
        (4, "invalid_phone_number", ""),
    ]
    counts = desk.engine.pool_counts(pool.id, desk.now_ms)
    assert (counts.open, counts.closed) == (3, {"not_accepted": 1, "invalid_phone_number": 1})
    assert counts.used == 0
    assert desk.counts(pool.id) == (3, 2, 0)


@pytest.mark.parametrize(
    ("bad", "reason", "closure", "rule"),
    [
        (IntakeRow(1, ()), "numbers must be there", "invalid_phone_number", ""),
        (IntakeRow(1, (ANN, ANN)), "numbers must be there, each once", "invalid_phone_number", ""),
        (IntakeRow(1, (0,)), "numbers must be there", "invalid_phone_number", ""),
        (IntakeRow(1, (LONG,)), "with at most 15 digits", "invalid_phone_number", ""),
        (IntakeRow(1, (ANN,), priority=1001), "priority must be from 1", "not_accepted", "priority"),
        (IntakeRow(1, (ANN,), priority=-1), "priority must be from 1", "not_accepted", "priority"),
        (IntakeRow(1, (ANN,), owner="agent:gone"), "owner is not there any more", "not_accepted", "owner"),
        (IntakeRow(1, (ANN,), zone="Mars/Base"), "timezone must be an IANA name", "not_accepted", "timezone"),
    ],
)
def test_rows_that_do_not_fit_now(bad: IntakeRow, reason: str, closure: str, rule: str) -> None:  # R9.4
    desk = Desk()
    pool = desk.open("load", on_invalid="close")
    desk.rows(pool, [bad])
    assert desk.counts(pool.id) == (0, 1, 0)
    assert reason in desk.rejects(pool.id, "invalid")[0].reasons[0]
    lead = desk.lead(1)
    assert (lead.closure, desk.changes.events[-1].cause, lead.priority) == (closure, rule, 0)
    assert lead.owner == desk.engine.pools[pool.id].owner
    assert lead.numbers in ((), (ANN,))


def test_all_that_is_wrong_with_a_row_is_told() -> None:  # R9.4
    desk = Desk()
    desk(Block(numbers=(ANN,)))
    pool = desk.open("load")
    desk.rows(pool, [IntakeRow(1, (ANN, LONG), priority=-1, owner="team:gone", dropped=("0100: too short",))])
    assert desk.rejects(pool.id, "invalid")[0].reasons == (
        "0100: too short",
        "priority must be from 1 (first) to 1000",
        "owner is not there any more",
        "numbers must be there, each once, with at most 15 digits",
        "number is on the do-not-call list",
    )
    assert desk.rejects(pool.id, "invalid")[0].numbers == (ANN,)


def test_a_closed_row_keeps_its_owner() -> None:  # R9.4
    desk = Desk()
    desk(Block(numbers=(ANN,)))
    pool = desk.open("load", on_invalid="close")
    desk.rows(pool, [IntakeRow(1, (ANN,), owner="agent:a", priority=7)])
    assert (desk.lead(1).owner, desk.lead(1).priority) == (desk.engine.agents.by_code["a"].no, 7)


@pytest.mark.parametrize(("among", "duplicates"), [("all", {3: 1, 5: 3}), ("open", {})])
def test_leads_that_came_in_closed_are_originals_among_all(among: str, duplicates: dict[int, int]) -> None:  # R9.6
    desk = Desk()
    pool = desk.open("skip", match="phone name", among=among, on_invalid="close")
    rejects = [replace(REGION, row=1), IntakeReject(4, ("x",), data=b'{"name":"fay"}')]
    desk.rows(pool, [row(2, DI), row(3, BOB), row(5, CY, name="Fay")], rejects)
    found = {reject.row: reject.lead for reject in desk.rejects(pool.id, "duplicate")}
    assert found == duplicates


def test_the_log_has_the_numbers_that_were_dropped_and_nothing_else() -> None:  # R9.4 R9.12
    desk = Desk()
    pool = desk.open("skip")
    desk.rows(pool, [row(1, ANN), replace(row(2, BOB), dropped=("0101: too short", "x: no number"))])
    assert desk.rejects(pool.id, "log") == [
        Reject(pool.id, 2, "log", ("0101: too short",), (), (BOB,)),
        Reject(pool.id, 2, "log", ("x: no number",), (), (BOB,)),
    ]
    desk(LoadRows(pool=pool.id, rows=(), log=((0, "the sheet has hidden columns"),)))
    assert desk.rejects(pool.id, "log")[2:] == [Reject(pool.id, 0, "log", ("the sheet has hidden columns",), ())]


def test_rejects_and_the_log_are_taken_also_when_rows_are_stale() -> None:  # R9.4
    desk = Desk()
    desk.loaded("load", row(1, ANN, name="Ann"))
    pool = desk.open("update")
    reply = desk(LoadRows(pool=pool.id, rows=(row(1, ANN),), rejects=(REGION,), log=((1, "odd"),)))
    assert reply == Loaded((), 0, 1, (1,))
    assert len(desk.rejects(pool.id, "invalid")) == len(desk.rejects(pool.id, "log")) == 1
