"""Dial order as integers (SPEC R2.1): comparing two leads of one class is comparing two ints.

A *key* packs due time, place in the pool and lead id, most significant first:

    due_ms (43 bits) | seq (34 bits) | id (40 bits)

so keys sort as SPEC says, and the id is there without a look-up. A *score* puts the priority before the key. Limits
turn "due by now" into one comparison: a key is due when it is less than `limit(now)`.
"""

from typing import Final

ID_BITS: Final = 40
SEQ_BITS: Final = 34
DUE_SHIFT: Final = ID_BITS + SEQ_BITS
PRIORITY_SHIFT: Final = DUE_SHIFT + 44

ID_MASK: Final = (1 << ID_BITS) - 1
SEQ_MASK: Final = (1 << SEQ_BITS) - 1

LAST_MS: Final = 1 << 43
"""Times must be before this (the year 2248), so that a due time fits its place in a key."""

NEVER: Final = 1 << 200
"""Greater than any key or score."""


def key_of(due_ms: int, seq: int, lead: int) -> int:
    """The sort key of a lead within its class and priority."""
    return due_ms << DUE_SHIFT | seq << ID_BITS | lead


def limit(now_ms: int) -> int:
    """Keys below it are due at `now_ms`."""
    return now_ms + 1 << DUE_SHIFT


def due_of(key: int) -> int:
    """The due time in a key."""
    return key >> DUE_SHIFT


def lead_of(key: int) -> int:
    """The lead id in a key or a score."""
    return key & ID_MASK
