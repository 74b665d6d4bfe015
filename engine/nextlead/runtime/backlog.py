"""The door before the engine: how much may wait to become durable.

Below the mark nobody stops here. Above it newcomers queue, first come first served, for at most `room_s` seconds;
when as many queue as may wait inside, the next is refused at once. So memory is bounded, and a refusal is quick and
clear.
"""

import asyncio
from collections import OrderedDict
from typing import Final, Protocol

from nextlead.core.errors import Overloaded

from .clock import Timekeeper
from .writer import Future, settle

BACKLOG_MAX: Final = 10_000
"""Replies that may wait for their commit. At 40,000 a second that is a quarter of a second's work."""

ROOM_S: Final = 5.0


class Owes(Protocol):
    """The writer, as the door sees it."""

    owing: int


class Backlog:
    """Counts what the writer owes; the writer has `make_room` called when it has paid."""

    def __init__(self, writer: Owes, clock: Timekeeper, *, most: int = BACKLOG_MAX, room_s: float = ROOM_S) -> None:
        self.refused = 0
        self._writer = writer
        self._clock = clock
        self._most = most
        self._room_s = room_s
        self._queue: OrderedDict[Future, None] = OrderedDict()
        self._called_in = 0

    @property
    def full(self) -> bool:
        """Whether a newcomer must `enter` rather than walk in. O(1); asked on every call."""
        return bool(self._queue) or self._writer.owing + self._called_in >= self._most

    @property
    def queued(self) -> int:
        """How many wait at the door."""
        return len(self._queue)

    async def enter(self) -> None:
        """Wait for room; `Overloaded` when there is none in time. Call only when `full`."""
        if len(self._queue) >= self._most:
            self._refuse()
        turn: Future = asyncio.get_running_loop().create_future()
        alarm = self._clock.call_later(self._room_s, lambda: settle(turn, False))
        self._queue[turn] = None
        try:
            called = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self._called_in -= 1
                self.make_room()
            raise
        finally:
            alarm.cancel()
            self._queue.pop(turn, None)
        if not called:
            self._refuse()
        self._called_in -= 1
        # One that changes nothing may owe nothing: then no commit comes to make room for the next one.
        asyncio.get_running_loop().call_soon(self.make_room)

    def make_room(self) -> None:
        """Call in as many as there is room for, in the order they came."""
        room = self._most - self._writer.owing - self._called_in
        while self._queue and room > 0:
            turn, _ = self._queue.popitem(last=False)
            if not turn.done():
                settle(turn, True)
                self._called_in += 1
                room -= 1

    def _refuse(self) -> None:
        self.refused += 1
        raise Overloaded("too many commands wait to become durable; try again shortly")
