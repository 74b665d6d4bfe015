"""Rows of leads that are packed one by one make the bytes that packing all of a commit at once would make."""

import msgspec
import pytest
from contract.build import event, lead

from nextlead.core.changes import Changes
from nextlead.core.model import Status
from nextlead_adapters.journalled import bodies
from nextlead_adapters.journalled.packed import array_of, columns_of, pack_leads

AT_EACH_HEAD = (0, 1, 15, 16, 65_535, 65_536)


@pytest.mark.parametrize("count", AT_EACH_HEAD)
def test_an_array_of_packed_values(count: int) -> None:
    assert array_of([b"\x07"] * count) == msgspec.msgpack.encode([7] * count)


@pytest.mark.parametrize("count", [0, 1, 15, 16, 300])
def test_a_commit(count: int) -> None:
    leads = {id_: lead(id_) for id_ in range(1, count + 1)}
    changes = Changes(
        leads=leads, events=[event(id_, "leased") for id_ in leads], gone=[900], rows={("clones", 5): None}
    )
    packed = bodies.pack(changes, pack_leads(leads.values()))
    at_once = (list(leads.values()), [("clones", 5, None)], changes.events, changes.gone)
    assert packed == msgspec.msgpack.encode(at_once)
    assert bodies.step(1, 2, packed) == bodies.Step(1, 2, list(leads.values()), {("clones", 5): None}, [900])


def test_what_the_tables_say_of_a_lead() -> None:
    row = lead(7, status=Status.CLOSED, closure="not_accepted", rule="no_number", closed_ms=9, erased=True)
    (packed,) = pack_leads([row]).values()
    closed = (7, 8, "not_accepted", row.campaign, row.pool, row.owner, row.due_ms, 9, 1, 0, "no_number", 0, packed)
    assert columns_of(packed) == closed
