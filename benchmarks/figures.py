"""Numbers from numbers: percentiles, medians, sizes as people write them."""

from collections.abc import Sequence
from math import ceil
from statistics import median
from typing import Final

Result = dict[str, float]
"""What one run of a measurement found, by name; units are in the names."""

_SUFFIXES: Final = {"k": 1_000, "m": 1_000_000}


def percentile(values: Sequence[float], per_cent: float) -> float:
    """The smallest value that so many per cent of all do not exceed; 0 when there are none. O(n log n)."""
    if not values:
        return 0.0
    return float(sorted(values)[max(0, ceil(len(values) * per_cent / 100) - 1)])


def medians(results: Sequence[Result]) -> Result:
    """The median of each figure over the repetitions."""
    return {name: median(result[name] for result in results) for name in results[0]} if results else {}


def parse_size(text: str) -> int:
    """`100k`, `1M`, `5_000`. Raises `ValueError` for anything else."""
    factor = _SUFFIXES.get(text[-1:].lower(), 1)
    return int(text if factor == 1 else text[:-1]) * factor


def size_text(count: int) -> str:
    """The way back: `100k`, `1M`."""
    for suffix, factor in (("M", 1_000_000), ("k", 1_000)):
        if count >= factor and count % factor == 0:
            return f"{count // factor}{suffix}"
    return str(count)
