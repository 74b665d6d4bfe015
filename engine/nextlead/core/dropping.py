"""Leads that go as if they had never come: of pools that failed, were rejected or deleted."""

from collections.abc import Iterator

from .blocking import close_or_mark
from .model import Lead, Pool
from .state import State


def open_leads(state: State, pool: int) -> Iterator[Lead]:
    """The pool's open leads by id. O(ids the pool was given)."""
    for first, last in state.pool_ids.get(pool, ()):
        for lead_id in range(first, last + 1):
            lead = state.leads.get(lead_id)
            if lead is not None and lead.pool == pool:
                yield lead


def drop_leads(state: State, pool: Pool) -> None:
    """A leased lead is never torn away (SPEC R1.5): it closes when its lease ends."""
    for lead in list(open_leads(state, pool.id)):
        if lead.lease is None:
            drop_lead(state, lead)
        else:
            close_or_mark(state, lead, "removed", "removed", "system")


def drop_lead(state: State, lead: Lead) -> None:
    """The lead is gone, as if it had never come."""
    state.lift(lead)
    state.count(lead, -1)
    state.numbers.remove(lead.numbers, lead.id)
    state.leads.drop(lead.id)
    state.changes.leads.pop(lead.id, None)
    state.changes.gone.append(lead.id)
