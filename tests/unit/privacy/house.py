"""A dialer on a store that can fail, with the privacy service over it and files that are only counted."""

from collections.abc import Collection
from typing import Any

from nextlead.core.commands import (
    AddFile,
    ClosePool,
    Finish,
    IntakeReject,
    IntakeRow,
    LoadRows,
    Next,
    OpenPool,
    PutAgent,
    PutCampaign,
    PutSession,
)
from nextlead.core.engine import Engine
from nextlead.core.errors import NotReady
from nextlead.core.model import Lead
from nextlead.core.replies import Offer
from nextlead.core.setup_model import Dialer as DialerSettings
from nextlead.core.setup_model import Duplicates
from nextlead.core.tokens import token_text
from nextlead.runtime.clock import Timekeeper
from nextlead.runtime.dialer import Dialer
from nextlead.testing import FaultyStore, MemoryStore
from nextlead.testing.clock import MONDAY_MS, FakeClock
from nextlead_adapters.privacy.service import Privacy

SECRET = b"the key of these tests"
ANNA, BERT, CARL, DORA = 14155550100, 14155550101, 14155550102, 14155550103


class Files:
    """Stands for the kept originals: knows which numbers are in which pool's file, one row each."""

    def __init__(self) -> None:
        self.rows: dict[int, list[int]] = {}
        self.rewritten: list[int] = []
        self.failures = 0

    async def rewrite(self, pool: int, numbers: Collection[int]) -> int:
        if self.failures:
            self.failures -= 1
            raise NotReady("no process could be started")
        self.rewritten.append(pool)
        before = self.rows.get(pool, [])
        self.rows[pool] = [number for number in before if number not in numbers]
        return len(before) - len(self.rows[pool])


class House:
    """`store`, `clock` and `files` outlive `dialer`, as disk and world do."""

    def __init__(self, clock: Timekeeper | None = None) -> None:
        self.memory = MemoryStore()
        self.store = FaultyStore(self.memory)
        self.clock = FakeClock(MONDAY_MS) if clock is None else clock
        self.files = Files()
        self.dialer: Dialer
        self.privacy: Privacy

    async def open(self) -> None:
        self.dialer = await Dialer.open(self.store, self.clock, engine=Engine(SECRET), retry_s=0)
        self.privacy = Privacy(self.dialer, self.files)
        self.privacy.start()

    async def close(self) -> None:
        await self.privacy.close()
        await self.dialer.close()

    async def set_up(self, **dialer: Any) -> None:
        await self(PutCampaign(code="c1", dialer=DialerSettings(**dialer)))
        for agent in ("a", "b"):
            await self(PutAgent(code=agent, campaigns=("c1",)))
            await self(PutSession(agent=agent, campaigns=("c1",)))

    async def __call__(self, command: Any) -> Any:
        return await self.dialer.submit(command)

    async def begin(self, *rows: tuple[int, ...], action: str = "load") -> int:
        """A pool that is being loaded, with these numbers per lead."""
        file = (await self(AddFile())).id
        pool = await self(OpenPool(campaign="c1", duplicates=Duplicates(action=action), file=file, file_bytes=1))
        self.files.rows[pool.id] = [number for row in rows for number in row]
        await self(LoadRows(pool=pool.id, rows=tuple(IntakeRow(at, row) for at, row in enumerate(rows))))
        return int(pool.id)

    async def load(self, *rows: tuple[int, ...], action: str = "load") -> list[int]:
        """The ids of leads with these numbers, in a pool of their own."""
        first = self.dialer.engine.sequences.lead
        pool = await self.begin(*rows, action=action)
        await self(ClosePool(pool=pool))
        return list(range(first, self.dialer.engine.sequences.lead))

    async def reject(self, pool: int, number: int) -> None:
        rejects = (IntakeReject(99, ("a reason",), (f"+{number}",), (number,)),)
        await self(LoadRows(pool=pool, rows=(), rejects=rejects))

    async def lease(self, agent: str = "a") -> Offer:
        offer: Offer = await self(Next(agent=agent, token=bytes(15) + agent.encode()))
        return offer

    async def finish(self, offer: Offer, result: str = "success", **more: Any) -> None:
        assert offer.lead.lease is not None
        token = token_text(offer.lead.id, offer.lead.lease.token)
        await self(Finish(token=token, outcome="resolved", result=result, by="agent:a", **more))

    async def finish_unreached(self, offer: Offer, cause: str) -> None:
        assert offer.lead.lease is not None
        token = token_text(offer.lead.id, offer.lead.lease.token)
        await self(Finish(token=token, outcome="unreached", cause=cause, by="agent:a"))

    async def sell(self, lead: int | None = None) -> Lead:
        """The best lead, closed as a success."""
        offer = await self.lease()
        assert lead in (None, offer.lead.id)
        await self.finish(offer)
        return await self.row(offer.lead.id)

    async def row(self, lead: int) -> Lead:
        stored = await self.store.lead(lead)
        assert stored is not None
        return stored.lead

    async def closures(self, *leads: int) -> list[str | None]:
        return [(await self.row(lead)).closure for lead in leads]
