"""Leads given as JSON to the shape that files have: columns, and rows of values (SPEC R9.1).

A lead is an object with `phone` (text or a list), and optionally `data`, `priority`, `owner`, `timezone`. A key of
`data` is a column like any of a file's. A lead that isn't of this shape has a `problem`; it doesn't hold up the others.
"""

import json
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from nextlead.core.errors import Invalid

from .mapping import COLUMNS_MAX, SPECIAL, norm
from .values import is_blank

KEYS: Final = frozenset({"phone", "data", *SPECIAL})
PHONES_MAX: Final = 20
_CELL_CHARS_MAX: Final = 100_000


class Given(Struct, frozen=True):
    """One lead as it was given. `values` are in the order of the table's columns; `cell` is its JSON, for downloads."""

    values: tuple[object, ...]
    cell: str
    problem: str = ""


class LeadTable(Struct, frozen=True):
    """Leads as a table."""

    columns: tuple[str, ...]
    leads: tuple[Given, ...]


def lead_table(leads: Sequence[object]) -> LeadTable:
    """The table of these leads. Raises `Invalid` for one that is too wide, and for nothing else. O(leads x columns)."""
    problems = [_problem(lead) for lead in leads]
    good = [lead for lead, problem in zip(leads, problems, strict=True) if not problem and isinstance(lead, dict)]
    phones = max((len(_phones(lead)) for lead in good), default=1) or 1
    special = [key for key in SPECIAL if any(not is_blank(lead.get(key)) for lead in good)]
    names: dict[str, str] = {}
    for lead in good:
        for name in lead.get("data") or {}:
            names.setdefault(norm(name), name)
    if (width := phones + len(special) + len(names)) > COLUMNS_MAX:
        raise Invalid("leads", f"has {width} columns, with all keys of data; at most {COLUMNS_MAX} are read")
    given = tuple(
        Given(_values(lead, phones, special, names) if not problem else (), _cell(lead), problem)
        for lead, problem in zip(leads, problems, strict=True)
    )
    return LeadTable((*["phone"] * phones, *special, *names.values()), given)


def _problem(lead: object) -> str:
    if not isinstance(lead, dict):
        return "is not an object"
    if unknown := sorted(str(key)[:40] for key in lead if key not in KEYS):
        return f"has unknown keys: {', '.join(unknown[:10])} (fields go into data)"
    data = lead.get("data")
    if data is not None and not isinstance(data, dict):
        return "has data that is not an object"
    if len(_phones(lead)) > PHONES_MAX:
        return f"has more than {PHONES_MAX} phones"
    seen: set[str] = set()
    for name in data or {}:
        if norm(name) in seen:
            return f"has '{name[:40]}' twice in its data"
        seen.add(norm(name))
    return "has a NUL character" if _has_nul(lead) else ""


def _has_nul(lead: dict[str, object]) -> bool:
    return "\\u0000" in json.dumps(lead, default=str)


def _phones(lead: dict[str, object]) -> list[object]:
    phone = lead.get("phone")
    return phone if isinstance(phone, list) else [phone]


def _values(lead: object, phones: int, special: list[str], names: dict[str, str]) -> tuple[object, ...]:
    assert isinstance(lead, dict), "only leads without a problem have values"
    numbers = _phones(lead)
    data = {norm(name): value for name, value in (lead.get("data") or {}).items()}
    return (
        *numbers,
        *[None] * (phones - len(numbers)),
        *(lead.get(key) for key in special),
        *(data.get(key) for key in names),
    )


def _cell(lead: object) -> str:
    text = json.dumps(lead, ensure_ascii=False, default=str)
    return text.encode("utf-8", "replace").decode()[:_CELL_CHARS_MAX]
