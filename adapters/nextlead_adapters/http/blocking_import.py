"""Many numbers for a do-not-call list at once (SPEC R10.2): as JSON, or as a file.

Numbers are read with the organisation's region, a slice at a time in a thread, and each slice is one command. A row
that is not a number is told with its line, and does not hold up the others. The answer holds no numbers.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any, Final

import anyio
from msgspec import UNSET

from nextlead.core.blocking import refusal_of_number
from nextlead.core.commands import Block, Scope
from nextlead.core.engine import Engine
from nextlead.core.model import Answer
from nextlead.core.replies import Count

from . import blocking_shapes as shapes
from .bulk import note_invalid, with_last
from .fields import number_reader, region_of
from .list_file import ListFile
from .problems import forbidden
from .table import Call, Reply

SLICE: Final = 100
_COLUMNS: Final = (frozenset({"phone", "number", "telephone"}), frozenset({"reason"}))

Given = Sequence[tuple[int, str, str]]
"""Rows: line, number as text, reason."""
Read = Sequence[tuple[int, int | str, str]]
"""The same with the number, or why it is none."""


async def import_numbers(call: Call) -> object:
    """Slice by slice; the answer counts what was added, was there already, and was no number."""
    body: shapes.BlockOptions = call.body
    scope: Scope = "organisation" if body.scope is UNSET else body.scope
    need_operator(call, scope)
    total = shapes.ImportAnswer(0, 0, 0, 0, 0, [])
    if call.file is None:
        return await _all(call, scope, _of_list(call.body), total)
    with ListFile(call.file.path, _COLUMNS) as file:
        return await _all(call, scope, _of_file(file, body.reason), total)


async def import_again(call: Call, first: Answer, kept: dict[str, Any]) -> Reply:
    """The first answer, once it is true everywhere."""
    scope = call.body.scope
    await settled(call, "organisation" if scope is UNSET else scope)
    return Reply(first.status, kept)


async def settled(call: Call, scope: Scope) -> None:
    """A first answer about the global list is kept before all organisations have it: see to it that they do."""
    if scope == "global":
        await call.face.organisations.global_list.settle()


def need_operator(call: Call, scope: Scope) -> None:
    """The global list is the operator's; raises a 403."""
    if scope == "global" and call.caller.role != "operator":
        raise forbidden(call.caller.role)


async def _of_list(body: shapes.ImportBody) -> AsyncIterator[Given]:
    for start in range(0, len(body.numbers), SLICE):
        some = enumerate(body.numbers[start : start + SLICE], start + 1)
        yield [
            (row, each, body.reason) if isinstance(each, str) else (row, each.number, each.reason or body.reason)
            for row, each in some
        ]


async def _of_file(file: ListFile, reason: str) -> AsyncIterator[Given]:
    async for rows in file.slices(SLICE):
        yield [(row, number, own[: shapes.REASON_CHARS_MAX] or reason) for row, (number, own) in rows]


async def _all(
    call: Call, scope: Scope, slices: AsyncIterator[Given], total: shapes.ImportAnswer
) -> shapes.ImportAnswer:
    reader = number_reader(region_of(call.services.engine))
    found: set[tuple[int, int]] = set()
    async for given, is_last in with_last(slices):
        read = await anyio.to_thread.run_sync(_read, given, reader)
        fresh = await call.services.dialer.read(partial(_take, read, scope, total))
        if call.query.dry_run:
            found |= await concerned(call, scope, tuple(fresh))
            total.leads = len(found)
        else:
            await _block(call, scope, fresh, total, is_last=is_last)
    if scope == "global" and call.keep is not None and not call.query.dry_run:
        await call.services.dialer.submit(call.keep(call.route.status, total))  # with the leads of all organisations
    return total


def _read(given: Given, reader: Callable[[str], int | str]) -> Read:
    return [(row, reader(text), reason) for row, text, reason in given]


def _take(read: Read, scope: Scope, total: shapes.ImportAnswer, engine: Engine) -> dict[int, str]:
    """Count a slice; the numbers in it that are new, with their reasons.

    On the global list also those that this organisation has forgotten: the others have not.
    """
    there = engine.state.blocked_globally if scope == "global" else engine.blocked
    fresh: dict[int, str] = {}
    for row, number, reason in read:
        total.rows += 1
        if isinstance(number, str):
            note_invalid(total, row, number)
        elif number in there or number in fresh:
            total.already += 1
        elif refusal_of_number(engine.state, number) == "anonymized":
            total.already += 1
            if scope == "global":
                fresh[number] = reason
        else:
            total.added += 1
            fresh[number] = reason
    return fresh


async def concerned(call: Call, scope: Scope, numbers: Sequence[int]) -> set[tuple[int, int]]:
    """Open leads with one of the numbers, each with its organisation."""
    tenants = (call.services.tenant,) if scope == "organisation" else call.face.organisations.all()
    return {
        (tenant.organisation.no, lead)
        for tenant in tenants
        for lead in await tenant.dialer.read(partial(_leads_with, numbers))
    }


def _leads_with(numbers: Iterable[int], engine: Engine) -> set[int]:
    return {lead for number in numbers for lead in engine.leads_with_number(number)}


async def _block(call: Call, scope: Scope, fresh: dict[int, str], total: shapes.ImportAnswer, *, is_last: bool) -> None:
    groups = [(reason, tuple(number for number, _ in some)) for reason, some in _by_reason(fresh)]
    for at, (reason, numbers) in enumerate(groups, 1):
        command = Block(
            by=call.caller.by, numbers=numbers, reason=reason, scope=scope, drop_number=call.body.drop_number
        )
        keep = _whole if is_last and at == len(groups) else _nothing
        if scope == "organisation":
            await call.submit(command, partial(_count, total), keep)
            continue
        async with call.face.organisations.global_list.change() as change:
            await call.submit(command, partial(_count, total), keep)
            total.leads += await change.block(command)


def _whole(total: shapes.ImportAnswer) -> object | None:
    return total


def _nothing(_total: shapes.ImportAnswer) -> object | None:
    return None


def _by_reason(fresh: dict[int, str]) -> Iterator[tuple[str, Iterator[tuple[int, str]]]]:
    return groupby(fresh.items(), key=lambda item: item[1])


def _count(total: shapes.ImportAnswer, reply: Count) -> shapes.ImportAnswer:
    total.leads += reply.count
    return total
