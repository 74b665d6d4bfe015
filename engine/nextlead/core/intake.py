"""Rows of an upload to leads, duplicates and rejects (SPEC R9.4 to R9.8).

Rules of this file:

1. Rows are decided one after the other, as if each had come alone: what becomes of a row does not depend on the chunk
   it is in. Every row is counted once: valid, invalid or duplicate, whatever is done with duplicates.
2. A row whose original changed since it was looked up is *stale*. It and the rows after it are not taken, so that
   leads stay in the order of their rows.
3. New leads are laid into the order together at the end, or before a later row changes one of them (`_lay`).
"""

from collections.abc import Iterable

from msgspec.structs import replace

from . import commands as c
from .almanac import zone_named
from .blocking import refusal_of_numbers
from .clones import add_clone
from .conditions import NOT_ACCEPTED
from .duplicates import STALE, Originals, open_lead
from .fresh import fresh_to_lead
from .lead_edits import find_owner
from .matching import merged
from .model import Event, FreshLead, Lead, Pool, Reject, Status
from .outcomes import close
from .pools import need_pool, need_taking
from .privacy import ask_to_cut, awaits_erasure
from .replies import Loaded
from .row_faults import REFUSED, fits, reject_of, usable
from .settings_check import PRIORITY_LAST
from .state import State


def load_rows(state: State, command: c.LoadRows) -> Loaded:
    """Rows become leads, duplicates or rejects (SPEC R9.4 to R9.8). O(rows * log n).

    Rejects and lines of the log are always taken, also when rows are stale.
    """
    pool = need_pool(state, command.pool)
    need_taking(state, pool)
    intake = _Intake(state, pool, command.by)
    stale: list[int] = []
    for row in _in_order(pool, command):
        if isinstance(row, c.IntakeReject):
            intake.refuse(row)
        elif stale or not intake.take(row):
            stale.append(row.row)
    for no, text in command.log:
        intake.log(no, text)
    return intake.finish(tuple(stale))


def _in_order(pool: Pool, command: c.LoadRows) -> Iterable[c.IntakeRow | c.IntakeReject]:
    if not command.rejects:
        return command.rows
    if pool.on_invalid != "close":
        return (*command.rows, *command.rejects)
    return sorted((*command.rows, *command.rejects), key=lambda row: row.row)


