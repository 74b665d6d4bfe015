"""Everything the engine can be told, as plain data. `Engine.apply` takes one of these and a time.

`by` names the actor for the history: `agent:CODE`, `admin`, `supervisor:NAME`, `system`. Agents, campaigns and teams
are named by code, leads and pools by id. An owner is given as `agent:CODE` or `team:CODE`. A field of `UNSET` stays
as it is.
"""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from .model import Answer, Lead
from .setup_model import ContactLimit, Dialer, Duplicates, Template, UploadRules


class Command(Struct, frozen=True, kw_only=True):
    """Base of all commands."""

    by: str = "system"


# -- set-up ---------------------------------------------------------------------------------------------------------


class PutTeam(Command, frozen=True, kw_only=True):
    """Make or change a team. A `parent` of None is the root. Refused when it would make a circle."""

    code: str
    name: str | UnsetType = UNSET
    parent: str | UnsetType | None = UNSET


class PutAgent(Command, frozen=True, kw_only=True):
    """Make or change an agent. Disabling one ends its leases and releases its redials (SPEC R3.5, R4.6)."""

    code: str
    name: str | UnsetType = UNSET
    team: str | UnsetType | None = UNSET
    campaigns: tuple[str, ...] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    may_set: tuple[str, ...] | UnsetType = UNSET


class PutProject(Command, frozen=True, kw_only=True):
    """Make or change a project."""

    code: str
    name: str | UnsetType = UNSET


class PutCampaign(Command, frozen=True, kw_only=True):
    """Make or change a campaign. The reply to a deactivation is `Stranded` (SPEC R3.3).

    When contact limits change and leads were called, the reply may be `Begun`: they are looked at again in slices.
    """

    code: str
    name: str | UnsetType = UNSET
    project: str | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    scheme: str | UnsetType = UNSET
    template: Template | UnsetType = UNSET
    dialer: Dialer | UnsetType = UNSET
    default_region: str | UnsetType = UNSET
    upload_rules: UploadRules | UnsetType = UNSET


class PutSettings(Command, frozen=True, kw_only=True):
    """Change settings of the organisation. Switching Redial Restrictions on releases at once (SPEC R4.6).

    `contact_limits` as in `PutCampaign`.
    """

    redial_restrictions: bool | UnsetType = UNSET
    cross_campaign_redials_default: bool | UnsetType = UNSET
    default_region: str | UnsetType = UNSET
    abandon_after_ms: int | UnsetType = UNSET
    leases_per_agent: int | UnsetType = UNSET
    manual_pool_gap_ms: int | UnsetType = UNSET
    restart_grace_ms: int | UnsetType = UNSET
    contact_limits: tuple[ContactLimit, ...] | UnsetType = UNSET


class Delete(Command, frozen=True, kw_only=True):
    """Delete a team, agent, project or campaign that nothing depends on (`InUse` otherwise)."""

    kind: Literal["team", "agent", "project", "campaign"]
    code: str


class PutToken(Command, frozen=True, kw_only=True):
    """Keep a bearer token's hash; the reply is the `Token` row."""

    sha256: str
    role: str
    agent: str | None = None


class DeleteToken(Command, frozen=True, kw_only=True):
    """Forget a bearer token."""

    id: int


# -- work -----------------------------------------------------------------------------------------------------------


class PutSession(Command, frozen=True, kw_only=True):
    """Choose campaigns and the box (SPEC R3.1). `cross` of None takes the organisation's default."""

    agent: str
    campaigns: tuple[str, ...]
    cross: bool | None = None


class EndSession(Command, frozen=True, kw_only=True):
    """Log off: leases end as `unresolved`, a waiting `next` is answered with none."""

    agent: str


class Next(Command, frozen=True, kw_only=True):
    """Lease the best lead for the agent (SPEC 2, 3). `token` is 16 fresh random bytes.

    With `wait`, and no lead now, the reply is `Waiting`; the offer comes later in `Outcome.served`, to be matched by
    `waiter`, which the caller chooses and never uses twice. `count` asks how many leads it was chosen from.
    """

    agent: str
    token: bytes
    wait: bool = False
    waiter: int = 0
    count: bool = False


class StopWaiting(Command, frozen=True, kw_only=True):
    """The caller of a waiting `next` has gone or its time is over; nothing happens if it was served already."""

    agent: str
    waiter: int


