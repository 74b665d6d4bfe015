"""SPEC R1.4 as data: which trigger may change which status into which.

`State.put` asks this table on every change of status; a change that is not listed here is a fault of ours, and stops
the process rather than be stored. Refusals of people's commands come earlier, from the commands themselves.
"""

from typing import Final

from .errors import Leased, WrongStatus
from .model import DIALABLE, Lead, Status

OPEN: Final = frozenset(set(Status) - {Status.CLOSED})
_REDIALS: Final = frozenset({Status.COMMON_REDIAL, Status.PRIVATE_REDIAL, Status.VIP_REDIAL})
_RETRIES: Final = frozenset({Status.AUTOMATIC_REDIAL}) | _REDIALS
_CLOSED: Final = frozenset({Status.CLOSED})

TRANSITIONS: Final[dict[str, tuple[frozenset[Status], frozenset[Status]]]] = {
    # trigger: (from, to); a trigger of a lease has the status that the lead keeps while it is leased
    "resolved": (DIALABLE, _CLOSED | {Status.PENDING_VALIDATION}),
    "redial": (DIALABLE, _REDIALS | _CLOSED),
    "unreached": (DIALABLE, _RETRIES | _CLOSED),
    "unresolved": (DIALABLE, frozenset({Status.UNRESOLVED}) | _CLOSED),
    "lease_timeout": (DIALABLE, frozenset({Status.UNRESOLVED}) | _CLOSED),
    "logged_off": (DIALABLE, frozenset({Status.UNRESOLVED}) | _CLOSED),
    "agent_disabled": (DIALABLE, frozenset({Status.UNRESOLVED}) | _CLOSED),
    "ended": (DIALABLE, frozenset({Status.UNRESOLVED}) | _CLOSED),
    "cancelled": (DIALABLE, _CLOSED),
    "validated": (frozenset({Status.PENDING_VALIDATION}), _CLOSED | {Status.PRIVATE_REDIAL}),
    "resolve": (frozenset({Status.UNRESOLVED}), _CLOSED | _RETRIES | {Status.PENDING_VALIDATION}),
    "activity": (OPEN, OPEN - {Status.UNPROCESSED} | _CLOSED),
    "abandoned": (frozenset({Status.UNRESOLVED}), _CLOSED),
    "removed": (OPEN, _CLOSED),
    "expired": (OPEN, _CLOSED),
    "blocked": (OPEN, _CLOSED),
    "anonymized": (OPEN, _CLOSED),
    "edited": (OPEN, _REDIALS),
    "reopened": (_CLOSED, frozenset({Status.UNPROCESSED}) | _REDIALS),
}


def may_change(trigger: str, before: Status, after: Status) -> bool:
    """Whether the table lists it. Keeping the status is always listed."""
    if before is after:
        return True
    listed = TRANSITIONS.get(trigger)
    return listed is not None and before in listed[0] and after in listed[1]


def need_unleased(lead: Lead) -> None:
    """Raises `Leased` while an agent works on it (SPEC R1.5)."""
    if lead.lease is not None:
        raise Leased(f"lead {lead.id} is leased", status=lead.status.code)


def need_status(lead: Lead, allowed: frozenset[Status]) -> None:
    """Raises `WrongStatus` naming the present status."""
    if lead.status not in allowed:
        raise WrongStatus(f"lead {lead.id} is {lead.status.code}", status=lead.status.code)
