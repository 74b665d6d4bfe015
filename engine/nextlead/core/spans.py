"""Durations in words, for people who read what a rule counted."""


def format_span(ms: int) -> str:
    """ISO 8601 in days, hours, minutes and seconds: `P7D`, `PT3H30M`, `P1DT12H`, `PT0.5S`, `PT0S`."""
    seconds, millis = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    whole = f"{seconds}.{millis:03}".rstrip("0") if millis else str(seconds)
    clock = f"{hours}H" * (hours > 0) + f"{minutes}M" * (minutes > 0) + f"{whole}S" * (bool(millis) or seconds > 0)
    if not days and not clock:
        return "PT0S"
    return "P" + f"{days}D" * (days > 0) + (f"T{clock}" if clock else "")
