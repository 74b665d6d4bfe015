"""What scenarios say of hours, limits and reasons: the shapes that both drivers take and answer with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Hours:
    """Calling hours, in the words of docs/http.md. `windows` are by day; None is at any time of day."""

    zone: str = "lead"
    campaign_zone: str = ""
    windows: Mapping[str, Sequence[tuple[str, str]]] | None = None
    days_off: tuple[str, ...] = ()
    holidays: str = ""


@dataclass(frozen=True)
class Told:
    """What one rule says of a lead for an agent."""

    rule: str
    name: str
    passed: bool
    value: str
    until_ms: int | None


@dataclass(frozen=True)
class Explained:
    """SPEC R14.2."""

    eligible: bool
    eligible_ms: int | None
    rank: int
    checks: tuple[Told, ...]


@dataclass(frozen=True)
class Idle:
    """SPEC R14.3. `blocked` is by reason, without those that keep nothing back."""

    blocked: Mapping[str, int]
    ready: int
    next_ms: int | None


@dataclass(frozen=True)
class AllIdle:
    """What a supervisor sees: by campaign, by agent, and which agents wait."""

    campaigns: Mapping[str, Idle] = field(default_factory=dict)
    agents: Mapping[str, Idle] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()
