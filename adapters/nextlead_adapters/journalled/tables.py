"""What a database does for a store that keeps a journal: statements, and nothing that decides.

Rules of this file:

1. All of it is about one organisation, whose number the object knows.
2. What waits in the overlay is not seen here: `archive` and `store` lay it over the answers, and pass the leads that
   it has as `skip`.
3. Each call is one transaction, and sees all commits that returned before. What only reads waits behind no commit.
4. Each call that writes does so as the owner, or raises `StoreRefused` because another process is; nothing of it is
   there then. The database orders it against the other's claim: a row lock, not a question asked before.
5. Errors are `StoreError`: the database can't now, or the connection is gone. After one of `write` it is in doubt
   whether the commit is durable; `last` and `steps` tell, and once they have answered it does not change any more.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field

from nextlead.core.model import Answer, Erasure, Event, FilePart, FreshLead, Lead, LeadData, Pool, Reject
from nextlead.core.row import Row
from nextlead.ports import LeadFilter

from .bodies import Step
from .codec import RowKey
from .match_keys import Rule
from .packed import Columns

Pools = Mapping[int, Pool]
Heads = dict[int, set[int]]
"""Commits, and the leads of which they speak."""


class Entry(Struct):
    """A commit's row of the journal, packed."""

    no: int
    at_ms: int
    body: bytes


class Direct(Struct):
    """What a commit writes into the tables itself, beside its row in the journal."""

    fresh: Sequence[FreshLead] = ()
    rejects: Sequence[Reject] = ()
    gone: Sequence[int] = ()
    parts: Sequence[FilePart] = ()
    mentions: Collection[int] = ()
    """Numbers that rows of the journal name."""
    doomed: Sequence[tuple[str, int]] = ()
    """Tables and ids of rows that go and take others along."""
    trails: Sequence[tuple[int, int]] = ()
    """(lead, commit) of leads that go, and of data that change without their lead."""
    edited: Sequence[tuple[LeadData, Lead | None]] = ()
    """Changed data, with the lead's row if the tables do not have the newest."""
    rules: Mapping[str, int] = field(default_factory=dict)
    """Duplicate rules that are kept up, and their numbers."""

    def __bool__(self) -> bool:
        lists = (self.fresh, self.rejects, self.gone, self.parts, self.mentions, self.doomed, self.trails, self.edited)
        return any(lists)


class Reading(Protocol):
    """What is asked of the tables and of the journal."""

    # -- opening and loading ----------------------------------------------------------------------------------------

    async def folded_to(self) -> int:
        """The commit up to which the tables have everything; 0 for a new organisation."""
        ...

    async def last(self) -> tuple[int, int]:
        """Number and engine time of the last commit; zeros when there is none."""
        ...

    async def steps(self, after: int) -> list[Step]:
        """The commits behind `after`, in order. Raises `StoreRefused` for one that is missing or can't be read."""
        ...

    async def pools(self) -> dict[int, Pool]:
        """All pools by id."""
        ...

    async def rules(self) -> dict[str, Rule]:
        """The duplicate rules that are kept up, by `match_keys.plain` name."""
        ...

    async def load_rows(self, after: RowKey) -> list[tuple[RowKey, Row]]:
        """A slice of the set-up rows behind a key; none at the end. The first call's key is ("", 0)."""
        ...

    async def load_open(self, after: int) -> list[Lead]:
        """A slice of the touched leads that are not closed, by id."""
        ...

    async def load_fresh(self, after: tuple[int, int, int]) -> list[FreshLead]:
        """A slice of the untouched leads behind (pool, ordinal, id), in that order."""
        ...

    # -- by key -----------------------------------------------------------------------------------------------------

    async def leads_of(self, ids: Collection[int], pools: Pools) -> dict[int, Lead]:
        """Leads by id, touched or not (`fresh_to_lead`)."""
        ...

    async def existing(self, ids: Collection[int]) -> set[int]:
        """Those among them that are leads, touched or not."""
        ...

    async def data_of(self, ids: Collection[int]) -> dict[int, bytes]:
        """Data fields by lead."""
        ...

    async def users_of(self, numbers: Collection[int]) -> list[tuple[int, int]]:
        """(number, lead) of all leads that have one of the numbers, sorted."""
        ...

    async def match_users(self, rule: int, keys: Collection[bytes]) -> list[tuple[bytes, int]]:
        """(key, lead) of all leads that match one of the keys of the rule with this number, sorted."""
        ...

    async def pools_with(self, number: int) -> list[int]:
        """Pools of leads that have or had the number, and of rejected rows with it."""
        ...

    async def clones_of(self, master: int) -> list[int]:
        """Leads that came in as clones of it, deleted ones too, by id."""
        ...

    async def rejects(self, pool: int, kind: str) -> list[Reject]:
        """Rejected rows of a pool that stands, in row order; equal rows in the order they came."""
        ...

    async def rejects_after(self, pool: int, kind: str, after: int, limit: int) -> tuple[list[Reject], int | None]:
        """See `Archive.rejects_after`; the cursor is the last one's place in that order."""
        ...

    async def file_part(self, file: int, no: int) -> bytes | None:
        """A part of a kept file that stands."""
        ...

    async def answer(self, key: str) -> Answer | None:
        """A kept answer, however old."""
        ...

    # -- leads by filter --------------------------------------------------------------------------------------------

    async def page(self, query: LeadFilter, skip: Collection[int], pools: Pools) -> tuple[list[Lead], int]:
        """The first leads behind `query.after` that match, by id, without those to skip; and the greatest id of all."""
        ...

    async def count(self, query: LeadFilter, skip: Collection[int], pools: Pools) -> tuple[int, int]:
        """How many leads match, without those to skip; and the greatest id of all."""
        ...

    async def lead_from(self, at_ms: int) -> tuple[int | None, int]:
        """The least id of a lead that came then or later, if there is one; and the greatest of all, else 0."""
        ...

    async def closed_before(self, which: tuple[int, str, int], limit: int, skip: Collection[int]) -> list[Lead]:
        """Leads of (campaign, closure) that closed before a time and are not erased, the oldest first."""
        ...

    # -- the journal ------------------------------------------------------------------------------------------------

    async def history(self, lead: int, last_commit: int) -> list[Event]:
        """A lead's events, oldest first, along the chain from its newest; O(commits it has events in)."""
        ...

    async def lead_at(self, no: int, lead: int) -> Lead | None:
        """A lead's row as that commit left it."""
        ...

    async def commit_before(self, at_ms: int) -> int:
        """The last commit of an engine time before this, 0 if there is none; O(log commits)."""
        ...

    async def happened(self, after: int, up_to: int, limit: int) -> tuple[list[tuple[Event, Lead]], int]:
        """Events of the next few commits behind `after` with their leads' rows, and the last one read.

        No more commits than it takes for `limit` events, and none behind `up_to`. Events without a row are left out.
        """
        ...


