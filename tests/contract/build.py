"""Rows for the suite, with only what a test is about spelled out."""

from typing import Any

from nextlead.core.changes import Changes
from nextlead.core.model import (
    Blocked,
    Contacted,
    Erasure,
    Event,
    File,
    FreshLead,
    Lead,
    LeadData,
    Pool,
    Reject,
    Status,
    ZoneSet,
)
from nextlead.core.row import Row
from nextlead.ports import Commit, Part, Store

NOON = 1_772_452_800_000


def pool(id_: int = 1, campaign: int = 10, **more: Any) -> Pool:
    return Pool(id_, campaign, f"pool {id_}", "active", -1, **more)


def fresh(id_: int, pool_: int = 1, **more: Any) -> FreshLead:
    more = {"ordinal": id_, "numbers": (14155550000 + id_,), "owner": -1, "data": b'{"name":"Ada"}', **more}
    return FreshLead(id_, pool_, **more)


def lead(id_: int, status: Status = Status.AUTOMATIC_REDIAL, **more: Any) -> Lead:
    more = {
        "pool": 1,
        "numbers": (14155550000 + id_,),
        "owner": -1,
        "seq": id_,
        "ordinal": id_,
        "campaign": 10,
        "original_owner": -1,
        **more,
    }
    return Lead(id_, status=status, **more)


def closed(id_: int, closure: str = "success", **more: Any) -> Lead:
    return lead(id_, Status.CLOSED, closure=closure, **more)


def event(lead_: int, kind: str, previous: int = 0, **more: Any) -> Event:
    where = (Status.UNPROCESSED, Status.UNPROCESSED, None, -1)
    return Event(lead_, previous, NOON, NOON, "agent:A", kind, *where, **more)


def reject(row: int, kind: str = "invalid", pool_: int = 1, *numbers: int) -> Reject:
    return Reject(pool_, row, kind, ("phone: no usable number",), ("x", str(row)), numbers)


def changes(*rows: Row, **more: Any) -> Changes:
    """Leads and pools under their keys; everything else by name."""
    made = Changes(**more)
    for row in rows:
        match row:
            case Lead():
                made.leads[row.id] = row
            case Pool():
                made.rows["pool", row.id] = row
            case LeadData():
                made.rows["lead_data", row.lead] = row
            case File():
                made.rows["file", row.id] = row
            case Erasure():
                made.rows["erasure", row.id] = row
            case Blocked():
                made.rows["blocked", row.number] = row
            case Contacted():
                made.rows["contacted", row.lead] = row
            case ZoneSet():
                made.rows["zone_set", row.id] = row
            case _:
                raise AssertionError(row)
    return made


async def commit(store: Store, no: int, *rows: Row, at_ms: int = NOON, **more: Any) -> None:
    await store.commit(Commit(no, at_ms, changes(*rows, **more)))


async def load(store: Store) -> Part:
    """The whole load in one part; fails when the parts come in the wrong order."""
    whole = Part(rows=[], leads=[], fresh=[])
    stage = 0
    async for part in store.load():
        for at, name in enumerate(("rows", "leads", "fresh")):
            if found := getattr(part, name):
                assert at >= stage, f"{name} came after what follows them"
                stage = at
                setattr(whole, name, [*getattr(whole, name), *found])
    return whole
