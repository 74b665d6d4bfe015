"""What scenarios say of status schemes: the shapes that both drivers take and answer with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Shown:
    """A public status (SPEC 13)."""

    status: str = ""
    reason: str | None = None
    label: str = ""

    @property
    def text(self) -> str:
        """`Trash because Repeated request`."""
        return f"{self.status} because {self.reason}" if self.reason else self.status


NOT_SHOWN: Final = Shown()


@dataclass(frozen=True)
class LastActivity:
    """The latest activity of a lead: what it says of it, when, and by which agent, empty for nobody."""

    kind: str
    at_ms: int
    agent: str


@dataclass(frozen=True)
class Which:
    """Leads that are listed, counted or saved as a list; what is empty is not asked for.

    `from_ms` and `until_ms` bound the time in which a lead came to what it is shown as, or in which it came in, with
    `by` as `created`. `last_by` is the agent of its latest activity.
    """

    campaign: str = ""
    pool: int = 0
    scheme: str = ""
    status: str = ""
    reason: str = ""
    last_by: str = ""
    from_ms: int | None = None
    until_ms: int | None = None
    by: str = ""


Counts = Mapping[str, int]
"""How many leads by `Shown.text`."""
