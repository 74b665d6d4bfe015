"""How many leads came to which public status and reason in a range of time (SPEC R13.4, R10.6).

Rules of this file:

1. A lead counts once: under what it was at the end of the range, if it came to that within it; one that came in within
   the range always did. The times are those of the history's lines (`Event.at_ms`).
2. The answer equals a recount from the histories of all leads. Deleted leads have none, and don't count; anonymised
   ones stay under the closure they had (SPEC R10.6).
3. All is seen from one commit, the last one when the question came; but a lead that is deleted while the journal is
   read may count, or not.
4. The journal is read in slices, for one question at a time: agents are served in between.
"""

import asyncio
from collections import Counter
from typing import Final, Literal

from msgspec import Struct

from nextlead.core.engine import Engine
from nextlead.core.errors import Invalid, Overloaded

from .dialer import Dialer
from .journal_counts import NEVER_MS, Scope, came_to, difference_since
from .vocabulary import Name, Vocabulary

ASKING_MOST: Final = 20
"""Questions for a range that may wait for each other; a further one is refused."""
_UNDROPPED: Final = frozenset({"loading", "active", "inactive", "awaiting_confirmation"})
"""States of pools that did not fail and were not rejected: then all their leads go."""


class Question(Struct, frozen=True):
    """What is counted: of one campaign, one pool, or all; in one scheme's words, or each campaign's own.

    From inclusive, until exclusive, in engine time. Without `from_ms` all leads count, as they were at `until_ms`;
    without both, as they are now. By `created`: leads that came in within the range, as they are now.
    """

    campaign: str | None = None
    pool: int | None = None
    scheme: str | None = None
    from_ms: int | None = None
    until_ms: int | None = None
    by: Literal["reached", "created"] = "reached"


class Line(Struct, frozen=True):
    """So many leads of a campaign."""

    campaign: str
    status: str
    reason: str | None
    label: str
    count: int
    ours: bool = False


class Statistics(Struct, frozen=True):
    """The answer. `lines` are in the order of the scheme, then by campaign; `scheme` is None when there are several."""

    scheme: str | None
    lines: tuple[Line, ...]


class Statistician:
    """Answers questions; one for each dialer, so that one journal is not read by many at once."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._turn = asyncio.Lock()
        self._asking = 0

    async def count(self, question: Question) -> Statistics:
        """The answer. O(conditions) without a range, else O(events and leads of the range).

        Without `from_ms`, or by `created`, events since then are read, too.
        Raises `Invalid` naming the field, and `Overloaded` when too many ask for ranges at once.
        """
        from_ms, until_ms = question.from_ms, question.until_ms
        if from_ms is not None and until_ms is not None and from_ms >= until_ms:
            raise Invalid("until", "must be after from")
        if from_ms is None and until_ms is None:
            return await self._dialer.read(lambda engine: _answer(*_look(engine, question)))
        if self._asking >= ASKING_MOST:
            raise Overloaded("too many statistics of ranges are being counted")
        self._asking += 1
        try:
            async with self._turn:
                return await self._of_range(question)
        finally:
            self._asking -= 1

    async def _of_range(self, question: Question) -> Statistics:
        scope, counts = await self._dialer.read_between(lambda engine: _look(engine, question))
        archive, until_ms, created = self._dialer.archive, question.until_ms, question.by == "created"
        if until_ms is None:
            until_ms = NEVER_MS
        if question.from_ms is None:
            counts.update(await difference_since(archive, scope, until_ms, created=created))
        else:
            counts = await came_to(archive, scope, question.from_ms, until_ms, created=created)
        return _answer(scope, counts)


def _look(engine: Engine, question: Question) -> tuple[Scope, Counter[Name]]:
    """Whose leads are counted, and how many of what there are now, if the question has no beginning."""
    scope, counts = _scope(engine, question), Counter[Name]()
    if question.from_ms is None:
        for (code, condition), count in engine.conditions(question.campaign, question.pool).items():
            counts[scope.words.name(engine.campaigns.need(code).no, condition)] += count
    return scope, counts


def _scope(engine: Engine, question: Question) -> Scope:
    campaign = None if question.campaign is None else engine.campaigns.by_code.get(question.campaign)
    if question.campaign is not None and campaign is None:
        raise Invalid("campaign", f"there is no campaign {question.campaign}")
    if question.pool is not None and question.pool not in engine.pools:
        raise Invalid("pool", f"there is no pool {question.pool}")
    only = None if campaign is None else campaign.no
    asked = [
        pool for pool in engine.pools.values() if only in (None, pool.campaign) and question.pool in (None, pool.id)
    ]
    return Scope(
        words=Vocabulary(engine, question.scheme),
        campaign=only,
        pool=question.pool,
        campaigns=tuple(dict.fromkeys(pool.campaign for pool in reversed(asked))),
        whole=frozenset(pool.id for pool in asked if not pool.deleted and pool.state in _UNDROPPED),
        commit_no=engine.commit_no - 1,
        next_lead=engine.sequences.lead,
    )


def _answer(scope: Scope, counts: Counter[Name]) -> Statistics:
    words, order = scope.words, scope.words.order()
    names = [name for name, count in counts.items() if count > 0]
    names.sort(key=lambda name: (order.key(name.status, name.reason), words.code(name.campaign)))
    campaigns = scope.campaigns if scope.campaign is None else (scope.campaign,)
    return Statistics(words.scheme_of(campaigns), tuple(_line(words, name, counts[name]) for name in names))


def _line(words: Vocabulary, name: Name, count: int) -> Line:
    shown = words.shown(name)
    return Line(words.code(name.campaign), name.status, name.reason, shown.label, count, shown.ours)
