"""Questions, what is kept for the faces, and the passing of time."""

from ..model import Answer, Lead
from .base import Command


class Explain(Command, frozen=True, kw_only=True):
    """Every rule that bears on this lead for this agent; the reply is `Explanation` (SPEC R14.2).

    `row` is the lead as the archive has it, for one that is closed: `WrongStatus` asks for it.
    """

    lead: int
    agent: str
    row: Lead | None = None


class WhyIdle(Command, frozen=True, kw_only=True):
    """Why an agent gets no lead now, and when the next one opens; the reply is `Idle` (SPEC R14.3)."""

    agent: str


class WhyAllIdle(Command, frozen=True, kw_only=True):
    """The same for all agents with a session who hold no lease, and for the campaigns; the reply is `IdleAgents`."""


class PutFilter(Command, frozen=True, kw_only=True):
    """Save a question for leads by name, or change it (SPEC R13.4); the reply is the `SavedFilter`."""

    name: str
    body: bytes
    description: str = ""


class DeleteFilter(Command, frozen=True, kw_only=True):
    """Forget a saved filter."""

    name: str


class KeepAnswer(Command, frozen=True, kw_only=True):
    """Keep the first answer to a request with an idempotency key, in the commit of what it answers."""

    answer: Answer


class Work(Command, frozen=True, kw_only=True):
    """A slice of what goes on in slices (`Engine.working`); nothing happens when there is nothing to do."""


class Tick(Command, frozen=True, kw_only=True):
    """Nothing but the time: fire what is due, serve who waits."""
