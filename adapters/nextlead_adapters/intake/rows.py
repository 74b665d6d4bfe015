"""One row to a lead the engine can load, or to a reject with every reason (SPEC R9.4).

1. A number that can't be used, or that the campaign's rules refuse, is dropped and told; the row is invalid when none
   is left. Everything else that is wrong with a row makes it invalid. Columns that match no field are read past.
2. Every fault has the name of the rule that was broken: the campaign's (`upload_rules.py`), or one of `row`, `phone`,
   `priority`, `owner`, `timezone`, `text`, `fields.NAME.required`, `fields.NAME.type`.
3. A reject keeps what could be read of it, numbers too: it may be loaded as a closed lead, and must be found when a
   person is to be forgotten.
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from msgspec import json

from nextlead.core.commands import IntakeReject, IntakeRow

from ..zone_names import zone_name
from .duplicates import key_rules, keys_by
from .mapping import Column, Plan, norm
from .numbers import Numbers
from .upload_rules import Rules, ValueRules
from .values import READERS, Value, is_blank, shown

PRIORITY_MAX: Final = 1_000
NO_NUMBER: Final = "phone"
"""The rule that a row without any valid number breaks; it closes as `invalid_phone_number`."""
_encode: Final = json.Encoder().encode


class Fault(NamedTuple):
    """What is wrong with a row: the rule it breaks, and the reason as people read it."""

    rule: str
    reason: str


class _Phones(NamedTuple):
    """The numbers of a row: usable ones, those that the campaign refuses, and what is wrong with all but the usable."""

    usable: list[int]
    refused: list[int]
    faults: list[Fault]


class RowChecker:
    """The upload rules of one pool. `owners` are all there are, as `agent:CODE` and `team:CODE`.

    `check` is linear in the cells; it never raises for any content. `match` are the rules of the duplicate check.
    """

    def __init__(
        self, plan: Plan, numbers: Numbers, owners: Collection[str], rules: Rules, match: Sequence[str] = ()
    ) -> None:
        self.plan = plan
        self._numbers = numbers
        self._owners = owners
        self._rules = rules
        self._data = [
            (
                column,
                template.name,
                template.required,
                READERS.get(template.type),
                rules.values.get(norm(template.name)),
            )
            for column in plan.data
            if (template := column.field.template) is not None
        ]
        self._missing = [
            Fault(f"fields.{name}.required", f"{name}: required, but no column holds it") for name in plan.missing
        ]
        self._keys = keys_by(key_rules(match))

    def check(self, row: int, values: Sequence[object], cells: tuple[str, ...]) -> IntakeRow | IntakeReject:
        """`values` in the order of the plan's columns, None where there is nothing; `cells` are kept for downloads."""
        faults = list(self._missing)
        data = self._read_data(values, faults)
        priority, owner, zone = 0, None, ""
        for column in self.plan.special:
            raw = values[column.index]
            if is_blank(raw):
                continue
            match column.field.kind:
                case "priority":
                    priority = self._read_priority(column, raw, faults)
                case "owner":
                    owner = self._read_owner(column, raw, faults)
                case _:
                    zone = self._read_zone(column, raw, faults)
        phones = self._read_phones(values, data, faults)
        if not phones.usable:
            faults += phones.faults or [Fault(NO_NUMBER, "no phone number")]
        try:
            encoded = _encode(data)
            if not faults:
                numbers = tuple(phones.usable)
                keys = self._keys(numbers, data) if self._keys else ()
                dropped = tuple(fault.reason for fault in phones.faults)
                return IntakeRow(row, numbers, encoded, priority, owner, cells, keys, None, dropped, zone)
        except UnicodeEncodeError:
            encoded = b"{}"
            faults.append(Fault("text", "has characters that are not Unicode text"))
        return _reject(row, faults, cells, (*phones.usable, *phones.refused), encoded, zone)

    def broken(self, row: int, problem: str, cells: tuple[str, ...]) -> IntakeReject:
        """A row that could not be told apart; numbers are looked for in all of it."""
        found = self._numbers.within("\n".join(cells))
        return IntakeReject(row, (problem,), cells, found, rule="row")

    def _read_data(self, values: Sequence[object], faults: list[Fault]) -> dict[str, Value]:
        data: dict[str, Value] = {}
        for column, name, required, reader, rules in self._data:
            raw = values[column.index]
            if is_blank(raw):
                if required:
                    faults.append(Fault(f"fields.{name}.required", f"{column.name}: required"))
            elif reader is not None:
                try:
                    data[name] = reader(raw)
                except ValueError as problem:
                    faults.append(Fault(f"fields.{name}.type", f"{column.name}: {shown(raw)} {problem}"))
                    continue
                if rules is not None:
                    _obey(rules, data[name], column, faults)
        return data

    def _read_phones(self, values: Sequence[object], data: dict[str, Value], faults: list[Fault]) -> _Phones:
        phones = _Phones([], [], [])
        for column in self.plan.phones:
            raw = values[column.index]
            if is_blank(raw):
                continue
            found = self._read_number(raw)
            if isinstance(found, str):
                phones.faults.append(Fault(NO_NUMBER, f"{column.name}: {shown(raw)} {found}"))
                continue
            self._take_number(column, raw, found, phones)
            template = column.field.template
            if template is not None:
                data[template.name] = f"+{found}"
                if rules := self._rules.values.get(norm(template.name)):
                    _obey(rules, data[template.name], column, faults)
        return phones

    def _take_number(self, column: Column, raw: object, number: int, phones: _Phones) -> None:
        broken = self._rules.numbers.broken(number) if self._rules.numbers.any else None
        if broken is not None:
            phones.faults.append(Fault(broken.rule, f"{column.name}: {shown(raw)} {broken.why}"))
        known = phones.usable if broken is None else phones.refused
        if number not in known:
            known.append(number)

    def _read_number(self, raw: object) -> int | str:
        if isinstance(raw, str):
            return self._numbers.read(raw)
        if isinstance(raw, int) and not isinstance(raw, bool) and raw > 0:
            return self._numbers.read(str(raw)[:250])
        return "is not a phone number"

    @staticmethod
    def _read_priority(column: Column, raw: object, faults: list[Fault]) -> int:
        text = raw.strip() if isinstance(raw, str) else str(raw)
        if text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= PRIORITY_MAX:
            return int(text)
        reason = f"{column.name}: {shown(raw)} is not a priority from 1 to {PRIORITY_MAX}"
        faults.append(Fault("priority", reason))
        return 0

    def _read_owner(self, column: Column, raw: object, faults: list[Fault]) -> str | None:
        owner = raw.strip() if isinstance(raw, str) else ""
        if owner in self._owners:
            return owner
        reason = f"{column.name}: {shown(raw)} is no agent:CODE or team:CODE of this organisation"
        faults.append(Fault("owner", reason))
        return None

    @staticmethod
    def _read_zone(column: Column, raw: object, faults: list[Fault]) -> str:
        zone = zone_name(raw) if isinstance(raw, str) else None
        if zone is None:
            reason = f"{column.name}: {shown(raw)} must be an IANA name such as America/New_York"
            faults.append(Fault("timezone", reason))
        return zone or ""


def _obey(rules: ValueRules, value: Value, column: Column, faults: list[Fault]) -> None:
    try:
        broken = rules.broken(value)
    except UnicodeEncodeError:
        return  # told of once, when the whole row is encoded
    if broken is not None:
        faults.append(Fault(broken.rule, f"{column.name}: {shown(value)} {broken.why}"))


def _reject(
    row: int, faults: Sequence[Fault], cells: tuple[str, ...], numbers: tuple[int, ...], data: bytes, zone: str
) -> IntakeReject:
    """A row without any number closes as one; any other as not accepted, by the first rule it breaks."""
    reasons = tuple(fault.reason for fault in faults)
    if not numbers:
        return IntakeReject(row, reasons, cells, (), data, "invalid_phone_number", NO_NUMBER, zone)
    rule = next((fault.rule for fault in faults if fault.rule != NO_NUMBER), NO_NUMBER)
    return IntakeReject(row, reasons, cells, numbers, data, "not_accepted", rule, zone)
