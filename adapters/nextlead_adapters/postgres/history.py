"""What is read from the journal: one row per commit; see `journalled/bodies.py`."""

from typing import TYPE_CHECKING, Final

from nextlead.core.model import Event, Lead

from ..journalled import bodies

if TYPE_CHECKING:
    from .connection import Db

_COMMITS: Final = 64
"""Commits that are read at once: their events are looked at without a pause."""
_BODY: Final = "SELECT body FROM journal WHERE org = $1 AND no = $2"
_HAPPENED: Final = "SELECT no, body FROM journal WHERE org = $1 AND no > $2 AND no <= $3 ORDER BY no LIMIT $4"
_BEFORE: Final = """
WITH RECURSIVE part (first, last, at_ms) AS (
    SELECT 1::bigint, coalesce((SELECT no FROM journal WHERE org = $1 ORDER BY no DESC LIMIT 1), 0), $2::bigint
    UNION ALL
    SELECT CASE WHEN half.at_ms < $2 THEN half.no + 1 ELSE half.first END,
        CASE WHEN half.at_ms >= $2 THEN half.no - 1 ELSE half.last END, half.at_ms
    FROM (
        SELECT first, last, (first + last) / 2 AS no,
            (SELECT j.at_ms FROM journal AS j WHERE j.org = $1 AND j.no = (first + last) / 2) AS at_ms
        FROM part WHERE first <= last AND at_ms IS NOT NULL
    ) AS half
)
SELECT last, CASE WHEN at_ms IS NULL THEN (first + last) / 2 END FROM part
ORDER BY last - first, at_ms NULLS FIRST LIMIT 1"""
"""Bisection in one statement: (the answer, a commit that is missing)."""


async def history(db: "Db", org: int, lead: int, last_commit: int) -> list[Event]:
    """A lead's events, oldest first, along the chain from its newest; O(commits it has events in)."""
    parts: list[list[Event]] = []
    no = last_commit
    while no:
        body = await _body(db, org, no)
        events = bodies.events_of(body, lead) if body else []
        if not events or events[0].previous >= no:
            raise bodies.broken(lead, no)
        parts.append(events)
        no = events[0].previous
    return [event for events in reversed(parts) for event in events]


async def lead_at(db: "Db", org: int, no: int, lead: int) -> Lead | None:
    """A lead's row as that commit left it."""
    body = await _body(db, org, no)
    return bodies.row_of(body, lead) if body else None


async def commit_before(db: "Db", org: int, at_ms: int) -> int:
    """The last commit of an engine time before this, 0 if there is none; O(log commits), as that time never falls."""
    found = await db.fetchrow(_BEFORE, org, at_ms)
    assert found is not None
    no, missing = found
    if missing is not None:
        raise bodies.missing(missing)
    return int(no)


async def happened(db: "Db", org: int, after: int, up_to: int, limit: int) -> tuple[list[tuple[Event, Lead]], int]:
    """Events of the next few commits behind `after` with their leads' rows, and the last one read.

    No more commits than it takes for `limit` events, and none behind `up_to`.
    """
    found: list[tuple[Event, Lead]] = []
    for no, packed in await db.fetch(_HAPPENED, org, after, up_to, _COMMITS):
        after = no
        found += bodies.happened(packed)
        if len(found) >= limit:
            break
    return found, after


async def _body(db: "Db", org: int, no: int) -> bytes | None:
    body: bytes | None = await db.fetchval(_BODY, org, no)
    return body
