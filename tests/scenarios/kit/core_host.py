"""An engine with its record: what the daemon's runtime does, without waiting, threads and disks."""

from itertools import count
from typing import Final

from nextlead.core.commands import Command, Erased, Tick, Work
from nextlead.core.engine import Engine
from nextlead.core.fresh import follow_shuffle
from nextlead.core.replies import Begun, NoLead, Offer, Served
from nextlead.core.verify import rows_of, verify
from nextlead_adapters.almanac import LibraryAlmanac
from nextlead_adapters.scheme_files import shipped_schemes

from .record import Record

_SECRET: Final = b"scenarios"
_ALMANAC: Final = LibraryAlmanac()
_SCHEMES: Final = shipped_schemes()
"""Those that a daemon has."""


class CoreHost:
    """Every command is a commit of its own. `answers` are those of waiting calls, by waiter."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.record = Record()
        self.answers: dict[int, Offer | NoLead] = {}
        self._random = count(1)
        self._start()

    def _start(self) -> None:
        self.engine = Engine(secret=_SECRET, almanac=_ALMANAC, schemes=_SCHEMES)
        for table, row in self.record.set_up_rows():
            self.engine.restore_row(table, row)
        for lead in self.record.open_leads():
            self.engine.restore_lead(lead)
        self.engine.restore_fresh(self.record.fresh_leads())
        self.engine.commit_no = self.record.commit_no + 1
        self.record.commit(self.engine.start(self.now_ms).changes)
        self._check()

    def restart(self, now_ms: int) -> None:
        """What was not committed is gone, and nobody waits any more."""
        self.now_ms = now_ms
        self.answers.clear()
        self._start()

    def apply(self, command: Command) -> object:
        self.engine.commit_no = self.record.commit_no + 1
        outcome = self.engine.apply(command, self.now_ms)
        self.record.commit(outcome.changes)
        self._note(outcome.served)
        self._check()
        reply = outcome.reply
        while self.engine.working and not isinstance(command, Work):
            reply = self._work(reply)
        if not isinstance(command, Erased):
            self._erase()
        return reply

    def _work(self, reply: object) -> object:
        """A slice; what `reply` had begun is answered by what is done in the end."""
        self.engine.commit_no = self.record.commit_no + 1
        outcome = self.engine.apply(Work(), self.now_ms)
        self.record.commit(outcome.changes)
        self._note(outcome.served)
        self._check()
        replies = [done.reply for done in outcome.done if isinstance(reply, Begun) and done.job == reply.job]
        return replies[0] if replies else reply

    def _erase(self) -> None:
        """What the privacy service does: the store erases, and the engine is told."""
        erasures = list(self.engine.erasures.values())
        for erasure in erasures:
            self.record.erase(erasure)
        if erasures:
            self.apply(Erased(ids=tuple(erasure.id for erasure in erasures)))

    def _check(self) -> None:
        """Memory is what a restart would build, and what was handed out to be made durable is all there is (R5.9).

        But for places: those of leads never shown follow from their pool's row, and are not written again.
        """
        assert verify(self.engine.state) == []
        assert self.engine.faults == 0, "the last look before a lease found what the order should have (R14.4)"
        for lead in self.record.open_leads():
            assert self.engine.lead(lead.id) == follow_shuffle(lead, self.engine.pools[lead.pool])
        kept = sorted(self.record.set_up_rows(), key=repr)
        assert kept == sorted(rows_of(self.engine.state), key=repr)

    def apply_uncommitted(self, command: Command) -> None:
        """The answer is never given: the process dies before the commit."""
        self.engine.commit_no = self.record.commit_no + 1
        self.engine.apply(command, self.now_ms)

    def _note(self, served: list[Served]) -> None:
        for one in served:
            self.answers[one.waiter] = one.answer

    def move(self, to_ms: int) -> None:
        """Deadline by deadline, as the manual clock does."""
        stuck = 0
        while (due_ms := self.engine.next_deadline_ms()) is not None and due_ms <= to_ms:
            stuck = stuck + 1 if due_ms <= self.now_ms else 0
            assert stuck < 1000, f"the deadline {due_ms} is not used up by Tick"
            self.now_ms = max(due_ms, self.now_ms)
            self.apply(Tick())
        self.now_ms = to_ms
        self.apply(Tick())

    def token(self) -> bytes:
        return next(self._random).to_bytes(16, "big")
