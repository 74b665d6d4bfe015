"""Faults to plant: what a broken store, engine or clock would do."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from nextlead.core import commands as c
from nextlead.core.changes import Changes
from nextlead.core.replies import Finished, Offer, Outcome
from nextlead.ports import Commit
from nextlead.testing.memory_store import MemoryStore
from nextlead.testing.simulation.centre import SECRET, Centre
from nextlead.testing.simulation.watched import WatchedEngine


class LosingDisk(MemoryStore):
    """Says that a commit is done, and keeps nothing of it."""

    async def commit(self, commit: Commit) -> None:
        lost = commit.no == 40
        await super().commit(Commit(commit.no, commit.at_ms, Changes()) if lost else commit)


class CachingDisk(MemoryStore):
    """Keeps the last commit in its cache only: a crash takes it along."""

    before: dict[str, Any] | None = None

    async def commit(self, commit: Commit) -> None:
        kept = {name: value for name, value in vars(self).items() if name != "before"}
        self.before = deepcopy(kept) if commit.no > len(self._steps) else self.before
        await super().commit(commit)

    def crash(self) -> None:
        if self.before is not None:
            vars(self).update(self.before)
        super().crash()


class HalfDisk(MemoryStore):
    """Keeps rows and forgets the history of one commit."""

    async def commit(self, commit: Commit) -> None:
        changes = commit.changes
        if commit.changes.events and commit.no >= 40:
            changes = Changes(changes.leads, changes.rows, [], changes.fresh, changes.rejects, changes.gone)
        await super().commit(Commit(commit.no, commit.at_ms, changes))


class TwiceEngine(WatchedEngine):
    """Now and then offers a lead that another agent has."""

    def execute(self, command: c.Command, now_ms: int) -> Outcome:
        outcome = super().execute(command, now_ms)
        if isinstance(command, c.Next) and isinstance(outcome.reply, Offer) and not outcome.reply.repeated:
            others = [agent.code for agent in self.agents if agent.code != command.agent]
            for offer in (offer for agent in others for offer in self.leases_of(agent)):
                outcome.reply = offer
        return outcome


class ForgetfulEngine(WatchedEngine):
    """A private redial that was just agreed stands in no queue."""

    def execute(self, command: c.Command, now_ms: int) -> Outcome:
        outcome = super().execute(command, now_ms)
        if isinstance(command, c.Finish) and isinstance(outcome.reply, Finished):
            lead = self.lead(outcome.reply.lead.id)
            if lead is not None and lead.lease is None and lead.promise is not None and lead.due_ms > now_ms:
                self.state.unplace(lead)
                lead_without = [part for queue in self.state.queues.values() for part in queue.parts.values()]
                assert all(lead.id not in part.keys for part in lead_without)
        return outcome


class SilentEngine(WatchedEngine):
    """Changes a lead, and does not say so."""

    def execute(self, command: c.Command, now_ms: int) -> Outcome:
        outcome = super().execute(command, now_ms)
        if isinstance(command, c.Finish):
            outcome.changes.leads.clear()
        return outcome


def plant_disk(disk: type[MemoryStore]) -> Callable[[Centre], None]:
    """Another disk."""

    def plant(centre: Centre) -> None:
        centre.disk = disk()

    return plant


def plant_engine(engine: type[WatchedEngine]) -> Callable[[Centre], None]:
    """Other engines."""

    def plant(centre: Centre) -> None:
        centre.engine_of = lambda centre: engine(centre, SECRET, centre.almanac, {})

    return plant
