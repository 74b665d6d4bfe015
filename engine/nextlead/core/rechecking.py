"""Leads are looked at again when contact limits changed (SPEC 12)."""

from typing import TypeVar

from .replies import Begun
from .state import State

T = TypeVar("T")


def recheck_limits(state: State, reply: T, campaign: int | None = None) -> T | Begun:
    """The reply, once no lead stands where the limits of before put it; `Begun` when that takes slices."""
    for lead in list(state.parked):
        state.reconsider(lead)
    return reply
