"""A call centre in which every lead is counted again after every command, by hand, from what was made durable.

It also holds the history against the leads: what an event says that a lead was before is what the one before it left.
"""

from collections import Counter
from collections.abc import Callable

from unit.core.ledger import Ledger

from nextlead.core.changes import Changes
from nextlead.core.commands import Command, LogActivity, Work
from nextlead.core.conditions import FRESH, Condition, condition_after, condition_before, condition_of
from nextlead.core.model import FreshLead, Lead, Status
from nextlead.core.replies import Outcome

Counts = dict[tuple[str, Condition], int]


class Register(Ledger):
    """`known` is how each lead was last shown, by its history alone."""

    def found(self) -> None:
        """A new engine, and an empty book."""
        self.fresh: dict[int, FreshLead] = {}
        self.gone: set[int] = set()
        self.known: dict[int, Condition] = {}
        super().found()

    def __call__(self, command: Command) -> object:
        reply = super().__call__(command)
        self.check()
        return reply

    def restart(self) -> None:
        """The process has died; the next one counts the same."""
        super().restart()
        self.check()

    def keep(self, outcome: Outcome) -> None:
        """The changes are durable, and noted."""
        super().keep(outcome)
        changes = outcome.changes
        self.fresh |= {lead.id: lead for lead in changes.fresh}
        self.gone |= set(changes.gone)
        self._follow(changes)

    def _follow(self, changes: Changes) -> None:
        for event in changes.events:
            assert condition_before(event) == self.known.get(event.lead, FRESH), event
            self.known[event.lead] = condition_after(event)
        for lead in changes.leads.values():
            assert condition_of(lead).shown == self.known.get(lead.id, FRESH), lead

    def check(self) -> None:
        """What the engine counts is what there is, whoever asks."""
        codes = [campaign.code for campaign in self.engine.campaigns]
        for campaign in (None, *codes):
            assert self.engine.conditions(campaign, None) == self.recount(
                lambda _, code, of=campaign: of in (None, code)
            )
        for pool in self.engine.pools:
            assert self.engine.conditions(None, pool) == self.recount(lambda at, _, of=pool: at == of)

    def recount(self, counts: Callable[[int, str], bool]) -> Counts:
        """Leads by campaign and condition, those of pools and campaigns that count; from rows alone."""
        found: Counter[tuple[str, Condition]] = Counter()
        for lead in (self.fresh.keys() | self.rows.keys()) - self.gone:
            row = self.rows.get(lead)
            pool = self.fresh[lead].pool
            code = self.engine.campaigns.by_no[self.engine.pools[pool].campaign].code
            if counts(pool, code):
                found[code, FRESH if row is None else condition_of(row)] += 1
        return dict(found)

    def through(self, command: Command) -> None:
        """A command, and all that it leaves to later slices."""
        self(command)
        while self.engine.working:
            self(Work())

    # -- short words ------------------------------------------------------------------------------------------------

    def conditions(self) -> dict[Condition, int]:
        """Of campaign c1."""
        return {condition: count for (_, condition), count in self.engine.conditions("c1", None).items()}

    def log(self, lead: int, outcome: str | None, interaction: str = "call", **more: object) -> Lead:
        """An activity, by agent a unless it says otherwise; a closed lead's row goes with it."""
        row = self.rows.get(lead)
        closed = row if row is not None and row.status is Status.CLOSED else None
        given = {"agent": "a", "row": closed} | more
        reply = self(LogActivity(lead=lead, interaction=interaction, outcome=outcome, **given))  # type: ignore[arg-type]
        assert isinstance(reply, Lead)
        assert reply == self.row(lead)
        return reply
