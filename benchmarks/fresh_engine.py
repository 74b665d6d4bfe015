"""The engine in simulated hours: a `freshness.System` without a store or a clock around it."""

from nextlead.core.commands import ActOnPool, Block, Next, Remove, Tick, Work
from nextlead.core.engine import Engine
from nextlead.core.errors import NotFound, WrongStatus
from nextlead.core.model import Lead
from nextlead.core.replies import Offer, Outcome

from .calls import Calls
from .fresh_world import Change, Given
from .job import Job, agent_code


class FreshEngine:
    """All agents wait with `next`; whoever is to be served is, as in the daemon."""

    def __init__(self, job: Job, engine: Engine) -> None:
        self._engine = engine
        self._calls = Calls(job.seed)
        self._places = {agent_code(at): at for at in range(job.agents)}
        self._codes = list(self._places)
        self._held: dict[int, Lead] = {}
        self._turn = 0

    def next(self, agent: int, now_ms: int) -> list[Given]:
        """See `System`."""
        self._turn += 1
        token, code = self._turn.to_bytes(16, "big"), self._codes[agent]
        outcome = self._engine.apply(Next(agent=code, token=token, wait=True, waiter=self._turn), now_ms)
        given = self._served(outcome)
        return [self._given(agent, outcome.reply), *given] if isinstance(outcome.reply, Offer) else given

    def finish(self, agent: int, now_ms: int) -> list[Given]:
        """See `System`."""
        return self._served(self._engine.apply(self._calls.finish(self._held.pop(agent), now_ms), now_ms))

    def change(self, change: Change, now_ms: int) -> list[Given]:
        """See `System`."""
        match change.kind:
            case "block":
                command: Block | Remove | ActOnPool = Block(numbers=(change.what,))
            case "done":
                command = Remove(lead=change.what)
            case "pool_off":
                command = ActOnPool(pool=change.what, action="deactivate")
            case "pool_on":
                command = ActOnPool(pool=change.what, action="activate")
        try:
            given = self._served(self._engine.apply(command, now_ms))
        except (NotFound, WrongStatus) as refusal:  # the lead has closed already
            given = self._served(refusal.outcome) if refusal.outcome else []
        while self._engine.working:
            given += self._served(self._engine.apply(Work(), now_ms))
        return given

    def tick(self, now_ms: int) -> list[Given]:
        """See `System`."""
        return self._served(self._engine.apply(Tick(), now_ms))

    def deadline_ms(self) -> int | None:
        """See `System`."""
        return self._engine.next_deadline_ms()

    def _served(self, outcome: Outcome) -> list[Given]:
        answers = ((self._places[served.agent], served.answer) for served in outcome.served)
        return [self._given(agent, answer) for agent, answer in answers if isinstance(answer, Offer)]

    def _given(self, agent: int, offer: Offer) -> Given:
        lead = self._held[agent] = offer.lead
        promised = lead.promise is not None and lead.promise.at_ms == offer.due_ms
        return Given(agent, lead.id, lead.status, offer.due_ms, promised)
