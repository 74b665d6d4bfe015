"""R14.4: in random states, what is explained, what is offered and what is counted never disagree.

`NEXTLEAD_MODEL_EXAMPLES=5000 pytest tests/model` is the long run, as in `test_machine.py`.
"""

from hypothesis import strategies as st
from hypothesis.stateful import rule
from model import questions
from model.test_machine import Machine, machine_settings

from nextlead.core import commands as c

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


TestExplained = Explained.TestCase
TestExplained.settings = machine_settings(80)
