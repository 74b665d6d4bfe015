"""Random days of a call centre with several campaigns and schemes: all that can happen to a lead happens to some."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from unit.runtime.centre import finish, quiet

from nextlead.core import commands as c
from nextlead.core.engine import Engine
from nextlead.core.errors import NextleadError
from nextlead.core.model import Pool, Status
from nextlead.core.replies import Offer
from nextlead.core.schemes import Scheme
from nextlead.core.setup_model import Duplicates, Template, TemplateResult
from nextlead.ports import LeadFilter, StoreAndArchive
from nextlead.runtime.dialer import Dialer
from nextlead.testing import FaultyStore
from nextlead.testing.clock import FakeClock

HOUR_MS = 3_600_000
AGENTS = ("A", "B", "C")
CAMPAIGNS = {"h1": "hero", "h2": "hero", "lucky": "luckyonline", "smart": "smartlists"}
OWN = (
    TemplateResult("deal", "A deal", "success"),
    TemplateResult("never", "Never again", "negative", do_not_call=True),
    TemplateResult("maybe", "Maybe", "success", validation=True),
)
RULES = ("countries", "number_types", "fields.region.prohibited", "fields.name.required")
CAUSES = ("no_answer", "busy", "voicemail", "invalid_number")
OUTCOMES = ("sale_in_progress", "no_sale", "sold", "no_answer", "left_a_voicemail", "wrong_number", None)


class BusyDays:
    """`store` and `clock` outlive `dialer`. Every step is random; what the engine refuses is passed over."""

    def __init__(self, seed: int, store: StoreAndArchive, schemes: dict[str, Scheme]) -> None:
        self.random = Random(seed)
        self.store = FaultyStore(store)
        self.clock = FakeClock()
        self.schemes = schemes
        self.dialer: Dialer
        self.offers: list[Offer] = []
        self.done: set[str] = set()
        """Kinds of events that happened, for the test of this test."""
        self._number = 14155550100
        self._steps: tuple[tuple[int, Callable[[], Awaitable[None]]], ...] = (
            (30, self._work),
            (20, self._log),
            (10, self._edit),
            (6, self._load),
            (5, self._mixed_commit),
            (3, self._block),
            (3, self._anonymise),
            (2, self._delete_pool),
            (2, self._fail_pool),
            (12, self._go_on),
            (1, self._change_scheme),
        )

    async def open(self, store: StoreAndArchive | None = None) -> None:
        if store is not None:
            self.store = FaultyStore(store)
        self.dialer = await Dialer.open(self.store, self.clock, engine=Engine(schemes=self.schemes))

    async def set_up(self) -> None:
        for code, scheme in CAMPAIGNS.items():
            template = {"template": Template(results=OWN)} if code == "h2" else {}
            await self.dialer.submit(c.PutCampaign(code=code, scheme=scheme, **template))  # type: ignore[arg-type]
        for agent in AGENTS:
            await self.dialer.submit(c.PutAgent(code=agent, campaigns=tuple(CAMPAIGNS)))
            await self.dialer.submit(c.PutSession(agent=agent, campaigns=tuple(CAMPAIGNS)))
        for _ in range(4):
            await self._load()

    async def live(self, steps: int) -> None:
        weights = [weight for weight, _ in self._steps]
        for _ in range(steps):
            (step,) = self.random.choices([step for _, step in self._steps], weights)
            try:
                await step()
            except NextleadError:
                continue
        await self.dialer.idle()
        await self.dialer.read(lambda _: None)  # what time did is durable, too

    def keep_leads(self) -> None:
        """No lead is deleted from now on."""
        self._steps = tuple(step for step in self._steps if step[1] not in (self._delete_pool, self._fail_pool))

    @property
    def leads_ever(self) -> int:
        return self.dialer.engine.sequences.lead - 1

    # -- steps ------------------------------------------------------------------------------------------------------

    def _lead(self) -> int:
        return self.random.randint(1, max(1, self.leads_ever))

    async def _go_on(self) -> None:
        """Minutes mostly; now and then so long that leases end, redials are released, leads are abandoned."""
        ms = self.random.choice((1, 1000, 60_000, 600_000, 2 * HOUR_MS, 30 * HOUR_MS))
        if self.random.random() < 0.1:
            self.clock.slip(ms)
        elif self.random.random() < 0.1:
            self.clock.advance(8 * 24 * HOUR_MS)
        self.clock.advance(ms)
        await quiet()

    async def _load(self) -> None:
        pool = await self._pool(self.random.choice(tuple(CAMPAIGNS)))
        await self.dialer.submit(c.ClosePool(pool=pool.id))

    async def _pool(self, campaign: str) -> Pool:
        match = ("phone",) if self.random.random() < 0.5 else ()
        action: Any = self.random.choice(("close", "replace", "skip", "clone"))
        duplicates = Duplicates(match, "campaign", "open", action)
        on_invalid: Any = self.random.choice(("close", "file"))
        pool: Pool = await self.dialer.submit(
            c.OpenPool(campaign=campaign, duplicates=duplicates, on_invalid=on_invalid)
        )
        rows = tuple(c.IntakeRow(row=no, numbers=(self._next_number(),)) for no in range(self.random.randint(1, 5)))
        reject = c.IntakeReject(row=9, reasons=("no",), closure="not_accepted", rule=self.random.choice(RULES))
        await self.dialer.submit(c.LoadRows(pool=pool.id, rows=rows, rejects=(reject,)))
        return pool

    def _next_number(self) -> int:
        """Some numbers come twice."""
        if self.random.random() < 0.8:
            self._number += 1
        return self._number

    async def _work(self) -> None:
        if len(self.offers) < 2 or self.random.random() < 0.4:
            offer = await self.dialer.next(self.random.choice(AGENTS))
            if isinstance(offer, Offer) and offer not in self.offers:
                self.offers.append(offer)
            return
        offer = self.offers.pop(self.random.randrange(len(self.offers)))
        outcome = self.random.choice(("resolved", "redial", "unreached", "unreached", "unresolved", "cancelled"))
        await self.dialer.finish(finish(offer, outcome, **self._more(offer, outcome)))

    def _more(self, offer: Offer, outcome: str) -> dict[str, Any]:
        match outcome:
            case "resolved":
                campaign = self.dialer.engine.campaigns.by_no[offer.lead.campaign]
                return {"result": self.random.choice([result.code for result in campaign.template.results])}
            case "redial":
                at_ms = self.clock.now_ms() + self.random.randint(1, 50) * HOUR_MS
                return {"kind": self.random.choice(("common", "private", "vip")), "at_ms": at_ms}
            case "unreached":
                return {"cause": self.random.choice(CAUSES)}
            case _:
                return {}

    async def _log(self) -> None:
        stored = await self.dialer.archive.lead(self._lead())
        if stored is None:
            return
        outcome: Any = self.random.choice(OUTCOMES)
        interaction: Any = "sms" if outcome is None else self.random.choice(("call", "email"))
        agent = self.random.choice((*AGENTS, None))
        if stored.lead.lease is not None and self.random.random() < 0.7:
            agent = self.dialer.engine.agents.by_no[stored.lead.lease.agent].code
        late_ms = self.random.choice((0, 0, 0, 5 * HOUR_MS))
        await self.dialer.submit(
            c.LogActivity(
                lead=stored.lead.id,
                interaction=interaction,
                direction=self.random.choice(("in", "out")),
                outcome=outcome,
                explanation="satisfied" if outcome == "no_sale" and self.random.random() < 0.5 else "",
                agent=agent,
                at_ms=self.clock.now_ms() - late_ms,
                row=stored.lead if stored.lead.status is Status.CLOSED else None,
            )
        )

    async def _edit(self) -> None:
        stored = await self.dialer.archive.lead(self._lead())
        if stored is None:
            return
        lead = stored.lead
        if lead.status is Status.CLOSED:
            await self.dialer.submit(c.Reopen(lead=lead.id, row=lead))
        elif lead.status is Status.PENDING_VALIDATION:
            await self.dialer.submit(c.Validate(lead=lead.id, passed=self.random.random() < 0.5))
        elif lead.status is Status.UNRESOLVED:
            await self.dialer.submit(c.Resolve(lead=lead.id, outcome="unreached", cause="busy"))
        elif self.random.random() < 0.5:
            await self.dialer.submit(c.Remove(lead=lead.id))
        else:
            redial = c.RedialEdit("common", self.clock.now_ms() + HOUR_MS)
            await self.dialer.submit(c.EditLead(lead=lead.id, redial=redial))

    async def _block(self) -> None:
        stored = await self.dialer.archive.lead(self._lead())
        if stored is not None and stored.lead.numbers:
            number = stored.lead.numbers[0]
            await self.dialer.submit(c.Block(numbers=(number,)))
            if self.random.random() < 0.7:
                await self.dialer.submit(c.Unblock(number=number))

    async def _anonymise(self) -> None:
        stored = await self.dialer.archive.lead(self._lead())
        if stored is None:
            return
        lead = stored.lead
        rows = (lead,) if lead.status is Status.CLOSED else ()
        if rows and self.random.random() < 0.3:
            await self.dialer.submit(c.Forget(rows=rows))
        else:
            await self.dialer.submit(c.Anonymise(leads=(lead.id,), rows=rows))

    async def _delete_pool(self) -> None:
        """One of its leads has a past, but was never shown, so it goes, too (SPEC R9.11)."""
        pool = await self._pool("h1")
        await self.dialer.submit(c.ClosePool(pool=pool.id))
        lead = await self._first_of(pool)
        await self.dialer.submit(c.Remove(lead=lead))
        await self._go_on()
        stored = await self.dialer.archive.lead(lead)
        assert stored is not None
        await self.dialer.submit(c.Reopen(lead=lead, row=stored.lead))
        which = self.random.choice((pool.id, *self.dialer.engine.pools))
        await self.dialer.submit(c.ActOnPool(pool=which, action="delete"))

    async def _fail_pool(self) -> None:
        """Leads of a pool that fails go, whatever they came to meanwhile."""
        pool = await self._pool(self.random.choice(tuple(CAMPAIGNS)))
        await self.dialer.submit(c.LogActivity(lead=await self._first_of(pool), interaction="sms", direction="in"))
        await self._go_on()
        await self.dialer.submit(c.ClosePool(pool=pool.id, error="it broke"))

    async def _first_of(self, pool: Pool) -> int:
        found = await self.dialer.archive.leads(LeadFilter(pool=pool.id, status=Status.UNPROCESSED, limit=1))
        return found[0].lead.id if found else self._lead()

    async def _mixed_commit(self) -> None:
        """Changes of two times in one commit: the first is being written while the others come."""
        self.store.stall()
        tasks = []
        for ms in (0, 7, 7):
            self.clock.advance(ms)
            text = c.LogActivity(lead=self._lead(), interaction="sms", direction="in")
            tasks.append(asyncio.create_task(self.dialer.submit(text)))
            await quiet()
        self.store.release()
        for task in tasks:
            try:
                await task
            except NextleadError:
                continue

    async def _change_scheme(self) -> None:
        await self.dialer.submit(c.PutCampaign(code="h1", scheme=self.random.choice(("hero", "luckyonline"))))
