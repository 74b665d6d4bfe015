"""Everything the engine holds, and the one way a lead changes: `State.put`.

Rules of this file:

1. A lead's *footprint* (its place in a queue, its timers, the lists it is in, the counters) is a function of its row,
   of what numbers are held by leases, and of what contact limits count. `put` takes the old row's footprint away and
   lays the new one's; what a change means for other leads is theirs to find out anew (`reconsider`).
2. Handlers compute first and put afterwards: once a handler has called `put`, it does not refuse.
3. What is put is in `changes`, for the store.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final, Protocol

from msgspec.structs import replace

from .activity_model import Activity, Logged
from .changes import Changes
from .conditions import NOT_ACCEPTED
from .counts import Counts
from .deadlines import Deadlines
from .errors import NotFound, WrongStatus
from .footprints import is_plain
from .fresh import fresh_to_lead, seq_of
from .lifetimes import EXPIRING
from .model import (
    PROMISED,
    Blocked,
    Call,
    Clones,
    Erasure,
    Event,
    File,
    Forgotten,
    FreshLead,
    Job,
    Lead,
    LeadData,
    Lease,
    Pool,
    SavedFilter,
    Status,
    Token,
    ZoneSet,
)
from .order import key_of
from .places import LAST_DIALABLE, Bar
from .queues import FREE, UNSHOWN, Family
from .records import Records
from .replies import Done, Fault, Served
from .row import Row
from .schemes import NO_SCHEMES, Scheme
from .setup_model import ROOT_TEAM, Agent, Project, Sequences, Tally, Team
from .transitions import may_change

_CLOSED: Final = Status.CLOSED
_NOTHING: Final = Activity.NONE  # a member looked up in its class is slow, and this is the hot path


SLICE_LEADS: Final = 100
"""Leads that are changed between two turns of what goes on in slices: two or three milliseconds."""


class Task(Protocol):
    """Work on many leads that goes on in slices (`jobs.py`)."""

    id: int

    def slice(self, state: "State") -> Any:
        """Do some more; the reply when it is done, else None."""
        ...


class State(Deadlines):
    """The rows in memory with their indexes. See the rules of this file."""

    def __init__(self) -> None:
        super().__init__()
        self.sequences = Sequences()
        self.teams: Records[Team] = Records("team")
        self.agents: Records[Agent] = Records("agent")
        self.projects: Records[Project] = Records("project")
        self.tallies: dict[int, Tally] = {}
        self.pool_ids: dict[int, list[tuple[int, int]]] = {}
        self.tokens: dict[int, Token] = {}
        self.filters: dict[str, SavedFilter] = {}
        self.schemes: Mapping[str, Scheme] = NO_SCHEMES
        self.blocked: dict[int, Blocked] = {}
        self.blocked_globally: dict[int, Blocked] = {}
        self.secret = b""
        self.key_check = ""
        self.forgotten: dict[str, Forgotten] = {}
        self.erasures: dict[int, Erasure] = {}

        self.pool_timers: dict[int, int] = {}
        self.counts = Counts()

        self.commit_no = 1
        self.previous_ms = 0
        self.faults = 0
        self.faults_new: list[Fault] = []
        self.changes = Changes()
        self.served: list[Served] = []

        self.clones: dict[int, Clones] = {}
        self.files: dict[int, File] = {}
        self.entries: dict[str, list[int]] = {}
        self.jobs: dict[int, Job] = {}
        self.tasks: deque[Task] = deque()
        self.slice_leads = SLICE_LEADS
        self.done: list[Done] = []
        self.leaving: set[int] = set()

    # -- rows other than leads --------------------------------------------------------------------------------------

    def record(self, table: str, key: int | str, row: Row | None) -> None:
        """Note a row for the store; None when it is gone."""
        self.changes.rows[table, key] = row

    def keep_data(self, lead: int, data: bytes) -> None:
        """Make a lead's data fields durable; the engine does not hold them."""
        self.record("lead_data", lead, LeadData(lead, data))

    def keep_zones(self, row: ZoneSet) -> None:
        """Make a new zone set durable."""
        self.record("zone_set", row.id, row)

    def changed_world(self) -> None:
        """Who may get what has changed: what agents see is built anew, deadlines are derived anew."""
        self.world += 1
        self.sights.clear()
        self.viewers.clear()
        self.timers.settings_changed()

    def put_pool(self, pool: Pool) -> None:
        """Keep a pool's new row."""
        self.pools[pool.id] = pool
        self.record("pool", pool.id, pool)

    def note_ids(self, pool: int, first: int, last: int) -> None:
        """Remember which ids a pool's leads have, as ranges. O(1) for new ones, O(ranges) for one that comes back."""
        ranges = self.pool_ids.setdefault(pool, [])
        if not ranges or ranges[-1][1] + 1 < first:
            ranges.append((first, last))
        elif ranges[-1][1] + 1 == first:
            ranges[-1] = (ranges[-1][0], last)
        elif not any(low <= first <= high for low, high in ranges):
            insort(ranges, (first, last))

    def digest(self, number: int) -> str:
        """What a forgotten number is known by: a keyed hash (SPEC R10.6)."""
        return blake2b(b"%d" % number, key=self.secret, digest_size=16).hexdigest()

    def next_record(self) -> int:
        """A number for a new team, agent, project, campaign, job, file or erasure."""
        self.sequences = replace(self.sequences, record=self.sequences.record + 1)
        self.record("sequences", 0, self.sequences)
        return self.sequences.record - 1

    # -- leads ------------------------------------------------------------------------------------------------------

    def need_lead(self, lead: int) -> Lead:
        """The open lead; `WrongStatus` if it was closed (or deleted), `NotFound` if there never was one."""
        found = self.leads.get(lead)
        if found is None:
            if 0 < lead < self.sequences.lead:
                raise WrongStatus(f"lead {lead} is closed", status=Status.CLOSED.code)
            raise NotFound("lead", lead)
        return found

    def open_lead(self, lead: int) -> Lead:
        """The open lead that a person names; the same refusals.

        One that has expired counts as closed (SPEC R8.3), and so does one whose number was blocked (SPEC R10.3), its
        row written or not; one that goes with its pool as gone.
        """
        found = self.need_lead(lead)
        if self.has_left(found):
            raise WrongStatus(f"lead {lead} is closed", status=Status.CLOSED.code)
        return found

    def has_left(self, lead: Lead) -> bool:
        """Whether an open row is one for nobody any more: a later slice closes it, or takes it away."""
        if self.shut and (self.is_over(lead) or self.is_going(lead)):
            return True
        return lead.id in self.leaving and lead.lease is None

    def is_going(self, lead: Lead) -> bool:
        """Whether the lead goes with its pool, which is being deleted (SPEC R9.11)."""
        if not self.shut.get(lead.pool, 0) & Bar.UNSHOWN:
            return False
        return lead.status is Status.UNPROCESSED and not lead.shown and not self.has_clones(lead.id)

    def is_over(self, lead: Lead) -> bool:
        """Whether the lead has expired with its pool, written or not yet; a leased one has not (SPEC R8.2)."""
        bars = self.shut.get(lead.pool, 0)
        if not bars or lead.lease is not None:
            return False
        return bool(bars & (Bar.PROMISED if lead.status in PROMISED else Bar.ORDINARY)) and lead.status in EXPIRING

    def stays_open(self, lead: Lead) -> bool:
        """Whether a row that comes back from an agent may stand, or has expired with its pool (SPEC R8.2)."""
        pool = self.pools[lead.pool]
        if not pool.expired_ms or lead.status not in EXPIRING:
            return True
        return lead.status in PROMISED and not pool.expired_promised

    def put(
        self,
        old: Lead,
        new: Lead,
        trigger: str,
        actor: str,
        *,
        cause: str = "",
        number: int = 0,
        note: str = "",
        detail: str = "",
        effective_ms: int | None = None,
        logged: Logged | None = None,
    ) -> Lead:
        """Replace a lead's row, write its history line, move its footprint. O(log n). Returns the row as kept.

        `logged` is the activity that it is about. A lease is given out by `lease_out`.
        """
        if old.status is not new.status and not may_change(trigger, old.status, new.status):
            raise AssertionError(f"{trigger} may not change {old.status.code} into {new.status.code}")
        now_ms = self.now_ms
        new = replace(new, version=old.version + 1, last_commit=self.commit_no, silent=())
        if new.number_at != old.number_at or new.numbers is not old.numbers:
            new = self.zones.follow(new)
        if (old.status is _CLOSED) is not (new.status is _CLOSED):
            closed_ms = now_ms if effective_ms is None else effective_ms
            new = replace(new, closed_ms=closed_ms if new.status is _CLOSED else 0)
        self.changes.events.append(
            Event(
                new.id,
                old.last_commit,
                now_ms,
                now_ms if effective_ms is None else effective_ms,
                actor,
                trigger,
                old.status,
                new.status,
                new.closure,
                new.owner,
                cause,
                number,
                note,
                detail,
                0,
                0,
                0 if new.due_ms == old.due_ms else new.due_ms,
                old.silent,
                (),
                old.closure,
                _NOTHING if old.latest is None else old.latest.kind,
                _NOTHING if new.latest is None else new.latest.kind,
                new.rule if new.rule and NOT_ACCEPTED in (old.closure, new.closure) else "",
                logged,
            )
        )
        self.swap(old, new)
        return new

    def lease_out(
        self,
        old: Lead,
        lease: Lease,
        actor: str,
        offer: tuple[int, int, int],
        note: str,
        checks: tuple[tuple[str, str], ...],
    ) -> Lead:
        """What `put` does when a lead that stands in the order is leased: every `next` comes through here. O(log n).

        `offer` is rank, priority and due time that it is given out by, `checks` what it was found allowed by.
        """
        now_ms, status = self.now_ms, old.status
        pauses = tuple(pause for pause in old.pauses if pause[1] > now_ms) if old.pauses else ()
        new = replace(
            old,
            lease=lease,
            shown=True,
            ended=None,
            pauses=pauses,
            version=old.version + 1,
            last_commit=self.commit_no,
            silent=(),
        )
        rank, priority, due_ms = offer
        kind = _NOTHING if old.latest is None else old.latest.kind
        self.changes.events.append(
            Event(
                old.id,
                old.last_commit,
                now_ms,
                now_ms,
                actor,
                "leased",
                status,
                status,
                None,
                old.owner,
                "",
                lease.number,
                note,
                "",
                rank,
                priority,
                due_ms,
                old.silent,
                checks,
                None,
                kind,
                kind,
            )
        )
        if not is_plain(old):
            self.swap(old, new)
            return new
        if not old.shown:
            self.counts.unshown[old.pool] -= 1
        self.changes.leads[old.id] = new
        self.unplace(old)  # while the table still says what its place in a shuffle is
        self.leads.put(new)
        self.begin_lease(new, lease)
        return new

    def put_silently(self, old: Lead, new: Lead) -> Lead:
        """The same without a line in the history; its next line tells in which commits this happened."""
        silent = old.silent
        if self.commit_no != old.last_commit and self.commit_no not in silent[-1:]:
            silent = (*silent, self.commit_no)
        new = replace(new, version=old.version + 1, silent=silent)
        self.swap(old, new)
        return new

    def swap(self, old: Lead, new: Lead) -> None:
        """Put one row and its footprint in the place of another, without a line in the history.

        What can change of a leased lead while its lease stays as it is (priority, data, mark, its latest activity)
        leaves none but in the counts. An ordinary lead that comes back from its agent goes by a way of its own, which
        does what the whole way does.
        """
        self._recount(old, new)
        self.changes.leads[new.id] = new
        if new.lease is not None and new.lease is old.lease:
            self.leads.put(new)
        elif old.lease is not None and new.lease is None and is_plain(old) and is_plain(new):
            self._take_back(old, new, old.lease)
        else:
            self._swap_whole(old, new)

    def _take_back(self, old: Lead, new: Lead, lease: Lease) -> None:
        """An ordinary lead comes back from its agent: nearly every finish."""
        if new.status is _CLOSED or old.numbers is not new.numbers:
            self._remember_calls(old, new)
        self.end_lease(old, lease)
        if new.status is _CLOSED:
            self.leads.drop(new.id)
            self.let_go(old)  # while the index of numbers still says who shares them
            self.numbers.remove(old.numbers, old.id)
            return
        self.leads.put(new)
        self.let_go(old)
        if old.numbers is not new.numbers:
            self._renumber(old, new)
        if new.status <= LAST_DIALABLE:
            self.place(new)
        else:
            self.lay(new)

    def _swap_whole(self, old: Lead, new: Lead) -> None:
        if old.status is not _CLOSED:
            self._remember_calls(old, new)
            self.lift(old)
        if new.status is _CLOSED:
            self.leads.drop(new.id)
        else:
            self.leads.put(new)
        if old.lease is not None:
            self.let_go(old)  # while the index of numbers still says who shares them
        self._renumber(old, new)
        if new.status is not _CLOSED:
            self.lay(new)
        if old.lease is None and self.contacts.active:
            is_back = old.status is _CLOSED and new.status is not _CLOSED
            if is_back or old.calls is not new.calls:
                self.reconsider_called(new.id, new.calls)

    def _renumber(self, old: Lead, new: Lead) -> None:
        if old.status is _CLOSED:
            if new.status is not _CLOSED:
                self.numbers.add(new.numbers, new.id)
                self.note_ids(new.pool, new.id, new.id)
        elif new.status is _CLOSED:
            self.numbers.remove(old.numbers, old.id)
        elif old.numbers is not new.numbers:
            self.numbers.remove(old.numbers, old.id)
            self.numbers.add(new.numbers, new.id)

    def _remember_calls(self, old: Lead, new: Lead) -> None:
        """Limits to a number count attempts of leads that don't have it any more, too (`contacts.py`)."""
        if not new.calls or (new.status is not _CLOSED and old.numbers is new.numbers):
            return
        row = self.contacts.leave(new)
        if row is not None:
            self.record("contacted", row.lead, row)
            for lead in self.contacts.prune(self.now_ms):
                self.record("contacted", lead, None)

    def reconsider_called(self, lead: int, calls: Iterable[Call]) -> None:
        """Other calls are known of the lead than before: place others anew that have a number they were to.

        The lead may have lost such a number; and one that comes back may have calls that nobody asked for meanwhile.
        O(leads with the numbers * log n).
        """
        for number in {call.number for call in calls}:
            for other in self.numbers.leads(number):
                if other != lead:
                    self.reconsider(other)

    def count(self, lead: Lead, by: int) -> None:
        """Keep up the counters that a scrape and a pool's details read."""
        closures = self.counts.add(lead, by)
        if closures is not None:
            self.record("closures", lead.pool, closures)

    def _recount(self, old: Lead, new: Lead) -> None:
        """The row of a lead has changed: what is counted of it may have."""
        if old.closure is None and new.closure is None:
            if old.status is not new.status or old.latest is not new.latest:
                self.counts.move(old, new)
            elif old.shown is not new.shown:
                self.counts.unshown[new.pool] += 1 if old.shown else -1
        elif old.closure != new.closure or old.latest is not new.latest:
            self.count(old, -1)
            self.count(new, 1)

    def add_fresh(self, pool: Pool, leads: list[FreshLead]) -> None:
        """Take untouched leads of one pool into the order; O(m log n)."""
        self.leads.add_fresh(leads)
        groups: dict[tuple[int, int, int], list[int]] = {}
        for lead in leads:
            self.numbers.add(lead.numbers, lead.id)
            if self._may_be_kept_back(lead.numbers):
                self.place(fresh_to_lead(lead, pool))
            else:
                group = groups.setdefault((lead.owner, lead.zones, lead.priority or -pool.id), [])
                group.append(key_of(0, seq_of(pool, lead.ordinal, lead.id), lead.id))
        for (owner, zones, source), keys in groups.items():
            queue = self.queue(pool.campaign, owner, Family.UNPROCESSED)
            self.extend(queue, (pool.id, zones, source, UNSHOWN, False, FREE), keys)
        self.counts.add_fresh(pool.campaign, pool.id, len(leads))

    def _may_be_kept_back(self, numbers: tuple[int, ...]) -> bool:
        """Whether a lead that comes in must be looked at: one of its numbers is leased, or was called."""
        if self.held and not self.held.keys().isdisjoint(numbers):
            return True
        return self.contacts.active and any(self.contacts.concerns(number) for number in numbers)

    def has_clones(self, lead: int) -> bool:
        """Whether there are clones of the lead, open or closed (SPEC R9.11)."""
        return lead in self.clones

    # -- teams ------------------------------------------------------------------------------------------------------

    def team_and_above(self, team: int) -> list[int]:
        """The team, its parent, and so on to the root."""
        found = []
        while team:
            found.append(team)
            team = self.teams.by_no[team].parent
        return found or [ROOT_TEAM]
