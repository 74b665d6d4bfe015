"""What the engine's shell needs from the world: a store, an archive, a clock.

The docstrings state obligations. One behavioural suite (`tests/contract`) runs over every implementation.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from nextlead.core.changes import Changes
from nextlead.core.conditions import Condition, condition_of
from nextlead.core.model import Answer, Erasure, Event, FreshLead, Lead, Reject, Status
from nextlead.core.row import DAY_MS, Row

ANSWER_KEPT_MS: Final = DAY_MS
"""How long the answer to an idempotency key is kept, in engine time."""


class StoreError(Exception):
    """The store could not do it now; nothing of the commit is there, or doubt was settled before raising."""


class StoreRefused(Exception):
    """The store can't be used at all: held by another process, damaged, of a newer version. The message says which."""


class Commit(Struct):
    """One durable step. `no` rises by one; `at_ms` is the engine time of its last command."""

    no: int
    at_ms: int
    changes: Changes


def always() -> bool:
    """For a claim that nobody else can have meanwhile."""
    return True


class Claim(Struct):
    """The right to write. `epoch` rises with each claim; `commit_no` and `at_ms` are the last commit's (0, 0).

    `holds` says whether it may be relied on at this moment. While it does not, another process may already be the
    writer, so nothing may be answered; it may come back by itself. It costs less than a microsecond.
    """

    epoch: int
    commit_no: int
    at_ms: int
    holds: Callable[[], bool] = always


class Part(Struct):
    """A part of a load. Set-up `rows` (with their table) come first, then open touched `leads`, then `fresh` ones.

    Fresh leads come by pool and, within a pool, by ordinal; their `data` is empty. Closed leads never come.
    """

    rows: Sequence[tuple[str, Row]] = ()
    leads: Sequence[Lead] = ()
    fresh: Sequence[FreshLead] = ()


class Store(Protocol):
    """The write side. One process at a time writes; `claim` is what makes sure of it."""

    async def open(self) -> None:
        """Make or check the schema. Raises `StoreRefused` with a message for people; never repairs silently."""
        ...

    async def claim(self) -> Claim:
        """Become the writer until `close`. Raises `StoreRefused` naming the holder when another process is."""
        ...

    def load(self) -> AsyncIterator[Part]:
        """Everything that is open, as of the last commit, in slices; see `Part`."""
        ...

    async def commit(self, commit: Commit) -> None:
        """Make all of it durable, or nothing. Replies are released only after this returns.

        Called with rising numbers, one at a time. Raises `StoreError` when it is not durable; the same commit may
        then be tried again, and is done at once if it had been durable after all. Any number but the last one and the
        one after it raises `StoreRefused`: memory and store don't fit together, and only a restart mends that.
        A lead that is fresh and gone in the same commit was never there. One that is fresh and has a row is as the row
        says. A pool's row that goes takes its rejects along, a file's row its parts: they are not seen from then on.
        """
        ...

    async def erase(self, erasures: Sequence[Erasure]) -> None:
        """Make personal data go, for good (SPEC R10.6): see `Erasure`. One call at a time, beside commits.

        The erasures were committed, and with them the leads' rows without what is to go, and the removal of what other
        tables have of them (`redaction.LEAD_TABLES`), but for data fields; kept originals were rewritten.
        Histories stay, without numbers, notes, details and free causes. Data fields and match keys of the leads go, and
        rejected rows that were duplicates of them (`Reject.lead`). With `forget` also rejected rows with these numbers,
        do-not-call entries that were (one that stands again stays, and so does what an open lead still says), and what
        is left of deleted leads that had them. The `Erasure` rows keep their leads and lose their numbers, last of all.

        When it returns, no byte of it is in the database, its journal or its log. It may be broken off anywhere and
        called again, after a restart with the `Erasure` rows as they load then. Raises `StoreError` when it can't now.
        """
        ...

    async def close(self) -> None:
        """Give the claim back. Every commit that returned stays."""
        ...


class NumberUse(Struct, frozen=True):
    """A lead, open or closed, that has a number (also one that it lost by `invalid_number`, or that was dropped)."""

    number: int
    lead: int
    pool: int
    campaign: int
    closed: bool


class KeyUse(Struct, frozen=True):
    """A lead, open or closed, that matches a duplicate rule's key."""

    key: bytes
    lead: int
    pool: int
    campaign: int
    closed: bool