class Writing(Protocol):
    """What changes them.

    The store holds `lock` around each call, but for `columns_of`, and `write` without a `Direct` where `beside`.
    """

    lock: asyncio.Lock
    """Several stores may share one."""
    beside: bool
    """Whether a commit that touches no table (no `Direct`) may go on beside the other calls."""

    async def write(self, entry: Entry, direct: Direct) -> None:
        """One commit: the journal's row, and what goes to the tables at once. It is durable when this returns.

        Ids of fresh leads are new, so nothing that waits to be folded can be about an older row of theirs. A commit
        that is there already is left as it is.
        """
        ...

    async def columns_of(self, leads: Sequence[bytes]) -> list[Columns]:
        """What `fold_leads` takes, of packed rows. Called without `lock`: commits go on meanwhile."""
        ...

    async def fold_leads(self, leads: Sequence[Columns]) -> None:
        """Newest rows of some leads; those that were untouched are not any more. May be run again."""
        ...

    async def fold_rows(self, rows: Mapping[RowKey, Row | None]) -> None:
        """Newest rows of the other tables, None for those that are gone. May be run again."""
        ...

    async def set_folded(self, up_to: int, at_ms: int) -> None:
        """The tables have every commit up to this one. Answers that nobody may ask for any more go."""
        ...

    async def take_away(self) -> bool:
        """The next slice of what belonged to pools and files that are gone; False when there is nothing left."""
        ...

    async def add_rule(self, name: str, no: int) -> None:
        """Keep a duplicate rule up from now on."""
        ...

    async def next_leads(self, after: int, limit: int) -> list[int]:
        """The next leads that have data, by id, for `fill`."""
        ...

    async def fill(self, name: str, rule: Rule, found: Sequence[tuple[bytes, int]]) -> None:
        """Write a slice of (key, lead) of what was there before the rule, and how far it is filled now."""
        ...

    # -- erasing (`erasing.py` says in which order) -----------------------------------------------------------------

    async def heads(self, erasures: Sequence[Erasure], forget: Collection[int]) -> Heads:
        """Where the journal speaks of the leads to be erased, and of deleted leads that had a forgotten number."""
        ...

    async def rewrite(self, commits: Heads) -> Heads:
        """Take what is personal of some leads out of some commits; where their stories go on."""
        ...

    async def delete_data(self, leads: Sequence[int]) -> None:
        """Their data fields and match keys."""
        ...

    async def delete_rejects(self, name: int) -> bool:
        """Some of the rejected rows with the number, or with a negative one the lead; False when there are no more."""
        ...

    async def delete_uses(self, number: int, after: int) -> int | None:
        """Some of those who have a number but for leads that still say it; the last one seen, None at the end."""
        ...

    async def mentions(self, numbers: Sequence[int], up_to: int) -> list[int]:
        """Commits up to `up_to` that name one of the numbers in a row that is not a lead's, by number of the commit."""
        ...

    async def rewrite_mentions(self, no: int, erasures: Collection[int], forget: Collection[int]) -> None:
        """Take numbers out of rows of a commit that are not leads', and what led to them."""
        ...

    async def rewrite_erasures(self, ids: Sequence[int]) -> None:
        """The `Erasure` rows themselves, without numbers, and what led from these to their leads: last of all."""
        ...


class Tables(Reading, Writing, Protocol):
    """Both, with what goes on behind them. `sqlite` and `postgres` have one each."""

    name: str
    """What people call the database, for messages; without a password."""

    async def open(self) -> None:
        """Make ready what reads."""
        ...

    async def claim(self) -> int:
        """Make ready what writes; the epoch. Raises `StoreRefused` when another process has the right."""
        ...

    def holds(self) -> bool:
        """See `Claim.holds`."""
        ...

    async def anything_doomed(self) -> bool:
        """Whether something is to be taken away."""
        ...

    def due(self) -> bool:
        """Whether enough was written for `tend`; asked after each commit, so it costs nothing."""
        ...

    async def tend(self) -> None:
        """After folding: what the database itself needs, such as a checkpoint. It takes `lock` when it needs it."""
        ...

    async def scrub(self) -> None:
        """After erasing: leave no byte of what was deleted where the database is kept (SPEC R10.6).

        It takes `lock` when it needs it.
        """
        ...

    async def close(self) -> None:
        """Harmless twice."""
        ...
