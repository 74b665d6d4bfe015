"""What an action on many leads would do to one of them, without doing it.

`core/lead_edits.py` and `core/blocking.py` decide; this says the same beforehand. `tests/http/test_bulk.py` holds the
two together, for every kind of lead and every action.
"""

from typing import Final

from nextlead.core.blocking import refusal_of_numbers
from nextlead.core.engine import Engine
from nextlead.core.model import PROMISED, Lead, Status
from nextlead.core.places import is_own

_NEVER_REOPENED: Final = frozenset({"anonymized", "do_not_call", "global_do_not_call"})


def refusal(engine: Engine, lead: Lead, action: str) -> str | None:
    """The code that the lead would be refused with; None when it would be done."""
    if action == "reopen":
        return _reopening(engine, lead)
    if lead.status is Status.CLOSED:
        return "wrong_status"
    if action == "remove":
        return None
    if action in ("release", "owner") and lead.lease is not None:
        return "leased"
    if action == "release":
        return None if lead.status in PROMISED and is_own(lead) else "wrong_status"
    return _held(engine, lead) or _blocked(engine, lead.numbers)


def _reopening(engine: Engine, lead: Lead) -> str | None:
    if lead.status is not Status.CLOSED:
        return "wrong_status"
    if held := _held(engine, lead):
        return held
    if lead.closure in _NEVER_REOPENED or lead.erased:
        return "wrong_status"
    return _blocked(engine, (*lead.numbers, *lead.dropped))


def _held(engine: Engine, lead: Lead) -> str | None:
    return "conflict" if engine.pools[lead.pool].state in ("loading", "awaiting_confirmation") else None


def _blocked(engine: Engine, numbers: tuple[int, ...]) -> str | None:
    return None if refusal_of_numbers(engine.state, numbers) is None else "number_blocked"
