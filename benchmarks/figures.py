"""Numbers from numbers: percentiles, medians, sizes as people write them."""

from collections.abc import Sequence
from math import ceil
from statistics import median
from typing import Final

Result = dict[str, float]
"""What one run of a measurement found, by name; units are in the names."""
Runs = dict[str, list[Result]]
"""Results of all repetitions, by step."""

PERCENTILES: Final = (1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9, 100)
"""What is kept of a distribution, so that it can be drawn from a file."""
_SUFFIXES: Final = {"k": 1_000, "m": 1_000_000}


def percentile(values: Sequence[float], per_cent: float) -> float:
    """The smallest value that so many per cent of all do not exceed; 0 when there are none. O(n log n)."""
    if not values:
        return 0.0
    return float(sorted(values)[_rank(len(values), per_cent)])


def spread(name: str, values: Sequence[float], unit: str, per: float = 1.0) -> Result:
    """A distribution as percentiles: `next_p50_us`, `next_p99.9_us` ... `next_p100_us`; zeros when there are no values.

    `per` is how many of the values' units make one `unit`: 1,000 for nanoseconds as "us". O(n log n).
    """
    ordered = sorted(values)
    return {
        spread_name(name, per_cent, unit): ordered[_rank(len(ordered), per_cent)] / per if ordered else 0.0
        for per_cent in PERCENTILES
    }


def spread_name(name: str, per_cent: float, unit: str) -> str:
    """What a percentile of `spread` is called."""
    return f"{name}_p{per_cent:g}_{unit}"


def _rank(count: int, per_cent: float) -> int:
    return max(0, ceil(count * per_cent / 100) - 1)


def column(runs: Runs, step: str, name: str) -> list[float]:
    """One figure of all repetitions of a step."""
    return [result[name] for result in runs[step]]


def ratios(runs: Runs, above: str, below: str, name: str) -> list[float]:
    """A figure of one step over that of another, repetition by repetition."""
    return [over / under for over, under in zip(column(runs, above, name), column(runs, below, name), strict=True)]


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
