"""What must hold of every commit, whatever happened: histories chain, one agent at a time has a lead, none vanishes."""

from collections.abc import Iterable

from nextlead.core import commands as c
from nextlead.core.conditions import FRESH, Condition, condition_after, condition_before
from nextlead.core.model import Event, Lead, Status
from nextlead.core.setup_model import Campaign
from nextlead.ports import Commit
from nextlead.runtime.stats import ATTEMPTS

from .violation import need

LEASED = "leased"
ENDS = ATTEMPTS | {"cancelled"}
"""Events by which a lease ends."""


class Laws:
    """Follows the disk, commit by commit."""

    def __init__(self) -> None:
        self.ever: set[int] = set()
        """Leads that came in."""
        self.gone: set[int] = set()
        """Leads that went with their pools."""
        self.leases: dict[bytes, tuple[int, int]] = {}
        """Tokens that were durable: lead, agent."""
        self.granted: set[tuple[int, str]] = set()
        """Who ever had which lead."""
        self._conditions: dict[int, Condition] = {}
        self._last: dict[int, int] = {}
        self._held: dict[int, str] = {}
        """Who has which lead, as history says."""
        self._leased: dict[int, Lead] = {}
        self._pool_of: dict[int, int] = {}
        self._dropped: set[int] = set()
        self._campaigns: dict[int, Campaign] = {}

    def told(self, command: c.Command) -> None:
        """Pools that somebody had dropped: their leads may go (SPEC R9.3, R9.11)."""
        if (isinstance(command, c.ActOnPool) and command.action in ("delete", "reject")) or (
            isinstance(command, c.ClosePool) and command.error
        ):
            self._dropped.add(command.pool)

    def committed(self, commit: Commit) -> None:
        """The disk has it."""
        changes = commit.changes
        changed = {row.no for row in changes.rows.values() if isinstance(row, Campaign)}
        self._campaigns |= {row.no: row for row in changes.rows.values() if isinstance(row, Campaign)}
        for fresh in changes.fresh:
            need(fresh.id not in self.ever, "R9.5", f"lead {fresh.id} came in twice")
            self.ever.add(fresh.id)
            self._pool_of[fresh.id] = fresh.pool
        for event in changes.events:
            need(event.lead in changes.leads, "R1.3", f"the row is not in the commit of its history: {event}")
            self._event(commit, event)
        for lead in changes.leads.values():
            self._lead(lead)
            last = [event for event in changes.events if event.lead == lead.id][-1:]
            if last and lead.campaign not in changed:
                self._attempts(lead, last[0])
        for lead_id in changes.gone:
            need(self._pool_of.get(lead_id) in self._dropped, "R9.11", f"lead {lead_id} vanished")
            self.gone.add(lead_id)
            for known in (self._leased, self._held):
                known.pop(lead_id, None)
        self._numbers(changes.leads.values())

    def _event(self, commit: Commit, event: Event) -> None:
        """R1.3: a chain without gaps. R5.4: a lease begins when the one before has ended."""
        at = self._conditions.get(event.lead, FRESH)
        need(condition_before(event) == at, "R1.3", f"lead {event.lead} was {at}, and its history says {event}")
        self._conditions[event.lead] = condition_after(event)
        last = self._last.get(event.lead, 0)
        need(event.previous == last, "R1.3", f"the line before it is of commit {last}: {event}")
        self._last[event.lead] = commit.no
        need(event.effective_ms <= event.at_ms <= commit.at_ms, "R1.3", f"in a commit of {commit.at_ms}: {event}")
        if event.kind == LEASED:
            held = self._held.get(event.lead)
            need(held is None, "R5.4", f"lead {event.lead} was given out to {event.actor} while {held} had it")
            self._held[event.lead] = event.actor
            self.granted.add((event.lead, event.actor))
        elif event.kind in ENDS:
            self._held.pop(event.lead, None)

    def _lead(self, lead: Lead) -> None:
        """R1.2, R1.1, and who has it."""
        need(lead.id in self.ever, "R9.5", f"lead {lead.id} never came in")
        closed = lead.status is Status.CLOSED
        need(closed == (lead.closure is not None), "R1.2", f"lead {lead.id} is {lead.status.code}, {lead.closure}")
        need(not (closed and lead.lease), "R1.2", f"lead {lead.id} is closed, and leased")
        need(condition_after_row(lead, self._conditions.get(lead.id, FRESH)), "R1.3", f"history misses what {lead} is")
        if lead.lease is None:
            self._leased.pop(lead.id, None)
            need(lead.id not in self._held, "R1.3", f"lead {lead.id} lost its lease without a line of history")
        else:
            self._leased[lead.id] = lead
            self.leases[lead.lease.token] = (lead.id, lead.lease.agent)

    def _numbers(self, changed: Iterable[Lead]) -> None:
        """R3.7: of leads that share a number one is leased at most."""
        if not any(lead.lease for lead in changed):
            return
        users: dict[int, int] = {}
        for lead in self._leased.values():
            for number in set(lead.numbers) - set(lead.dropped):
                other = users.setdefault(number, lead.id)
                need(other == lead.id, "R3.7", f"leads {other} and {lead.id} are leased, and both have {number}")

    def _attempts(self, lead: Lead, event: Event) -> None:
        """R6.3: an unreached attempt at the limit closes."""
        most = self._campaigns[lead.campaign].dialer.max_attempts
        over = most is not None and lead.attempts >= most
        fault = event.kind == "unreached" and over and lead.status is not Status.CLOSED
        need(not fault, "R6.3", f"lead {lead.id} was called {lead.attempts} times of {most}, and is {lead.status.code}")


def condition_after_row(lead: Lead, condition: Condition) -> bool:
    """Whether a row is what its history says last."""
    return lead.status is condition.status and lead.closure == condition.closure
