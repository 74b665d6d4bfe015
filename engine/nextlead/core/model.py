"""The rows of the engine: what is durable, and nothing else.

Rules of this file:

1. A row is a value. It is never changed in place; `msgspec.structs.replace` makes the next one. So an old row can be
   compared with the new one, and a command that is refused half-way has changed nothing.
2. Times are epoch milliseconds (UTC) and end in `_ms`; durations are milliseconds and end in `_ms` too.
3. Rows are stored as arrays: a new field is appended, with a default, and never moves (`docs/storage.md`).
4. An *owner* is one int: an agent's number when positive, a team's number when negative (`team_owner`).
5. Numbers are E.164 digits as an int, without the plus: +1 415 555 0100 is 14155550100.
"""

from enum import IntEnum
from typing import Final

from .activity_model import Activity, Latest, Logged
from .row import Row
from .setup_model import Duplicates


class Status(IntEnum):
    """SPEC R1.1. A lease is not a status."""

    UNPROCESSED = 1
    AUTOMATIC_REDIAL = 2
    COMMON_REDIAL = 3
    PRIVATE_REDIAL = 4
    VIP_REDIAL = 5
    UNRESOLVED = 6
    PENDING_VALIDATION = 7
    CLOSED = 8

    __hash__ = int.__hash__  # Enum's own is slow Python, and statuses are keys on the hot path

    @property
    def code(self) -> str:
        """The name people outside use: `private_redial`."""
        return self.name.lower()


PROMISED: Final = frozenset({Status.PRIVATE_REDIAL, Status.VIP_REDIAL})


DIALABLE: Final = frozenset(
    {Status.UNPROCESSED, Status.AUTOMATIC_REDIAL, Status.COMMON_REDIAL, Status.PRIVATE_REDIAL, Status.VIP_REDIAL}
)


REDIAL_KINDS: Final = {
    "common": Status.COMMON_REDIAL,
    "private": Status.PRIVATE_REDIAL,
    "vip": Status.VIP_REDIAL,
}


SYSTEM_CLOSURES: Final = frozenset(
    {
        "max_call_attempts",
        "abandoned",
        "invalid_phone_number",
        "expired",
        "removed",
        "anonymized",
        "do_not_call",
        "global_do_not_call",
        "duplicate",
        "not_accepted",
    }
)
"""SPEC R1.2: closures that no agent picks. Every other closure is the code of a template's result."""


CAUSES: Final = ("no_answer", "busy", "voicemail", "dropped", "congestion", "invalid_number")
"""SPEC R6.2. A lead counts its attempts per cause in this order (`Lead.retries`)."""


URGENT_REASONS: Final = ("lost_call", "blank_call", "hot_lead")
"""SPEC R2.6, in dial order."""


class Pool(Row, frozen=True):
    """The leads of one upload, API entry, or person's manual entries (SPEC 9).

    `state` is one of docs/http.md's. `first_active_ms` is the due time of its unprocessed leads (SPEC R2.2), 0 while
    it was never active. `ordinals` counts the leads it ever had. After a shuffle, leads with an ordinal up to
    `shuffled_to` are in the order that `shuffle_seed` gives, later ones come after.

    `columns` are the file's, for the download of its rejects, and `options` the upload's as JSON, to resume it. `file`
    is the original's (0: there is none), of which `file_erased` rows were erased. `loaded_ms` is when it was loaded or
    confirmed, `expired_ms` when its leads expired, with the promised ones if `expired_promised`; 0 while they have not.
    `entry_key` tells whose entries share the pool, and `entered_ms` when the last came (SPEC R9.1).
    """

    id: int
    campaign: int
    name: str
    state: str
    owner: int
    priority: int = 0
    description: str = ""
    source: str = "file"
    created_ms: int = 0
    modified_ms: int = 0
    uploaded_by: str = ""
    active_from_ms: int | None = None
    active_until_ms: int | None = None
    first_active_ms: int = 0
    ordinals: int = 0
    shuffle_seed: int = 0
    shuffled_to: int = 0
    duplicates: Duplicates = Duplicates()
    valid: int = 0
    invalid: int = 0
    duplicate: int = 0
    unmatched: tuple[str, ...] = ()
    error: str = ""
    file_name: str = ""
    deleted: int = 0
    columns: tuple[str, ...] = ()
    on_invalid: str = "file"
    options: str = ""
    file: int = 0
    file_bytes: int = 0
    file_erased: int = 0
    loaded_ms: int = 0
    expired_ms: int = 0
    expired_promised: bool = False
    entry_key: str = ""
    entered_ms: int = 0


class Closures(Row, frozen=True):
    """How many leads of a pool closed, by condition: closed leads are not in memory, their counts are.

    Keys are those of `conditions.closure_key`, a closure alone for one without more to say. `unshown` is how many of
    them no agent ever saw. An anonymised lead stays counted under its former closure.
    """

    pool: int
    counts: dict[str, int]
    unshown: int = 0


