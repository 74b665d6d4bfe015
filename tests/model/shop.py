"""A call centre of three agents, up to three campaigns and a few dozen leads, under engine and model."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from model import moves
from model.driver import START_MS, Both
from model.moves import Draw
from msgspec import UNSET, json, structs

from nextlead.core import commands as c
from nextlead.core.matching import keys_of, merged
from nextlead.testing.reference import intake


def token(number: int) -> bytes:
    """The token of that number."""
    return number.to_bytes(16, "big")


class Shop:
    """Both, and what the moves remember between each other."""

    def __init__(
        self, slice_leads: int | None = None, without: Mapping[str, Any] | None = None, now_ms: int = START_MS
    ) -> None:
        self.both = Both(now_ms, slice_leads)
        self.without = without or {}
        self.tokens = 0
        self.finished: list[c.Finish] = []

    @property
    def world(self) -> Any:
        """The model's."""
        return self.both.model.world

    def do(self, command: c.Command) -> Any:
        """The model's reply. Campaigns have no settings that this shop does `without`."""
        if isinstance(command, c.PutCampaign) and command.dialer is not UNSET:
            command = structs.replace(command, dialer=structs.replace(command.dialer, **self.without))
        return self.both.do(command)

    @property
    def working(self) -> bool:
        """Something goes on in slices."""
        return self.both.engine.working

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
        """Rows and rejects into a pool, looked up as a Loader does; stale ones again until all are taken."""
        pending = [self.row(line, *drawn) for line, drawn in enumerate(draw(moves.rows), 1)]
        rejects = tuple(self.reject(line, *drawn) for line, drawn in enumerate(draw(moves.rejects), 3))
        pending = [row for row in pending if row.row not in {reject.row for reject in rejects}]
        lies = moves.sometimes(draw)
        while pending or rejects:
            found = tuple(structs.replace(row, original=self.original(draw, pool, row, lies=lies)) for row in pending)
            found = tuple(structs.replace(row, keys=self.keys(pool, row)) for row in found)
            self.do(c.LoadRows(pool=pool, rows=found, rejects=rejects, by="admin"))
            assert lies or not pending or pending[0].row not in self.both.stale, "nothing changed, and it is stale"
            pending = [row for row in pending if row.row in self.both.stale]
            rejects, lies = (), False

    def row(self, line: int, numbers: tuple[int, ...], *drawn: Any) -> c.IntakeRow:
        """A row."""
        priority, owner, data, zone = drawn
        return c.IntakeRow(line, numbers, data=data, priority=priority, owner=owner, zone=zone)

    def reject(self, line: int, numbers: tuple[int, ...], data: bytes, broken: tuple[str, str]) -> c.IntakeReject:
        """A row that broke a rule."""
        closure, rule = broken
        return c.IntakeReject(line, ("broken",), numbers=numbers, data=data, closure=closure, rule=rule)

    def keys(self, pool: int, row: c.IntakeRow) -> tuple[bytes, ...]:
        """R9.6: what the row matches by, but its numbers."""
        if pool not in self.world.pools:
            return ()
        rules = [rule for rule in self.world.pools[pool].duplicates.match if rule != "phone"]
        return tuple(key for rule in rules for key in keys_of(rule, row.numbers, json.decode(row.data)))

    def original(self, draw: Draw, pool: int, row: c.IntakeRow, *, lies: bool) -> c.Original | None:
        """What an archive would say: the first lead that the row is a duplicate of. A lie is what was true before."""
        world = self.world
        if pool not in world.pools:
            return None
        found = intake.originals(world, world.pools[pool], row)
        if not found:
            return None
        check = world.pools[pool].duplicates
        if check.among == "open" and check.action != "update" and draw(st.booleans()):
            open_by_number = [lead for lead in found if set(lead.numbers) & set(row.numbers)]
            if "phone" in check.match and found[0] in open_by_number:
                return None  # the engine's own index finds it
        return self.told(found[0], row, lies=lies and draw(st.booleans()))

    def told(self, lead: Any, row: c.IntakeRow, *, lies: bool) -> c.Original:
        """The lead as the archive has it, or had it: it was open, or had another version."""
        if not lead.open:
            return c.Original(lead.id, 1, closed=not lies)
        known = self.both.engine.lead(lead.id)
        version = known.version if known else 0
        data = merged(json.encode(lead.data), row.data)
        return c.Original(lead.id, version - lies, closed=False, data=data)
