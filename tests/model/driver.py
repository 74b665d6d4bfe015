"""Engine and reference model, driven with the same commands and compared after each."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from model.almanac import ALMANAC
from model.durable import Durable
from model.replay import source
from model.schemes import SCHEMES
from model.state import check_proof, compare_state
from model.views import reply_of_engine, reply_of_model
from msgspec import structs

from nextlead.core import commands as c
from nextlead.core import model as m
from nextlead.core import replies
from nextlead.core.engine import Engine
from nextlead.core.errors import Invalid, LeaseEnded, NextleadError, NotAllowed, NotFound, UnknownLease
from nextlead.core.places import Bar
from nextlead.core.tokens import parse_token
from nextlead.testing import ReferenceModel
from nextlead.testing.reference import Served, who

START_MS = 1_772_445_600_000
"""2026-03-02 10:00 UTC."""

PROOF = "NEXTLEAD_MODEL_EXAMPLES" in os.environ
"""In a long run the engine proves its state after every step, else where time passed only: the proof is slow."""

BAD_INPUT = (Invalid, NotFound)
Tokened = (c.Finish, c.Heartbeat, c.EndLease)
WithRows = (c.Reopen, c.EditLeads, c.Anonymise, c.LogActivity)


class Both:
    """`do`, `tick_through` and `crash` are the steps; a difference is raised with the list of steps so far."""

    def __init__(self, now_ms: int = START_MS, slice_leads: int | None = None) -> None:
        self.steps: list[str] = [f"both = Both({now_ms}, {slice_leads})"]
        self.now_ms = now_ms
        self.model = ReferenceModel(ALMANAC, SCHEMES)
        self.durable = Durable()
        self.durable.slice_leads = slice_leads
        self.engine = Engine()
        self.begun: dict[int, object] = {}
        self.stale: tuple[int, ...] = ()
        self.failed = False
        self._crash()

    # -- steps ------------------------------------------------------------------------------------------------------

    def do(self, command: c.Command, now_ms: int | None = None) -> Any:
        """Give the command to both; the model's reply, or None when both refused it. Rows of closed leads come in here.

        `stale` are the row numbers of a LoadRows that are to be sent again. While somebody waits the time is told first, as the runtime does; so it is before what comes with a row.
        """
        self.now_ms = self.now_ms if now_ms is None else now_ms
        jumped = self.now_ms > self.model.world.now_ms
        if jumped and not isinstance(command, c.Tick) and (self.model.world.waiters or isinstance(command, WithRows)):
            self.do(c.Tick())
        self.steps.append(f"both.do({source(command)}, {self.now_ms})")
        command = self._with_rows(command)
        return self.guarded(lambda: self._do(command))

    def forget(self, *leads: int) -> Any:
        """R10.7: a Forget of closed leads, as the archive has them."""
        if self.now_ms > self.model.world.now_ms:
            self.do(c.Tick())
        self.steps.append(f"both.forget(*{leads})")
        return self.guarded(lambda: self._do(c.Forget(rows=self._closed(leads))))

    def erased(self, count: int) -> None:
        """R10.6: the store has carried out the first of what it was asked to erase."""
        self.steps.append(f"both.erased({count})")
        ids = tuple(sorted(self.engine.erasures)[:count])
        self.guarded(lambda: self._do(c.Erased(ids=ids)))
        assert not set(ids) & set(self.engine.erasures)

    def ask(self, question: c.Explain | c.WhyIdle | c.WhyAllIdle) -> Any:
        """The engine's answer to a question; the model is told the time, and nothing else has changed."""
        if self.now_ms > self.model.world.now_ms:
            self.do(c.Tick())
        self.steps.append(f"both.ask({source(question)})")
        outcome = self.guarded(lambda: self.engine.apply(question, self.now_ms))
        assert not outcome.changes
        assert not outcome.served
        return outcome.reply

    def tick_through(self, now_ms: int) -> None:
        """Go to a time deadline by deadline, as the runtime does."""
        for _ in range(1000):
            deadline = self.engine.next_deadline_ms()
            if deadline is None or deadline >= now_ms:
                self.do(c.Tick(), now_ms)
                return
            self.do(c.Tick(), deadline)
        raise AssertionError("a thousand deadlines, and no end")

    def crash(self, now_ms: int | None = None) -> None:
        """The process dies, and starts again from what was durable."""
        self.now_ms = self.now_ms if now_ms is None else now_ms
        self.steps.append(f"both.crash({self.now_ms})")
        self.guarded(self._crash)

    def fork(self) -> "Both":
        """A copy of both, restarted now, to try something on."""
        other = Both.__new__(Both)
        other.steps = [*self.steps, "both = both.fork()"]
        other.now_ms, other.stale, other.failed = self.now_ms, (), False
        other.durable = self.durable.copy()
        other.model = self.model.copy()
        other.begun = dict(self.begun)
        other.guarded(lambda: other._crash(prove=PROOF))
        return other

    # -- driving ----------------------------------------------------------------------------------------------------

    def guarded(self, act: Callable[[], Any]) -> Any:
        """Do it; a failure tells the steps."""
        try:
            return act()
        except Exception as error:
            self.failed = True
            error.add_note("\n".join(["The steps, to be pasted into a test:", *self.steps]))
            raise

    def _closed(self, leads: Iterable[int]) -> tuple[m.Lead, ...]:
        rows = [self.durable.leads.get(lead) for lead in leads]
        return tuple(row for row in rows if row is not None and row.status is m.Status.CLOSED)

    def _with_rows(self, command: c.Command) -> c.Command:
        match command:
            case c.Reopen():
                return structs.replace(command, row=self.durable.leads.get(command.lead))
            case c.LogActivity():
                return structs.replace(command, row=next(iter(self._closed((command.lead,))), None))
            case c.EditLeads() | c.Anonymise():
                return structs.replace(command, rows=self._closed(command.leads))
            case _:
                return command

    def finish_work(self) -> None:
        """Slices until nothing is left to do."""
        for _ in range(1000):
            if not self.engine.working:
                return
            self.do(c.Work())
        raise AssertionError("a thousand slices, and no end")

    def _for_model(self, command: c.Command, outcome: Any, error: NextleadError | None) -> c.Command:
        """What the model is told: rows that were taken, a shuffle when it is done (R9.10), all else at once (R8.3)."""
        if isinstance(command, c.LoadRows):
            self.stale = outcome.reply.stale if error is None else ()
            return structs.replace(command, rows=tuple(row for row in command.rows if row.row not in self.stale))
        if isinstance(command, c.ActOnPool) and command.action == "shuffle" and error is None:
            return c.Tick() if isinstance(outcome.reply, replies.Begun) else command
        for done in outcome.done if outcome else ():
            shuffle = self.begun.get(done.job)
            if isinstance(shuffle, c.ActOnPool):
                self.model.world.there[shuffle.pool] = done.reply.shuffled_to
                return shuffle
        return command

    def _compare_done(self, command: c.Command, reply: object, outcome: Any) -> None:
        """The reply of what went on in slices is the one that the model gave at once."""
        if isinstance(outcome.reply, replies.Begun):
            shuffled = isinstance(command, c.ActOnPool) and command.action == "shuffle"
            self.begun.setdefault(outcome.reply.job, command if shuffled else reply)
        for done in outcome.done:
            expected = self.begun.pop(done.job, None)
            if isinstance(expected, replies.PoolDeleted):
                self._same("reply in the end", reply_of_model(expected, 0), reply_of_engine(done.reply, 0))

    def _do(self, command: c.Command) -> Any:
        outcome, error = self._tell_engine(command)
        reply, served, refused = self._tell_model(self._for_model(command, outcome, error))
        self.model.world.there = {}
        if outcome is not None:
            self.durable.commit(outcome.changes, self.now_ms)
            assert not outcome.faults, f"about to be offered, and forbidden: {outcome.faults}"
        if error is not None or refused is not None:
            if not self._lenient(command, refused, error):
                self._same("refusal", type(refused), type(error))
        elif isinstance(outcome.reply, replies.Begun) or outcome.done:
            self._compare_done(command, reply, outcome)
        elif not isinstance(command, c.Resolve):
            count = isinstance(command, c.Next) and command.count and self._counts_plainly(command.agent)
            expected = reply_of_model(reply, self.now_ms, count=count)
            self._same("reply", expected, reply_of_engine(outcome.reply, self.now_ms, count=count))
        self._compare_served(served, outcome.served if outcome is not None else [])
        self.model.world.going = {pool for pool, bars in self.engine.state.shut.items() if bars & Bar.UNSHOWN}
        compare_state(self.model, self.engine, self.durable)
        if PROOF or isinstance(command, c.Tick):
            check_proof(self.engine)
        return reply

    def _counts_plainly(self, agent: str) -> bool:
        """Nothing is paused for the agent or withheld: then R14.1's count is the same for both."""
        world = self.model.world
        if self.engine.working:
            return False
        paused = any(who.paused(lead, world.agents[agent], self.now_ms) for lead in world.leads.values())
        return not paused and not any(campaign.dialer.max_unresolved for campaign in world.campaigns.values())

    def _tell_model(self, command: c.Command) -> tuple[Any, list[Served], NextleadError | None]:
        try:
            answer = self.model.apply(command, self.now_ms)
        except NextleadError as error:
            return None, self.model.take_served(), error
        return answer.reply, answer.served, None

    def _tell_engine(self, command: c.Command) -> tuple[Any, NextleadError | None]:
        """The outcome; with a refusal, what time alone had done."""
        self.engine.commit_no = self.durable.commit_no + 1
        try:
            return self.engine.apply(command, self.now_ms), None
        except NextleadError as error:
            return error.outcome, error

    def _crash(self, *, prove: bool = True) -> None:
        self.engine, changes = self.durable.engine(self.now_ms)
        self.begun = {}
        self.model.restart(self.now_ms, self.durable.last_ms)
        self.durable.commit(changes, self.now_ms)
        compare_state(self.model, self.engine, self.durable)
        if prove:
            check_proof(self.engine)

    # -- comparing --------------------------------------------------------------------------------------------------

    def _same(self, what: str, model: object, engine: object) -> None:
        assert model == engine, f"{what}\n  model:  {model}\n  engine: {engine}"

    def _lenient(self, command: c.Command, model: NextleadError | None, engine: NextleadError | None) -> bool:
        """What need not be the same.

        With bad input and another fault in one command, either is named; so it is
        while work goes on. The engine forgets closed leads, and all
        tokens of a lead but the last: the archive knows them (R5.3). Of several
        things that are not allowed either is named.
        """
        if model is not None and engine is not None and isinstance(model, BAD_INPUT) | isinstance(engine, BAD_INPUT):
            return True
        if self.engine.working and model is not None and engine is not None:
            return True
        if isinstance(model, NotAllowed) and isinstance(engine, NotAllowed):  # outside hours, a full slot, ...
            return True
        if not isinstance(command, Tokened) or not isinstance(engine, UnknownLease | LeaseEnded):
            return False
        if model is not None:
            return isinstance(model, LeaseEnded)
        lead = self.model.lead(parse_token(command.token)[0])
        return lead is not None and not lead.open

    def _compare_served(self, model: list[Served], engine: list[Any]) -> None:
        self._same(
            "served",
            [(each.agent, each.waiter, reply_of_model(each.answer, self.now_ms)) for each in model],
            [(each.agent, each.waiter, reply_of_engine(each.answer, self.now_ms)) for each in engine],
        )
