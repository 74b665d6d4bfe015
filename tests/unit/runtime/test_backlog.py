"""The door: bounded, in order, quick to refuse."""

import asyncio

import pytest

from nextlead.core.errors import Overloaded
from nextlead.runtime.backlog import Backlog
from nextlead.testing.clock import FakeClock


class Room:
    def __init__(self, most: int = 2) -> None:
        self.owing = 0
        self.clock = FakeClock()
        self.door = Backlog(self, self.clock, most=most, room_s=5.0)
        self.entered: list[str] = []

    def come(self, name: str) -> asyncio.Task[None]:
        return asyncio.create_task(self._come(name))

    async def _come(self, name: str) -> None:
        if self.door.full:
            await self.door.enter()
        self.owing += 1
        self.entered.append(name)

    def leave(self, count: int) -> None:
        self.owing -= count
        self.door.make_room()


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_nobody_stops_below_the_mark() -> None:
    room = Room()
    assert not room.door.full
    await room.come("a")
    await room.come("b")
    assert room.door.full


async def test_newcomers_are_let_in_in_order_and_never_over_the_mark() -> None:
    room = Room()
    for name in ("a", "b"):
        await room.come(name)
    room.come("c"), room.come("d")
    await turn()
    assert room.door.queued == 2
    room.leave(1)
    late = room.come("e")
    await turn()
    assert room.entered == ["a", "b", "c"], "e must queue behind d"
    room.leave(2)
    await turn()
    assert room.entered == ["a", "b", "c", "d", "e"]
    assert late.done()


async def test_who_waited_too_long_is_refused() -> None:
    room = Room(most=1)
    await room.come("a")
    late = room.come("b")
    await turn()
    room.clock.advance(4_999)
    await turn()
    assert not late.done()
    room.clock.advance(1)
    with pytest.raises(Overloaded):
        await late
    assert room.door.queued == 0
    assert room.door.refused == 1


async def test_a_full_queue_refuses_at_once() -> None:
    room = Room(most=2)
    for name in ("a", "b"):
        await room.come(name)
    room.come("c"), room.come("d")
    await turn()
    with pytest.raises(Overloaded):
        await room.come("e")
    room.leave(2)
    await turn()


async def test_nobody_takes_the_place_of_one_who_was_just_called_in() -> None:
    room = Room(most=2)
    for name in ("a", "b"):
        await room.come(name)
    room.come("c")
    await turn()
    room.leave(1)
    assert room.door.queued == 0
    assert room.door.full, "c is on the way in"
    await turn()
    assert room.entered == ["a", "b", "c"]


async def test_one_who_leaves_nothing_behind_makes_way_for_the_next() -> None:
    room = Room(most=2)
    room.owing = 2
    looks = [asyncio.create_task(room.door.enter()) for _ in range(2)]
    await turn()
    room.leave(1)
    await asyncio.gather(*looks)
    assert room.door.queued == 0


async def test_nobody_walks_in_while_others_queue() -> None:
    room = Room(most=2)
    room.owing = 2

    async def look() -> bool:
        await room.door.enter()
        return room.door.full

    looking, behind = asyncio.create_task(look()), asyncio.create_task(room.door.enter())
    await turn()
    room.leave(1)
    assert await looking, "there is room, and it belongs to the one behind"
    await behind


async def test_one_who_leaves_the_queue_makes_way() -> None:
    room = Room(most=2)
    room.owing = 1
    await room.come("a")
    gone, stays = room.come("b"), room.come("c")
    await turn()
    gone.cancel()
    await turn()
    room.leave(1)
    await stays
    assert room.entered == ["a", "c"]


async def test_one_who_leaves_when_just_called_in_gives_the_place_to_the_next() -> None:
    room = Room(most=2)
    room.owing = 1
    await room.come("a")
    gone, stays = room.come("b"), room.come("c")
    await turn()
    room.leave(1)
    gone.cancel()
    await stays
    assert room.entered == ["a", "c"]
    assert room.door.full
