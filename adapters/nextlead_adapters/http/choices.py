"""What a field may be, where a choice that there is not was made: msgspec says only which value was wrong."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from msgspec import inspect

_PLACE: Final = re.compile(r"\.?([^.\[\]]+)|\[[^\]]*\]")


@lru_cache(maxsize=256)
def _described(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def choices_at(kind: Any, place: str) -> tuple[str, ...]:
    """The values that a body of type `kind` may have at `duplicates.action` or `leads[2].kind`; empty if any may be."""
    found = [_described(kind)]
    for step in _PLACE.finditer(place):
        found = [below for type_ in found for below in _below(type_, step[1])]
    return tuple(dict.fromkeys(str(value) for type_ in found for value in _values(type_)))


def _below(type_: inspect.Type, name: str | None) -> Iterator[inspect.Type]:
    """What stands behind a key, or in brackets."""
    match type_:
        case inspect.UnionType(types=types):
            for one in types:
                yield from _below(one, name)
        case inspect.Metadata(type=inner):
            yield from _below(inner, name)
        case inspect.StructType(fields=fields, tag_field=tag_field, tag=tag):
            if tag_field is not None and tag_field == name:
                yield inspect.LiteralType((tag,))
            yield from (field.type for field in fields if field.encode_name == name)
        case inspect.DictType(value_type=inner):
            yield inner
        case inspect.ListType(item_type=inner) | inspect.VarTupleType(item_type=inner):
            yield inner
        case _:
            return


def _values(type_: inspect.Type) -> Iterator[object]:
    match type_:
        case inspect.UnionType(types=types):
            for one in types:
                yield from _values(one)
        case inspect.Metadata(type=inner):
            yield from _values(inner)
        case inspect.LiteralType(values=values):
            yield from values
        case inspect.EnumType(cls=cls):
            yield from (member.value for member in cls)
        case _:
            return