class LeadFilter(Struct, frozen=True):
    """A question for leads; None does not filter. `after` is the id the page starts behind.

    `number` asks for any of the lead's numbers, none that it lost, `text` for a part of any of its data fields
    (`has_text`), `due_before_ms` for open leads that are due by then: an unprocessed one's own due time is 0, so it
    always is.
    `before` is an id, too: those from it on are left out. `last_by` asks for leads whose latest activity was this
    agent's. `conditions` are pairs of a campaign and a condition as it is shown (`Condition.shown`).
    """

    campaign: int | None = None
    pool: int | None = None
    status: int | None = None
    closure: str | None = None
    owner: int | None = None
    number: int | None = None
    due_before_ms: int | None = None
    text: str | None = None
    after: int = 0
    limit: int = 100
    before: int | None = None
    last_by: int | None = None
    conditions: frozenset[tuple[int, Condition]] | None = None

    def matches(self, lead: Lead) -> bool:
        """Whether the row passes all but `text` and `limit`."""
        return (
            lead.id > self.after
            and (self.before is None or lead.id < self.before)
            and (self.last_by is None or (lead.latest is not None and lead.latest.agent == self.last_by))
            and (self.conditions is None or (lead.campaign, condition_of(lead).shown) in self.conditions)
            and self.campaign in (None, lead.campaign)
            and self.pool in (None, lead.pool)
            and self.status in (None, lead.status)
            and self.closure in (None, lead.closure)
            and self.owner in (None, lead.owner)
            and (self.number is None or self.number in lead.numbers)
            and (self.due_before_ms is None or (lead.status != Status.CLOSED and lead.due_ms < self.due_before_ms))
        )


def has_text(data: bytes, text: str) -> bool:
    """Whether one of the data fields (a JSON object) contains the text; upper and lower case of A to Z are the same."""
    wanted = text.encode().lower()
    values = msgspec.json.decode(data, type=dict[str, object]).values()
    return any(wanted in _as_text(value).lower() for value in values)


def _as_text(value: object) -> bytes:
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)


class Stored(Struct):
    """A lead as stored: the row, and its data fields as a JSON object."""

    lead: Lead
    data: bytes


class Happened(Struct):
    """An event, and whose lead it was."""

    event: Event
    campaign: int
    pool: int


class Archive(Protocol):
    """The read side. Every read sees all commits that returned before the call."""

    async def lead(self, lead: int) -> Stored | None:
        """One lead, open, untouched or closed; None if it never was or was deleted."""
        ...

    async def data(self, leads: Sequence[int]) -> dict[int, bytes]:
        """The data fields of some leads, in one go."""
        ...

    async def leads(self, query: LeadFilter) -> list[Stored]:
        """A page of leads in order of id."""
        ...

    async def count(self, query: LeadFilter) -> int:
        """How many leads match; `limit` does not count."""
        ...

    async def commit_before(self, at_ms: int) -> int:
        """The number of the last commit of an engine time before this (`Commit.at_ms`), 0 if there is none."""
        ...

    async def happened(self, after: int, up_to: int, limit: int) -> tuple[list[Happened], int]:
        """Events of the commits behind number `after`, up to `up_to`, in their order, and the number read up to.

        Whole commits, as many as it takes for `limit` events or more; fewer only at the end. Events of leads that were
        deleted since are among them or not.
        """
        ...

    async def lead_from(self, at_ms: int) -> int:
        """The least id of the leads that came at this engine time or later; one behind the last if there is none.

        Ids rise with the time of entry (`created_ms`).
        """
        ...

    async def existing(self, leads: Sequence[int]) -> set[int]:
        """Those among these ids that are leads, open or closed, and not deleted."""
        ...

    async def history(self, lead: int) -> list[Event]:
        """A lead's events, oldest first; none for a lead that never was or was deleted."""
        ...

    async def lead_at(self, commit_no: int, lead: int) -> Lead | None:
        """The lead's row as that commit left it, for the first answer to a finish sent again."""
        ...

    async def numbers(self, numbers: Sequence[int]) -> list[NumberUse]:
        """Who has these numbers, closed leads included, by number and lead; no deleted and no erased ones."""
        ...

    async def rejects(self, pool: int, kind: str) -> list[Reject]:
        """Rows of an upload that did not become leads, in row order."""
        ...

    async def match_rule(self, rule: str) -> None:
        """Make `matches` able to answer for a duplicate rule, such as `last_name+postcode`, if it is not yet.

        The first time it reads the data of all leads, in slices; from then on the store keeps its keys up with every
        commit. Keys are `core.matching.keys_of`'s; case and space in the rule don't count. Needs the claim.
        """
        ...

    async def matches(self, rule: str, keys: Sequence[bytes]) -> list[KeyUse]:
        """Who matches these keys of a rule that was prepared by `match_rule`, by key and lead; no erased ones."""
        ...

    async def rejects_after(self, pool: int, kind: str, after: int, limit: int) -> tuple[list[Reject], int | None]:
        """A page of `rejects`, and the cursor of the next one (0 is the first page's), None at the end.

        A cursor stays good when rows before it go. It may be larger than 64 bits.
        """
        ...

    async def pools_with_number(self, number: int) -> list[int]:
        """Pools into which a row with this number ever came, as a lead (deleted ones too) or as a reject, by id.

        Pools that are gone may be among them. After `erase` has forgotten the number there are none.
        """
        ...

    async def clones(self, lead: int) -> list[int]:
        """The clones of a lead, open and closed, by id."""
        ...

    async def closed_before(self, campaign: int, closure: str, before_ms: int, limit: int) -> list[Lead]:
        """Leads that closed so before a time and are not erased, the oldest first; for retention (SPEC R10.7).

        By `Lead.closed_ms`; a lead that says 0 there is never among them.
        """
        ...

    async def file_part(self, file: int, no: int) -> bytes | None:
        """A piece of a kept file; None behind the last."""
        ...

    async def answer(self, key: str) -> Answer | None:
        """The first answer to an idempotency key, if it is not older than `ANSWER_KEPT_MS` before the last commit."""
        ...


