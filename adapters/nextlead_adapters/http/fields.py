"""Text that people send, read by the rules of the campaign: data fields by its template, numbers by its region."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from nextlead.core.engine import Engine
from nextlead.core.errors import Invalid
from nextlead.core.records import Records
from nextlead.core.settings_check import check_code
from nextlead.core.setup_model import Campaign, TemplateField

from ..intake.mapping import norm
from ..intake.numbers import Numbers
from ..intake.values import READERS, is_blank, shown

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_CODE: Final = re.compile(r"[\w.@+~-]{1,64}")


def check_new_code(code: str) -> None:
    """What is made gets a code that can be typed, and stands in an address as it is. Raises `Invalid`."""
    if not _CODE.fullmatch(code):
        raise Invalid("code", "must have 1 to 64 letters, digits and any of . _ - @ + ~")
    check_code(code)


def records(engine: Engine, kind: str) -> Records[Any]:
    """Teams, agents, projects or campaigns."""
    return getattr(engine, f"{kind}s")  # type: ignore[no-any-return]


def refer(engine: Engine, kind: str, code: object, field: str) -> None:
    """What a body names must be there, else `Invalid`: a 404 would speak of the address. None names nothing."""
    if isinstance(code, str) and code not in records(engine, kind).by_code:
        raise Invalid(field, f"there is no {kind} {code}")


def refer_all(engine: Engine, kind: str, codes: Sequence[str], field: str) -> None:
    """The same for a list."""
    for at, code in enumerate(codes):
        refer(engine, kind, code, f"{field}[{at}]")


@lru_cache(maxsize=64)
def _numbers(region: str) -> Numbers:
    return Numbers(region)


def region_of(engine: Engine, campaign: int = 0) -> str:
    """The region of numbers without a country code: the campaign's, else the organisation's."""
    found = engine.campaigns.by_no.get(campaign)
    return (found.default_region if found else "") or engine.settings.default_region


def need_campaign(engine: Engine, code: str, field: str = "campaign") -> Campaign:
    """The campaign that a body names; raises `Invalid`."""
    found: Campaign | None = engine.campaigns.by_code.get(code)
    if found is None:
        raise Invalid(field, f"there is no campaign {code}")
    return found


def number_reader(region: str) -> Callable[[str], int | str]:
    """What reads numbers of a long list: E.164 digits, or why it is none, without the text. For one thread."""
    numbers = Numbers(region)

    def read(text: str) -> int | str:
        return int(text[1:]) if _E164.fullmatch(text) else numbers.read(text)

    return read


def read_number(text: str, region: str, field: str) -> int:
    """A number as E.164 digits; raises `Invalid`. One written out in full is taken as it is, in use or not.

    A plus that a query string lost (it reads as a space there) is understood.
    """
    full = "+" + text[1:] if text.startswith(" ") else text
    if _E164.fullmatch(full):
        return int(full[1:])
    found = _numbers(region).read(full)
    if isinstance(found, str):
        raise Invalid(field, f"{shown(text)} {found}")
    return found


def data_over(template: tuple[TemplateField, ...], region: str, old: bytes, changes: Mapping[str, Any]) -> bytes:
    """The data object with the changes; a blank value empties its field. Raises `Invalid` naming the field."""
    fields = {norm(field.name): field for field in template}
    data = msgspec.json.decode(old, type=dict[str, Any])
    for key, value in changes.items():
        field = fields.get(norm(key))
        if field is None:
            raise Invalid(f"data.{key}", "the campaign's template has no such field")
        if is_blank(value):
            if field.required:
                raise Invalid(f"data.{key}", "is required")
            data.pop(field.name, None)
        else:
            data[field.name] = _read(field, value, region, key)
    return msgspec.json.encode(data)


def _read(field: TemplateField, value: object, region: str, key: str) -> object:
    if field.type == "phone":
        return f"+{read_number(str(value), region, f'data.{key}')}"
    try:
        return READERS[field.type](value)
    except ValueError as problem:
        raise Invalid(f"data.{key}", f"{shown(value)} {problem}") from None
