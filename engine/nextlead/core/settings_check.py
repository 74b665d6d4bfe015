"""Settings that can't work are refused before anything is kept (field and rule named), whoever sends them."""

from datetime import date

from .almanac import NO_ALMANAC, Almanac, zone_named
from .conditions import BETWEEN
from .errors import Invalid
from .model import CAUSES, SYSTEM_CLOSURES, Status
from .order import LAST_MS
from .row import DAY_MS, HOUR_MS
from .setup_model import LIMIT_KINDS, CallingHours, ContactLimit, Dialer, Template, Window

_POSITIVE = ("max_attempts", "new_every", "max_unresolved", "redials_per_slot", "weight")
CATEGORIES = ("success", "negative", "invalid")
PRIORITY_LAST = 1000
WEIGHT_LEAST, WEIGHT_MOST = 0.001, 1_000_000
DURATION_MOST_MS = 100 * 366 * DAY_MS
NUMBER_MOST = 10**15
"""E.164 has at most 15 digits."""
_CODE_MOST = 100
_COUNT_MOST = 1_000_000_000
_DAY_MINUTES = 24 * 60
_DAYS_OFF_MOST = 1000
_LIMITS_MOST = 20
ATTEMPTS_MOST = 1000
SPAN_MOST_MS = 366 * DAY_MS
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Keys of a week's windows, in their order."""
_RESERVED = SYSTEM_CLOSURES | {status.code for status in Status}


def check_code(code: str, field: str = "code") -> None:
    """A code stands in addresses: some text that can be read and written. Raises `Invalid`."""
    if not 0 < len(code) <= _CODE_MOST or not code.isprintable() or code in (".", "..") or "/" in code:
        raise Invalid(field, f"must be 1 to {_CODE_MOST} printable characters without a slash, not . or ..")


def check_dialer(dialer: Dialer, almanac: Almanac = NO_ALMANAC) -> None:
    """Raises `Invalid`."""
    if not 0 <= dialer.priority <= PRIORITY_LAST:
        raise Invalid("dialer.priority", "must be from 1 (first) to 1000")
    for name in _POSITIVE:
        value = getattr(dialer, name)
        if value is not None and not 0 < value <= _COUNT_MOST:
            raise Invalid(f"dialer.{name}", "must be more than 0, or null")
    if dialer.weight is not None and not WEIGHT_LEAST <= dialer.weight <= WEIGHT_MOST:
        raise Invalid("dialer.weight", f"must be from {WEIGHT_LEAST} to {WEIGHT_MOST}, or null")
    for name in Dialer.__struct_fields__:
        value = getattr(dialer, name)
        least = -1 if name == "release_vip_ms" else 0
        if (
            name.endswith("_ms")
            and isinstance(value, int)
            and name != "expires_at_ms"
            and not least <= value <= DURATION_MOST_MS
        ):
            raise Invalid(f"dialer.{name.removesuffix('_ms')}", "must not be negative, nor over a hundred years")
    for name in ("lease_timeout_ms", "lease_max_ms"):
        if getattr(dialer, name) == 0:
            raise Invalid(f"dialer.{name.removesuffix('_ms')}", "must be more than 0")
    _check_ends(dialer)
    if dialer.calling_hours is not None:
        _check_hours(dialer.calling_hours, almanac)
    check_limits(dialer.contact_limits, "dialer.contact_limits")
    for cause, intervals in dialer.retry.items():
        if cause not in CAUSES:
            raise Invalid(f"dialer.retry.{cause}", f"must be one of {', '.join(CAUSES)}")
        if not intervals or min(intervals) < 0 or max(intervals) > DURATION_MOST_MS:
            raise Invalid(f"dialer.retry.{cause}", "must be a list of intervals, none negative or over a hundred years")