class Organisation(Struct, frozen=True):
    """One customer. `no` is the number in the keys of its rows, and never used again."""

    no: int
    code: str
    name: str
    created_ms: int = 0


DEFAULT: Final = Organisation(1, "default", "Default")
"""The organisation that is there from the first start."""


class StoreAndArchive(Store, Archive, Protocol):
    """What every store of ours is."""


class Database(Protocol):
    """Where the stores of all organisations are. It is claimed as a whole; nothing crosses from store to store.

    Life: `open`, `claim`, then for each organisation `store(no)`, which is opened and claimed like any store (that
    is quick now), loaded, written, closed; at the end `close`.
    """

    async def open(self) -> None:
        """Check that it can be used, make what a new one needs. Raises `StoreRefused` with a message for people.

        It waits for nobody, and brings nothing up to date that another process may be writing.
        """
        ...

    async def claim(self, waiting: Callable[[str], None] | None = None) -> None:
        """Become the one owner until `close`, of all organisations at once; older versions are brought up to date.

        When another process is the owner, raises `StoreRefused` naming it; but with `waiting`, and where it can be
        done (PostgreSQL), calls that once with the owner's name and waits until the owner has gone, or is taken for
        dead. Cancelling it is harmless.
        """
        ...

    def holds(self) -> bool:
        """See `Claim.holds`."""
        ...

    async def knows_key(self, mark: bytes) -> bool:
        """Whether this is the mark of the key of forgotten numbers, which lies outside (SPEC R10.6).

        Any is, until one is kept.
        A database in a file keeps no mark: its key lies beside it, and the stores tell whether it is theirs.
        """
        ...

    async def keep_key(self, mark: bytes) -> None:
        """Keep the mark, unless one is kept already. Needs the claim."""
        ...

    async def doubted(self) -> None:
        """Return when `holds` says no, though it was claimed. It may never return."""
        ...

    async def lost(self) -> str:
        """Return when another process has become the owner, with a message that says who; it may never return."""
        ...

    async def organisations(self) -> list[Organisation]:
        """All of them by number; `DEFAULT` is always there."""
        ...

    async def put(self, organisation: Organisation) -> None:
        """Make one, or change its name; durable when it returns. Needs the claim. Raises `StoreError`."""
        ...

    def store(self, no: int) -> StoreAndArchive:
        """An organisation's store, each time a new object. Closing it leaves the database claimed."""
        ...

    async def close(self) -> None:
        """Give the claim back, so that the next owner need not wait. The stores are closed before."""
        ...


class NeverLost:
    """What is alike in databases that a process has until it ends, and whose key lies beside them."""

    async def knows_key(self, mark: bytes) -> bool:
        """See `Database.knows_key`; it keeps none."""
        del mark
        return True

    async def keep_key(self, mark: bytes) -> None:
        """See `Database.keep_key`; it keeps none."""

    async def doubted(self) -> None:
        """See `Database.doubted`; it never is."""
        await asyncio.get_running_loop().create_future()

    async def lost(self) -> str:
        """See `Database.lost`; it never is."""
        never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        return await never


class Clock(Protocol):
    """Where the time comes from."""

    def now_ms(self) -> int:
        """Epoch milliseconds; never less than the last answer."""
        ...
