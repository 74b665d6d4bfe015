"""What an action on many leads would do to one of them, without doing it.

`core/bulk_edits.py` decides; this says the same beforehand. `tests/http/test_bulk.py` holds the two together, for every
kind of lead and every action.
"""

from typing import Final

from msgspec.structs import replace

from nextlead.core.blocking import refusal_of_numbers
from nextlead.core.engine import Engine
from nextlead.core.model import PROMISED, Lead, Status
from nextlead.core.places import is_own
from nextlead.core.redials import must_release

_NEVER_REOPENED: Final = frozenset({"anonymized", "do_not_call", "global_do_not_call"})


def refusal(engine: Engine, lead: Lead, action: str, owner: int = 0) -> str | None:
    """The code that the lead would be refused with; None when it would be done. `owner` goes with that action."""
    state = engine.state
    if action == "reopen":
        return _reopening(engine, lead)
    if lead.status is Status.CLOSED or state.has_left(lead):
        return "wrong_status"
    if action == "remove":
        return None
    if action in ("release", "owner") and lead.lease is not None:
        return "leased"
    if action == "release":
        return None if lead.status in PROMISED and is_own(lead) else "wrong_status"
    if _is_held(engine, lead):
        return "conflict"
    if refusal_of_numbers(state, set(lead.numbers).difference(lead.dropping)) is not None:
        return "number_blocked"
    if action == "owner" and owner > 0 and must_release(state, replace(lead, owner=owner)) is not None:
        return "not_allowed"
    return None


def _reopening(engine: Engine, lead: Lead) -> str | None:
    if lead.status is not Status.CLOSED:
        return "wrong_status"
    if _is_held(engine, lead):
        return "conflict"
    if lead.closure in _NEVER_REOPENED or lead.erased or not (lead.numbers or lead.dropped):
        return "wrong_status"
    if refusal_of_numbers(engine.state, lead.numbers or lead.dropped) is not None:
        return "number_blocked"
    return "conflict" if engine.pools[lead.pool].expired_ms else None


def _is_held(engine: Engine, lead: Lead) -> bool:
    return engine.pools[lead.pool].state not in ("active", "inactive")
