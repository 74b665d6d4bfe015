"""One seed from beginning to end, and what is to be said of it."""

import asyncio
import gc
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog
from msgspec import Struct

from .centre import Centre
from .journal import time_text
from .loop import Stuck, VirtualLoop
from .plan import Plan, draw_plan
from .violation import Violation

DAYS = 1.0

Plant = Callable[[Centre], None]
"""Changes a centre before it opens: a test's way to plant a fault."""


class Failure(Struct, frozen=True):
    """What was wrong, when, by which rule, and the last things that happened."""

    seed: int
    days: float
    at: str
    rule: str
    what: str
    plan: str
    tail: tuple[str, ...]

    @property
    def command(self) -> str:
        """What does exactly the same again."""
        return f"nextlead simulate --seed {self.seed} --days {self.days:g}"

    def text(self) -> str:
        """For people."""
        lines = [f"seed {self.seed} at {self.at}: {self.rule}", f"  {self.what}", f"  plan: {self.plan}"]
        lines += ["  before that:", *(f"    {line}" for line in self.tail), f"again: {self.command}"]
        return "\n".join(lines)


class Report(Struct, frozen=True):
    """How a seed went. `digest` tells whether two runs did the same; `counts` are how often what happened."""

    seed: int
    digest: str
    counts: dict[str, int]
    failure: Failure | None = None


def simulate(
    seed: int,
    days: float = DAYS,
    *,
    plant: Plant | None = None,
    listener: Callable[[str], None] | None = None,
    plan: Plan | None = None,
) -> Report:
    """Days of the call centre that this seed makes up. The same seed and days do the same, in any process.

    `listener` hears every line of the journal. `plan` is another than the seed's; `plant` changes the centre before it
    opens. A day takes a second or a few. Not to be called where an event loop runs.
    """
    plan = draw_plan(seed, days) if plan is None else plan
    found: list[Centre] = []
    violation: Violation | None = None

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        centre = Centre(plan, loop)
        centre.journal.listener = listener
        found.append(centre)
        if plant is not None:
            plant(centre)
        await centre.live()
        if loop.problems:
            raise Violation("tasks", f"nobody awaited this: {loop.problems[0]}")

    with _by_itself():
        try:
            with asyncio.Runner(loop_factory=VirtualLoop) as runner:
                runner.run(main())
        except Violation as wrong:
            violation = wrong
        except Stuck as stuck:
            violation = Violation("R2.7", str(stuck))
        except Exception as mistake:  # noqa: BLE001 - a mistake of the simulation's own: it is told with its seed, too
            violation = Violation("simulation", repr(mistake))
            violation.__cause__ = mistake
    centre = found[0]
    failure = None if violation is None else _failure(centre, violation)
    return Report(seed, centre.journal.digest, dict(sorted(centre.journal.counts.items())), failure)


def _failure(centre: Centre, violation: Violation) -> Failure:
    plan, journal = centre.plan, centre.journal
    what = violation.what
    if violation.__cause__ is not None:
        what += f" ({_place_of(violation.__cause__)})"
    at = time_text(centre.wall.true_ms())
    return Failure(plan.seed, plan.days, at, violation.rule, what, plan.describe(), tuple(journal.tail))


def _place_of(error: BaseException) -> str:
    """Where it was raised."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_qualname} line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _drop(_logger: object, _name: str, _event: MutableMapping[str, Any]) -> str:
    raise structlog.DropEvent


@contextmanager
def _by_itself() -> Iterator[None]:
    """Without the runtime's log, for what goes wrong is meant to; and with the garbage of all those starts let go."""
    before = structlog.get_config()
    structlog.configure(processors=[_drop], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)
        gc.unfreeze()
        gc.collect()
