"""Chores run at their engine time, whichever clock it is, and before `advance` answers."""

import asyncio
from typing import Any

from unit.runtime.centre import Centre, quiet

from nextlead.runtime.clock import ManualClock

HOUR_MS = 3_600_000


class Chore:
    """Wants to run at a time, and may be held up."""

    def __init__(self, at_ms: int | None) -> None:
        self.at_ms = at_ms
        self.ran = 0
        self.free = asyncio.Event()
        self.free.set()
        self.fails = False

    def next_ms(self) -> int | None:
        return self.at_ms

    async def run(self) -> None:
        await self.free.wait()
        self.ran += 1
        self.at_ms = None
        if self.fails:
            raise RuntimeError("a fault of its own")


async def test_the_alarm_rings_for_a_chore() -> None:
    centre = Centre()
    await centre.open()
    chore = Chore(centre.dialer.now_ms() + HOUR_MS)
    centre.dialer.add_chore(chore)
    centre.clock.advance(HOUR_MS - 1)  # type: ignore[attr-defined]
    await quiet()
    assert chore.ran == 0
    centre.clock.advance(1)  # type: ignore[attr-defined]
    await quiet()
    assert chore.ran == 1
    await centre.leave()


async def test_it_says_when_it_wants_to_run_again() -> None:
    centre = Centre()
    await centre.open()

    class Daily(Chore):
        async def run(self) -> None:
            await super().run()
            self.at_ms = centre.dialer.now_ms() + HOUR_MS

    chore = Daily(0)
    centre.dialer.add_chore(chore)
    await quiet()
    assert chore.ran == 1
    centre.clock.advance(HOUR_MS)  # type: ignore[attr-defined]
    await quiet()
    assert chore.ran == 2
    await centre.leave()


async def test_what_is_due_begins_at_once() -> None:
    centre = Centre(ManualClock(HOUR_MS))
    await centre.open()
    chore = Chore(0)
    centre.dialer.add_chore(chore)
    await centre.dialer.idle()
    assert chore.ran == 1
    chore.at_ms = 0
    await centre.set_up()
    await centre.dialer.idle()
    assert chore.ran == 2
    await centre.leave()


async def test_advance_answers_when_the_chores_have_run() -> None:
    centre = Centre(ManualClock(HOUR_MS))
    await centre.open()
    chore = Chore(3 * HOUR_MS)
    chore.free.clear()
    centre.dialer.add_chore(chore)
    moved = centre.go(centre.dialer.advance(4 * HOUR_MS))
    await quiet()
    assert not moved.done()
    assert centre.dialer.now_ms() == 3 * HOUR_MS
    chore.free.set()
    await moved
    assert (chore.ran, centre.dialer.now_ms()) == (1, 4 * HOUR_MS)
    await centre.leave()


async def test_advance_waits_for_what_was_under_way_when_it_was_asked() -> None:
    centre = Centre(ManualClock(HOUR_MS))
    await centre.open()
    chore = Chore(0)
    chore.free.clear()
    centre.dialer.add_chore(chore)
    moved = centre.go(centre.dialer.advance(2 * HOUR_MS))
    await quiet()
    assert not moved.done()
    chore.free.set()
    await moved
    assert chore.ran == 1
    await centre.leave()


async def test_one_that_fails_is_given_up_and_told() -> None:
    centre = Centre()
    await centre.open()
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    chore = Chore(0)
    chore.fails = True
    centre.dialer.add_chore(chore)
    await centre.dialer.idle()
    chore.at_ms = 0
    await centre.set_up()
    await centre.dialer.idle()
    assert chore.ran == 1
    assert [str(context["exception"]) for context in told] == ["a fault of its own"]
    await centre.leave()
