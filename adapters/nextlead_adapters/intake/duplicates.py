"""The duplicate check: what may be asked of it, its keys, and whom it looks at (SPEC R9.6, R9.8)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from nextlead.core.duplicates import check_choices
from nextlead.core.errors import Invalid
from nextlead.core.matching import PHONE, keys_of, parts_of
from nextlead.core.setup_model import Duplicates, TemplateField

from .values import Value, shown

MATCH_RULES_MAX: Final = 8

KeysOf = Callable[[Sequence[int], Mapping[str, Value]], tuple[bytes, ...]]
"""What a row matches by, from its numbers and data: digests, `IntakeRow.keys`."""


def check_duplicates(key: str, asked: Duplicates, fields: Sequence[TemplateField]) -> None:
    """Raises `Invalid`; `key` is what the names of its errors begin with."""
    check_choices(asked, key)
    if len(asked.match) > MATCH_RULES_MAX:
        raise Invalid(f"{key}.match", f"has more than {MATCH_RULES_MAX} rules")
    known_names = {PHONE, *(parts_of(field.name)[0] for field in fields)}
    for rule in asked.match:
        parts = parts_of(rule)
        unknown = [part for part in parts if part not in known_names]
        if unknown:
            names = ", ".join([PHONE, *(field.name for field in fields)])
            raise Invalid(f"{key}.match", f"{shown(rule)}: there is no field {shown(unknown[0])} (there are: {names})")
        if len(set(parts)) != len(parts):
            raise Invalid(f"{key}.match", f"{shown(rule)} names a field twice")


def key_rules(match: Sequence[str]) -> tuple[str, ...]:
    """The rules that the index of numbers does not decide alone, each once."""
    return tuple({parts_of(rule): rule for rule in match if parts_of(rule) != (PHONE,)}.values())


def by_phone(match: Sequence[str]) -> bool:
    """Whether one number in common makes a duplicate."""
    return any(parts_of(rule) == (PHONE,) for rule in match)


def keys_by(rules: Sequence[str]) -> KeysOf | None:
    """What makes the keys of a row for these rules; None when there are none."""
    if not rules:
        return None
    return lambda numbers, data: tuple(key for rule in rules for key in keys_of(rule, numbers, data))