def _check_ends(dialer: Dialer) -> None:
    """Expiry and retention (SPEC R8.1, R10.7)."""
    if dialer.expires_at_ms is not None and not 0 < dialer.expires_at_ms < LAST_MS:
        raise Invalid("dialer.expires_at", "must be a time after 1970 and before 2248")
    if dialer.expire_after_ms == 0:
        raise Invalid("dialer.expire_after", "must be more than 0, or null")
    for closure, after_ms in dialer.retention_ms.items():
        if not HOUR_MS <= after_ms <= DURATION_MOST_MS:
            raise Invalid(f"dialer.retention.{closure}", "must be at least an hour, and not over a hundred years")


def _check_hours(hours: CallingHours, almanac: Almanac) -> None:
    """SPEC R11.1."""
    field = "dialer.calling_hours"
    for name, zone in (("zone", hours.zone), ("campaign_zone", hours.campaign_zone)):
        if zone != "lead" or name != "zone":
            check_zone(zone, f"{field}.{name}")
    if hours.windows is not None:
        _check_windows(hours.windows, f"{field}.windows")
    if len(hours.days_off) > _DAYS_OFF_MOST:
        raise Invalid(f"{field}.days_off", f"must not be more than {_DAYS_OFF_MOST}")
    for day in hours.days_off:
        if not _is_date(day):
            raise Invalid(f"{field}.days_off", "must be dates such as 2026-12-25")
    if hours.holidays and not almanac.knows_holidays(hours.holidays):
        raise Invalid(f"{field}.holidays", "must be a country whose public holidays are known, such as US or US-FL")


def check_zone(zone: str, field: str) -> None:
    """Raises `Invalid` unless it is the name of an IANA zone."""
    if zone_named(zone) is None:
        raise Invalid(field, "must be the name of an IANA time zone, such as America/New_York")


def _check_windows(windows: tuple[tuple[Window, ...], ...], field: str) -> None:
    if len(windows) != len(DAYS):
        raise Invalid(field, "must have the seven days of a week")
    if not any(windows):
        raise Invalid(field, "must have at least one window; leave windows out to call at any hour")
    for day, found in zip(DAYS, windows, strict=True):
        last = 0
        for start, end in found:
            if not 0 <= start < end <= _DAY_MINUTES:
                raise Invalid(f"{field}.{day}", "a window starts before it ends, from 00:00 to 24:00")
            if start < last:
                raise Invalid(f"{field}.{day}", "windows must be in order, and apart")
            last = end


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def check_limits(limits: tuple[ContactLimit, ...], field: str) -> None:
    """SPEC R12.1; raises `Invalid`."""
    if len(limits) > _LIMITS_MOST:
        raise Invalid(field, f"must not be more than {_LIMITS_MOST}")
    for limit in limits:
        if limit.kind not in LIMIT_KINDS:
            raise Invalid(field, f"must be one of {', '.join(LIMIT_KINDS)}")
        if not 0 < limit.span_ms <= SPAN_MOST_MS:
            raise Invalid(field, "a duration must be more than 0, and at most 366 days")
        if limit.scope not in ("number", "lead"):
            raise Invalid(f"{field}.scope", "must be number or lead")
        if limit.kind == "max" and not 0 < limit.most <= ATTEMPTS_MOST:
            raise Invalid(f"{field}.max", f"must be from 1 to {ATTEMPTS_MOST}")


def check_template(template: Template) -> None:
    """Raises `Invalid`."""
    codes = [result.code for result in template.results]
    if len(set(codes)) != len(codes):
        raise Invalid("template.results", "each result has a code of its own")
    for result in template.results:
        if result.code in _RESERVED:
            raise Invalid("template.results.code", f"{result.code} is a closure or status of the system's own")
        if BETWEEN in result.code:
            raise Invalid("template.results.code", "can't have the control character U+001F")
        if result.category not in CATEGORIES:
            raise Invalid("template.results.category", f"must be one of {', '.join(CATEGORIES)}")
    names = [field.name.strip().casefold() for field in template.fields]
    if len(set(names)) != len(names):
        raise Invalid("template.fields", "each field has a name of its own, case and surrounding space aside")
