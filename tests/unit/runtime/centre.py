"""A small call centre on a dialer: one campaign, two agents, leads; a clock and a store in the test's hands."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from nextlead.core.commands import (
    ActOnPool,
    ClosePool,
    Finish,
    IntakeRow,
    LoadRows,
    OpenPool,
    PutAgent,
    PutCampaign,
    PutSession,
)
from nextlead.core.model import Pool
from nextlead.core.replies import Offer
from nextlead.core.tokens import token_text
from nextlead.runtime.clock import Timekeeper
from nextlead.runtime.dialer import Dialer
from nextlead.testing import FaultyStore, MemoryStore
from nextlead.testing.clock import FakeClock


class Centre:
    """`store` and `clock` outlive `dialer`, as disk and world do."""

    def __init__(self, clock: Timekeeper | None = None) -> None:
        self.store = FaultyStore(MemoryStore())
        self.clock = FakeClock() if clock is None else clock
        self.dialer: Dialer
        self._tasks: list[asyncio.Task[Any]] = []

    async def open(self, **limits: Any) -> Dialer:
        self.dialer = await Dialer.open(self.store, self.clock, **limits)
        return self.dialer

    async def crash(self) -> None:
        """The process is gone; what it had not committed with it."""
        self.dialer._desk.stop()
        task = self.dialer._writer._task
        assert task is not None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self.store.inner.crash()  # type: ignore[attr-defined]
        self.store.release()

    async def set_up(self, leads: int = 0) -> None:
        submit = self.dialer.submit
        await submit(PutCampaign(code="c1"))
        for agent in ("A", "B"):
            await submit(PutAgent(code=agent, campaigns=("c1",)))
            await submit(PutSession(agent=agent, campaigns=("c1",)))
        await self.load(leads)

    async def load(self, leads: int) -> None:
        """A pool with so many leads, active at once."""
        if not leads:
            return
        submit = self.dialer.submit
        pool: Pool = await submit(OpenPool(campaign="c1"))
        first = self.dialer.engine.sequences.lead
        rows = tuple(IntakeRow(row=no, numbers=(14155550000 + first + no,)) for no in range(leads))
        await submit(LoadRows(pool=pool.id, rows=rows))
        await submit(ClosePool(pool=pool.id))

    async def switch(self, pool: int, action: str) -> None:
        await self.dialer.submit(ActOnPool(pool=pool, action=action))  # type: ignore[arg-type]

    def go(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(coroutine)
        self._tasks.append(task)
        return task

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.store.release()
        await self.dialer.close()


async def quiet() -> None:
    """Let every task run until it waits for something that the test holds."""
    for _ in range(30):
        await asyncio.sleep(0)


def finish(offer: Offer, outcome: str = "resolved", **more: Any) -> Finish:
    assert offer.lead.lease is not None
    if outcome == "resolved":
        more.setdefault("result", "success")
    token = token_text(offer.lead.id, offer.lead.lease.token)
    return Finish(token=token, outcome=outcome, by="agent:A", **more)  # type: ignore[arg-type]
