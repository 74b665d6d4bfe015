"""Rows that versions before status schemes wrote: what they don't say is what it was then (SPEC 13)."""

from typing import Final

import pytest
from msgspec import json, msgpack
from msgspec.structs import astuple
from unit.core.intake_desk import ANN
from unit.core.ledger import Ledger

from nextlead.core.activity_model import Activity
from nextlead.core.commands import Finish, PutFilter, Remove
from nextlead.core.conditions import Condition, condition_after, condition_before, condition_of
from nextlead.core.engine import Engine
from nextlead.core.model import Closures, Event, Lead, Status
from nextlead.core.row import Row
from nextlead.core.setup_model import DEFAULT_RESULTS, Campaign, Template
from nextlead.core.tokens import token_text
from nextlead.core.verify import rows_of

FIELDS_THEN: Final[dict[type[Row], int]] = {Lead: 38, Event: 19, Template: 2}
"""How many fields rows of these types had; later ones came behind them."""
LAST_THEN: Final[dict[type[Row], str]] = {Lead: "calls", Event: "checks", Template: "results"}


def as_then(row: Row) -> list[object]:
    """The row as that version wrote it."""
    return [_as_then(value) for value in astuple(row)[: FIELDS_THEN.get(type(row))]]


def _as_then(value: object) -> object:
    return as_then(value) if isinstance(value, Row) else value


@pytest.mark.parametrize("kind", FIELDS_THEN)
def test_fields_that_came_later_stand_behind(kind: type[Row]) -> None:
    assert kind.__struct_fields__[FIELDS_THEN[kind] - 1] == LAST_THEN[kind]


def worked() -> Ledger:
    """Leads in some conditions."""
    ledger = Ledger()
    ledger.load(ANN, ANN + 1, ANN + 2, ANN + 3)
    ledger.finish(ledger.next("a"), "resolved", result="success")
    ledger.finish(ledger.next("a"), "unreached", cause="busy")
    ledger.next("b")
    return ledger


@pytest.mark.parametrize("codec", [json, msgpack])
def test_rows_without_the_new_fields_are_read(codec: object) -> None:
    encode, decode = codec.encode, codec.decode  # type: ignore[attr-defined]
    for lead in worked().rows.values():
        found = decode(encode(as_then(lead)), type=Lead)
        assert (found.latest, found.rule) == (None, "")
        assert found.id == lead.id
        assert found.calls == lead.calls
        assert condition_of(found) == condition_of(lead)._replace(activity=Activity.NONE)
    for event in worked().history(2):
        found = decode(encode(as_then(event)), type=Event)
        assert (found.closure_before, found.activity_before, found.activity) == (None, Activity.NONE, Activity.NONE)
        assert (found.rule, found.logged) == ("", None)
        assert condition_before(found) == Condition(event.status_before)
        assert condition_after(found) == Condition(event.status, event.closure)


def test_an_engine_goes_on_from_such_rows() -> None:
    ledger = worked()
    engine = Engine(b"a key of thirty-two bytes or so.")
    old = ledger.engine.state
    for table, row in rows_of(old):
        engine.restore_row(table, msgpack.decode(msgpack.encode(_row_of_then(row)), type=type(row)))
    for lead in old.leads.touched():
        engine.restore_lead(msgpack.decode(msgpack.encode(as_then(lead)), type=Lead))
    fresh = [found for lead in old.leads.untouched() if (found := old.leads.fresh(lead)) is not None]
    engine.restore_fresh(fresh)
    engine.start(ledger.now_ms, ledger.now_ms)
    assert engine.verify() == []
    assert engine.conditions("c1", None) == {
        ("c1", Condition(Status.CLOSED, "success")): 1,
        ("c1", Condition(Status.AUTOMATIC_REDIAL)): 1,
        ("c1", Condition(Status.UNPROCESSED)): 2,
    }
    (offer,) = engine.leases_of("b")
    engine.apply(Remove(lead=2), ledger.now_ms)
    engine.apply(PutFilter(name="mine", body=b"{}"), ledger.now_ms)
    assert engine.conditions("c1", None)["c1", Condition(Status.CLOSED, "removed")] == 1
    assert offer.lead.latest is None
    assert engine.verify() == []


def test_a_closed_lead_of_then_and_one_of_now_are_counted_side_by_side() -> None:
    ledger = worked()
    pool = ledger.row(1).pool
    engine = Engine(b"a key of thirty-two bytes or so.")
    for table, row in rows_of(ledger.engine.state):
        engine.restore_row(table, Closures(pool, {"success": 3}, 1) if table == "closures" else row)
    for lead in ledger.engine.state.leads.touched():
        engine.restore_lead(lead)
    engine.start(ledger.now_ms, ledger.now_ms)
    offer = engine.leases_of("b")[0]
    token = _token(offer.lead)
    engine.apply(Finish(token=token, outcome="resolved", result="success"), ledger.now_ms)
    assert engine.conditions(None, pool)["c1", Condition(Status.CLOSED, "success")] == 3
    assert engine.conditions(None, pool)["c1", Condition(Status.CLOSED, "success", "", Activity.SOLD)] == 1
    assert engine.pool_counts(pool, ledger.now_ms).closed == {"success": 4}
    assert engine.verify() == []


def test_a_campaign_of_then_has_no_results_of_the_past() -> None:
    campaign = worked().engine.campaigns.need("c1")
    found = msgpack.decode(msgpack.encode(_row_of_then(campaign)), type=Campaign)
    assert found == campaign
    assert (found.scheme, found.template.results, found.template.past) == ("hero", DEFAULT_RESULTS, ())


def _row_of_then(row: Row) -> list[object]:
    counts = isinstance(row, Closures)
    return [row.pool, {"success": 1}, row.unshown] if counts else as_then(row)  # type: ignore[attr-defined]


def _token(lead: Lead) -> str:
    assert lead.lease is not None
    return token_text(lead.id, lead.lease.token)
