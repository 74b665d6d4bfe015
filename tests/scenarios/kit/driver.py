"""What a scenario needs from nextlead, whichever face it is reached by.

Two drivers implement `Driver`: `CoreDriver` (the engine in this process) and `HttpDriver` (a daemon). Leads and pools
are named by id here, agents, teams and campaigns by code; times are epoch milliseconds; durations are text (`3h30m`).
A driver raises `Refused` when nextlead says no, and lets everything else through as the fault it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from .reasons import AllIdle, Explained, Hours, Idle
from .shown import NOT_SHOWN, Counts, LastActivity, Shown, Which

Body = Mapping[str, Any]
"""An outcome, as in docs/http.md's finish, but `at_ms` in place of `at`."""


class Refused(Exception):
    """`next_ms` is the next permitted time, where the refusal tells one; `field` the first that is wrong, of bad input."""

    def __init__(self, code: str, detail: str, next_ms: int | None = None, field: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.next_ms = next_ms
        self.field = field


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
    among: int | None = None


@dataclass(frozen=True)
class Nothing:
    reason: str


@dataclass(frozen=True)
class LeadView:
    """`owner` is `agent A` or `team sales`; `leased_by` an agent's code, empty when not leased.

    `priority` is the one that counts; `due_ms` is None while nothing is to be called. `zones` are those that hours go
    by, `zone_source` says where they come from: `lead`, `number` or `campaign`. `shown` is by the campaign's scheme,
    `broke` the upload rule that a lead broke which was not accepted.
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
    master: int | None = None
    numbers: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)
    zones: tuple[str, ...] = ()
    zone_source: str = ""
    shown: Shown = NOT_SHOWN
    activity: LastActivity | None = None
    broke: str = ""


@dataclass(frozen=True)
class Finish:
    lead: LeadView
    nearby: int | None = None
    next: Offered | Nothing | None = None


@dataclass(frozen=True)
class Change:
    """A line of a lead's history. `checks` are names and values of rules.

    `shown` is what the lead was shown as after it, by the scheme of now; `logged` says an activity: `call out sold`.
    """

    at_ms: int
    effective_ms: int
    actor: str
    before: str
    after: str
    closure: str | None
    cause: str
    note: str
    event: str = ""
    detail: str = ""
    checks: tuple[tuple[str, str], ...] = ()
    shown: Shown = field(default=NOT_SHOWN, compare=False)
    logged: str = ""


@dataclass(frozen=True)
class NewLead:
    phones: tuple[str, ...]
    priority: int = 0
    owner: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    timezone: str = ""


@dataclass(frozen=True)
class Check:
    """Duplicate check and processing; `match` are rules such as `phone` and `name+city`."""

    match: tuple[str, ...] = ("phone",)
    scope: str = "campaign"
    among: str = "all"
    action: str = "skip"


LOAD_ALL: Final = Check(action="load")
AS_CAMPAIGN: Final = Check(action="")
"""Nothing is said of duplicates: the campaign's own rules count."""


@dataclass(frozen=True)
class NewPool:
    """`owner` is `agent:A` or `team:sales`, None for the root team. No name, and the entry may share a pool."""

    campaign: str
    name: str
    owner: str | None = None
    priority: int = 0
    from_ms: int | None = None
    until_ms: int | None = None
    leads: tuple[NewLead, ...] = field(default=())
    check: Check = LOAD_ALL
    on_invalid: str = ""
    description: str = ""


@dataclass(frozen=True)
class PoolView:
    """A pool's details. `closed` is by closure; `priority` is the one set on upload, 0 for none; texts are as shown."""

    id: int
    campaign: str
    campaign_name: str
    campaign_id: int
    project: str
    name: str
    description: str
    state: str
    source: str
    valid: int
    invalid: int
    duplicates: int
    ready: int
    open: int
    leased: int
    closed: Mapping[str, int]
    priority: int
    check: Check
    unmatched: tuple[str, ...]
    from_ms: int | None
    until_ms: int | None
    uploaded_by: str
    created_ms: int
    modified_ms: int
    percent_closed: float
    percent_used: float
    public: Counts = field(default_factory=dict)


@dataclass(frozen=True)
class Entered:
    """What came of an entry: the pool as it is then, and its leads that are new, by id, which is in row order."""

    pool: PoolView
    leads: tuple[LeadView, ...]


@dataclass(frozen=True)
class Bulk:
    """To how many leads it was done, and how many refused by which code."""

    done: int
    refused: Mapping[str, int]


@dataclass(frozen=True)
class Deleted:
    """How many leads went, and how many stayed for which reason."""

    gone: int
    kept: Mapping[str, int]


@dataclass(frozen=True)
class Entry:
    """An entry of a do-not-call list; `scope` is `organisation` or `global`."""

    scope: str
    reason: str
    at_ms: int
    by: str


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
    def put_campaign(self, code: str, dialer: Body, results: Sequence[Body], scheme: str = "") -> None:
        """`results` are besides the usual four; without a scheme a new campaign has the usual one."""

    def switch_campaign(self, code: str, active: bool) -> tuple[dict[str, int], dict[str, int]]:
        """Deactivating answers the promised redials per agent: still dialable, and withheld (SPEC R3.3)."""

    def put_settings(self, settings: Body) -> None: ...
    def delete(self, kind: str, code: str) -> None: ...
    def put_project(self, code: str, campaigns: Sequence[str]) -> None: ...
    def put_fields(self, campaign: str, fields: Sequence[Body]) -> None:
        """Fields of the template: `name`, `type`, `required`."""

    def put_scheme(self, campaign: str, scheme: str) -> None: ...
    def put_results(self, campaign: str, results: Sequence[Body]) -> None:
        """All results of the template."""

    def results(self, campaign: str) -> list[str]:
        """Those that agents may pick, by code."""

    def put_hours(self, campaign: str, hours: Hours | None) -> None: ...
    def put_limits(self, campaign: str, limits: Sequence[Body]) -> None:
        """Contact limits in the words of docs/http.md; of the organisation when no campaign is named."""

    def load(self, pool: NewPool) -> Entered: ...

    # -- work
    def session(self, agent: str, campaigns: Sequence[str], cross: bool | None) -> None: ...
    def log_off(self, agent: str) -> None: ...
    def next(self, agent: str) -> Offered | Nothing: ...
    def next_explained(self, agent: str) -> Offered | Idle: ...
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

    def log(self, lead: int, who: str, body: Body) -> LeadView:
        """Log an activity, as docs/http.md has it, but `at_ms` in place of `at`; `who` is an agent or a supervisor."""

    # -- leads and pools
    def edit(self, lead: int, changes: Body) -> None:
        """`owner`, `due_ms`, `priority`, `timezone`, or `redial` with kind, at_ms, agent and force."""

    def act(self, lead: int, action: str, body: Body) -> None:
        """release, remove, reopen, urgent, validate."""

    def release_all(self, agent: str) -> None: ...
    def edit_many(self, leads: Sequence[int], action: str, body: Body, *, dry_run: bool = False) -> Bulk:
        """remove, release, reopen, priority, owner."""

    def block(self, number: str, scope: str, who: str, *, drop: bool = False, dry_run: bool = False) -> int:
        """How many open leads it concerned."""

    def unblock(self, number: str, scope: str, who: str) -> None: ...
    def check(self, number: str, who: str) -> list[Entry] | None:
        """The entries that block a number, None when nothing does; a forgotten one is blocked by no entry."""

    def anonymise(self, *, lead: int = 0, number: str = "", dry_run: bool = False) -> tuple[int, int]:
        """How many leads were erased now, and how many will be when their lease ends."""

    def pool(self, pool: int) -> PoolView: ...
    def pool_action(self, pool: int, action: str, seed: int | None) -> None:
        """activate, deactivate, shuffle, confirm, reject."""

    def delete_pool(self, pool: int, *, dry_run: bool = False) -> Deleted: ...

    def edit_pool(self, pool: int, changes: Body) -> None: ...

    # -- reads
    def lead(self, lead: int, scheme: str = "") -> LeadView:
        """`scheme` is the one to show it by, when not its campaign's."""

    def leads_shown(self, which: Which) -> list[int]:
        """By id."""

    def statistics(self, which: Which) -> Counts:
        """How many leads by what they are shown as (SPEC R13.4)."""

    def history(self, lead: int) -> list[Change]: ...
    def leases(self, agent: str) -> list[Offered]: ...
    def redials(self, agent: str) -> list[int]: ...
    def unresolved(self, agent: str) -> list[int]: ...
    def explain(self, lead: int, agent: str) -> Explained: ...
    def why_idle(self, agent: str) -> Idle: ...
    def why_all_idle(self) -> AllIdle: ...
