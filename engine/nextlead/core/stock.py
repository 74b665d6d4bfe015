"""What is kept of how many of a campaign's leads something keeps back; counted and corrected in `standing.py`.

Rules of this file:

1. Whatever may change what is counted of a part notes the part in `changed`, and does no more: agents' work comes
   through there with every move. A part is in there, or what is kept of it holds until the time it says.
2. A part that is gone leaves `changed` if nothing is kept of it, so there are never more in it than parts, and parts
   that were counted last: also where nobody ever looks.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .queues import Family, Part, Queue

KEYS: Final = 9
"""How many things leads are counted under (`standing.NAMES`)."""

Kept = tuple[int, int, int, int]
"""What is counted of a part: its leads that are due and what they are counted under (as a place in `standing.NAMES`;
both may be 0), leads that are not due, until when that holds if nothing but time changes."""


class Stock:
    """Counts of one campaign's leads in queues, by family and by what keeps them back.

    `settled_ms` is the time for which they were counted last. `unsure` are parts that are counted at each look: what is
    counted of them hangs on more than leads that come and go.
    """

    __slots__ = ("by_family", "changed", "queues", "settled_ms", "unsure")

    def __init__(self) -> None:
        self.changed: dict[Part, None] = {}
        self.unsure: dict[Part, None] = {}
        self.queues: list[Queue] = []
        self.by_family: dict[Family, list[int]] = {}
        self.settled_ms = 0

    def admit(self, queue: "Queue") -> None:
        """One more queue; queues stay."""
        self.queues.append(queue)
        if queue.family not in self.by_family:
            self.by_family[queue.family] = [0] * KEYS
