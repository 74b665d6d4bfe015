"""Commands as Python source: what a failure prints, and what can be pasted into a test."""

from enum import Enum

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields


def source(value: object) -> str:
    """The value as an expression; fields at their default are left out."""
    match value:
        case Enum():
            return str(value)
        case Struct():
            kept = [
                f"{field.name}={source(getattr(value, field.name))}"
                for field in fields(value)
                if getattr(value, field.name) != default_of(field)
            ]
            return f"{type(value).__name__}({', '.join(kept)})"
        case tuple():
            return f"({''.join(source(each) + ', ' for each in value)})"
        case _:
            return repr(value)


def default_of(field: object) -> object:
    """A field's default, made or given."""
    factory = getattr(field, "default_factory", NODEFAULT)
    return factory() if factory is not NODEFAULT else getattr(field, "default", NODEFAULT)
