"""Commands on leads: edits, redials, removal, do-not-call, forgetting."""

from typing import Literal

from msgspec import UNSET, UnsetType

from ..model import Lead
from .base import Command, RedialEdit


class EditLead(Command, frozen=True, kw_only=True):
    """An admin's edit of an open lead that is not leased (SPEC R1.4, R1.5). `priority` of 0 inherits.

    Priority, data and zone may be edited while it is leased. `data` replaces the whole object. `zone` is the lead's
    own IANA zone, None for that of its number (SPEC R11.1).
    """

    lead: int
    priority: int | UnsetType = UNSET
    owner: str | UnsetType = UNSET
    due_ms: int | UnsetType = UNSET
    redial: RedialEdit | UnsetType = UNSET
    data: bytes | UnsetType = UNSET
    version: int | None = None
    zone: str | UnsetType | None = UNSET


class Release(Command, frozen=True, kw_only=True):
    """Release one private or VIP redial now (SPEC R4.6)."""

    lead: int


class ReleaseAll(Command, frozen=True, kw_only=True):
    """Release all redials of an agent; the reply is `Count`."""

    agent: str


class MakeUrgent(Command, frozen=True, kw_only=True):
    """SPEC R2.6. `reason` is one of URGENT_REASONS."""

    lead: int
    reason: str
    expires_ms: int


class Remove(Command, frozen=True, kw_only=True):
    """Close an open lead as `removed`; a leased one when its lease ends (SPEC R1.5)."""

    lead: int


class Reopen(Command, frozen=True, kw_only=True):
    """Open a closed lead again. `row` is the closed lead as the archive has it (SPEC R1.4)."""

    lead: int
    row: Lead | None = None
    redial: RedialEdit | UnsetType = UNSET


class Validate(Command, frozen=True, kw_only=True):
    """Validation passed or failed (SPEC R1.4)."""

    lead: int
    passed: bool


class EditLeads(Command, frozen=True, kw_only=True):
    """One action for many leads; one that refuses does not hold the others up. The reply is `Bulk`.

    `priority` and `owner` go with the actions of that name (`priority` of 0 inherits), `rows` with reopen: the closed
    leads as the archive has them. Keep it to some 200 leads: it is carried out in one go.
    """

    leads: tuple[int, ...]
    action: Literal["remove", "release", "reopen", "priority", "owner"]
    priority: int = 0
    owner: str = ""
    rows: tuple[Lead, ...] = ()


Scope = Literal["organisation", "global"]


class Block(Command, frozen=True, kw_only=True):
    """Put numbers on a do-not-call list; open leads that have one close (SPEC R10.3, R10.4). The reply is `Count`.

    With `drop_number` a lead that has another number only loses this one. Keep it to some 100 numbers.
    """

    numbers: tuple[int, ...]
    reason: str = ""
    scope: Scope = "organisation"
    drop_number: bool = False


class Unblock(Command, frozen=True, kw_only=True):
    """Take a number off a list; nothing reopens (SPEC R10.5)."""

    number: int
    scope: Scope = "organisation"


class Anonymise(Command, frozen=True, kw_only=True):
    """Forget persons (SPEC R10.6): their open leads close, numbers become keyed hashes. The reply is `Anonymised`.

    `leads` are all leads of them, clones included; `rows` are those among them that are closed, as the archive has
    them. `numbers` are never loaded again. What has to go from the store is left as `Erasure` rows.
    """

    leads: tuple[int, ...]
    numbers: tuple[int, ...] = ()
    rows: tuple[Lead, ...] = ()


class Forget(Command, frozen=True, kw_only=True):
    """Erase the personal data of closed leads whose time is over; they keep their closure (SPEC R10.7).

    `rows` as in `Anonymise`; a lead that was reopened meanwhile is left alone. The reply is `Anonymised`.
    """

    rows: tuple[Lead, ...]


class Erased(Command, frozen=True, kw_only=True):
    """The store has carried these erasures out."""

    ids: tuple[int, ...]
