"""What a scenario needs from nextlead, whichever face it is reached by.

Two drivers implement `Driver`: `CoreDriver` (the engine in this process) and `HttpDriver` (a daemon). Leads and pools
are named by id here, agents, teams and campaigns by code; times are epoch milliseconds; durations are text (`3h30m`).
A driver raises `Refused` when nextlead says no, and lets everything else through as the fault it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Body = Mapping[str, Any]
"""An outcome, as in docs/http.md's finish, but `at_ms` in place of `at`."""


class Refused(Exception):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Offered:
    lead: int
    token: str
    family: str
    rank: int
    overdue: bool
    number: str
    priority: int
    expires_ms: int
    blocked: bool


@dataclass(frozen=True)
class Nothing:
    reason: str


@dataclass(frozen=True)
class LeadView:
    """`owner` is `agent A` or `team sales`; `leased_by` an agent's code, empty when not leased.

    `priority` is the one that counts; `due_ms` is None while nothing is to be called.
    """

    id: int
    status: str
    closure: str | None
    owner: str
    original_owner: str
    priority: int
    attempts: int
    due_ms: int | None
    promised_ms: int | None
    released: bool
    leased_by: str


@dataclass(frozen=True)
class Finish:
    lead: LeadView
    nearby: int | None = None
    next: Offered | Nothing | None = None


@dataclass(frozen=True)
class Change:
    """A line of a lead's history."""

    at_ms: int
    effective_ms: int
    actor: str
    before: str
    after: str
    closure: str | None
    cause: str
    note: str


@dataclass(frozen=True)
class NewLead:
    phones: tuple[str, ...]
    priority: int = 0
    owner: str | None = None


@dataclass(frozen=True)
class NewPool:
    """`owner` is `agent:A` or `team:sales`, None for the root team."""

    campaign: str
    name: str
    owner: str | None = None
    priority: int = 0
    from_ms: int | None = None
    until_ms: int | None = None
    leads: tuple[NewLead, ...] = field(default=())


class Driver(Protocol):
    # -- time and the daemon
    def move(self, now_ms: int) -> None: ...
    def crash(self, now_ms: int) -> None:
        """The process dies at once and is started again; `now_ms` is the time by then."""

    def crash_before_answer(self, agent: str, calls: int) -> int:
        """Ask `next` so many times, and crash before the commit; the number of calls that got an answer."""

    def close(self) -> None: ...

    # -- set-up
    def put_team(self, code: str, parent: str | None) -> None: ...
    def put_agent(self, code: str, fields: Body) -> None: ...
    def put_campaign(self, code: str, dialer: Body, results: Sequence[Body]) -> None: ...
    def switch_campaign(self, code: str, active: bool) -> tuple[dict[str, int], dict[str, int]]:
        """Deactivating answers the promised redials per agent: still dialable, and withheld (SPEC R3.3)."""

    def put_settings(self, settings: Body) -> None: ...
    def delete(self, kind: str, code: str) -> None: ...
    def load(self, pool: NewPool) -> tuple[int, list[int]]:
        """The pool's id, and its leads' ids in the order given."""

    # -- work
    def session(self, agent: str, campaigns: Sequence[str], cross: bool | None) -> None: ...
    def log_off(self, agent: str) -> None: ...
    def next(self, agent: str) -> Offered | Nothing: ...
    def wait(self, agent: str) -> int:
        """Ask for a lead and go on waiting for it; the number of this wait."""

    def answer(self, wait: int) -> Offered | Nothing | None:
        """What a wait was answered with, None while it waits."""

    def hang_up(self, wait: int) -> None: ...
    def take(self, agent: str, lead: int, override: bool) -> Offered: ...
    def finish(self, agent: str, token: str, body: Body) -> Finish: ...
    def heartbeat(self, agent: str, token: str) -> int:
        """When the lease now ends."""

    def end_lease(self, token: str, outcome: str) -> None: ...
    def resolve(self, lead: int, agent: str | None, body: Body) -> LeadView:
        """By the agent, or by a supervisor when it is None."""

    # -- leads and pools
    def edit(self, lead: int, changes: Body) -> None:
        """`owner`, `due_ms`, `priority`, or `redial` with kind, at_ms and agent."""

    def act(self, lead: int, action: str, body: Body) -> None:
        """release, remove, reopen, urgent, validate."""

    def release_all(self, agent: str) -> None: ...
    def block(self, number: str) -> None: ...
    def unblock(self, number: str) -> None: ...
    def pool_action(self, pool: int, action: str, seed: int | None) -> tuple[int, int]:
        """activate, deactivate, shuffle, delete; delete answers how many leads went and stayed."""

    def edit_pool(self, pool: int, changes: Body) -> None: ...

    # -- reads
    def lead(self, lead: int) -> LeadView: ...
    def history(self, lead: int) -> list[Change]: ...
    def leases(self, agent: str) -> list[Offered]: ...
    def redials(self, agent: str) -> list[int]: ...
    def unresolved(self, agent: str) -> list[int]: ...
