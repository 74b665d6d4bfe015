"""The reference model goes along: it is told what the engine is told, when it is told, and must say the same.

When the process dies the model goes back to what was durable: to the copy of the last start, and everything since then
that got into a commit once more.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from nextlead.core import commands as c
from nextlead.core.almanac import Almanac
from nextlead.core.engine import Engine
from nextlead.core.errors import (
    Conflict,
    Invalid,
    LeaseEnded,
    NextleadError,
    NotAllowed,
    NotFound,
    UnknownLease,
    WrongStatus,
)
from nextlead.core.replies import Outcome
from nextlead.core.schemes import Scheme
from nextlead.core.tokens import parse_token
from nextlead.testing.reference import Answer, ReferenceModel, Served

from .agreement import answer_of_engine, answer_of_model, compare_all, compare_lead
from .violation import need

Step = Callable[[ReferenceModel], Any]

UNKNOWN = (
    c.Explain,
    c.WhyIdle,
    c.WhyAllIdle,
    c.KeepAnswer,
    c.PutToken,
    c.DeleteToken,
    c.AddFile,
    c.AddFilePart,
    c.SwapFile,
    c.DropFile,
    c.Erased,
)
"""Commands that no rule of the model is about: only time passes."""
WITH_ROW = (c.Reopen, c.LogActivity, c.Anonymise)
TOKENED = (c.Finish, c.Heartbeat, c.EndLease)
BAD_INPUT = (Invalid, NotFound)
REPLAY_MOST = 300


class Oracle:
    """`model` is where the engine is."""

    def __init__(self, almanac: Almanac, schemes: Mapping[str, Scheme]) -> None:
        self.model = ReferenceModel(almanac, schemes)
        self._durable = self.model.copy()
        self._since: list[tuple[int, Step]] = []

    def wants_time_first(self, command: c.Command, now_ms: int) -> bool:
        """Somebody waits: what time brings on the way is served step by step."""
        world = self.model.world
        return now_ms > world.now_ms and not isinstance(command, c.Tick) and bool(world.waiters)

    def follow(
        self, engine: Engine, command: c.Command, now_ms: int, outcome: Outcome | None, error: NextleadError | None
    ) -> None:
        """The engine has carried out a command, or refused it. Raises `Violation` when the model does otherwise."""
        told = _for_model(command, outcome, error)
        self._since.append((engine.commit_no, lambda model: _apply(model, told, now_ms)))
        answer, refusal, served = _apply(self.model, told, now_ms)
        what = type(command).__name__
        if told is command or isinstance(command, c.LoadRows):
            if error is not None or refusal is not None:
                same = type(refusal) is type(error) or _may_differ(self.model, command, refusal, error)
                need(same, "R1.4", f"{what} is refused by the model with {refusal!r}, by the engine with {error!r}")
            elif outcome is not None and answer is not None and not isinstance(command, c.Resolve):
                _same(what, answer_of_model(answer.reply), answer_of_engine(outcome.reply))
        theirs = [
            (each.agent, each.waiter, answer_of_engine(each.answer)) for each in (outcome.served if outcome else ())
        ]
        ours = [(each.agent, each.waiter, answer_of_model(each.answer)) for each in served]
        _same(f"who waited, at {what}", ours, theirs)
        for lead in outcome.changes.leads if outcome is not None else ():
            compare_lead(self.model, engine, lead)

    def slipped(self, engine: Engine, by_ms: int, now_ms: int) -> None:
        """R5.2: an agent's time with a lead goes on as if nobody had set the clock."""

        def shift(model: ReferenceModel) -> None:
            for lead in model.world.leads.values():
                if lead.lease is not None:
                    lead.lease.started_ms += by_ms
                    lead.lease.beat_ms += by_ms
            model.apply(c.Tick(), now_ms)

        self._since.append((engine.commit_no, shift))
        shift(self.model)

    def settled(self) -> None:
        """All that was told is durable: there is nothing to go back to before it."""
        if len(self._since) > REPLAY_MOST:
            self._durable, self._since = self.model.copy(), []

    def started(self, engine: Engine, now_ms: int, last_ms: int, durable: int) -> None:
        """The process is there again, with what was durable, and time went on (SPEC R5.7)."""
        for no, step in self._since:
            if no <= durable:
                step(self._durable)
        self._durable.restart(now_ms, last_ms)
        self.model, self._since = self._durable, []
        self._durable = self.model.copy()
        self.compare(engine)

    def compare(self, engine: Engine) -> None:
        """Everything, now."""
        compare_all(self.model, engine)


Told = tuple[Answer | None, NextleadError | None, list[Served]]


def _apply(model: ReferenceModel, command: c.Command, now_ms: int) -> Told:
    try:
        answer = model.apply(command, now_ms)
    except NextleadError as error:
        return None, error, model.take_served()
    return answer, None, answer.served


def _for_model(command: c.Command, outcome: Outcome | None, error: NextleadError | None) -> c.Command:
    """What the model is told: rows that were taken; only the time, where the engine was given too little to go by."""
    if isinstance(command, UNKNOWN):
        return c.Tick()
    if isinstance(command, c.LoadRows) and error is None and outcome is not None and outcome.reply.stale:
        return replace(command, rows=tuple(row for row in command.rows if row.row not in outcome.reply.stale))
    if isinstance(command, WITH_ROW) and isinstance(error, WrongStatus | Conflict | NotFound):
        return c.Tick()  # the row was read while the lead was open, or is another by now: whoever sent it asks again
    return command


def _may_differ(
    model: ReferenceModel, command: c.Command, ours: NextleadError | None, theirs: NextleadError | None
) -> bool:
    """Of several faults of one command either is named; and what left memory is known to the archive only (R5.3)."""
    if ours is not None and theirs is not None:
        if isinstance(ours, BAD_INPUT) or isinstance(theirs, BAD_INPUT):
            return True
        if isinstance(ours, NotAllowed) and isinstance(theirs, NotAllowed):
            return True
    if not isinstance(command, TOKENED) or not isinstance(theirs, UnknownLease | LeaseEnded):
        return False
    if ours is not None:
        return isinstance(ours, LeaseEnded)
    lead = model.lead(parse_token(command.token)[0])
    return lead is None or not lead.open


def _same(what: str, ours: object, theirs: object) -> None:
    need(ours == theirs, "R2.1", f"{what} (model, engine):\n    {ours}\n    {theirs}")
