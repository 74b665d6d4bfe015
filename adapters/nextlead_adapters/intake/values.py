"""Cells and JSON values to the types of a template's fields.

Each reader takes the raw value and gives what is stored, or raises `ValueError` with a phrase that goes behind the
value (`is not a date`). Blank values never get here. What a reader stores, it also reads.
"""

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Final

Value = str | int | float | bool

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]{1,30}\.[0-9]{0,30}|\.[0-9]{1,30}|[0-9]{1,30})(?:[eE][+-]?[0-9]{1,3})?")
_EMAIL: Final = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,189}")
_BOOLEANS: Final = {
    "true": True, "yes": True, "y": True, "on": True, "1": True,
    "false": False, "no": False, "n": False, "off": False, "0": False,
}  # fmt: skip
_INTEGER_MAX: Final = 10**18
_SHOWN_MAX: Final = 40


def read_text(raw: object) -> Value:
    """Text as it is, surrounding space too; JSON numbers become their text."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return str(raw)
    raise ValueError("is not text")


def read_number(raw: object) -> Value:
    """An integer of up to 18 digits or a decimal with a point; no thousands separators, as they are ambiguous."""
    found: int | float | None = None
    if isinstance(raw, str):
        text = raw.strip()
        if _INTEGER.fullmatch(text):
            found = int(text)
        elif _DECIMAL.fullmatch(text):
            found = float(text)
    elif isinstance(raw, int | float) and not isinstance(raw, bool):
        found = raw
    if found is None or not math.isfinite(found) or (isinstance(found, int) and abs(found) >= _INTEGER_MAX):
        raise ValueError("is not a number")
    return found


def read_date(raw: object) -> Value:
    """An ISO 8601 date, or date and time; stored as ISO text. Other orders of day and month are ambiguous."""
    text = raw.strip() if isinstance(raw, str) else ""
    try:
        if len(text) == len("2026-03-02"):
            return date.fromisoformat(text).isoformat()
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("is not a date (YYYY-MM-DD)") from None


def read_boolean(raw: object) -> Value:
    """True and false, yes and no, on and off, 1 and 0."""
    if isinstance(raw, bool):
        return raw
    found = _BOOLEANS.get(str(raw).strip().lower()) if isinstance(raw, str | int) else None
    if found is None:
        raise ValueError("is not yes or no")
    return found


def read_email(raw: object) -> Value:
    """One address: something, an at sign, a domain. Whether it exists only a mail can tell."""
    text = raw.strip() if isinstance(raw, str) else ""
    if not _EMAIL.fullmatch(text) or text.endswith("."):
        raise ValueError("is not an e-mail address")
    return text


READERS: Final[dict[str, Callable[[object], Value]]] = {
    "text": read_text,
    "number": read_number,
    "date": read_date,
    "boolean": read_boolean,
    "email": read_email,
}
"""By the type of a template field; `phone` has `numbers.Numbers`."""


def is_blank(raw: object) -> bool:
    """Nothing there: null, or text of spaces only."""
    return raw is None or (isinstance(raw, str) and not raw.strip())


def shown(raw: object) -> str:
    """A value as a reason quotes it: short, and printable whatever it was."""
    text = str(raw).encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return f"'{text}'" if len(text) <= _SHOWN_MAX else f"'{text[:_SHOWN_MAX]}...'"
