"""Why a command was refused. Nothing has changed when one of these is raised.

`code` is stable and goes to people outside as it is; the class docstring's first line is the title. `Invalid` is bad
input (the caller can mend it), `Refused` is right input that the present state or a permission does not allow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .replies import Outcome


class NextleadError(Exception):
    """Something was refused."""

    code: ClassVar[str] = "refused"

    def __init__(self, detail: str = "", **facts: object) -> None:
        super().__init__(detail or self.title())
        self.detail = detail or self.title()
        self.facts = facts
        self.outcome: Outcome | None = None
        """What time alone had changed when it was refused; to be made durable like any other (`Engine.apply`)."""

    @classmethod
    def title(cls) -> str:
        """The first line of the class's docstring."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]


class Invalid(NextleadError):
    """A field has a value that is not allowed."""

    code = "invalid"

    def __init__(self, field: str, rule: str, **facts: object) -> None:
        super().__init__(f"{field}: {rule}", **facts)
        self.field = field
        self.rule = rule


class NotFound(NextleadError):
    """There is no such thing."""

    code = "not_found"

    def __init__(self, kind: str, key: object) -> None:
        super().__init__(f"there is no {kind} {key}", kind=kind)


class UnknownLease(NextleadError):
    """There is no such lease."""

    code = "unknown_lease"


class Conflict(NextleadError):
    """The present state does not allow it."""

    code = "conflict"


class LeaseEnded(Conflict):
    """The lease has ended."""

    code = "lease_ended"


class Leased(Conflict):
    """The lead is leased."""

    code = "leased"


class WrongStatus(Conflict):
    """The lead's present status does not allow it."""

    code = "wrong_status"


class VersionConflict(Conflict):
    """The lead has changed since it was read."""

    code = "version_conflict"


class InUse(Conflict):
    """Other things depend on it."""

    code = "in_use"


class NoSession(Conflict):
    """The agent has no session."""

    code = "no_session"


class AgentDisabled(Conflict):
    """The agent is disabled."""

    code = "agent_disabled"


class NotAllowed(NextleadError):
    """It is well-formed, but a rule or a permission forbids it."""

    code = "not_allowed"


class SlotFull(NotAllowed):
    """Too many promised redials of this agent at that time."""

    code = "slot_full"


class OutsideHours(NotAllowed):
    """The time is outside calling hours."""

    code = "outside_calling_hours"


class NumberBlocked(NotAllowed):
    """The number is on a do-not-call list."""

    code = "number_blocked"


class NotReady(NextleadError):
    """The dialer can't serve now."""

    code = "not_ready"


class Overloaded(NotReady):
    """Too many commands wait to become durable."""

    code = "overloaded"


class StorageFailed(NotReady):
    """The storage does not take writes now."""

    code = "storage_failed"
