"""Random bytes for lease tokens, fetched from the operating system some hundred tokens at a time.

Each fetch is a system call that lets go of the interpreter, and a busy thread behind the commits takes it then: one per
`next` costs as much as the rest of what the runtime does for it.
"""

from os import urandom
from typing import Final

_FETCHED: Final = 4_096


class RandomBytes:
    """As `secrets.token_bytes`. No byte is given twice; for one process, one event loop."""

    def __init__(self) -> None:
        self._bytes = b""
        self._at = 0

    def __call__(self, count: int) -> bytes:
        """The next `count` bytes; O(count)."""
        end = self._at + count
        if end > len(self._bytes):
            self._bytes = urandom(max(_FETCHED, count))
            self._at, end = 0, count
        found = self._bytes[self._at : end]
        self._at = end
        return found
