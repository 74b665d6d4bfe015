"""What every stored row is, and units of time."""

from typing import Final

from msgspec import Struct

HOUR_MS: Final = 3_600_000


MINUTE_MS: Final = 60_000


DAY_MS: Final = 24 * HOUR_MS


class Row(Struct, frozen=True, gc=False, array_like=True):
    """Base of everything that is stored."""
