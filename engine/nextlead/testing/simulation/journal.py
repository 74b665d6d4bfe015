"""What happened, line by line.

The last lines are shown with a failure, and a digest of all of them tells two runs apart. Everything in it must follow
from the seed alone: no wall time, no addresses, no order of a set.
"""

from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

TAIL: Final = 40


class Journal:
    """`say` adds a line; `counts` are how often each kind of thing happened."""

    def __init__(self, now_ms: Callable[[], int], tail: int = TAIL) -> None:
        self.counts: Counter[str] = Counter()
        self.tail: deque[str] = deque(maxlen=tail)
        self.listener: Callable[[str], None] | None = None
        self._now_ms = now_ms
        self._hash = blake2b(digest_size=16)

    def say(self, kind: str, text: str) -> None:
        """Something happened: `kind` is counted, `text` is who and what."""
        self.counts[kind] += 1
        line = f"{time_text(self._now_ms())} {kind}: {text}"
        self._hash.update(line.encode() + b"\n")
        self.tail.append(line)
        if self.listener is not None:
            self.listener(line)

    @property
    def digest(self) -> str:
        """Of all lines so far."""
        return self._hash.hexdigest()


def time_text(ms: int) -> str:
    """As people read it, to the millisecond, UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.") + f"{ms % 1000:03d}"
