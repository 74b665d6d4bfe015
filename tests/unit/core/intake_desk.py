"""A call centre that remembers what was made durable, as an archive does, and looks originals up in it."""

from collections.abc import Iterable, Sequence

from msgspec import json
from msgspec.structs import replace
from unit.core.centre import Centre

from nextlead.core.changes import Changes
from nextlead.core.commands import ClosePool, Command, IntakeReject, IntakeRow, LoadRows, OpenPool, Original, Work
from nextlead.core.fresh import fresh_to_lead
from nextlead.core.matching import fields_of, keys_of, merged
from nextlead.core.model import Lead, LeadData, Pool, Reject, Status
from nextlead.core.replies import Loaded
from nextlead.core.setup_model import Duplicates

ANN, BOB, CY, DI = 14155550101, 14155550102, 14155550103, 14155550104


class Desk(Centre):
    """Centre with a book of all leads, their data and the rejects."""

    def __init__(self, **dialer: object) -> None:
        self.changes = Changes()
        self.verifies = True
        super().__init__(**dialer)

    def __call__(self, command: Command) -> object:
        outcome = self.engine.apply(command, self.now_ms)
        self.changes.merge(outcome.changes)
        assert not self.verifies or self.engine.verify() == []
        return outcome.reply

    def work(self) -> object:
        """One slice; the reply of what it ended, if it did."""
        outcome = self.engine.apply(Work(), self.now_ms)
        self.changes.merge(outcome.changes)
        assert self.engine.verify() == []
        return outcome.done[0].reply if outcome.done else None

    # -- the book ---------------------------------------------------------------------------------------------------

    def lead(self, lead: int) -> Lead:
        """The lead as stored, open or closed."""
        if lead in self.changes.leads:
            return self.changes.leads[lead]
        fresh = next(fresh for fresh in self.changes.fresh if fresh.id == lead)
        return fresh_to_lead(fresh, self.engine.pools[fresh.pool])

    def data(self, lead: int) -> dict[str, object]:
        """The lead's data fields as stored."""
        return fields_of(self._raw(lead))

    def _raw(self, lead: int) -> bytes:
        row = self.changes.rows.get(("lead_data", lead))
        if isinstance(row, LeadData):
            return row.data
        return next(fresh.data for fresh in self.changes.fresh if fresh.id == lead)

    def ids(self) -> list[int]:
        """All leads that are there."""
        return [fresh.id for fresh in self.changes.fresh if fresh.id not in self.changes.gone]

    def statuses(self, pool: int) -> dict[int, str]:
        """What became of the pool's leads, by id: status, or closure."""
        rows = [self.lead(lead) for lead in self.ids()]
        return {row.id: row.closure or row.status.code for row in rows if row.pool == pool}

    def rejects(self, pool: int, kind: str) -> list[Reject]:
        """What is kept of the pool's rows."""
        return [reject for reject in self.changes.rejects if reject.pool == pool and reject.kind == kind]

    def counts(self, pool: int) -> tuple[int, int, int]:
        """Valid, invalid, duplicates."""
        row = self.engine.pools[pool]
        return row.valid, row.invalid, row.duplicate

    # -- loading ----------------------------------------------------------------------------------------------------

    def open(self, action: str = "skip", match: str = "phone", **options: object) -> Pool:
        """A loading pool; `match` are rules with a space between."""
        known = {name: options.pop(name) for name in ("scope", "among") if name in options}
        duplicates = Duplicates(tuple(match.split()), action=action, **known)  # type: ignore[arg-type]
        pool = self(OpenPool(campaign=str(options.pop("campaign", "c1")), duplicates=duplicates, **options))  # type: ignore[arg-type]
        assert isinstance(pool, Pool)
        return pool

    def rows(
        self, pool: Pool, rows: Iterable[IntakeRow], rejects: Sequence[IntakeReject] = (), chunk: int = 250
    ) -> list[int]:
        """Load rows as the intake does: originals looked up before each chunk, stale rows sent again."""
        todo, made = list(rows), list[int]()
        first = True
        while todo or first:
            now, todo = todo[:chunk], todo[chunk:]
            looked_up = tuple(self.looked_up(pool, row) for row in now)
            loaded = self(LoadRows(pool=pool.id, rows=looked_up, rejects=tuple(rejects) if first else (), by="admin"))
            assert isinstance(loaded, Loaded)
            assert len(loaded.stale) < max(1, len(now)), "the first row of a chunk that was just looked up is not stale"
            todo = [row for row in now if row.row in loaded.stale] + todo
            made += loaded.leads
            first = False
        return made

    def loaded(self, action: str, *rows: IntakeRow, **options: object) -> int:
        """A pool with these rows, active; its id."""
        pool = self.open(action, **options)  # type: ignore[arg-type]
        self.rows(pool, rows)
        self(ClosePool(pool=pool.id))
        return pool.id

    def looked_up(self, pool: Pool, row: IntakeRow) -> IntakeRow:
        """The row with its keys and the original that the archive has for it."""
        rules = [rule for rule in pool.duplicates.match if rule != "phone"]
        fields = fields_of(row.data)
        keys = tuple(key for rule in rules for key in keys_of(rule, row.numbers, fields))
        found = next((lead for lead in self._candidates(pool) if self._same(pool, lead, row, keys)), None)
        if found is None:
            return replace(row, keys=keys)
        data = merged(self._raw(found.id), row.data) if pool.duplicates.action == "update" else None
        closed = found.status is Status.CLOSED
        return replace(row, keys=keys, original=Original(found.id, found.version, closed, data))

    def _candidates(self, pool: Pool) -> Iterable[Lead]:
        campaigns = self.engine.campaigns.by_no
        for lead in (self.lead(lead) for lead in sorted(self.ids())):
            if pool.duplicates.among == "open" and lead.status is Status.CLOSED:
                continue
            same = {
                "file": lead.pool == pool.id,
                "pool": lead.pool == pool.id,
                "campaign": lead.campaign == pool.campaign,
                "project": campaigns[lead.campaign].project == campaigns[pool.campaign].project,
                "organisation": True,
            }
            if same[pool.duplicates.scope]:
                yield lead

    def _same(self, pool: Pool, lead: Lead, row: IntakeRow, keys: tuple[bytes, ...]) -> bool:
        if "phone" in pool.duplicates.match and {*lead.numbers, *lead.dropped} & {*row.numbers}:
            return True
        theirs = (keys_of(rule, lead.numbers, self.data(lead.id)) for rule in pool.duplicates.match if rule != "phone")
        return any(key in keys for found in theirs for key in found)


def row(no: int, *numbers: int, **data: object) -> IntakeRow:
    """A row of a file, one cell a field."""
    return IntakeRow(no, numbers, json.encode(data), cells=tuple(map(str, (*numbers, *data.values()))))
