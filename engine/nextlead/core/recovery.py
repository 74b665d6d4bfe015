"""From rows back to order: what a start does with what the store had."""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Final

from msgspec.structs import replace

from .entries import note_entry
from .fresh import follow_shuffle, seq_of
from .model import Closures, FreshLead, Lead
from .numbers import number_entry
from .order import ID_BITS, ID_MASK, key_of
from .places import Bar
from .pool_gates import bars_of, is_open, settle_gate
from .privacy import keep_forgotten
from .queues import FREE, UNSHOWN, Family
from .row import Row
from .runs import RUN, sorted_in_pieces
from .state import State

LAID: Final = 200
"""Touched leads that get their footprints in one go: two milliseconds."""
PART: Final = 20
"""Making a part of a queue takes as long as putting so many keys in order."""


class Recovery:
    """Collects rows; `build` lays every footprint, leased leads last, so that the guard of numbers finds the others."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._pieces: Iterator[None] | None = None
        self._leads: list[int] = []
        self._keys: dict[tuple[int, int, int, int], list[int]] = {}
        self._numbers: list[int] = []
        self._closures: list[Closures] = []
        self._takers: dict[str, Callable[[Any], None]] = {
            "team": state.teams.put,
            "agent": state.agents.put,
            "project": state.projects.put,
            "campaign": state.campaigns.put,
            "tally": lambda row: state.tallies.__setitem__(row.campaign, row),
            "pool": lambda row: state.pools.__setitem__(row.id, row),
            "closures": self._closures.append,
            "filter": lambda row: state.filters.__setitem__(row.name, row),
            "blocked": lambda row: state.blocked.__setitem__(row.number, row),
            "global_blocked": lambda row: state.blocked_globally.__setitem__(row.number, row),
            "forgotten": lambda row: keep_forgotten(state, row),
            "erasure": lambda row: state.erasures.__setitem__(row.id, row),
            "token": lambda row: state.tokens.__setitem__(row.id, row),
            "settings": lambda row: setattr(state, "settings", row),
            "sequences": lambda row: setattr(state, "sequences", row),
            "lead_data": lambda _row: None,
            "answer": lambda _row: None,
            "clones": lambda row: state.clones.__setitem__(row.master, row),
            "file": lambda row: state.files.__setitem__(row.id, row),
            "job": lambda row: state.jobs.__setitem__(row.id, row),
            "zone_set": state.zones.restore,
            "contacted": state.contacts.restore,
        }

    def row(self, table: str, row: Row) -> None:
        """One row of a table other than leads."""
        self._takers[table](row)

    def lead(self, lead: Lead) -> None:
        """One touched, open lead."""
        lead = follow_shuffle(lead, self._state.pools[lead.pool])
        if not lead.zones:
            lead = self._state.zones.follow(lead)
        self._leads.append(lead.id)
        self._state.leads.put(lead)
        self._numbers += (number_entry(number, lead.id) for number in lead.numbers)

    def fresh(self, leads: Sequence[FreshLead]) -> None:
        """Some untouched leads."""
        state = self._state
        leads = [lead if lead.zones else self._zoned(lead) for lead in leads]
        state.leads.add_fresh(leads)
        for lead in leads:
            group = (lead.pool, lead.owner, lead.zones, lead.priority or -lead.pool)
            keys = self._keys.get(group)
            if keys is None:
                keys = self._keys[group] = []
            keys.append(key_of(0, seq_of(state.pools[lead.pool], lead.ordinal, lead.id), lead.id))
            state.note_ids(lead.pool, lead.id, lead.id)
            self._numbers += (number_entry(number, lead.id) for number in lead.numbers)

    def _zoned(self, lead: FreshLead) -> FreshLead:
        """With the zones of its number, for one that came in when they were not known."""
        zones = self._state.zones.of_row("", lead.numbers)
        return replace(lead, zones=zones) if zones else lead

    def pieces(self) -> Iterator[None]:
        """Lay everything out as of the engine's time; a few milliseconds' work at most between two of what it gives.

        How much is done at a time is counted in leads, numbers and parts. The same work, whoever asks for it: `build`
        does what is left of it.
        """
        if self._pieces is None:
            self._pieces = self._build()
        return self._pieces

    def build(self, now_ms: int) -> None:
        """All of it; leases that are left may go on from `now_ms` for a while (SPEC R5.7). Timers run afterwards."""
        for _ in self.pieces():
            pass
        state = self._state
        if any(state.pool_leased.values()):
            state.lease_floor_ms = now_ms + state.settings.restart_grace_ms

    def _build(self) -> Iterator[None]:
        state = self._state
        for records in (state.teams, state.agents, state.projects, state.campaigns):
            records.sort()
        yield from state.numbers.build(self._numbers)
        state.contacts.follow(state.settings.contact_limits)
        self._open_pools()
        yield from self._fill_parts()
        yield from self._lay_leads()
        yield from self._keep_back()
        for closures in self._closures:
            state.counts.restore(state.pools[closures.pool].campaign, closures)
        self._leads, self._closures = [], []
        state.changed_world()

    def _open_pools(self) -> None:
        state = self._state
        deleting = {job.pool for job in state.jobs.values() if job.kind == "delete"}
        for _, pool in sorted(state.pools.items()):
            note_entry(state, pool)
            bars = bars_of(pool) | (Bar.UNSHOWN if pool.id in deleting else 0)
            if bars:
                state.shut[pool.id] = bars
            if is_open(pool, state.now_ms):
                state.open_pools.add(pool.id)
            settle_gate(state, pool, state.now_ms)

    def _fill_parts(self) -> Iterator[None]:
        """Untouched leads go to their parts of the queues."""
        state = self._state
        done = 0
        for (pool_id, owner, zones, source), keys in self._keys.items():
            done += len(keys) + PART
            pool = state.pools[pool_id]
            state.counts.add_fresh(pool.campaign, pool_id, len(keys))
            queue = state.queue(pool.campaign, owner, Family.UNPROCESSED)
            part = state.make_part(queue, (pool_id, zones, source, UNSHOWN, False, FREE))
            part.keys = yield from sorted_in_pieces(keys)
            queue.extend(part, ())  # the queue learns of its head
            if done >= RUN:
                done = 0
                yield
        self._keys = {}

    def _keep_back(self) -> Iterator[None]:
        """Untouched leads whose number was called for others stand apart (SPEC 12). O(numbers) if there are limits."""
        state = self._state
        if not state.contacts.active:
            return
        called = state.contacts.rows.called()
        called.update(number for number in state.numbers.shared if state.contacts.concerns(number))
        yield
        for at, entry in enumerate(state.numbers.entries() if called else (), 1):
            if entry >> ID_BITS in called and state.leads.fresh(entry & ID_MASK) is not None:
                state.reconsider(entry & ID_MASK)
            if at % LAID == 0:
                yield

    def _lay_leads(self) -> Iterator[None]:
        state = self._state
        leased = []
        for at, lead in enumerate(map(state.need_lead, self._leads), 1):
            state.pool_ids.setdefault(lead.pool, []).append((lead.id, lead.id))
            state.count(lead, 1)
            if lead.lease is None:
                state.lay(lead)
            else:
                leased.append(lead)
            if at % LAID == 0:
                yield
        for lead in sorted(leased, key=_by_age):
            state.lay(lead)
        for pool, ranges in state.pool_ids.items():
            state.pool_ids[pool] = yield from _coalesced(ranges)
            yield


def _coalesced(ranges: list[tuple[int, int]]) -> Generator[None, None, list[tuple[int, int]]]:
    """Ranges of ids in order, neighbours joined."""
    joined: list[tuple[int, int]] = []
    in_order = yield from sorted_in_pieces([first << ID_BITS | last for first, last in ranges])
    for at, both in enumerate(in_order, 1):
        first, last = both >> ID_BITS, both & ID_MASK
        if joined and joined[-1][1] + 1 == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
        if at % RUN == 0:
            yield
    return joined


def _by_age(lead: Lead) -> tuple[int, int]:
    return (lead.lease.started_ms if lead.lease else 0, lead.id)
