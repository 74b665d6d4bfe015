"""One action for many leads (SPEC R10.1): those of a filter, of a list of ids, of a file of ids or numbers.

Rules of this file:

1. Leads are found a slice at a time and each slice is one command, so that nobody waits long and no list of a million
   leads is held. A lead that refuses does not hold up the others.
2. A filter is asked once: leads come in order of id, those that came after the call are not among them, and what the
   action makes of one does not bring it back.
3. The answer counts; it holds no names and no numbers. It is kept for an Idempotency-Key with the last slice.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, Final, TypeVar

from msgspec import UNSET
from msgspec.structs import replace

from nextlead.core.commands import EditLeads
from nextlead.core.engine import Engine
from nextlead.core.model import Lead
from nextlead.core.replies import Bulk
from nextlead.ports import LeadFilter

from . import bulk_shapes as shapes
from .blocking_shapes import ImportAnswer
from .fields import need_campaign, number_reader, region_of
from .lead_filter import find, owner_no
from .lead_preview import refusal
from .list_file import ListFile
from .problems import forbidden, malformed
from .table import Access, BulkQuery, Call, Route, tagged

SLICE: Final = 100
"""Leads of one command: some four milliseconds."""
_IDS: Final = (frozenset({"id", "lead", "lead_id"}),)
_PHONES: Final = (frozenset({"phone", "number", "telephone"}),)
_ID_DIGITS_MAX: Final = 15

T = TypeVar("T")
Slices = AsyncIterator[Sequence[int]]


async def bulk(call: Call) -> object:
    """Slice by slice; the answer counts what was done and what was refused. Reopening is for admins."""
    body: shapes.LeadActionBody = call.body
    if body.action == "reopen" and call.caller.role == "supervisor":
        raise forbidden(call.caller.role)
    engine = call.services.engine
    for name in ("priority", "owner"):
        if (getattr(body, name) is not UNSET) != (body.action == name):
            raise malformed(name, f"goes with the action {name}, which needs it")
    if body.owner is not UNSET:
        owner_no(engine, body.owner.name)
    total = shapes.LeadsBulkAnswer(0, 0, {})
    if isinstance(body, shapes.LeadsBulkForm):
        assert call.file is not None
        with ListFile(call.file.path, _IDS if body.by == "id" else _PHONES) as file:
            return await _all(call, _of_file(call, file, body, total), total)
    return await _all(call, await _asked(call, body), total)


async def _all(call: Call, slices: Slices, total: shapes.LeadsBulkAnswer) -> shapes.LeadsBulkAnswer:
    async for leads, is_last in with_last(slices):
        total.matched += len(leads)
        if call.query.dry_run:
            await _try(call, leads, total)
        else:
            await _edit(call, leads, total, is_last=is_last)
    return total


async def with_last(items: AsyncIterator[T]) -> AsyncIterator[tuple[T, bool]]:
    """Each with whether it is the last, which takes reading one ahead."""
    held: list[T] = []
    async for item in items:
        if held:
            yield held.pop(), False
        held.append(item)
    if held:
        yield held.pop(), True


# -- which leads ----------------------------------------------------------------------------------------------------


async def _asked(call: Call, body: Any) -> Slices:
    if (body.filter is UNSET) == (body.ids is UNSET):
        raise malformed("filter", "either filter or ids is required")
    if body.ids is not UNSET:
        return _each(list(dict.fromkeys(body.ids)))
    return _of_filter(call, await find(call, body.filter))


async def _each(ids: Sequence[int]) -> Slices:
    for start in range(0, len(ids), SLICE):
        yield ids[start : start + SLICE]


async def _of_filter(call: Call, which: LeadFilter) -> Slices:
    last = await call.services.dialer.read(lambda engine: engine.sequences.lead) - 1
    after = 0
    while after < last:
        found = await call.services.dialer.archive.leads(replace(which, after=after, limit=SLICE))
        leads = [stored.lead.id for stored in found if stored.lead.id <= last]
        if leads:
            yield leads
        if len(found) < SLICE:
            return
        after = found[-1].lead.id


async def _of_file(call: Call, file: ListFile, body: shapes.LeadsBulkForm, total: shapes.LeadsBulkAnswer) -> Slices:
    campaign = None if body.campaign is None else need_campaign(call.services.engine, body.campaign).no
    read = _read_id if body.by == "id" else number_reader(region_of(call.services.engine, campaign or 0))
    async for rows in file.slices(SLICE):
        values: dict[int, None] = {}
        for row, (text,) in rows:
            value = read(text)
            if isinstance(value, str):
                note_invalid(total, row, value)
            else:
                values[value] = None
        leads = list(values)
        if body.by == "phone":
            leads = await _with_numbers(call, leads, body.action, campaign, total)
        async for some in _each(leads):
            yield some


def _read_id(text: str) -> int | str:
    is_id = text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS_MAX
    return int(text) if is_id else "is not the id of a lead"


def note_invalid(total: shapes.LeadsBulkAnswer | ImportAnswer, row: int, reason: str) -> None:
    """Count a row of a file that was not understood; why is told of the first ones."""
    total.invalid += 1
    if len(total.errors) < shapes.ERRORS_SHOWN:
        total.errors.append(shapes.RowError(row, reason))


async def _with_numbers(
    call: Call, numbers: list[int], action: str, campaign: int | None, total: shapes.LeadsBulkAnswer
) -> list[int]:
    uses = await call.services.dialer.archive.numbers(numbers)
    wanted = [use for use in uses if use.closed == (action == "reopen") and campaign in (None, use.campaign)]
    unknown = len(set(numbers) - {use.number for use in wanted})
    _refuse(total, {"not_found": unknown} if unknown else {})
    return list(dict.fromkeys(use.lead for use in wanted))


# -- doing it -------------------------------------------------------------------------------------------------------


def _refuse(total: shapes.LeadsBulkAnswer, refused: dict[str, int]) -> None:
    for code, count in refused.items():
        total.refused[code] = total.refused.get(code, 0) + count


async def _rows(call: Call, leads: Iterable[int], total: shapes.LeadsBulkAnswer) -> dict[int, Lead]:
    """The leads that there are, as they are; those that there are not count as refused."""
    found: dict[int, Lead] = {}
    for lead in leads:
        row = call.services.engine.lead(lead)
        if row is None and (stored := await call.services.dialer.archive.lead(lead)) is not None:
            row = stored.lead
        if row is None:
            _refuse(total, {"not_found": 1})
        else:
            found[lead] = row
    return found


async def _edit(call: Call, leads: Sequence[int], total: shapes.LeadsBulkAnswer, *, is_last: bool) -> None:
    body: shapes.LeadActionBody = call.body
    # A closed row that was read is still the lead's when it is opened again.
    async with call.services.reopening if body.action == "reopen" else nullcontext():
        rows = await _rows(call, leads, total)
        command = EditLeads(
            by=call.caller.by,
            leads=tuple(rows),
            action=body.action,
            priority=body.priority if isinstance(body.priority, int) else 0,
            owner="" if body.owner is UNSET else body.owner.name,
            rows=tuple(rows.values()) if body.action == "reopen" else (),
        )
        await call.submit(command, partial(_count, total), lambda so_far: so_far if is_last else None)


def _count(total: shapes.LeadsBulkAnswer, reply: Bulk) -> shapes.LeadsBulkAnswer:
    total.done += reply.done
    _refuse(total, reply.refused)
    return total


async def _try(call: Call, leads: Sequence[int], total: shapes.LeadsBulkAnswer) -> None:
    rows, body = await _rows(call, leads, total), call.body

    def look(engine: Engine) -> list[str | None]:
        owner = 0 if body.owner is UNSET else owner_no(engine, body.owner.name)
        return [refusal(engine, engine.lead(id_) or row, body.action, owner) for id_, row in rows.items()]

    for code in await call.services.dialer.read(look):
        if code is None:
            total.done += 1
        else:
            _refuse(total, {code: 1})


ROUTES: Final = tagged(
    "Leads",
    Route(
        "POST",
        "/v1/leads/bulk",
        Access.SUPERVISOR,
        "One action for many leads",
        bulk,
        body=shapes.LeadsBulkBody,
        form=shapes.LeadsBulkForm,
        answer=shapes.LeadsBulkAnswer,
        query=BulkQuery,
    ),
)