class _Intake:
    """What the rows of one command come to."""

    def __init__(self, state: State, pool: Pool, by: str) -> None:
        self._state, self._pool, self._by = state, pool, by
        self._first_id = self._next_id = state.sequences.lead
        self._ordinal = pool.ordinals
        self._originals = Originals(state, pool, self._next_id)
        self._fresh: list[FreshLead] = []
        self._pending: list[FreshLead] = []
        self._laid: list[int] = []
        self._rejects: list[Reject] = []
        self._data: dict[int, bytes] = {}
        self._forgotten: dict[int, None] = {}
        self._valid = self._invalid = self._duplicates = 0

    def take(self, row: c.IntakeRow) -> bool:
        """Decide a row; whether it was taken (it was not: it is stale)."""
        owner = self._pool.owner if row.owner is None else find_owner(self._state, row.owner)
        if owner is None or not fits(self._state, row):
            self.refuse(reject_of(row, has_owner=owner is not None), row, owner)
            return True
        original = self._originals.find(row)
        if not original:
            self._valid += 1
            self._load(row, owner)
        elif original == STALE or not self._process(row, owner, original):
            return False
        for text in row.dropped:
            self.log(row.row, text, row.numbers)
        return True

    def refuse(self, reject: c.IntakeReject, row: c.IntakeRow | None = None, owner: int | None = None) -> None:
        """An invalid row; with `on_invalid: close` it is also loaded, closed (SPEC R9.4).

        Of a row with a number that was forgotten nothing is kept but that it came (SPEC R10.6).
        """
        self._invalid += 1
        numbers = usable(reject.numbers)
        refusal = refusal_of_numbers(self._state, numbers)
        if refusal == "anonymized":
            self._forgotten.update(dict.fromkeys(numbers))
            reject, row, numbers = c.IntakeReject(reject.row, ()), None, ()
        reasons = reject.reasons if refusal is None else (*reject.reasons, REFUSED[refusal])
        closes = self._pool.on_invalid == "close"
        lead = self._next_id if closes and refusal != "anonymized" else 0
        self._rejects.append(Reject(self._pool.id, reject.row, "invalid", reasons, reject.cells, numbers, lead))
        if closes:
            self._load_invalid(reject, row, owner, numbers, refusal)

    def _load_invalid(
        self,
        reject: c.IntakeReject,
        row: c.IntakeRow | None,
        owner: int | None,
        numbers: tuple[int, ...],
        refusal: str | None,
    ) -> None:
        priority = row.priority if row is not None and 0 <= row.priority <= PRIORITY_LAST else 0
        zone = reject.zone if zone_named(reject.zone) else ""
        lead = self._new(numbers, owner or self._pool.owner, priority, reject.data, zone=zone)
        self._close(lead, refusal or reject.closure, cause="" if refusal else reject.rule)
        keys = self._originals.keys(numbers, reject.data) if row is None else row.keys
        self._originals.note(lead.id, numbers, keys, closed=True)

    def log(self, row: int, text: str, numbers: tuple[int, ...] = ()) -> None:
        """A line for the pool's log."""
        self._rejects.append(Reject(self._pool.id, row, "log", (text,), (), numbers))

    def finish(self, stale: tuple[int, ...]) -> Loaded:
        """Put what there is; the reply."""
        self._lay()
        state, pool = self._state, self._pool
        new = replace(
            pool,
            ordinals=self._ordinal,
            valid=pool.valid + self._valid,
            invalid=pool.invalid + self._invalid,
            duplicate=pool.duplicate + self._duplicates,
            entered_ms=state.now_ms if pool.entry_key else pool.entered_ms,
        )
        state.put_pool(new)
        if self._fresh:
            state.sequences = replace(state.sequences, lead=self._next_id)
            state.record("sequences", 0, state.sequences)
            state.note_ids(pool.id, self._first_id, self._next_id - 1)
            state.changes.fresh += self._fresh
        state.changes.rejects += self._rejects
        if self._forgotten:
            ask_to_cut(state, pool, tuple(self._forgotten))
        return Loaded(tuple(self._laid), self._duplicates, self._invalid, stale)

    # -- new leads --------------------------------------------------------------------------------------------------

    def _new(
        self, numbers: tuple[int, ...], owner: int, priority: int, data: bytes, master: int = 0, zone: str = ""
    ) -> FreshLead:
        self._ordinal += 1
        lead = FreshLead(
            self._next_id,
            self._pool.id,
            self._ordinal,
            numbers,
            owner,
            priority,
            self._state.zones.of_row(zone, numbers),
            data,
            self._state.now_ms,
            master,
        )
        self._next_id += 1
        self._fresh.append(lead)
        return lead

    def _load(self, row: c.IntakeRow, owner: int, master: int = 0) -> None:
        lead = self._new(row.numbers, owner, row.priority, row.data, master, row.zone)
        self._pending.append(lead)
        self._originals.note(lead.id, row.numbers, row.keys)
        if self._pool.duplicates.action == "update":
            self._data[lead.id] = row.data

    def _lay(self) -> None:
        if self._pending:
            self._state.add_fresh(self._pool, self._pending)
        self._laid += [lead.id for lead in self._pending]
        self._pending = []
        self._originals.pending_from = self._next_id

    def _close(self, fresh: FreshLead, closure: str, cause: str = "", detail: str = "") -> None:
        """A lead that comes in closed: it has a row and a history, but no place in the order."""
        state = self._state
        lead = replace(
            close(fresh_to_lead(fresh, self._pool), closure),
            version=1,
            last_commit=state.commit_no,
            closed_ms=state.now_ms,
            erased=closure == "anonymized",
            rule=cause if closure == NOT_ACCEPTED else "",
        )
        state.changes.leads[lead.id] = lead
        state.changes.events.append(
            Event(
                lead=lead.id,
                previous=0,
                at_ms=state.now_ms,
                effective_ms=state.now_ms,
                actor=self._by,
                kind="loaded",
                status_before=Status.UNPROCESSED,
                status=lead.status,
                closure=closure,
                owner=lead.owner,
                cause=cause,
                detail=detail,
                rule=lead.rule,
            )
        )
        state.count(lead, 1)

    # -- duplicates (SPEC R9.8) -------------------------------------------------------------------------------------

    def _process(self, row: c.IntakeRow, owner: int, original: int) -> bool:
        """Do what the pool asks for; whether the row was taken."""
        action = self._pool.duplicates.action
        problem: str | None = ""
        match action:
            case "load":
                self._load(row, owner)
            case "clone":
                self._load(row, owner, original)
                add_clone(self._state, original)
            case "close":
                lead = self._new(row.numbers, owner, row.priority, row.data, zone=row.zone)
                self._close(lead, "duplicate", detail=f"of lead {original}")
                self._originals.note(lead.id, row.numbers, row.keys, closed=True)
            case "update":
                problem = self._update(row, original)
            case "replace":
                problem = self._replace(row, owner, original)
        if problem is None:
            return False
        self._duplicates += 1
        reasons = (f"duplicate of lead {original}", problem) if problem else (f"duplicate of lead {original}",)
        done = "skip" if problem else action
        self._rejects.append(
            Reject(self._pool.id, row.row, "duplicate", reasons, row.cells, row.numbers, original, done)
        )
        return True

    def _open(self, lead: int) -> Lead | None:
        if self._pending and lead >= self._pending[0].id:
            self._lay()
        return open_lead(self._state, lead)

    def _update(self, row: c.IntakeRow, original: int) -> str | None:
        """Data fields, and a priority and zone of the row's own; why it can't be done, None when the row is stale."""
        lead = self._open(original)
        if lead is None:
            return "not updated, as it is closed"
        if awaits_erasure(lead) or refusal_of_numbers(self._state, lead.numbers):
            return "not updated, as it may not be dialled any more"
        data = self._new_data(row, lead)
        if data is None:
            return None
        self._data[lead.id] = data
        self._originals.note_change(lead, data)
        self._state.keep_data(lead.id, data)
        zones = self._state.zones.of_zone(row.zone) if row.zone else lead.zones
        new = replace(lead, priority=row.priority or lead.priority, zones=zones)
        self._state.put(lead, new, "updated", self._by, detail=f"row {row.row} of pool {self._pool.id}")
        return ""

    def _new_data(self, row: c.IntakeRow, lead: Lead) -> bytes | None:
        known = self._data.get(lead.id)
        if known is not None:
            return merged(known, row.data)
        told = row.original
        if told is None or told.lead != lead.id or told.version != lead.version:
            return None
        return told.data

    def _replace(self, row: c.IntakeRow, owner: int, original: int) -> str:
        """The original is removed and the row loaded; why it can't be done."""
        lead = self._open(original)
        if lead is None:
            return "not replaced, as it is closed"
        if lead.shown or lead.lease is not None:
            return "not replaced, as it was shown to an agent"
        if lead.status is not Status.UNPROCESSED:
            return f"not replaced, as it is {lead.status.code}"
        self._state.put(lead, close(lead, "removed"), "removed", self._by, cause="replaced")
        self._originals.note_removed(original)
        if original in self._laid:
            self._laid.remove(original)
        self._load(row, owner)
        return ""
