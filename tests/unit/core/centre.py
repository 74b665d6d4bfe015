"""A small call centre on a bare engine: two agents, one campaign, and a clock in the test's hands."""

from nextlead.core.almanac import NO_ALMANAC, Almanac
from nextlead.core.commands import (
    ClosePool,
    Command,
    Finish,
    IntakeRow,
    LoadRows,
    Next,
    OpenPool,
    PutAgent,
    PutCampaign,
    PutSession,
    Work,
)
from nextlead.core.engine import Engine
from nextlead.core.model import Lead
from nextlead.core.replies import Begun, Offer
from nextlead.core.setup_model import Dialer, Duplicates
from nextlead.core.state import State
from nextlead.core.tokens import token_text
from nextlead.core.verify import rows_of

NOW_MS = 1_772_442_000_000
MINUTE_MS = 60_000


class Centre:
    """Campaign c1, agents a and b at work on it, and a clock."""

    almanac: Almanac = NO_ALMANAC

    def __init__(self, **dialer: object) -> None:
        self.now_ms = NOW_MS
        self.tokens = 0
        self.found()
        self(PutCampaign(code="c1", dialer=Dialer(**dialer)))  # type: ignore[arg-type]
        for code in ("a", "b"):
            self(PutAgent(code=code, campaigns=("c1",)))
            self(PutSession(agent=code, campaigns=("c1",)))

    def found(self) -> None:
        """A new engine for a new organisation."""
        self.engine = Engine(almanac=self.almanac)
        self.engine.start(self.now_ms)

    def __call__(self, command: Command) -> object:
        try:
            return self.engine.apply(command, self.now_ms).reply
        finally:
            assert self.engine.verify() == []

    def work(self) -> object:
        """One slice; the reply of what it ended, if it did."""
        done = self.engine.apply(Work(), self.now_ms).done
        assert self.engine.verify() == []
        return done[0].reply if done else None

    def whole(self, command: Command) -> object:
        """A command to its end, however many slices it takes."""
        reply = self(command)
        while isinstance(reply, Begun):
            reply = self.work() or reply
        return reply

    def restart(self) -> None:
        """The process has died and another is there, with what was durable."""
        old = self.engine.state
        self.engine = Engine(almanac=self.almanac)
        self.engine.state.slice_leads = old.slice_leads
        restore(old, self.engine)
        self.engine.start(self.now_ms, self.now_ms)
        assert self.engine.verify() == []

    def load(
        self, *numbers: int, owner: str | None = None, state: str = "active", campaign: str = "c1", zone: str = ""
    ) -> list[int]:
        pool = self(OpenPool(campaign=campaign, duplicates=Duplicates(action="load")))
        rows = tuple(IntakeRow(at, (number,), owner=owner, zone=zone) for at, number in enumerate(numbers))
        leads = self(LoadRows(pool=pool.id, rows=rows)).leads  # type: ignore[attr-defined]
        if state != "loading":
            self(ClosePool(pool=pool.id, unmatched=("x",) if state == "held" else ()))  # type: ignore[attr-defined]
        return list(leads)

    def next(self, agent: str = "a") -> Offer:
        reply = self.ask(agent)
        assert isinstance(reply, Offer)
        return reply

    def ask(self, agent: str) -> object:
        self.tokens += 1
        return self(Next(agent=agent, token=self.tokens.to_bytes(16, "big")))

    def finish(self, offer: Offer, outcome: str, **rest: object) -> Lead:
        assert offer.lead.lease is not None
        token = token_text(offer.lead.id, offer.lead.lease.token)
        return self(Finish(token=token, outcome=outcome, **rest)).lead  # type: ignore[arg-type,attr-defined]

    def promise(self, agent: str = "a") -> Lead:
        return self.finish(self.next(agent), "redial", kind="private", at_ms=self.now_ms + MINUTE_MS)


def restore(old: State, engine: Engine) -> None:
    """Give an engine all rows of another, as a store would at its start."""
    for table, row in rows_of(old):
        engine.restore_row(table, row)
    for lead in old.leads.touched():
        engine.restore_lead(lead)
    fresh = [found for lead in old.leads.untouched() if (found := old.leads.fresh(lead)) is not None]
    engine.restore_fresh(sorted(fresh, key=lambda lead: (lead.pool, lead.ordinal)))
