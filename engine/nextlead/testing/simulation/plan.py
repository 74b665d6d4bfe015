"""What one seed is about.

Each draws which features and faults it has, and how often: a day with everything at once hides what a day of two
things shows.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from nextlead.core.row import DAY_MS, HOUR_MS

FEATURES: Final = (
    "hours",
    "limits",
    "redials",
    "priorities",
    "owners",
    "new_every",
    "weight",
    "expiry",
    "reserve",
    "short_leases",
    "short_releases",
    "unresolved_limit",
    "many_leases",
    "shared_numbers",
    "several_numbers",
    "duplicates",
    "validation",
    "activities",
    "bulk",
    "questions",
    "waiting",
    "two_tabs",
    "closed_tabs",
    "breaks",
    "supervisors",
    "set_up",
    "pools",
    "blocking",
    "anonymise",
    "crowded",
)
"""What people do and campaigns have."""

FAULTS: Final = (
    "slow_commits",
    "failing_commits",
    "doubtful_commits",
    "outages",
    "death_before_commit",
    "death_after_commit",
    "kill",
    "restart",
    "slow_reads",
    "failing_reads",
    "steps_back",
    "steps_forward",
    "long_downtime",
)
"""What goes wrong."""

STARTS_MS: Final = (
    1_772_409_600_000,  # 2026-03-02, a Monday like any other
    1_772_409_600_000,
    1_772_841_600_000,  # 2026-03-07: summer begins in New York the next day
    1_774_656_000_000,  # 2026-03-28: in London
    1_775_260_800_000,  # 2026-04-04: winter begins on Lord Howe Island, by half an hour
    1_793_404_800_000,  # 2026-10-31: in New York
)


@dataclass(frozen=True)
class Plan:
    """A seed's luck: `features` and `faults` by name, with how often each comes, as a factor of about 1.

    `oracle`: the reference model goes along, step by step; then bulk work is not cut into slices. `slice_leads` is the
    size of those otherwise.
    """

    seed: int
    days: float
    start_ms: int
    features: dict[str, float]
    faults: dict[str, float]
    agents: int
    campaigns: int
    leads: int
    oracle: bool
    slice_leads: int
    call_s: float

    def has(self, name: str) -> bool:
        """Whether this seed has it."""
        return name in self.features or name in self.faults

    def often(self, name: str) -> float:
        """How often, 0 for never."""
        return self.features.get(name, 0.0) or self.faults.get(name, 0.0)

    @property
    def end_ms(self) -> int:
        """When the last day is over."""
        return self.start_ms + round(self.days * DAY_MS)

    def describe(self) -> str:
        """In one line."""
        names = [*self.features, *self.faults]
        who = f"{self.agents} agents, {self.campaigns} campaigns, {self.leads} leads"
        return f"{who}, {'oracle' if self.oracle else f'slices of {self.slice_leads}'}: {', '.join(names)}"


def draw_plan(seed: int, days: float) -> Plan:
    """The plan of a seed; always the same."""
    dice = Random(f"plan {seed}")
    oracle = dice.random() < 0.6
    return Plan(
        seed=seed,
        days=days,
        start_ms=dice.choice(STARTS_MS) + dice.randrange(6, 10) * HOUR_MS,
        features=_some(dice, FEATURES),
        faults=_some(dice, FAULTS),
        agents=dice.choice((2, 3, 3, 4, 6)),
        campaigns=dice.choice((1, 2, 2, 3)),
        leads=dice.choice((12, 20, 30)) if oracle else dice.choice((30, 80, 150)),
        oracle=oracle,
        slice_leads=dice.choice((1, 3, 20)),
        call_s=dice.choice((120.0, 300.0, 300.0, 600.0)),
    )


def _some(dice: Random, names: tuple[str, ...]) -> dict[str, float]:
    share = dice.choice((0.15, 0.4, 0.4, 0.7))
    return {name: dice.choice((0.3, 1.0, 1.0, 3.0)) for name in names if dice.random() < share}