class Clones(Row, frozen=True):
    """How many clones of a lead there are, open and closed (SPEC R9.11)."""

    master: int
    count: int


class File(Row, frozen=True):
    """An original file that is kept: how many parts it has so far (from 0). Its pool names it (`Pool.file`)."""

    id: int
    parts: int = 0


class FilePart(Row, frozen=True):
    """A piece of a kept file, as it came in."""

    file: int
    no: int
    body: bytes


class Job(Row, frozen=True):
    """Work on many leads that goes on in slices: `kind` is delete, drop, expire or block, by whom and since when.

    It is kept until it is done, so that a restart goes on with it. `pool` is 0 and `number` is set for block.
    """

    id: int
    kind: str
    pool: int
    by: str
    at_ms: int
    number: int = 0
    closure: str = ""
    drop_number: bool = False


class FreshLead(Row, frozen=True):
    """A lead as it came in: what an unprocessed lead that nobody touched consists of. `data` is a JSON object."""

    id: int
    pool: int
    ordinal: int
    numbers: tuple[int, ...]
    owner: int
    priority: int = 0
    zones: int = 0
    data: bytes = b"{}"
    created_ms: int = 0
    master: int = 0


class ZoneSet(Row, frozen=True):
    """IANA zones, in order of their names, that leads may be in; a lead's `zones` is the id, 0 where none is known.

    `own`: the lead's row said so (one zone then); else the number to be dialled next did (SPEC R11.1).
    """

    id: int
    zones: tuple[str, ...]
    own: bool = False


class Call(Row, frozen=True):
    """An attempt: when its lease started and the number that was dialled (SPEC R12.1).

    `talked_ms` is when the conversation ended, 0 if there was none.
    """

    at_ms: int
    number: int
    talked_ms: int = 0


class Contacted(Row, frozen=True):
    """The last calls of a lead to numbers that it has no more: it closed, or they were dropped.

    So that limits to a number count them for other leads.
    """

    lead: int
    campaign: int
    calls: tuple[Call, ...]


class Promise(Row, frozen=True):
    """A redial that an agent set (SPEC 4): kind, promised time, and for private and VIP whether it was released.

    `forced_by`: who set it although its time is outside calling hours; they don't count until that call ended (R4.2).
    """

    kind: Status
    at_ms: int
    agent: int
    released_ms: int | None = None
    forced_by: str = ""


class Lease(Row, frozen=True):
    """The exclusive right of one agent to one lead (SPEC 5). `token` is 16 random bytes; `tokens.py` has its text form.

    `rank` is the class it was offered from (SPEC R2.1), 0 when taken by hand.
    """

    token: bytes
    agent: int
    started_ms: int
    beat_ms: int
    number: int
    rank: int


class Ended(Row, frozen=True):
    """How the last lease ended, so that the same finish sent again gets the first answer (SPEC R5.3).

    `digest` of 0: it did not end by a finish. `commit_no` is the commit that holds the lead as first answered;
    `next` the token that the finish asked the next lead with (SPEC R5.8).
    """

    token: bytes
    digest: int
    commit_no: int
    nearby: int | None = None
    next: bytes | None = None


class Urgent(Row, frozen=True):
    """A lead made urgent (SPEC R2.6). `reason` indexes URGENT_REASONS."""

    reason: int
    since_ms: int
    expires_ms: int


class Unresolved(Row, frozen=True):
    """The lock of an unresolved lead (SPEC 7)."""

    agent: int
    since_ms: int


class Lead(Row, frozen=True):
    """An open lead that was touched, or a closed one. SPEC 1 to 7 work on this row alone.

    `seq` is its place in its pool (file order or shuffled). `due_ms` is 0 for an unprocessed lead whose due time is its
    pool's. `number_at` is the index of the number to dial next; `dialled` counts attempts per number, in the order of
    `numbers`; `dropped` are numbers found invalid. `pauses` are (agent, until) of SPEC R5.6. `mark` is the closure that
    takes effect at the end of the lease (SPEC R1.5). `last_commit` is the commit of its newest history event, 0 if
    none; `silent` are commits after it that have the row without an event. `validating` is the result that waits for
    validation and `seller` the agent who picked it.

    `ordinal` is the lead's in its pool: `seq` of an unprocessed lead that was never shown follows the pool's shuffle
    (`fresh.py`). `dropping` are numbers that go when the lease ends (SPEC R10.3). `former` is the closure, if any, that
    an anonymised lead had before, and `erased` says that its personal data is gone (SPEC R10.6, R10.7).

    `zones` is the id of a `ZoneSet`: of the number to dial next, unless the lead has a zone of its own. `calls` are the
    last attempts, oldest first, as far back as contact limits look (`contacts.py`).

    `latest` is its latest activity (SPEC R13.3), None before the first and after a reopening. `rule` is the upload rule
    that a lead broke which came in closed as `not_accepted`.
    """

    id: int
    campaign: int
    pool: int
    seq: int
    status: Status
    owner: int
    original_owner: int
    numbers: tuple[int, ...]
    priority: int = 0
    zones: int = 0
    due_ms: int = 0
    closure: str | None = None
    attempts: int = 0
    number_at: int = 0
    promise: Promise | None = None
    lease: Lease | None = None
    retries: tuple[int, ...] = ()
    dialled: tuple[int, ...] = ()
    dropped: tuple[int, ...] = ()
    urgent: Urgent | None = None
    unresolved: Unresolved | None = None
    pauses: tuple[tuple[int, int], ...] = ()
    mark: str | None = None
    ended: Ended | None = None
    master: int = 0
    created_ms: int = 0
    shown: bool = False
    version: int = 0
    last_commit: int = 0
    validating: str | None = None
    seller: int = 0
    ordinal: int = 0
    silent: tuple[int, ...] = ()
    dropping: tuple[int, ...] = ()
    former: str | None = None
    erased: bool = False
    closed_ms: int = 0
    calls: tuple[Call, ...] = ()
    latest: Latest | None = None
    rule: str = ""


