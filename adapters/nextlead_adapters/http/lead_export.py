"""Leads as CSV: the same filter as the list's, all of them, sent as they are read (see `downloads.py`)."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from nextlead.ports import LeadFilter

from .cells import BOM, csv_lines
from .downloads import CSV, send_download
from .lead_filter import campaigns_of, find
from .lead_shapes import LeadFilterBody, LeadView
from .lead_views import lead_view
from .public_status import asked_scheme
from .table import Access, Call, Route, Stream, tagged
from .times import format_time
from .values import Moment, Owner

PAGE_ROWS: Final = 100
PAGE_CELLS: Final = 10_000
"""At most so many lines and cells are made between two turns of the loop: some four milliseconds."""
COLUMNS: Final = (
    "id",
    "campaign",
    "pool",
    "phone",
    "other_phones",
    "status",
    "closure",
    "not_accepted_by",
    "public_status",
    "reason",
    "label",
    "activity",
    "activity_at",
    "activity_agent",
    "owner",
    "original_owner",
    "priority",
    "attempts",
    "due",
    "promised",
    "created",
)
"""Then a column for each field of the campaigns' templates, `data.NAME`, and `other_data` as JSON."""


class ExportQuery(LeadFilterBody):
    """Which leads; `scheme` also says by which they are shown."""


async def export(call: Call) -> Stream:
    """In order of id: what is asked for, then the data fields, those of all campaigns in question.

    Fields that the templates do not have (any more) are in `other_data`, as JSON.
    """
    query: ExportQuery = call.query
    asked = await find(call, query)
    fields = [field.name for each in campaigns_of(call.services.engine, query) for field in each.template.fields]
    rows = _lines(call, query, asked, list(dict.fromkeys(fields)))
    return await send_download(call, "leads.csv", CSV, rows)


async def _lines(call: Call, query: ExportQuery, asked: LeadFilter, fields: Sequence[str]) -> AsyncIterator[bytes]:
    engine, archive = call.services.engine, call.services.dialer.archive
    scheme = asked_scheme(engine, query.scheme)
    header = (*COLUMNS, *(f"data.{name}" for name in fields), "other_data")
    head = BOM + csv_lines([header])
    rows = max(1, min(PAGE_ROWS, PAGE_CELLS // len(header)))
    after, more = 0, True
    while more:
        found = await archive.leads(replace(asked, after=after, limit=rows))
        if found or head:
            yield head + csv_lines(_row(lead_view(engine, each.lead, each.data, scheme), fields) for each in found)
        head, more = b"", len(found) == rows
        after = found[-1].lead.id if found else after


def _row(lead: LeadView, fields: Iterable[str]) -> Iterable[object]:
    shown, activity = lead.public_status, lead.activity
    phone, *others = lead.phones or ("",)
    data: dict[str, Any] = msgspec.json.decode(lead.data)
    named = [data.pop(name, None) for name in fields]
    cells = (
        (lead.id, lead.campaign, lead.pool, phone, ", ".join(others)),
        (lead.status, lead.closure, lead.not_accepted_by, shown.status, shown.reason, shown.label),
        (activity.kind, activity.at, activity.agent) if activity else (None, None, None),
        (lead.owner, lead.original_owner, lead.priority, lead.attempts, lead.due, lead.promised, lead.created),
        (*named, data or None),
    )
    return [_text(cell) for part in cells for cell in part]


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case Moment():
            return format_time(value.ms)
        case Owner():
            return value.name
        case _:
            return msgspec.json.encode(value).decode()


ROUTES: Final = tagged(
    "Leads",
    Route(
        "GET",
        "/v1/leads.csv",
        Access.SUPERVISOR,
        "Download leads",
        export,
        answer=str,
        query=ExportQuery,
        media=CSV,
    ),
)