class Take(Command, frozen=True, kw_only=True):
    """Lease a chosen lead (SPEC R3.8). `override` sets owner and campaign aside; only supervisors may."""

    agent: str
    lead: int
    token: bytes
    override: bool = False


class Finish(Command, frozen=True, kw_only=True):
    """End a lease with what happened (SPEC 5, 6). `token` is the text that people outside hold.

    `result` goes with resolved; `kind`, `at_ms`, `force` with redial; `cause` with unreached; `reason` with cancelled.
    `data` is a JSON object of fields to change, already checked. `next_token` also leases the next lead (SPEC R5.8).
    `digest` identifies the body, so that the same finish sent again is known (SPEC R5.3).
    """

    token: str
    outcome: Literal["resolved", "redial", "unreached", "unresolved", "cancelled"]
    result: str | None = None
    kind: Literal["common", "private", "vip"] | None = None
    at_ms: int | None = None
    force: bool = False
    cause: str | None = None
    reason: str = ""
    note: str = ""
    data: bytes | None = None
    number: int | None = None
    next_token: bytes | None = None
    digest: int = 0


class Heartbeat(Command, frozen=True, kw_only=True):
    """Move a lease's timeout on; the reply is the lead."""

    token: str


class EndLease(Command, frozen=True, kw_only=True):
    """A supervisor ends a stuck lease, or the runtime one that could not be delivered (SPEC R5.5)."""

    token: str
    outcome: Literal["cancelled", "unresolved"]
    gone: bool = False


class Resolve(Command, frozen=True, kw_only=True):
    """Settle an unresolved lead (SPEC R7.5). `agent` is set when the agent itself does it, else a supervisor does."""

    lead: int
    outcome: Literal["resolved", "redial", "unreached"]
    agent: str | None = None
    result: str | None = None
    kind: Literal["common", "private", "vip"] | None = None
    at_ms: int | None = None
    force: bool = False
    cause: str | None = None
    note: str = ""
    data: bytes | None = None


class LogActivity(Command, frozen=True, kw_only=True):
    """Log what was said to a lead, or by it (SPEC R13.3, R13.5); the reply is the lead.

    `agent` is who did it; None for nobody in particular, such as a gateway of texts. A text without an outcome is only
    noted. An outcome ends the lease of that agent as a finish would (`Leased` for another's), and an attempt is counted
    if it was a call out; of a lead that is not leased it settles what comes next, and no attempt is counted.
    `redial` goes with sale_in_progress, and `redial.agent` must not be given. `number` is the one called.

    `at_ms` is when it happened, not in the future; None is now. `row` is the lead as the archive has it, for one that
    is closed (`WrongStatus` asks for it): it takes texts without an outcome only.
    """

    lead: int
    interaction: Literal["call", "sms", "email", "in_store"]
    direction: Literal["in", "out"] = "out"
    outcome: Literal["sale_in_progress", "no_sale", "sold", "no_answer", "left_a_voicemail", "wrong_number"] | None = (
        None
    )
    explanation: str = ""
    at_ms: int | None = None
    agent: str | None = None
    redial: "RedialEdit | None" = None
    number: int | None = None
    note: str = ""
    data: bytes | None = None
    row: Lead | None = None


# -- leads ----------------------------------------------------------------------------------------------------------


class RedialEdit(Struct, frozen=True):
    """A private or VIP redial that an admin sets for a named agent, or a common one for none (SPEC R4.1).

    `force`: also outside calling hours (SPEC R4.2).
    """

    kind: Literal["common", "private", "vip"]
    at_ms: int
    agent: str | None = None
    force: bool = False


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


# -- pools ----------------------------------------------------------------------------------------------------------


class OpenPool(Command, frozen=True, kw_only=True):
    """Start a pool in state `loading`; the reply is the `Pool`. Rows follow with `LoadRows`, then `ClosePool`.

    `owner` is `team:CODE` or `agent:CODE`, None for the root team. `file` is a kept original of `file_bytes`;
    `columns`, `options` and `entry_key` are as in `Pool`.
    """

    campaign: str
    name: str = ""
    description: str = ""
    owner: str | None = None
    priority: int = 0
    source: Literal["file", "api", "manual"] = "file"
    file_name: str = ""
    active_from_ms: int | None = None
    active_until_ms: int | None = None
    duplicates: Duplicates = Duplicates()
    on_invalid: Literal["file", "close"] = "file"
    columns: tuple[str, ...] = ()
    options: str = ""
    file: int = 0
    file_bytes: int = 0
    entry_key: str = ""


