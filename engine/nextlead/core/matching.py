"""What two leads are the same by, other than a number (SPEC R9.6): digests of field values; and what an update makes.

A *rule* of the duplicate check is `phone`, the name of a template field, or several of these joined by a plus, which
must then agree together. `phone` alone is decided by the index of numbers; all else by the digests made here.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final
from unicodedata import normalize

from msgspec import json

PHONE: Final = "phone"
KEY_BYTES: Final = 12


def parts_of(rule: str) -> tuple[str, ...]:
    """The names that a rule joins, as they are compared: case and surrounding space don't count."""
    return tuple(name.strip().casefold() for name in rule.split("+"))


def keys_of(rule: str, numbers: Sequence[int], data: Mapping[str, object]) -> tuple[bytes, ...]:
    """The keys of a lead by a rule: one, or one for each number if the rule joins `phone` with something.

    None when a field it names is empty: a blank is not the same as another blank. Text is compared without regard to
    case, surrounding space and how accents are composed, anything else by its JSON.
    """
    values = {name.strip().casefold(): value for name, value in data.items()}
    names = parts_of(rule)
    found = [_plain(values.get(name)) for name in names if name != PHONE]
    if not all(found):
        return ()
    rest = "\x1f".join(found)
    if PHONE not in names:
        return (_digest(rule, rest),)
    return tuple(_digest(rule, f"{number}\x1f{rest}") for number in numbers)


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return normalize("NFC", value.strip().casefold())
    return json.encode(value).decode()


def _digest(rule: str, text: str) -> bytes:
    return blake2b(f"{'+'.join(parts_of(rule))}\x1e{text}".encode(), digest_size=KEY_BYTES).digest()


def fields_of(data: bytes) -> dict[str, Any]:
    """The data fields of a lead, from their JSON."""
    return json.decode(data, type=dict[str, Any])


def merged(old: bytes, new: bytes) -> bytes:
    """The data fields of a lead after an update with a row's (SPEC R9.8): a blank in the row leaves what is there."""
    changes = {name: value for name, value in fields_of(new).items() if value not in (None, "")}
    return json.encode({**fields_of(old), **changes})
