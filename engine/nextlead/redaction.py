"""What of a row is personal, for stores: the same in each of them (SPEC R10.6, `Store.erase`).

A lead's rows and events stay as history; what names a person goes from them. Rows of other tables are personal when
they hold a number, or when a lead is their key.
"""

from collections.abc import Container
from typing import Final

from msgspec.structs import replace

from .core.model import Erasure, Event, Job, Lead, Reject
from .core.row import Row

RowKey = tuple[str, int | str]
BLOCKED_TABLES: Final = frozenset({"blocked", "global_blocked"})
"""Tables that have the number as their key, so a removal names it, too."""
NUMBER_TABLES: Final = BLOCKED_TABLES | {"erasure", "job"}
LEAD_TABLES: Final = ("lead_data", "contacted")
"""Tables that have a lead as their key, and nothing that stays when it is erased. Their rows are written in commits
that have a row or an event of the lead, too, or (data) a trail; a removal names the lead alone."""
_FREE_CAUSE: Final = "cancelled"


def redacted_lead(row: Lead) -> Lead:
    """The row without what names a person, or says where it lives."""
    lease = replace(row.lease, number=0) if row.lease else None
    return replace(row, numbers=(), dropped=(), dialled=(), dropping=(), number_at=0, lease=lease, calls=(), zones=0)


def redacted_event(event: Event) -> Event:
    """The event without number, note, detail, the cause that an agent wrote, and what explains a logged activity.

    `checks` stay: they prove that a call was allowed, and have counts, times and zones, never a number.
    """
    cause = "" if event.kind == _FREE_CAUSE else event.cause
    logged = replace(event.logged, explanation="") if event.logged else None
    return replace(event, number=0, note="", detail="", cause=cause, logged=logged)


def numbers_of(row: Lead) -> set[int]:
    """All numbers that the row says."""
    dialled = {row.lease.number} if row.lease and row.lease.number else set()
    return {*row.numbers, *row.dropped, *row.dropping, *(call.number for call in row.calls)} | dialled


def names_of(reject: Reject) -> set[int]:
    """What a rejected row is found by: its numbers, and the lead that it is a duplicate of, as a negative number."""
    return {*reject.numbers, -reject.lead} - {0}


def numbers_in(key: RowKey, row: Row | None) -> frozenset[int]:
    """The numbers that a row of `Changes.rows` says; for a removal, the key's."""
    table, value = key
    if table in BLOCKED_TABLES:
        return frozenset({int(value)})
    if isinstance(row, Erasure):
        return frozenset({*row.numbers, *row.forget})
    if isinstance(row, Job) and row.number:
        return frozenset({row.number})
    return frozenset()


class Forgetting:
    """Which rows that hold numbers are to say them no more.

    `erasures` are ids of the erasures that are carried out; `forget` the numbers that go everywhere. `live` are keys of
    do-not-call entries that stand (again), which stay.
    """

    def __init__(self, erasures: Container[int], forget: Container[int | str], live: Container[RowKey] = ()) -> None:
        self._erasures = erasures
        self._forget = forget
        self._live = live

    def drops(self, key: RowKey) -> bool:
        """Whether a row, or the removal of one, is left out of the history altogether."""
        return key[0] in BLOCKED_TABLES and key[1] in self._forget and key not in self._live

    def redacted(self, row: Row | None) -> Row | None:
        """The row as it stays."""
        match row:
            case Erasure() if row.id in self._erasures:
                return replace(row, numbers=(), forget=())
            case Job() if row.number in self._forget:
                return replace(row, number=0)
            case _:
                return row
