"""What all commands have, and what several of them carry."""

from typing import Literal

from msgspec import Struct


class Command(Struct, frozen=True, kw_only=True):
    """Base of all commands."""

    by: str = "system"


class RedialEdit(Struct, frozen=True):
    """A private or VIP redial that an admin sets for a named agent, or a common one for none (SPEC R4.1).

    `force`: also outside calling hours (SPEC R4.2).
    """

    kind: Literal["common", "private", "vip"]
    at_ms: int
    agent: str | None = None
    force: bool = False
