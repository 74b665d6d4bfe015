"""Which lead a row is a duplicate of (SPEC R9.6).

Rules of this file:

1. The original is the lead with the lowest id of all that match in scope; with `among` open, of those that are open. A
   lead that has expired with its pool counts as closed, written or not.
2. Open leads that have a number are in the engine's index. Closed ones, and those that match by fields, are what the
   archive said (`IntakeRow.original`). If that isn't so any more, the row is stale.
3. Leads that this chunk made or changed are remembered here, so that chunks of any size decide the same.
"""

from bisect import insort
from collections.abc import Sequence
from typing import Final

from .commands import IntakeRow, Original
from .errors import Invalid
from .matching import PHONE, fields_of, keys_of, parts_of
from .model import Lead, Pool
from .setup_model import Duplicates
from .state import State

ACTIONS: Final = ("skip", "load", "update", "replace", "clone", "close")
SCOPES: Final = ("file", "pool", "campaign", "project", "organisation")
AMONG: Final = ("open", "all")

STALE: Final = -1
"""What the archive said of the original isn't so any more."""


def check_choices(asked: Duplicates, key: str = "duplicates") -> None:
    """Raises `Invalid`; `key` is what the names of its errors begin with."""
    for name, value, known in (
        ("scope", asked.scope, SCOPES),
        ("among", asked.among, AMONG),
        ("action", asked.action, ACTIONS),
    ):
        if value not in known:
            raise Invalid(f"{key}.{name}", f"must be one of {', '.join(known)}")


def open_lead(state: State, lead: int) -> Lead | None:
    """The lead if it is open (rule 1)."""
    found = state.leads.get(lead)
    if found is None or (state.shut and state.is_over(found)):
        return None
    return found


class Originals:
    """Finds originals for the rows of one chunk. Leads from `pending_from` on are open, but not in the state yet."""

    def __init__(self, state: State, pool: Pool, pending_from: int) -> None:
        self._state = state
        self._pool = pool
        rules = {parts_of(rule) for rule in pool.duplicates.match}
        self._by_phone = (PHONE,) in rules
        self._key_rules = tuple("+".join(rule) for rule in sorted(rules) if rule != (PHONE,))
        self._only_open = pool.duplicates.among == "open"
        self._here: dict[int | bytes, list[int]] = {}
        self._changed: dict[int, frozenset[bytes]] = {}
        self._removed: set[int] = set()
        self.pending_from = pending_from

    def find(self, row: IntakeRow) -> int:
        """The original's id, 0 if there is none, or `STALE`. O(log n) a number, and what shares it out of scope."""
        found = 0
        for lead in self._matches(row):
            if lead and (lead < found or not found):
                found = lead
        told = row.original
        if told is None or 0 < found <= told.lead:
            return found
        return self._check(told) or found

    def _matches(self, row: IntakeRow) -> list[int]:
        matches = [self._first_here(key) for key in row.keys]
        if self._by_phone:
            for number in row.numbers:
                if number in self._here:
                    matches.append(self._first_here(number))
                leads = self._state.numbers.leads(number)
                if leads:
                    matches.append(next((lead for lead in leads if self._counts(lead)), 0))
        return matches

    def _first_here(self, key: int | bytes) -> int:
        for lead in self._here.get(key, ()):
            if lead in self._changed and isinstance(key, bytes) and key not in self._changed[lead]:
                continue
            if not self._only_open or lead >= self.pending_from or open_lead(self._state, lead):
                return lead
        return 0

    def _counts(self, lead: int) -> bool:
        """Whether a lead of the index counts for this pool."""
        if not in_scope(self._state, self._pool, lead):
            return False
        return not self._only_open or not self._state.shut or open_lead(self._state, lead) is not None

    def _check(self, told: Original) -> int:
        if told.lead in self._removed:
            return self._unless_removed(told.lead)
        lead = self._state.leads.get(told.lead)
        if told.closed:
            return told.lead if lead is None else STALE
        if lead is None or lead.version != told.version:
            return STALE
        return told.lead if not self._only_open or open_lead(self._state, told.lead) else 0

    def _unless_removed(self, lead: int) -> int:
        """A lead that this chunk removed; among open leads the next one that matches by fields is not known here."""
        if not self._only_open:
            return lead
        return STALE if self._key_rules else 0

    # -- what the chunk does ----------------------------------------------------------------------------------------

    def note(self, lead: int, numbers: Sequence[int], keys: Sequence[bytes], *, closed: bool = False) -> None:
        """A lead of this chunk is there for the rows after it."""
        if closed and self._only_open:
            return
        if self._by_phone:
            for number in numbers:
                self._here.setdefault(number, []).append(lead)
        for key in keys:
            self._here.setdefault(key, []).append(lead)

    def note_change(self, lead: Lead, data: bytes) -> None:
        """An open lead has other data fields from here on."""
        if not self._key_rules:
            return
        keys = self._changed[lead.id] = frozenset(self.keys(lead.numbers, data))
        for key in keys:
            leads = self._here.setdefault(key, [])
            if lead.id not in leads:
                insort(leads, lead.id)

    def note_removed(self, lead: int) -> None:
        """The lead closed."""
        self._removed.add(lead)

    def keys(self, numbers: Sequence[int], data: bytes) -> Sequence[bytes]:
        """What a lead matches by."""
        if not self._key_rules:
            return ()
        fields = fields_of(data)
        return [key for rule in self._key_rules for key in keys_of(rule, numbers, fields)]


UNWANTED: Final = frozenset({"failed", "rejected"})
"""States of pools whose leads go, or came in closed with a list that was not wanted: nothing is a duplicate of them."""


def in_scope(state: State, pool: Pool, lead_id: int) -> bool:
    """Whether an open lead counts in the pool's duplicate check (SPEC R9.6)."""
    fresh = state.leads.fresh(lead_id)
    lead_pool = fresh.pool if fresh is not None else state.need_lead(lead_id).pool
    return counts_in(state, pool, lead_pool, state.pools[lead_pool].campaign)


def counts_in(state: State, pool: Pool, other: int, campaign: int) -> bool:
    """The same for leads of pool `other` and that campaign, as the archive has them; neither need be there still."""
    theirs = state.pools.get(other)
    if theirs is not None and theirs.state in UNWANTED:
        return False
    match pool.duplicates.scope:
        case "organisation":
            return True
        case "project":
            from_, to = state.campaigns.by_no.get(campaign), state.campaigns.by_no.get(pool.campaign)
            return from_ is not None and to is not None and from_.project == to.project
        case "campaign":
            return campaign == pool.campaign
        case _:
            return other == pool.id
