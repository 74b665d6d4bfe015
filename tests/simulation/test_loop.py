"""Made-up time: it jumps, in order, and says when nothing would ever happen again."""

import asyncio

import pytest

from nextlead.testing.simulation.clock import ProcessClock, Wall
from nextlead.testing.simulation.loop import LIFE, Stuck, Tasks, VirtualLoop

DAY_S = 86_400.0


def test_a_year_takes_no_time_and_ends_in_order() -> None:
    seen: list[str] = []

    async def nap(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append(name)

    async def main() -> float:
        await asyncio.gather(nap("late", 365 * DAY_S), nap("early", 0.002), nap("between", DAY_S))
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == pytest.approx(365 * DAY_S, abs=1)
    assert seen == ["early", "between", "late"]


def test_it_is_told_when_nothing_would_ever_happen() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stuck, match="no timer"), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())


def test_it_is_told_when_something_turns_on_the_spot() -> None:
    async def main() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(Stuck, match="on the spot"), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())


def test_the_tasks_of_a_process_end_with_it_and_others_do_not() -> None:
    async def main() -> tuple[bool, bool]:
        tasks = Tasks()
        mine = asyncio.ensure_future(asyncio.sleep(5))
        token = LIFE.set(tasks)
        its = asyncio.ensure_future(asyncio.sleep(5))
        LIFE.reset(token)
        tasks.kill()
        await asyncio.wait([mine, its])
        return mine.cancelled(), its.cancelled()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == (False, True)


def test_a_wall_clock_that_is_set_moves_engine_time_and_no_alarm_of_a_dead_process_rings() -> None:
    rung: list[int] = []

    async def main() -> None:
        wall = Wall(1_772_409_600_000, asyncio.get_running_loop().time)
        clock, dead = ProcessClock(wall), ProcessClock(wall)
        for each in (clock, dead):
            each.begin(0)
            each.call_later(10, lambda each=each: rung.append(each.now_ms()))
        dead.stop()
        wall.step(3_600_000)
        await asyncio.sleep(20)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    assert rung == [1_772_409_600_000 + 10_000 + 3_600_000]
