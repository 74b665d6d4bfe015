"""A call centre of three agents, up to three campaigns and a few dozen leads, under engine and model."""

from typing import Any

from hypothesis import strategies as st
from model import moves
from model.driver import Both
from model.moves import Draw

from nextlead.core import commands as c


def token(number: int) -> bytes:
    """The token of that number."""
    return number.to_bytes(16, "big")


class Shop:
    """Both, and what the moves remember between each other."""

    def __init__(self) -> None:
        self.both = Both()
        self.tokens = 0
        self.finished: list[c.Finish] = []

    @property
    def world(self) -> Any:
        """The model's."""
        return self.both.model.world

    def do(self, command: c.Command) -> Any:
        """The model's reply."""
        return self.both.do(command)

    def token(self) -> bytes:
        """A token never used before."""
        self.tokens += 1
        return token(self.tokens)

    def found(self, draw: Draw) -> None:
        """Teams in a line, agents at different heights, campaigns of random settings, one pool."""
        self.do(c.PutTeam(code="north", by="admin"))
        self.do(c.PutTeam(code="south", parent="north", by="admin"))
        for code in moves.CAMPAIGNS[: draw(st.integers(1, 3))]:
            self.do(c.PutCampaign(code=code, dialer=draw(moves.dialers), template=moves.TEMPLATE, by="admin"))
        there = tuple(self.world.campaigns)
        for agent in moves.AGENTS:
            self.do(c.PutAgent(code=agent, team=draw(st.sampled_from(moves.TEAMS)), campaigns=there, by="admin"))
            self.do(c.PutSession(agent=agent, campaigns=there, by="admin"))
        for code in there[:2]:
            self.load(draw, code)

    def load(self, draw: Draw, campaign: str, **options: Any) -> None:
        """A pool with some leads, active."""
        pool = self.world.next_pool
        self.do(c.OpenPool(campaign=campaign, by="admin", **options))
        if self.world.next_pool > pool:
            self.rows(draw, pool)
            self.do(c.ClosePool(pool=pool, by="admin"))

    def rows(self, draw: Draw, pool: int) -> None:
        """Rows into a pool; `original` as the archive would say it of closed leads."""
        found = [
            c.IntakeRow(line, numbers, priority=priority, owner=owner, original=self.original(pool, numbers))
            for line, (numbers, priority, owner) in enumerate(draw(moves.rows), 1)
        ]
        self.do(c.LoadRows(pool=pool, rows=tuple(found), by="admin"))

    def original(self, pool: int, numbers: tuple[int, ...]) -> c.Original | None:
        """The first closed lead of the campaign that has one of the numbers."""
        world = self.world
        if pool not in world.pools or world.pools[pool].duplicates.among != "all":
            return None
        closed = [lead for lead in world.leads.values() if not lead.open]
        found = [
            lead.id for lead in closed if lead.campaign == world.pools[pool].campaign and set(lead.given) & set(numbers)
        ]
        return c.Original(min(found), 0, closed=True) if found else None
