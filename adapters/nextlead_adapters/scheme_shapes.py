"""The shape of a scheme's file: its keys and their types, as a person writes them."""

import re
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from nextlead.core.setup_model import Duplicates, UploadRules

from .toml_lines import Path

T = TypeVar("T")


class Fault(Exception):
    """A rule of the file that is broken, and where."""

    def __init__(self, path: Path, rule: str) -> None:
        super().__init__(rule)
        self.path = path
        self.rule = rule


class MappedShape(Struct, forbid_unknown_fields=True):
    """What something is shown as: one entry of a table, or the `shown` of a result."""

    status: str
    reason: str | None = None
    label: str | None = None
    ours: bool = False


class ResultShape(Struct, forbid_unknown_fields=True):
    """A result that campaigns of the scheme have; without `shown` it goes by its category."""

    code: str
    label: str
    category: str
    validation: bool = False
    do_not_call: bool = False
    shown: MappedShape | None = None


class DuplicatesShape(Struct, forbid_unknown_fields=True):
    """As in a campaign's `upload_rules.duplicates`."""

    match: tuple[str, ...] = Duplicates().match
    scope: str = Duplicates().scope
    among: str = Duplicates().among
    action: str = Duplicates().action


class RulesShape(Struct, forbid_unknown_fields=True):
    """What campaigns of the scheme have of `upload_rules` that don't say otherwise."""

    on_invalid: str = UploadRules().on_invalid
    duplicates: DuplicatesShape = msgspec.field(default_factory=DuplicatesShape)


class SchemeShape(Struct, forbid_unknown_fields=True):
    """What stands in a file. The entries of its tables are looked at one by one, so that errors can name them."""

    title: str
    about: str
    statuses: tuple[str, ...]
    results: tuple[ResultShape, ...] | None = None
    over_activities: tuple[str, ...] = ()
    open: dict[str, Any] = {}
    closures: dict[str, Any] = {}
    categories: dict[str, Any] = {}
    rules: dict[str, Any] = {}
    activities: dict[str, Any] = {}
    upload_rules: RulesShape = msgspec.field(default_factory=RulesShape)


def convert(value: object, kind: type[T], path: Path) -> T:
    """The value in that shape; `path` is where it stands. Raises `Fault`."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        path = (*path, *parts_of(place.rstrip("`")))
        for start, rule in (
            ("Object missing required field `", "is required"),
            ("Object contains unknown field `", "is not known"),
        ):
            if message.startswith(start):
                raise Fault((*path, message.removeprefix(start).rstrip("`")), rule) from None
        raise Fault(path, message[:1].lower() + message[1:].replace("`object`", "a table")) from None


def parts_of(place: str) -> Path:
    """The path that msgspec, and `Invalid`, spell as `.results[0].code`."""
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", place))
