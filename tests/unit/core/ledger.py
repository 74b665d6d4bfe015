"""A call centre whose changes are kept as a store keeps them: what is durable is all that a restart has."""

from collections.abc import Iterator

from msgspec import msgpack
from unit.core.centre import Centre

from nextlead.core.changes import Changes
from nextlead.core.commands import Anonymise, ClosePool, Command, IntakeRow, LoadRows, OpenPool, Work
from nextlead.core.engine import Engine
from nextlead.core.model import Event, Lead, Status
from nextlead.core.replies import Anonymised, Outcome
from nextlead.core.row import Row
from nextlead.core.setup_model import Duplicates

SECRET = b"a key of thirty-two bytes or so."


class Ledger(Centre):
    """Each command is a commit of its own. `commits` are their changes; `rows` are lead rows, closed ones too."""

    def found(self) -> None:
        """A new engine with a key."""
        self.commits: list[Changes] = []
        self.rows: dict[int, Lead] = {}
        self.engine = Engine(SECRET)
        self.keep(self.engine.start(self.now_ms))

    def __call__(self, command: Command) -> object:
        self.engine.commit_no = len(self.commits) + 1
        outcome = self.engine.apply(command, self.now_ms)
        self.keep(outcome)
        assert self.engine.verify() == []
        return outcome.reply

    def work(self) -> object:
        """One slice."""
        return self(Work())

    def keep(self, outcome: Outcome) -> None:
        """The changes are durable."""
        self.commits.append(outcome.changes)
        self.rows.update(outcome.changes.leads)

    def restart(self) -> None:
        """The process has died; another one starts with what is durable."""
        slice_leads = self.engine.state.slice_leads
        whole = Changes()
        for changes in self.commits:
            whole.merge(changes)
        self.engine = Engine(SECRET)
        self.engine.state.slice_leads = slice_leads
        for (table, _), row in whole.rows.items():
            if row is not None:
                self.engine.restore_row(table, row)
        for lead in whole.leads.values():
            if lead.status is not Status.CLOSED:
                self.engine.restore_lead(lead)
        touched = whole.leads.keys() | set(whole.gone)
        self.engine.restore_fresh([lead for lead in whole.fresh if lead.id not in touched])
        self.engine.commit_no = len(self.commits) + 1
        self.keep(self.engine.start(self.now_ms, self.now_ms))
        assert self.engine.verify() == []

    def add(self, *numbers: int, state: str = "active") -> int:
        """A lead with these numbers."""
        pool = self(OpenPool(campaign="c1", duplicates=Duplicates(action="load")))
        rows = (IntakeRow(1, numbers, data=b'{"name": "Example"}'),)
        (lead,) = self(LoadRows(pool=pool.id, rows=rows)).leads  # type: ignore[attr-defined]
        self(ClosePool(pool=pool.id, unmatched=("x",) if state == "held" else ()))  # type: ignore[attr-defined]
        return int(lead)

    def row(self, lead: int) -> Lead:
        """The lead, open or closed, as it is now."""
        return self.engine.lead(lead) or self.rows[lead]

    def anonymise(self, *leads: int, numbers: tuple[int, ...] = ()) -> Anonymised:
        """As one who has just looked does it."""
        rows = tuple(self.rows[lead] for lead in leads if self.engine.lead(lead) is None)
        reply = self(Anonymise(leads=leads, numbers=numbers, rows=rows, by="admin"))
        assert isinstance(reply, Anonymised)
        return reply

    def history(self, lead: int) -> list[Event]:
        """The lead's events along the chain from its newest, oldest first."""
        parts: list[list[Event]] = []
        no = self.row(lead).last_commit
        while no:
            parts.append([event for event in self.commits[no - 1].events if event.lead == lead])
            no = parts[-1][0].previous
        return [event for part in reversed(parts) for event in part]

    def said_since(self, commit: int, *, but: str = "erasure") -> bytes:
        """What later commits say, packed, but for one table."""
        return b"".join(_pack(changes, but) for changes in self.commits[commit:])


def _pack(changes: Changes, but: str) -> bytes:
    rows: Iterator[tuple[tuple[str, int | str], Row | None]] = (
        (key, row) for key, row in changes.rows.items() if key[0] != but
    )
    return b"".join(msgpack.encode(found) for found in (*rows, *changes.leads.values(), *changes.events))
