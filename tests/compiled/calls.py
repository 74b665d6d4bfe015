"""Fixed jobs on the engine that PYTHONPATH gives, and a digest of all that it said: as JSON, by scene.

Run by `test_compiled.py`, once with each engine.
"""

import json
from collections import Counter
from hashlib import sha256
from random import Random

from benchmarks.calls import Shift, Tally
from benchmarks.job import Job, Scene, agent_code, build_engine, make_centre

from nextlead.core import commands
from nextlead.core.engine import Engine
from nextlead.core.errors import NextleadError
from nextlead.core.model import Lead
from nextlead.core.replies import Offer, Outcome
from nextlead.core.row import MINUTE_MS
from nextlead.core.setup_model import Dialer
from nextlead.core.tokens import token_text

SHIFTS: dict[Scene, int] = {"plain": MINUTE_MS, "hours": 2 * MINUTE_MS, "due": 4 * MINUTE_MS, "limits": 4 * MINUTE_MS}
"""How far the clock moves with each turn. A scene goes on for some days, with nights, promises and limits that end."""
TURNS = 2_000
ODD_TURNS = 5
"""Every so many turns somebody does something else, mostly what is refused."""


class Heard:
    """An engine, and a digest of every outcome and refusal in order."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.digest = sha256()
        self.counts: Counter[str] = Counter()

    def apply(self, command: commands.Command, now_ms: int) -> Outcome:
        outcome = self.engine.apply(command, now_ms)
        self._heard(type(outcome.reply).__name__, outcome)
        return outcome

    def tried(self, command: commands.Command, now_ms: int) -> Outcome | None:
        """Apply it; None if it was refused."""
        try:
            return self.apply(command, now_ms)
        except NextleadError as refusal:
            self._heard(type(refusal).__name__, (refusal.detail, refusal.facts, refusal.outcome))
            return None

    def _heard(self, name: str, what: object) -> None:
        self.counts[name] += 1
        self.digest.update(f"{name} {what!r}\n".encode())


def shift(scene: Scene, step_ms: int) -> dict[str, object]:
    """Agents at work, one after the other, while others get in their way."""
    job = Job(leads=400, agents=20, seed=3, scene=scene)
    heard = Heard(build_engine(make_centre(job)))
    work, tally, rng = Shift(heard.engine, job, step_ms), Tally(), Random(5)
    seen: list[Lead] = []
    for turn in range(TURNS):
        finish, ask = work.commands()
        if finish is not None:
            heard.tried(finish, work.now_ms)
        work.now_ms += step_ms
        reply = heard.apply(ask, work.now_ms).reply
        work.took(reply, tally)
        if isinstance(reply, Offer):
            seen.append(reply.lead)
        if turn % ODD_TURNS == 0:
            heard.tried(odd(rng, seen, turn), work.now_ms)
    return {
        "digest": heard.digest.hexdigest(),
        "problems": heard.engine.verify(),
        "ranks": len(tally.ranks),
        "counts": heard.counts,
    }


def odd(rng: Random, seen: list[Lead], turn: int) -> commands.Command:
    """What the daemon hears beside `next` and `finish`; much of it is refused."""
    lead = rng.choice(seen)
    assert lead.lease is not None
    token, agent = token_text(lead.id, lead.lease.token), agent_code(turn % 25)
    choices: list[commands.Command] = [
        commands.Finish(token=token, outcome="unreached", cause="no_answer"),
        commands.Heartbeat(token=token),
        commands.Explain(lead=lead.id, agent=agent),
        commands.Next(agent=agent, token=bytes(16)),
        commands.Take(lead=lead.id, agent=agent, token=turn.to_bytes(16, "little"), by="supervisor", override=True),
        commands.EndLease(token=token, outcome="unresolved", by="admin"),
        commands.WhyIdle(agent=agent),
        commands.PutCampaign(code=f"c{turn % 10}", dialer=Dialer(max_attempts=2 + turn % 4)),
        commands.PutSession(agent=agent, campaigns=(f"c{turn % 12}",)),
        commands.Resolve(lead=lead.id, outcome="unreached", cause="no_answer", by="admin"),
    ]
    return choices[turn // ODD_TURNS % len(choices)]


if __name__ == "__main__":
    print(json.dumps({scene: shift(scene, step_ms) for scene, step_ms in SHIFTS.items()}))
