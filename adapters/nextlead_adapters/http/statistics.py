"""Calls for statistics: leads by public status and reason, over a range of time (SPEC 13)."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

from msgspec import UNSET

from nextlead.runtime.statistics import Line, Question, Statistics

from .cells import BOM, csv_lines
from .downloads import CSV, send_download
from .reading import unless_gone
from .statistics_shapes import StatisticsItem, StatisticsQuery, StatisticsView
from .table import Access, Call, Reply, Route, Stream, tagged

COLUMNS: Final = ("status", "reason", "label", "count")
_JSON: Final = "application/json"
_TABLE: Final = "text/csv"


async def show_statistics(call: Call) -> Reply | Stream:
    """Without a range: as it is now. With one, a lead counts once, under the status and reason that it had at its end.

    It counts if it came to them within the range; one that came in within the range always does. Without `from`, all
    leads count, as they were at `until`. By `created`: leads that came in within the range, as they are now. Deleted
    leads don't count. `Accept: text/csv` gets the lines as CSV.
    """
    if _prefers_csv(call.headers.get("accept", "")):
        return await download(call)
    query: StatisticsQuery = call.query
    found = await _count(call)
    view = StatisticsView(
        campaign=query.campaign,
        pool=query.pool,
        scheme=found.scheme,
        start=query.start,
        until=query.until,
        by=query.by,
        total=sum(line.count for line in found.lines),
        statuses=_sums(found.lines),
        items=tuple(_items(found.lines)),
    )
    return Reply(200, view, (("vary", "accept"),))


async def download(call: Call) -> Stream:
    """The same as CSV. A column `campaign` comes first unless one campaign, or one pool, was asked for."""
    query: StatisticsQuery = call.query
    found = await _count(call)
    rows = _rows(found.lines, by_campaign=query.campaign is None and query.pool is None)

    async def chunks() -> AsyncIterator[bytes]:
        yield BOM + csv_lines(rows)

    return await send_download(call, "statistics.csv", CSV, chunks(), (("vary", "accept"),))


async def _count(call: Call) -> Statistics:
    """Nobody who has gone takes the turn of those who wait."""
    query: StatisticsQuery = call.query
    question = Question(
        campaign=query.campaign,
        pool=query.pool,
        scheme=query.scheme,
        from_ms=None if query.start is None else query.start.ms,
        until_ms=None if query.until is None else query.until.ms,
        by=query.by,
    )
    return await unless_gone(call.receive, call.services.statistician.count(question))


def _sums(lines: Iterable[Line]) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in lines:
        found[line.status] = found.get(line.status, 0) + line.count
    return found


def _items(lines: Sequence[Line]) -> Iterable[StatisticsItem]:
    """All campaigns together."""
    found: dict[tuple[str, str | None], StatisticsItem] = {}
    for line in lines:
        item = found.get((line.status, line.reason))
        if item is None:
            ours = True if line.ours else UNSET
            found[line.status, line.reason] = StatisticsItem(line.status, line.reason, line.label, line.count, ours)
        else:
            item.count += line.count
    return found.values()


def _rows(lines: Iterable[Line], *, by_campaign: bool) -> list[tuple[object, ...]]:
    rows = [(line.status, line.reason or "", line.label, line.count) for line in lines]
    if not by_campaign:
        return [COLUMNS, *rows]
    return [("campaign", *COLUMNS), *((line.campaign, *row) for line, row in zip(lines, rows, strict=True))]


def _prefers_csv(accept: str) -> bool:
    """Whether the client wants CSV more than JSON (RFC 9110); of two alike the one that is named, and JSON of both."""
    wish = _wish(accept, _TABLE)
    return wish[0] > 0 and wish > _wish(accept, _JSON)


def _wish(accept: str, media: str) -> tuple[float, int]:
    """How much the client wants it, and whether by its name, its kind or anything; the closest name counts."""
    patterns = ("*/*", f"{media.partition('/')[0]}/*", media)
    closest, wish = -1, 0.0
    for entry in accept.lower().split(","):
        name, *more = (part.strip() for part in entry.split(";"))
        if name in patterns and (at := patterns.index(name)) > closest:
            closest, wish = at, _quality(more)
    return wish, closest


def _quality(parameters: Sequence[str]) -> float:
    given = next((part.removeprefix("q=") for part in parameters if part.startswith("q=")), "1")
    digits = given.replace(".", "", 1)
    return float(given) if digits.isascii() and digits.isdigit() and len(given) <= 5 else 0.0


ROUTES: Final = tagged(
    "Statistics",
    Route(
        "GET",
        "/v1/statistics",
        Access.SUPERVISOR,
        "Count leads by public status and reason",
        show_statistics,
        answer=StatisticsView,
        query=StatisticsQuery,
        or_media=CSV,
    ),
    Route(
        "GET",
        "/v1/statistics.csv",
        Access.SUPERVISOR,
        "Download statistics",
        download,
        answer=str,
        query=StatisticsQuery,
        media=CSV,
    ),
)
