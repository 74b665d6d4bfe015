"""Engine and reference model under the same random commands (SPEC 1 to 13), crash and reload among them.

`NEXTLEAD_MODEL_EXAMPLES=5000 pytest tests/model` is the long run; without it the run is short and always the same.
A failure ends with the list of steps, as source that can be pasted into `test_replay.py`.
"""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from model import moves
from model.activity_moves import ACTIVITY_MOVES, SCHEME_MOVES, log_call, log_outcome, log_text
from model.law_moves import LAW_MOVES, block, edit_many
from model.lead_moves import LEAD_MOVES
from model.pool_moves import POOL_MOVES
from model.setup_moves import MOVES as SETUP_MOVES
from model.shop import Shop
from model.timed_moves import TIMED_MOVES, found_timed
from model.work_moves import BETWEEN_MOVES
from model.work_moves import MOVES as WORK_MOVES

from nextlead.core import commands as c
from nextlead.core.expiry import Expire
from nextlead.testing.reference import Offered

LONG = int(os.environ.get("NEXTLEAD_MODEL_EXAMPLES", "0"))


KINDS_OF_CHANGE = (
    *(LEAD_MOVES, LAW_MOVES, POOL_MOVES, POOL_MOVES, SETUP_MOVES, TIMED_MOVES),
    *(ACTIVITY_MOVES, ACTIVITY_MOVES, SCHEME_MOVES),
)


class Machine(RuleBasedStateMachine):
    """Most steps are work and time; the rest changes what the work depends on."""

    def __init__(self) -> None:
        super().__init__()
        self.options: dict[str, Any] = {}
        self.timed = st.booleans()

    @initialize(data=st.data())
    def found(self, data: st.DataObject) -> None:
        self.shop = Shop(now_ms=data.draw(st.sampled_from(moves.STARTS)), **self.options)
        self.shop.found(data.draw)
        if data.draw(self.timed):
            found_timed(self.shop, data.draw)

    def work(self, data: st.DataObject) -> None:
        """A few things agents do, in a row."""
        for move in data.draw(st.lists(st.sampled_from(WORK_MOVES), min_size=2, max_size=8)):
            if move not in BETWEEN_MOVES:
                self.finish(data)
            move(self.shop, data.draw)

    def time(self, data: st.DataObject) -> None:
        """Time passes with a Tick, deadline by deadline as in the runtime, or unsaid until the next command."""
        both = self.shop.both
        then = moves.later(data.draw, both)
        match data.draw(st.sampled_from(("tick", "deadlines", "unsaid"))):
            case "tick":
                both.do(c.Tick(), then)
            case "deadlines":
                both.tick_through(then)
            case _:
                both.now_ms = then

    def change(self, data: st.DataObject) -> None:
        """What changes the work: leads, lists and persons, pools, the set-up."""
        of = data.draw(st.sampled_from(KINDS_OF_CHANGE))
        for move in data.draw(st.lists(st.sampled_from(of), min_size=1, max_size=3)):
            self.finish(data)
            move(self.shop, data.draw)

    def finish(self, data: st.DataObject) -> None:
        """Nothing goes on in slices here."""

    work_1 = rule(data=st.data())(work)
    work_2 = rule(data=st.data())(work)
    work_3 = rule(data=st.data())(work)
    time_1 = rule(data=st.data())(time)
    change_1 = rule(data=st.data())(change)
    change_2 = rule(data=st.data())(change)

    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        """Back at once, or after some time (R5.7)."""
        both = self.shop.both
        both.crash(moves.later(data.draw, both) if data.draw(st.booleans()) else None)

    @rule(data=st.data())
    def drain(self, data: st.DataObject) -> None:
        """On a copy, restarted: all take leads until there are none. So the whole order is compared."""
        if not moves.sometimes(data.draw):
            return
        copy = self.shop.both.fork()
        copy.do(c.PutSettings(leases_per_agent=50, by="admin"))
        able = [agent.code for agent in copy.model.world.agents.values() if agent.session is not None]
        for turn in range(60):
            if not able:
                break
            agent = able[turn % len(able)]
            reply = copy.do(c.Next(agent=agent, token=b"drain" + turn.to_bytes(11, "big"), by=f"agent:{agent}"))
            if not isinstance(reply, Offered):
                able.remove(agent)

    def teardown(self) -> None:
        """What is left at the end starts again too, unless it was wrong already."""
        if not self.shop.both.failed:
            self.shop.both.crash()


def machine_settings(examples: int) -> settings:
    """Short and always the same, unless a long run is asked for."""
    return settings(
        max_examples=LONG or examples,
        stateful_step_count=60 if LONG else 40,
        derandomize=not LONG,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )


LIMITS = {"max_unresolved": None, "redials_per_slot": None, "reserve_owner_ms": 0, "new_every": None, "weight": None}


class Slices(Machine):
    """The same with slices of two leads. Between slices agents work and the process dies; all else waits for the end.

    What counts leads that are about to close (unresolved ones, booked slots, those that are there to be called) may still
    count them between slices, so no campaign has settings that ask for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.options = {"slice_leads": 2, "without": LIMITS}

    def time(self, data: st.DataObject) -> None:
        self.finish(data)
        super().time(data)

    def crash(self, data: st.DataObject) -> None:
        both = self.shop.both
        if both.engine.working:
            both.crash()
        else:
            super().crash(data)

    def between(self) -> tuple[Callable[[Shop, moves.Draw], None], ...]:
        """While leads expire whatever names one finds it closed (R8.3); else only work is the same as afterwards."""
        if all(isinstance(task, Expire) for task in self.shop.both.engine.state.tasks):
            named = (*LEAD_MOVES, block, block, edit_many, edit_many, log_text, log_outcome, log_outcome)
            return (*BETWEEN_MOVES, log_call, *named)
        return (*BETWEEN_MOVES, log_call)

    def finish(self, data: st.DataObject) -> None:
        """Before anything but work: the slices, some work between them at times."""
        while self.shop.both.engine.working:
            self.shop.do(c.Work())
            if self.shop.both.engine.working and moves.sometimes(data.draw):
                data.draw(st.sampled_from(self.between()))(self.shop, data.draw)
            if self.shop.both.engine.working and moves.sometimes(data.draw):
                self.shop.both.crash()


TestMachine = Machine.TestCase
TestMachine.settings = machine_settings(120)
TestSlices = Slices.TestCase
TestSlices.settings = machine_settings(60)
