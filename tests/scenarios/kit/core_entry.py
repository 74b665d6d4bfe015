"""Leads come in over the engine alone: what a Loader does, with the record as its archive."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from nextlead.core import commands as c
from nextlead.core.engine import Engine
from nextlead.core.matching import PHONE, keys_of, merged
from nextlead.core.model import Pool
from nextlead.core.setup_model import Duplicates, UploadRules

from .driver import AS_CAMPAIGN, Check, NewLead, NewPool
from .record import Record, RecordedLead

Do = Callable[[c.Command], Any]
_ROUNDS: Final = 100


def to_number(text: str) -> int:
    return int(text.replace(" ", "").removeprefix("+"))


def enter(engine: Engine, record: Record, do: Do, pool: NewPool) -> int:
    """Load a pool of its own; its id."""
    rules = engine.campaigns.by_code[pool.campaign].upload_rules if pool.campaign in engine.campaigns.by_code else None
    check = _as_campaign(rules) if pool.check == AS_CAMPAIGN and rules else pool.check
    on_invalid = pool.on_invalid or (rules.on_invalid if rules else "file")
    opened: Pool = do(
        c.OpenPool(
            campaign=pool.campaign,
            name=pool.name,
            owner=pool.owner,
            priority=pool.priority,
            source="api",
            description=pool.description,
            active_from_ms=pool.from_ms,
            active_until_ms=pool.until_ms,
            duplicates=Duplicates(check.match, check.scope, check.among, check.action),
            on_invalid="close" if on_invalid == "close" else "file",
            by="admin",
        )
    )
    search = _Search(engine, record, opened, check)
    left = list(enumerate(pool.leads, start=1))
    for _ in range(_ROUNDS):
        if not left:
            break
        loaded = do(c.LoadRows(pool=opened.id, rows=tuple(search.row(no, lead) for no, lead in left), by="admin"))
        left = [(no, lead) for no, lead in left if no in loaded.stale]
    assert not left, "rows stay stale"
    do(c.ClosePool(pool=opened.id, by="admin"))
    return opened.id


def _as_campaign(rules: UploadRules) -> Check:
    known = rules.duplicates
    return Check(known.match, known.scope, known.among, known.action)


@dataclass
class _Search:
    """Finds a row's original among what is recorded (SPEC R9.6)."""

    engine: Engine
    record: Record
    pool: Pool
    check: Check

    def row(self, no: int, lead: NewLead) -> c.IntakeRow:
        numbers = tuple(map(to_number, lead.phones))
        data = msgspec.json.encode(lead.data)
        return c.IntakeRow(
            row=no,
            numbers=numbers,
            data=data,
            priority=lead.priority,
            owner=lead.owner,
            cells=(*lead.phones, *lead.data.values()),
            zone=lead.timezone,
            keys=tuple(self._keys(numbers, lead.data)),
            original=self._original(numbers, lead.data, data),
        )

    def _keys(self, numbers: tuple[int, ...], data: Any) -> Iterator[bytes]:
        for rule in self.check.match:
            if rule != PHONE:
                yield from keys_of(rule, numbers, data)

    def _original(self, numbers: tuple[int, ...], data: Any, body: bytes) -> c.Original | None:
        if self.check.scope == "file":
            return None
        keys = set(self._keys(numbers, data))
        for other in self.record.all_leads():
            same = PHONE in self.check.match and not set(numbers).isdisjoint(other.numbers)
            if (same or not keys.isdisjoint(self._keys(other.numbers, other.data))) and self._counts(other):
                update = merged(msgspec.json.encode(other.data), body) if self.check.action == "update" else None
                return c.Original(other.id, other.version, other.closed, update)
        return None

    def _counts(self, other: RecordedLead) -> bool:
        if other.closed and self.check.among == "open":
            return False
        campaigns = self.engine.campaigns.by_no
        theirs = self.engine.pools[other.pool].campaign
        match self.check.scope:
            case "organisation":
                return True
            case "project":
                return campaigns[theirs].project == campaigns[self.pool.campaign].project
            case "campaign":
                return theirs == self.pool.campaign
            case _:
                return other.pool == self.pool.id
