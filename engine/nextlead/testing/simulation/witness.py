"""What people were told, held against what is durable in that very moment.

An answer counts from when it leaves the process: whether it arrives is the network's business.
"""

from collections.abc import Callable, Iterable

from nextlead.core import commands as c
from nextlead.core.changes import Changes
from nextlead.core.engine import Engine
from nextlead.core.replies import Finished, Offer
from nextlead.core.tokens import parse_token
from nextlead.runtime.dialer import Dialer

from .journal import Journal
from .laws import Laws
from .record import Record
from .violation import Violation, need

Fail = Callable[[Violation], None]


class Witness:
    """Hears every answer, and `fail`s when it should not have been given."""

    def __init__(self, record: Record, laws: Laws, journal: Journal, fail: Fail) -> None:
        self._record = record
        self._laws = laws
        self._journal = journal
        self._fail = fail
        self._engine: Engine | None = None
        self._given: set[bytes] = set()
        """Tokens of leases that this process gave out; `_told` are those that left it."""
        self._told: set[bytes] = set()
        self._untold: set[bytes] = set()

    # -- the engine -------------------------------------------------------------------------------------------------

    def started(self, engine: Engine) -> None:
        """Another process: what the one before gave out is the agents' for good."""
        self._engine = engine
        self._given.clear()

    def gave(self, changes: Changes) -> None:
        """Leases among what changed."""
        self._given.update(row.lease.token for row in changes.leads.values() if row.lease is not None)

    # -- answers ----------------------------------------------------------------------------------------------------

    def answered(self, command: c.Command, answer: object) -> None:
        """A command was carried out."""
        self.acknowledged(self._record.commit_of(command), type(command).__name__)
        if isinstance(command, c.Take):
            self.offered(command.agent, answer)

    def refused(self, command: c.Command) -> None:
        """A refusal is an answer, too."""
        self.acknowledged(self._record.commit_of(command), f"the refusal of {type(command).__name__}")

    def acknowledged(self, no: int, what: str) -> None:
        """R5.9: a reply is given only when what it was computed from is durable."""
        durable = self._record.durable
        if no > durable:
            self._fail(Violation("R5.9", f"{what} was given out of commit {no}, and the disk has {durable}"))

    def offered(self, agent: str, answer: object) -> None:
        """R5.1, R5.4: an agent is told of a lease: it is durable, and it is this agent's."""
        if not isinstance(answer, Offer):
            self._journal.say("none", f"{agent} {getattr(answer, 'reason', '')}")
            return
        lead, lease = answer.lead.id, answer.lead.lease
        if lease is None or self._engine is None:
            self._fail(Violation("R5.1", f"{agent} was offered lead {lead} without a lease"))
            return
        self._told.add(lease.token)
        no = self._engine.agents.need(agent).no
        known = self._laws.leases.get(lease.token, (lead, no))
        granted = (lead, f"agent:{agent}") in self._laws.granted
        if known != (lead, no) or lease.agent != no or not granted:
            told = f"{agent} was told of lead {lead}, which is leased to {lease.agent}"
            self._fail(Violation("R5.4", f"{told}; durable: {known}, ever its: {granted}"))
        self._journal.say("offer", f"{agent} lead {lead} class {answer.rank}{' again' if answer.repeated else ''}")

    def finished(self, agent: str, command: c.Finish, done: Finished) -> None:
        """R5.3: a finish is answered: what it did is durable."""
        lead, token = parse_token(command.token)
        self.acknowledged(done.commit_no or self._record.commit_of(command), "a finish")
        self._journal.say("finish", f"{agent} lead {lead} {command.outcome}{' again' if done.commit_no else ''}")
        known = self._laws.leases.get(token, (lead, 0))
        if known[0] != lead or (lead, f"agent:{agent}") not in self._laws.granted:
            self._fail(Violation("R5.1", f"{agent} finished lead {lead} on a lease that was never durable"))
        if isinstance(done.next, Offer):
            self.offered(agent, done.next)

    def repeated(self, command: c.Finish, first: Finished, again: Finished) -> None:
        """R5.3: the same finish gets the first answer; what others did to the lead in the same commit shows in it."""
        newer = again.lead.id == first.lead.id and again.lead.version > first.lead.version
        if not newer and (first.lead, first.nearby_redials) != (again.lead, again.nearby_redials):
            self._fail(Violation("R5.3", f"{command.outcome} was answered with {first}, and again with {again}"))

    async def watch(self, dialer: Dialer) -> None:
        """One who watches sees every event of every commit, in order, once it is durable."""
        last = self._record.durable
        async for news in dialer.subscribe(last):
            told, happened = list(news.events), self._record.news(news.commit_no)
            passed = [no for no in range(last + 1, news.commit_no) if self._record.news(no)]
            if news.lost or passed or told != happened or news.commit_no > self._record.durable:
                self._fail(Violation("R5.9", f"watchers are told {told} of commit {news.commit_no}, after {last}"))
            last = news.commit_no

    def check_told(self, engine: Engine, agents: Iterable[str]) -> None:
        """R5.5: a lease that no caller was told of goes back, at the latest by the next look but one."""
        offers = [offer for agent in agents for offer in engine.leases_of(agent)]
        leased = {offer.lead.lease.token for offer in offers if offer.lead.lease is not None}
        untold = (leased & self._given) - self._told
        still = untold & self._untold
        need(not still, "R5.5", f"nobody was told of {len(still)} leases, and they did not go back")
        self._untold = untold
