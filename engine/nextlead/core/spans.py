"""Durations as people write them and read them: in settings, and in what a rule counted."""

from functools import lru_cache


@lru_cache(maxsize=1024)
def format_span(ms: int) -> str:
    """ISO 8601 in days, hours, minutes and seconds: `P7D`, `PT3H30M`, `P1DT12H`, `PT0.5S`, `PT0S`."""
    days, hours, minutes, seconds = _parts(ms)
    clock = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if count)
    if not days and not clock:
        return "PT0S"
    return "P" + f"{days}D" * (days > 0) + (f"T{clock}" if clock else "")


@lru_cache(maxsize=1024)
def span_in_words(ms: int) -> str:
    """For people: `7 days`, `3 h 30 min`, `1 day 12 h`, `0.5 s`, `0 s`."""
    days, hours, minutes, seconds = _parts(ms)
    units = ((days, "day" if days == 1 else "days"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{count} {unit}" for count, unit in units if count) or "0 s"


def _parts(ms: int) -> tuple[int, int, int, str]:
    """Days, hours, minutes and seconds; the seconds as text, empty when there are none."""
    if ms < 0:
        raise ValueError("a duration is not negative")
    days, ms = divmod(ms, 86_400_000)
    hours, ms = divmod(ms, 3_600_000)
    minutes, ms = divmod(ms, 60_000)
    return days, hours, minutes, f"{ms / 1000:.3f}".rstrip("0").rstrip(".") if ms else ""
