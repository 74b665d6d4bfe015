"""Erasing closed leads when their time is over, by campaign and closure (SPEC R10.7).

Rules of this file:

1. A *term* is how long leads of a campaign that closed so are kept. For each term it is known when the oldest lead's
   time comes; without one, a lead that closes now can't be due before one term from now. So nobody polls.
2. Leads are erased in slices; the files they came in are rewritten once for very many of them (`erasing.py`).
"""

from collections.abc import Mapping
from typing import Final

from nextlead.core.engine import Engine
from nextlead.runtime.dialer import Dialer

from .closing import SLICE, forget_due
from .erasing import BATCH, FAILURES, Eraser
from .patience import Patience

Term = tuple[int, str]
"""Campaign and closure."""

PAUSE_MS: Final = 1_000
"""No term is looked at more often, whatever is left over from the last time."""
_EVER_MS: Final = 1 << 62


class Retention:
    """See the rules of this file. It is a chore of the dialer: `next_ms` and `run`."""

    def __init__(self, dialer: Dialer, eraser: Eraser) -> None:
        self._dialer = dialer
        self._eraser = eraser
        self._log = dialer.log
        self._patience = Patience(dialer.clock, dialer.look)
        self._world = -1
        self._terms: dict[Term, int] = {}
        self._due: dict[Term, int] = {}
        self._next_ms: int | None = None

    def next_ms(self) -> int | None:
        """When the next lead's time may come. O(1), O(campaigns) after a change of settings."""
        if self._patience.waiting:
            return None
        state = self._dialer.engine.state
        if state.world != self._world:
            self._world = state.world
            self._take(terms_of(self._dialer.engine))
        return self._next_ms

    async def run(self) -> None:
        """Erase what is due, and find out when the next is; what fails is logged and tried again later."""
        try:
            while (due := self._first_due(self._dialer.now_ms())) is not None:
                await self._serve(due)
            self._patience.worked()
        except FAILURES as problem:
            pause_s = self._patience.failed()
            self._log.error("retention_failed", problem=type(problem).__name__, again_in_s=pause_s)

    def close(self) -> None:
        """Try nothing more; the next start goes on."""
        self._patience.close()

    def _take(self, terms: Mapping[Term, int]) -> None:
        """A term that is new or has another length is looked at now."""
        self._due = {
            term: self._due[term] if self._terms.get(term) == length_ms else 0 for term, length_ms in terms.items()
        }
        self._terms = dict(terms)
        self._note_next()

    def _note_next(self) -> None:
        self._next_ms = min(self._due.values(), default=None)

    def _first_due(self, now_ms: int) -> Term | None:
        return next((term for term, due_ms in self._due.items() if due_ms <= now_ms), None)

    async def _serve(self, term: Term) -> None:
        """Erase what is due of one term, then note when the next is."""
        length_ms = self._terms[term]
        now_ms = self._dialer.now_ms()
        while await self._erase_some(term, now_ms - length_ms + 1) >= BATCH:
            pass
        campaign, closure = term
        oldest = await self._dialer.archive.closed_before(campaign, closure, _EVER_MS, 1)
        next_ms = (oldest[0].closed_ms if oldest else now_ms) + length_ms
        next_ms = max(next_ms, now_ms + PAUSE_MS)
        if self._terms.get(term) == length_ms:  # else the setting has changed meanwhile, and it is looked at anew
            self._due[term] = next_ms
        self._note_next()

    async def _erase_some(self, term: Term, before_ms: int) -> int:
        """Up to a batch of leads; how many there were."""
        campaign, closure = term
        found = 0
        with self._eraser.gathering():
            while found < BATCH:
                async with self._dialer.reopening:
                    count = await forget_due(self._dialer, campaign, closure, before_ms)
                found += count
                if count < SLICE:
                    break
        if found:
            await self._eraser.run()
            self._log.info("retention", leads=found, closure=closure)
        return found


def terms_of(engine: Engine) -> dict[Term, int]:
    """How long leads keep their data, in ms; closures that keep it for ever are left out."""
    return {
        (campaign.no, closure): length_ms
        for campaign in engine.campaigns
        for closure, length_ms in campaign.dialer.retention_ms.items()
    }
