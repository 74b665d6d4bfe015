"""One row to a lead the engine can load, or to a reject with every reason (SPEC R9.4).

A number that can't be used is dropped; the row is invalid when none is left. Everything else that is wrong with a row
makes it invalid. Columns that match no field are read past.
"""

from collections.abc import Collection, Sequence
from typing import Final
from zoneinfo import available_timezones

from msgspec import json

from nextlead.core.commands import IntakeReject, IntakeRow

from .mapping import Column, Plan
from .numbers import Numbers
from .values import READERS, Value, is_blank, shown

PRIORITY_MAX: Final = 1_000
_encode: Final = json.Encoder().encode


class RowChecker:
    """The upload rules of one pool. `owners` are all there are, as `agent:CODE` and `team:CODE`.

    `check` is linear in the cells; it never raises for any content.
    """

    def __init__(self, plan: Plan, numbers: Numbers, owners: Collection[str]) -> None:
        self.plan = plan
        self._numbers = numbers
        self._owners = owners
        self._zones = available_timezones() if any(c.field.kind == "timezone" for c in plan.special) else frozenset()
        self._data = [
            (column, template.name, template.required, READERS.get(template.type))
            for column in plan.data
            if (template := column.field.template) is not None
        ]

    def check(self, row: int, values: Sequence[object], cells: tuple[str, ...]) -> IntakeRow | IntakeReject:
        """`values` in the order of the plan's columns, None where there is nothing; `cells` are kept for downloads."""
        reasons: list[str] = [f"{name}: required, but no column holds it" for name in self.plan.missing]
        data = self._read_data(values, reasons)
        priority, owner = 0, None
        for column in self.plan.special:
            raw = values[column.index]
            if is_blank(raw):
                continue
            match column.field.kind:
                case "priority":
                    priority = self._read_priority(column, raw, reasons)
                case "owner":
                    owner = self._read_owner(column, raw, reasons)
                case _:
                    self._read_zone(column, raw, data, reasons)
        numbers = self._read_phones(values, data, reasons)
        if not reasons:
            try:
                return IntakeRow(row, numbers, _encode(data), priority, owner, cells)
            except UnicodeEncodeError:
                reasons.append("has characters that are not Unicode text")
        return IntakeReject(row, tuple(reasons), cells)

    def _read_data(self, values: Sequence[object], reasons: list[str]) -> dict[str, Value]:
        data: dict[str, Value] = {}
        for column, name, required, reader in self._data:
            raw = values[column.index]
            if is_blank(raw):
                if required:
                    reasons.append(f"{column.name}: required")
            elif reader is not None:
                try:
                    data[name] = reader(raw)
                except ValueError as problem:
                    reasons.append(f"{column.name}: {shown(raw)} {problem}")
        return data

    def _read_phones(self, values: Sequence[object], data: dict[str, Value], reasons: list[str]) -> tuple[int, ...]:
        """The usable numbers, each once. Reasons are only added when there is none."""
        numbers: list[int] = []
        unusable: list[str] = []
        for column in self.plan.phones:
            raw = values[column.index]
            if is_blank(raw):
                continue
            found = self._read_number(raw)
            if isinstance(found, str):
                unusable.append(f"{column.name}: {shown(raw)} {found}")
                continue
            if found not in numbers:
                numbers.append(found)
            if column.field.template is not None:
                data[column.field.template.name] = f"+{found}"
        if not numbers:
            reasons += unusable or ["no phone number"]
        return tuple(numbers)

    def _read_number(self, raw: object) -> int | str:
        if isinstance(raw, str):
            return self._numbers.read(raw)
        if isinstance(raw, int) and not isinstance(raw, bool) and raw > 0:
            return self._numbers.read(str(raw)[:250])
        return "is not a phone number"

    @staticmethod
    def _read_priority(column: Column, raw: object, reasons: list[str]) -> int:
        text = raw.strip() if isinstance(raw, str) else str(raw)
        if text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= PRIORITY_MAX:
            return int(text)
        reasons.append(f"{column.name}: {shown(raw)} is not a priority from 1 to {PRIORITY_MAX}")
        return 0

    def _read_owner(self, column: Column, raw: object, reasons: list[str]) -> str | None:
        owner = raw.strip() if isinstance(raw, str) else ""
        if owner in self._owners:
            return owner
        reasons.append(f"{column.name}: {shown(raw)} is no agent:CODE or team:CODE of this organisation")
        return None

    def _read_zone(self, column: Column, raw: object, data: dict[str, Value], reasons: list[str]) -> None:
        zone = raw.strip() if isinstance(raw, str) else ""
        if zone in self._zones:
            data["timezone"] = zone
        else:
            reasons.append(f"{column.name}: {shown(raw)} is no IANA time zone")
