"""Columns of a file, or keys of a JSON lead's data, to what they are (SPEC R9.2, R9.3).

A column is matched by `mapping` if that names it, else by its own name; case and surrounding space don't count. It is
one of four special fields (`phone`, with `phone2`, `phone3`...; `priority`; `owner`; `timezone`), a field of the
campaign's template, or unmatched. Special fields win over template fields of the same name.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from nextlead.core.errors import Invalid
from nextlead.core.setup_model import TemplateField

COLUMNS_MAX: Final = 1_000
SPECIAL: Final = ("priority", "owner", "timezone")
_PHONE: Final = re.compile(r"phone([1-9][0-9]?)?")


class Field(Struct, frozen=True):
    """What a column is. `kind` is phone, priority, owner, timezone or data; `template` is set for data.

    `place` orders the phones of a lead: 1 for `phone`, 2 for `phone2`.
    """

    kind: str
    template: TemplateField | None = None
    place: int = 0


class Column(Struct, frozen=True):
    """A column that is used: where it is, what it is called (in reasons), and what it is."""

    index: int
    name: str
    field: Field


class Plan(Struct, frozen=True):
    """How the rows of one file are read. `phones` are in dial order; `width` is the number of columns."""

    width: int
    phones: tuple[Column, ...]
    data: tuple[Column, ...]
    special: tuple[Column, ...]
    missing: tuple[str, ...] = ()
    """Required fields that no column holds."""
    unmatched: tuple[str, ...] = ()


def norm(name: str) -> str:
    """A name as it is compared."""
    return name.strip().casefold()


class Matcher:
    """Knows a campaign's fields and a mapping. Raises `Invalid` for a mapping to a field that isn't there.

    A column mapped to null (or to an empty name) is left out on purpose: it is not unmatched.
    """

    def __init__(self, fields: Sequence[TemplateField], mapping: Mapping[str, str | None]) -> None:
        self.fields = tuple(fields)
        self.mapping = dict(mapping)
        self._by_name = {norm(field.name): field for field in fields}
        self._mapped: dict[str, Field | None] = {}
        self._spelt: dict[str, str] = {}
        for column, name in mapping.items():
            self._map(column, name)

    def _map(self, column: str, name: str | None) -> None:
        key = norm(column)
        if key in self._mapped:
            raise Invalid(f"mapping.{column}", "the column is named twice")
        found = self._named(name) if name and name.strip() else None
        if name and name.strip() and found is None:
            raise Invalid(f"mapping.{column}", f"there is no field '{name}' (there are: {', '.join(self._all())})")
        self._mapped[key] = found
        self._spelt[key] = column

    def _all(self) -> list[str]:
        return ["phone", *SPECIAL, *(field.name for field in self.fields)]

    def _named(self, name: str) -> Field | None:
        key = norm(name)
        if phone := _PHONE.fullmatch(key):
            return Field("phone", place=int(phone[1] or 1))
        if key in SPECIAL:
            return Field(key)
        template = self._by_name.get(key)
        return Field("data", template=template) if template else None

    def knows(self, column: str) -> bool:
        """Whether the mapping or the campaign has something for a column of that name."""
        return norm(column) in self._mapped or self._named(column) is not None

    def field_of(self, column: str) -> Field | None:
        """What a column is; None for one that is unmatched or left out."""
        key = norm(column)
        return self._mapped[key] if key in self._mapped else self._named(column)

    def plan(self, columns: Sequence[str], *, mapped_must_exist: bool = True) -> Plan:
        """How rows with these columns are read; raises `Invalid` where that is ambiguous or hopeless."""
        if len(columns) > COLUMNS_MAX:
            raise Invalid("file", f"has {len(columns)} columns; at most {COLUMNS_MAX} are read")
        names = [name.strip() or f"column {at}" for at, name in enumerate(columns, 1)]
        if mapped_must_exist:
            self._check_mapped(names)
        used = [Column(at, name, field) for at, name in enumerate(names) if (field := self.field_of(name))]
        _check_once(used)
        phones = sorted((c for c in used if c.field.kind == "phone"), key=lambda c: c.field.place)
        data = [c for c in used if c.field.template is not None]
        extra = [c for c in data if c.field.template is not None and c.field.template.type == "phone"]
        if not phones and not extra:
            raise Invalid("file", f"no column holds the phone number; map one to 'phone' (columns: {_listed(names)})")
        held = {norm(c.field.template.name) for c in data if c.field.template is not None}
        return Plan(
            width=len(columns),
            phones=(*phones, *extra),
            data=tuple(data),
            special=tuple(c for c in used if c.field.kind in SPECIAL),
            missing=tuple(f.name for f in self.fields if f.required and norm(f.name) not in held and not _special(f)),
            unmatched=_unique(name for name in names if norm(name) not in self._mapped and self._named(name) is None),
        )

    def _check_mapped(self, names: Sequence[str]) -> None:
        there = {norm(name) for name in names}
        for key, column in self._spelt.items():
            if key not in there:
                raise Invalid(f"mapping.{column}", f"the file has no such column (it has: {_listed(names)})")


def _special(field: TemplateField) -> bool:
    """A template field that a special one hides; what is required of it, the special field's rules say."""
    key = norm(field.name)
    return key in SPECIAL or _PHONE.fullmatch(key) is not None


def _check_once(used: Sequence[Column]) -> None:
    seen: dict[str, Column] = {}
    for column in used:
        field = column.field
        if field.kind == "phone":
            continue
        key = f"data.{norm(field.template.name)}" if field.template else field.kind
        if key in seen:
            first = seen[key]
            name = field.template.name if field.template else field.kind
            both = f"columns {first.index + 1} ('{first.name}') and {column.index + 1} ('{column.name}')"
            raise Invalid("mapping", f"{both} are both '{name}'")
        seen[key] = column


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple({norm(name): name for name in names}.values())


def _listed(names: Sequence[str], most: int = 20) -> str:
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f"'{name[:40]}'" for name in names[:most]) + more
