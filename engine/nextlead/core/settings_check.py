"""Settings that can't work are refused before anything is kept (field and rule named), whoever sends them."""

from .errors import Invalid
from .model import CAUSES, Dialer, Template

_POSITIVE = ("max_attempts", "new_every", "max_unresolved", "redials_per_slot", "weight")
_CATEGORIES = ("success", "negative", "invalid")
PRIORITY_LAST = 1000


def check_dialer(dialer: Dialer) -> None:
    """Raises `Invalid`."""
    if not 0 <= dialer.priority <= PRIORITY_LAST:
        raise Invalid("dialer.priority", "must be from 1 (first) to 1000")
    for name in _POSITIVE:
        value = getattr(dialer, name)
        if value is not None and value <= 0:
            raise Invalid(f"dialer.{name}", "must be more than 0, or null")
    for name in Dialer.__struct_fields__:
        value = getattr(dialer, name)
        least = -1 if name == "release_vip_ms" else 0
        if name.endswith("_ms") and value is not None and value < least:
            raise Invalid(f"dialer.{name.removesuffix('_ms')}", "must not be negative")
    for name in ("lease_timeout_ms", "lease_max_ms"):
        if getattr(dialer, name) == 0:
            raise Invalid(f"dialer.{name.removesuffix('_ms')}", "must be more than 0")
    for cause, intervals in dialer.retry.items():
        if cause not in CAUSES:
            raise Invalid(f"dialer.retry.{cause}", f"must be one of {', '.join(CAUSES)}")
        if not intervals or min(intervals) < 0:
            raise Invalid(f"dialer.retry.{cause}", "must be a list of intervals, none of them negative")


def check_template(template: Template) -> None:
    """Raises `Invalid`."""
    codes = [result.code for result in template.results]
    if len(set(codes)) != len(codes):
        raise Invalid("template.results", "each result has a code of its own")
    for result in template.results:
        if result.category not in _CATEGORIES:
            raise Invalid("template.results.category", f"must be one of {', '.join(_CATEGORIES)}")
    names = [field.name.strip().casefold() for field in template.fields]
    if len(set(names)) != len(names):
        raise Invalid("template.fields", "each field has a name of its own, case and surrounding space aside")