class Original(Struct, frozen=True, gc=False):
    """The first lead that a row is a duplicate of, as the archive has it: closed ones, and matches by fields.

    `version` is its row's. `data` is what an update would make of its fields, None unless that is asked for.
    """

    lead: int
    version: int
    closed: bool
    data: bytes | None = None


class IntakeRow(Struct, frozen=True, gc=False):
    """A row that passed the upload rules. `row` is its line or index, `cells` what it consisted of, for the rejects.

    `numbers` are usable ones, `dropped` texts of those that were not, each with its reason. `keys` are digests of what
    it matches by, one for each rule of the duplicate check but `phone` (SPEC R9.6). `zone` is the row's own IANA zone.
    """

    row: int
    numbers: tuple[int, ...]
    data: bytes = b"{}"
    priority: int = 0
    owner: str | None = None
    cells: tuple[str, ...] = ()
    keys: tuple[bytes, ...] = ()
    original: Original | None = None
    dropped: tuple[str, ...] = ()
    zone: str = ""


class IntakeReject(Struct, frozen=True, gc=False):
    """A row that did not pass, with every reason.

    `numbers`, `data` and `zone` are what could be read of it. `closure` is what it closes as with `on_invalid: close`
    (`invalid_phone_number` or `not_accepted`), and `rule` the name of the first rule that it broke.
    """

    row: int
    reasons: tuple[str, ...]
    cells: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    data: bytes = b"{}"
    closure: str = "not_accepted"
    rule: str = ""
    zone: str = ""


class LoadRows(Command, frozen=True, kw_only=True):
    """Add rows to a loading pool, or to an active API or manual one; duplicates are decided here (SPEC R9.6).

    The reply is `Loaded`. Rows must be in order; those in `Loaded.stale` were not taken: their original changed since
    it was looked up, and they are to be sent again, before any later row.
    """

    pool: int
    rows: tuple[IntakeRow, ...]
    rejects: tuple[IntakeReject, ...] = ()
    log: tuple[tuple[int, str], ...] = ()
    """Lines for the pool's log, each with its row, or 0; numbers that a row lost go there by themselves."""


class ClosePool(Command, frozen=True, kw_only=True):
    """All rows are in. With `unmatched` columns the pool waits for confirmation, else it becomes active.

    With `error` it failed: what was loaded is dropped, and the reply may be `Begun`.
    """

    pool: int
    unmatched: tuple[str, ...] = ()
    error: str = ""


class AddFile(Command, frozen=True, kw_only=True):
    """Begin to keep an original file; the reply is the `File`. One that no pool names at a start is dropped."""


class AddFilePart(Command, frozen=True, kw_only=True):
    """The next piece of a kept file, some 256 KiB."""

    file: int
    body: bytes


class SwapFile(Command, frozen=True, kw_only=True):
    """A pool's original is another file now, without `erased` rows that the old one had; the old one goes.

    A `file` of 0 takes the original away.
    """

    pool: int
    file: int
    file_bytes: int
    erased: int


class DropFile(Command, frozen=True, kw_only=True):
    """A kept file that no pool names goes."""

    file: int


class EditPool(Command, frozen=True, kw_only=True):
    """Name, description, dates, priority (SPEC R2.3, R9.9)."""

    pool: int
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    active_from_ms: int | UnsetType | None = UNSET
    active_until_ms: int | UnsetType | None = UNSET


class ActOnPool(Command, frozen=True, kw_only=True):
    """The buttons of a pool (SPEC R9.3, R9.9, R9.10, R9.11). `seed` goes with shuffle.

    The reply is the `Pool`, to delete `PoolDeleted`. For a large pool it is `Begun`, and the reply comes later in
    `Outcome.done`; the order is as asked for by then, and nothing half done is ever seen in it.
    """

    pool: int
    action: Literal["activate", "deactivate", "confirm", "reject", "shuffle", "delete"]
    seed: int = 0


# -- questions ------------------------------------------------------------------------------------------------------


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
