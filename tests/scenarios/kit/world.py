"""What a running scenario knows: the time, and the names it gave to things."""

from dataclasses import dataclass, field, fields
from typing import Any

from .driver import Change, Driver, Finish
from .language import BadStep
from .times import START_MS, time_ms


@dataclass
class World:
    """`tokens` is the newest lease token seen per (agent, lead), `offered` the newest lead seen per agent.

    `firsts` is the first answer per token, `files` what was uploaded per pool. All names are those of the present
    organisation; `elsewhere` has those of the others.
    """

    driver: Driver
    now_ms: int = START_MS
    leads: dict[str, int] = field(default_factory=dict)
    pools: dict[str, int] = field(default_factory=dict)
    permissions: dict[str, list[str]] = field(default_factory=dict)
    tokens: dict[tuple[str, int], str] = field(default_factory=dict)
    last_token: dict[int, str] = field(default_factory=dict)
    offered: dict[str, int] = field(default_factory=dict)
    firsts: dict[str, Finish] = field(default_factory=dict)
    waits: dict[str, list[int]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    histories: dict[int, list[Change]] = field(default_factory=dict)
    organisation: str = "default"
    elsewhere: dict[str, dict[str, Any]] = field(default_factory=dict)

    def go_to(self, organisation: str) -> None:
        """Take the names of another organisation; there are none when it is new."""
        shared = ("driver", "now_ms", "organisation", "elsewhere")
        names = [each.name for each in fields(self) if each.name not in shared]
        self.elsewhere[self.organisation] = {name: getattr(self, name) for name in names}
        for name in names:
            setattr(self, name, self.elsewhere.get(organisation, {}).get(name, {}))
        self.organisation = organisation

    def lead(self, name: str) -> int:
        if name not in self.leads:
            raise BadStep(f"there is no lead {name}")
        return self.leads[name]

    def token(self, agent: str, lead: int) -> str:
        """The newest token that this agent had for the lead."""
        if (agent, lead) not in self.tokens:
            raise BadStep(f"{agent} never had lead {self.name_of(lead)}")
        return self.tokens[agent, lead]

    def pool(self, name: str) -> int:
        if name not in self.pools:
            raise BadStep(f"there is no pool {name}")
        return self.pools[name]

    def name_of(self, lead: int) -> str:
        return next((name for name, known in self.leads.items() if known == lead), f"#{lead}")

    def pool_name(self, pool: int) -> str:
        return next((name for name, known in self.pools.items() if known == pool), f"#{pool}")

    def time(self, text: str) -> int:
        return time_ms(text, self.now_ms)

    def seen(self, agent: str, lead: int, token: str) -> bool:
        """Note a lease that an agent was given; whether it is the newest one known already."""
        known = self.last_token.get(lead) == token
        self.tokens[agent, lead] = token
        self.offered[agent] = lead
        self.last_token[lead] = token
        return known
