"""R14.4: in random states, what is explained, what is offered and what is counted never disagree.

`NEXTLEAD_MODEL_EXAMPLES=5000 pytest tests/model` is the long run, as in `test_machine.py`.
"""

from hypothesis import strategies as st
from hypothesis.stateful import rule
from model import questions
from model.driver import Both
from model.moves import DAY, HOUR, MINUTE, SHORT_RETRY
from model.questions import check_all
from model.test_machine import Machine, machine_settings
from model.test_replay import T0, A, B, started, token
from model.timed_moves import LUNCH

from nextlead.core import commands as c
from nextlead.core.commands import EditLead, EndLease, Finish, MakeUrgent, Next, Resolve, Tick
from nextlead.core.setup_model import CallingHours, ContactLimit

UNORDERED = {"new_every": None, "weight": None}
"""What is left out of the order here, as no explanation of one lead can tell of it."""


class Explained(Machine):
    """The same moves; at times everything that can be asked is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.options = {"without": UNORDERED}
        self.timed = st.just(True)

    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        """All explanations for one agent, then `next` on a copy; why it is idle; when a lead or two can be had."""
        both = self.shop.both
        both.guarded(lambda: questions.check_all_idle(both))
        copy = both.fork()
        copy.do(c.PutSettings(leases_per_agent=50, by="admin"))
        able = questions.workers(copy)
        if able:
            agent = data.draw(st.sampled_from(able))
            chosen = data.draw(st.integers(0, 50))
            copy.guarded(lambda: questions.check_all(copy, agent, chosen))


HOURS = CallingHours(zone="UTC", windows=LUNCH)
A_DAY = (ContactLimit("max", DAY, most=1),)
EVENING = T0 + 9 * HOUR + 59 * MINUTE


def asked(both: Both) -> None:
    """Everything, for both agents, of each of the leads."""
    for agent in ("a", "b"):
        for chosen in range(len(both.model.open_leads())):
            copy = both.fork()
            copy.guarded(lambda copy=copy, agent=agent, chosen=chosen: check_all(copy, agent, chosen))  # type: ignore[misc]


def test_hours_come_before_limits() -> None:
    """R14.3: a lead that both keep back is counted under its hours; R12.1: of two with a number either is limited."""
    both = started(2, calling_hours=HOURS, contact_limits=A_DAY, retry=SHORT_RETRY)
    both.do(EditLead(lead=2, due_ms=T0 + 20 * HOUR))
    both.do(Next(agent="a", token=A), EVENING)
    both.do(Finish(token=token(1, A), outcome="unreached", cause="no_answer", digest=1))
    asked(both)
    both.do(Tick(), EVENING + 2 * MINUTE)
    asked(both)
    both.do(Tick(), EVENING + 13 * HOUR)
    asked(both)


def test_forced_redial_that_is_urgent() -> None:
    """R4.2, R2.6: not past hours while it is urgent, exempt again when that is over."""
    both = started(2, calling_hours=HOURS)
    both.do(Next(agent="a", token=A), EVENING)
    at_ms = EVENING + 10 * MINUTE
    forced = Finish(
        token=token(1, A), outcome="redial", kind="private", at_ms=at_ms, force=True, digest=1, by="agent:a"
    )
    both.do(forced)
    asked(both)
    both.do(Tick(), at_ms)
    asked(both)
    both.do(MakeUrgent(lead=1, reason="hot_lead", expires_ms=at_ms + MINUTE))
    asked(both)
    both.do(Tick(), at_ms + MINUTE)
    asked(both)
    both.do(Next(agent="a", token=B))
    both.do(EndLease(token=token(1, B), outcome="unresolved"))
    both.do(Resolve(lead=1, outcome="unreached", cause="no_answer"))
    both.do(Tick(), at_ms + 5 * HOUR)
    asked(both)


TestExplained = Explained.TestCase
TestExplained.settings = machine_settings(80)
