"""How many clones a lead has (SPEC R9.8, R9.11): open and closed ones, until they are deleted."""

from .model import Clones, Lead
from .state import State


def add_clone(state: State, master: int) -> None:
    """One more; O(1)."""
    _count(state, master, 1)


def forget_clone(state: State, lead: Lead) -> None:
    """The lead is deleted: if it was a clone, its master has one less. O(1)."""
    if lead.master:
        _count(state, lead.master, -1)


def _count(state: State, master: int, by: int) -> None:
    before = state.clones.pop(master, None)
    row = Clones(master, (before.count if before else 0) + by)
    if row.count:
        state.clones[master] = row
    state.record("clones", master, row if row.count else None)