class LeadData(Row, frozen=True):
    """The data fields of a lead as a JSON object. The engine never reads them; a store keeps them."""

    lead: int
    data: bytes


class Blocked(Row, frozen=True):
    """An entry of a do-not-call list, the organisation's or the global one (SPEC R10.2)."""

    number: int
    reason: str
    at_ms: int
    by: str


class Forgotten(Row, frozen=True):
    """A number that was anonymised, as a keyed hash in hexadecimal: it is never loaded again (SPEC R10.6).

    One by nobody (`by` is empty) is that of no number: it tells whether the key is still the same.
    """

    digest: str
    at_ms: int
    by: str


class Erasure(Row, frozen=True):
    """Personal data that has to go from the store: a task that is kept until it is done (SPEC R10.6, R10.7).

    Of the lead: its data, its numbers, and what the commits from `last_commit` down its chain (and `silent`) say of it;
    0 when there is none. `numbers` are those erased from the original of its pool. `forget` are numbers to be erased
    everywhere: do-not-call entries that were, rejected rows, originals.
    """

    id: int
    lead: int
    pool: int
    last_commit: int
    silent: tuple[int, ...] = ()
    numbers: tuple[int, ...] = ()
    forget: tuple[int, ...] = ()


class Reject(Row, frozen=True):
    """What is kept of an upload beside its leads: `kind` is invalid or duplicate for a row, log for a line of the log.

    `numbers` are those that could be read in it. Of a duplicate, `lead` is the original and `action` what was done; of
    an invalid row that was loaded closed, `lead` is that one. A reject goes when its lead is erased.
    """

    pool: int
    row: int
    kind: str
    reasons: tuple[str, ...]
    cells: tuple[str, ...]
    numbers: tuple[int, ...] = ()
    lead: int = 0
    action: str = ""


class SavedFilter(Row, frozen=True):
    """A question for leads that was saved by name: a smart list (SPEC R13.4).

    `body` is the filter as JSON; the engine never reads it. It names no person: see docs/smart-lists.md.
    """

    name: str
    body: bytes
    description: str = ""
    by: str = ""
    at_ms: int = 0


class Token(Row, frozen=True):
    """A bearer token: its SHA-256 only. `role` as in docs/http.md; `agent` is a number for role agent, else 0."""

    id: int
    sha256: str
    role: str
    agent: int = 0
    created_ms: int = 0


class Answer(Row, frozen=True):
    """The first answer to a request with an Idempotency-Key; kept 24 h. `key` is a digest of token, path and key."""

    key: str
    body_sha256: str
    status: int
    body: bytes
    at_ms: int


class Event(Row, frozen=True):
    """One line of a lead's history (SPEC R1.3).

    `previous` is the commit that holds the lead's event before this one, 0 for the first: a lead's history is a chain
    through the commits; `silent` are the commits between that have the lead's row without an event. `effective_ms` is
    `at_ms` unless the daemon was down (SPEC R5.7). `rank`, `priority` and `due_ms` are those a lease was given out by;
    in other events `due_ms` is the due time that was set, else 0. `checks` are the names and values of the rules that a
    lease was given out by, as far as the other fields don't say them (SPEC 14).

    `closure_before`, `activity_before`, `activity` and `rule` are what else a status scheme looks at (`conditions.py`);
    `logged` is the activity that the event is about, as it was logged.
    """

    lead: int
    previous: int
    at_ms: int
    effective_ms: int
    actor: str
    kind: str
    status_before: Status
    status: Status
    closure: str | None
    owner: int
    cause: str = ""
    number: int = 0
    note: str = ""
    detail: str = ""
    rank: int = 0
    priority: int = 0
    due_ms: int = 0
    silent: tuple[int, ...] = ()
    checks: tuple[tuple[str, str], ...] = ()
    closure_before: str | None = None
    activity_before: Activity = Activity.NONE
    activity: Activity = Activity.NONE
    rule: str = ""
    logged: Logged | None = None
