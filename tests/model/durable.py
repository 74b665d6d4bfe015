"""What a store would hold after the Changes so far: enough to start an engine again."""

from collections.abc import Iterator
from typing import TypeVar

import msgspec
from model.almanac import ALMANAC
from model.schemes import SCHEMES

from nextlead.core import model as m
from nextlead.core import setup_model as sm
from nextlead.core.changes import Changes
from nextlead.core.engine import Engine
from nextlead.core.row import Row

R = TypeVar("R", bound=Row)
NOT_RESTORED = ("lead_data", "answer")
SECRET = b"a key of the tests' own"


def stored(row: R) -> R:
    """The row after a round trip through bytes, as a store gives it back."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(row), type=type(row))


class Durable:
    """Rows by table and key, touched leads, fresh leads, history, data, rejects; `asked` are leads ever to be erased.

    `slice_leads` is the size of a slice of the engines that are made here; None is the engine's own.
    """

    def __init__(self) -> None:
        self.slice_leads: int | None = None
        self.data: dict[int, bytes] = {}
        self.rejects: dict[int, list[m.Reject]] = {}
        self.asked: set[int] = set()
        self.rows: dict[tuple[str, int | str], Row] = {}
        self.leads: dict[int, m.Lead] = {}
        self.fresh: dict[int, m.FreshLead] = {}
        self.events: dict[int, list[m.Event]] = {}
        self.owners: dict[int, str] = {}
        self.commit_no = 0
        self.last_ms = 0

    def commit(self, changes: Changes, at_ms: int) -> None:
        """Take in one commit."""
        if not changes:
            return
        self.commit_no += 1
        self.last_ms = at_ms
        for key, row in changes.rows.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = row
                self._name(row)
        self._note(changes)
        self.fresh.update({lead.id: lead for lead in changes.fresh})
        for number, lead in changes.leads.items():
            self.leads[number] = lead
            self.fresh.pop(number, None)
        for number in changes.gone:
            self.leads.pop(number, None)
            self.fresh.pop(number, None)
        for event in changes.events:
            self.events.setdefault(event.lead, []).append(event)

    def _note(self, changes: Changes) -> None:
        self.data.update({lead.id: lead.data for lead in changes.fresh})
        for row in changes.rows.values():
            if isinstance(row, m.LeadData):
                self.data[row.lead] = row.data
            if isinstance(row, m.Erasure) and row.lead:
                self.asked.add(row.lead)
        for reject in changes.rejects:
            self.rejects.setdefault(reject.pool, []).append(reject)

    def calls(self) -> Iterator[tuple[int, str, int, int, int]]:
        """Attempts that limits look at (R12.1): lead, campaign, number, start, end of the conversation."""
        known = [(row.id, row.campaign, row.calls) for row in self.leads.values() if row.status is not m.Status.CLOSED]
        known += [(row.lead, row.campaign, row.calls) for row in self.rows.values() if isinstance(row, m.Contacted)]
        for lead, campaign, calls in known:
            row = self.rows["campaign", campaign]
            assert isinstance(row, sm.Campaign)
            yield from ((lead, row.code, call.number, call.at_ms, call.talked_ms) for call in calls)

    def campaign_codes(self) -> Iterator[tuple[int, str]]:
        """Pools and the codes of their campaigns."""
        for row in self.rows.values():
            if isinstance(row, m.Pool):
                campaign = self.rows["campaign", row.campaign]
                assert isinstance(campaign, sm.Campaign)
                yield row.id, campaign.code

    def zones_of(self, lead: m.Lead) -> tuple[tuple[str, ...], bool]:
        """The zones that the row names, and whether they are the lead's own (R11.1)."""
        if not lead.zones:
            return (), False
        row = self.rows["zone_set", lead.zones]
        assert isinstance(row, m.ZoneSet)
        return row.zones, row.own

    def _name(self, row: Row) -> None:
        """Owners as text, of those who are gone too: history names them."""
        if isinstance(row, sm.Agent):
            self.owners[row.no] = f"agent:{row.code}"
        if isinstance(row, sm.Team):
            self.owners[-row.no] = f"team:{row.code}"

    def copy(self) -> "Durable":
        """Another one with the same content; rows are values and are shared."""
        other = Durable()
        other.rows, other.leads, other.fresh = dict(self.rows), dict(self.leads), dict(self.fresh)
        other.events = {lead: list(events) for lead, events in self.events.items()}
        other.owners = dict(self.owners)
        other.data, other.asked, other.slice_leads = dict(self.data), set(self.asked), self.slice_leads
        other.rejects = {pool: list(rejects) for pool, rejects in self.rejects.items()}
        other.commit_no, other.last_ms = self.commit_no, self.last_ms
        return other

    def engine(self, now_ms: int) -> tuple[Engine, Changes]:
        """A new engine from what is here, started at `now_ms`, and what the start changed."""
        engine = Engine(secret=SECRET, almanac=ALMANAC, schemes=SCHEMES)
        if self.slice_leads is not None:
            engine.state.slice_leads = self.slice_leads
        engine.commit_no = self.commit_no + 1
        for (table, _), row in self.rows.items():
            if table not in NOT_RESTORED:
                engine.restore_row(table, stored(row))
        for lead in self.leads.values():
            if lead.status is not m.Status.CLOSED:
                engine.restore_lead(stored(lead))
        fresh = sorted(self.fresh.values(), key=lambda lead: (lead.pool, lead.ordinal))
        engine.restore_fresh([stored(lead) for lead in fresh])
        return engine, engine.start(now_ms, self.last_ms).changes
