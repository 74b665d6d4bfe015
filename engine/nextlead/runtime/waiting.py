"""Agents whose `next` waits, and leases that are on their way to somebody (SPEC R5.5)."""

import asyncio
from itertools import count

from nextlead.core.replies import NoLead, Offer, Served

from .clock import Alarm
from .writer import Future


class Wait:
    """One waiting `next`. `answer` is set when the engine has decided; `future` gets it when that is durable."""

    __slots__ = ("agent", "alarm", "answer", "future", "waiter")

    def __init__(self, agent: str, waiter: int) -> None:
        self.agent = agent
        self.waiter = waiter
        self.future: Future = asyncio.get_running_loop().create_future()
        self.answer: Offer | NoLead | None = None
        self.alarm: Alarm | None = None

    def decided(self, answer: Offer | NoLead | None) -> None:
        """What becomes of it is settled, None when nobody is to be told; the time-out is off."""
        self.answer = answer
        if self.alarm is not None:
            self.alarm.cancel()


class Waits:
    """Those that the engine has not served yet, by waiter."""

    def __init__(self) -> None:
        self._open: dict[int, Wait] = {}
        self._waiters = count(1)

    def __len__(self) -> int:
        return len(self._open)

    def next_waiter(self) -> int:
        """A number that was never used by this process."""
        return next(self._waiters)

    def add(self, agent: str, waiter: int) -> Wait:
        """The engine said `Waiting`."""
        wait = self._open[waiter] = Wait(agent, waiter)
        return wait

    def served(self, served: Served) -> Wait | None:
        """Whom it is for; None if it has gone."""
        wait = self._open.pop(served.waiter, None)
        if wait is not None:
            wait.decided(served.answer)
        return wait

    def drop(self, wait: Wait) -> bool:
        """It waits no longer; False if the engine had decided already."""
        return self._open.pop(wait.waiter, None) is not None

    def all(self) -> list[Wait]:
        """Everybody, in the order they came."""
        return list(self._open.values())


class Deliveries:
    """New leases that no caller has been told of yet, with the number of callers that are about to be.

    An agent's second tab is offered the same lease again while the first one's answer is still being written. So a
    lease goes back only when the last of those callers has gone, and never once one of them was told.
    """

    def __init__(self) -> None:
        self._callers: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._callers)

    def start(self, offer: Offer) -> None:
        """A caller is about to be told."""
        token = _token(offer)
        if not offer.repeated:
            self._callers[token] = 1
        elif token in self._callers:
            self._callers[token] += 1

    def told(self, offer: Offer) -> None:
        """A caller has it: the lease is the agent's for good."""
        self._callers.pop(_token(offer), None)

    def lost(self, offer: Offer) -> bool:
        """A caller has gone; True when nobody was told and nobody will be: the lease must go back."""
        token = _token(offer)
        left = self._callers.get(token)
        if left is None:
            return False
        if left > 1:
            self._callers[token] = left - 1
            return False
        del self._callers[token]
        return True


def _token(offer: Offer) -> bytes:
    assert offer.lead.lease is not None, "an offer is a lease"
    return offer.lead.lease.token
