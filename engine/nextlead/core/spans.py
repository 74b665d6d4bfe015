"""Durations as people write them and read them: in settings, and in what a rule counted."""

from functools import lru_cache


@lru_cache(maxsize=1024)
def format_span(ms: int) -> str:
    """ISO 8601 in days, hours, minutes and seconds: `P7D`, `PT3H30M`, `P1DT12H`, `PT0.5S`, `PT0S`."""
    if ms < 0:
        raise ValueError("a duration is not negative")
    days, ms = divmod(ms, 86_400_000)
    hours, ms = divmod(ms, 3_600_000)
    minutes, ms = divmod(ms, 60_000)
    seconds = f"{ms / 1000:.3f}".rstrip("0").rstrip(".")
    clock = "".join((f"{hours}H" * (hours > 0), f"{minutes}M" * (minutes > 0), f"{seconds}S" * (ms > 0)))
    if not days and not clock:
        return "PT0S"
    return "P" + f"{days}D" * (days > 0) + (f"T{clock}" if clock else "")
