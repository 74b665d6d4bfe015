"""Forgetting persons (SPEC R10.6) and the data of leads whose time is over (SPEC R10.7).

Rules of this file:

1. A lead is erased in the commit in which its row loses its personal data; the same commit has an `Erasure`, which
   tells the store what of the lead's past has to go. It stays until the store has done so.
2. A leased lead is marked, and erased by the end of its lease, whatever that is (SPEC R1.5). Nothing personal is taken
   down of it from then on.
3. A forgotten number is known by its keyed hash alone, and is refused like a blocked one (`blocking.py`).
4. Calls of an erased lead are counted by no contact limit any more, so they may keep no other lead back.
"""

from typing import Final

from msgspec.structs import replace

from .blocking import AT_THE_END, CLOSURES, list_of, stronger
from .commands import Anonymise, Erased, Forget
from .errors import Conflict, Invalid
from .expiry import write_expired
from .model import Erasure, Forgotten, Lead, Pool, Status
from .outcomes import close
from .replies import Anonymised
from .settings_check import NUMBER_MOST
from .state import State

ANONYMIZED: Final = "anonymized"
EVENT: Final = "anonymized"
_NO_NUMBER: Final = 0


def awaits_erasure(lead: Lead) -> bool:
    """Whether the lead is leased and will be erased by the end of its lease: nothing personal is added to it."""
    return lead.mark == ANONYMIZED


def anonymise(state: State, command: Anonymise) -> Anonymised:
    """Close, mark or rewrite the leads of a person, and forget its numbers. O(leads * log n).

    Open leads with one of the numbers that came in since the caller looked are the person's, too. Raises `Conflict`,
    and has done nothing, when a lead closed since: look again.
    """
    _check_numbers(command.numbers)
    rows = {row.id: row for row in command.rows}
    ids = dict.fromkeys(command.leads)
    ids.update(dict.fromkeys(lead for number in command.numbers for lead in state.numbers.leads(number)))
    leads = [_find(state, lead, rows.get(lead)) for lead in ids]
    for number in command.numbers:
        _forget_number(state, number, command.by)
    if command.numbers:
        _ask_to_erase(state, Erasure(0, 0, 0, 0, forget=tuple(dict.fromkeys(command.numbers))))
        for pool in [pool for pool in state.pools.values() if pool.state == "loading"]:
            ask_to_cut(state, pool, command.numbers)
    done = [_anonymise_lead(state, lead, command.by) for lead in leads if lead.closure != ANONYMIZED]
    marked = sum(lead.status is not Status.CLOSED for lead in done)
    return Anonymised(len(done) - marked, marked)


def _check_numbers(numbers: tuple[int, ...]) -> None:
    if not all(0 < number < NUMBER_MOST for number in numbers):
        raise Invalid("number", "has at most 15 digits")


def _find(state: State, lead: int, row: Lead | None) -> Lead:
    """The open lead, else the closed one's row."""
    found = state.leads.get(lead)
    if found is not None:
        return found
    if row is None or row.status is not Status.CLOSED:
        raise Conflict(f"lead {lead} has closed meanwhile", lead=lead)
    return row


def _anonymise_lead(state: State, lead: Lead, actor: str) -> Lead:
    if lead.lease is not None:
        if awaits_erasure(lead):
            return lead
        marked = replace(lead, mark=stronger(lead.mark, ANONYMIZED))
        return state.put(lead, marked, EVENT, actor, detail=AT_THE_END)
    if state.is_over(lead):
        lead = write_expired(state, lead, state.pools[lead.pool].expired_ms)
    if lead.status is Status.CLOSED:
        return put_erased(state, lead, replace(lead, closure=ANONYMIZED, former=lead.closure), EVENT, actor)
    return put_erased(state, lead, close(lead, ANONYMIZED), EVENT, actor)


def _forget_number(state: State, number: int, actor: str) -> None:
    """Do-not-call entries go; the hash says no from now on."""
    if not state.key_check:
        _keep_hash(state, _NO_NUMBER, "")
    if state.digest(number) not in state.forgotten:
        _keep_hash(state, number, actor or "system")
    for scope in CLOSURES:
        table, listed = list_of(state, scope)
        if listed.pop(number, None) is not None:
            state.record(table, number, None)


def _keep_hash(state: State, number: int, actor: str) -> None:
    row = Forgotten(state.digest(number), state.now_ms if actor else 0, actor)
    keep_forgotten(state, row)
    state.record("forgotten", row.digest, row)


def keep_forgotten(state: State, row: Forgotten) -> None:
    """A row of the table; the one that nobody made tells the key."""
    if row.by:
        state.forgotten[row.digest] = row
    else:
        state.key_check = row.digest


def knows_key(state: State) -> bool:
    """Whether `State.secret` is the key that the forgotten numbers were hashed with."""
    return state.key_check in ("", state.digest(_NO_NUMBER))


def forget(state: State, command: Forget) -> Anonymised:
    """Erase closed leads; they keep their closure, and their numbers may come again. O(leads)."""
    given = {row.id: row for row in command.rows}
    rows = [row for row in given.values() if row.status is Status.CLOSED and not row.erased]
    rows = [row for row in rows if state.leads.get(row.id) is None]
    for row in rows:
        put_erased(state, row, row, EVENT, command.by, cause="retention")
    return Anonymised(len(rows), 0)


def erased(state: State, command: Erased) -> None:
    """The store has done it; what was done before is passed over."""
    for erasure in command.ids:
        if state.erasures.pop(erasure, None) is not None:
            state.record("erasure", erasure, None)


def put_erased(
    state: State,
    old: Lead,
    new: Lead,
    trigger: str,
    actor: str,
    *,
    cause: str = "",
    effective_ms: int | None = None,
) -> Lead:
    """Keep a closed row without personal data (rule 1). The line in the history says neither number nor note.

    A finish sent again still gets its answer if it is the one that ends the lease now (SPEC R5.3), else a refusal.
    """
    ended = new.ended
    if ended is not None and old.lease is None:
        ended = replace(ended, digest=0, nearby=None, next=None)
    row = replace(
        new,
        numbers=(),
        dropped=(),
        dialled=(),
        dropping=(),
        number_at=0,
        zones=0,
        pauses=(),
        ended=ended,
        erased=True,
        calls=(),
    )
    row = state.put(old, row, trigger, actor, cause=cause, effective_ms=effective_ms)
    _forget_calls(state, old)
    if not old.erased:
        numbers = tuple(dict.fromkeys((*old.numbers, *old.dropped)))
        _ask_to_erase(state, Erasure(0, row.id, row.pool, row.last_commit, numbers=numbers))
    return row


def _forget_calls(state: State, lead: Lead) -> None:
    """Rule 4. O(leads with the numbers * log n)."""
    kept = state.contacts.rows.get(lead.id)
    calls = lead.calls if kept is None else (*lead.calls, *kept.calls)
    if state.contacts.erase(lead.id):
        state.record("contacted", lead.id, None)
    if state.contacts.active:
        state.reconsider_called(lead.id, calls)


def ask_to_cut(state: State, pool: Pool, numbers: tuple[int, ...]) -> None:
    """A file has, or may have, rows of forgotten numbers: its original is not kept with them."""
    if pool.file:
        _ask_to_erase(state, Erasure(0, 0, pool.id, 0, numbers=numbers))


def _ask_to_erase(state: State, erasure: Erasure) -> None:
    erasure = replace(erasure, id=state.next_record())
    state.erasures[erasure.id] = erasure
    state.record("erasure", erasure.id, erasure)
