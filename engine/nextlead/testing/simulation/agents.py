"""Agents at their screens: they log on, ask for leads, talk, finish, rest, and close tabs at the wrong moment."""

import asyncio
from random import Random
from typing import TYPE_CHECKING, Any

from nextlead.core import commands as c
from nextlead.core.errors import NextleadError, NotReady
from nextlead.core.model import CAUSES, Lead
from nextlead.core.replies import Finished, Offer
from nextlead.core.row import DAY_MS, HOUR_MS, MINUTE_MS
from nextlead.core.tokens import token_text
from nextlead.ports import StoreError
from nextlead.runtime.dialer import Dialer

from .life import Lost

if TYPE_CHECKING:
    from .centre import Centre

LATER_MS = (MINUTE_MS, 5 * MINUTE_MS, 20 * MINUTE_MS, HOUR_MS, 5 * HOUR_MS, DAY_MS)
ENDS = ("resolved", "redial", "redial", "unreached", "unreached", "unreached", "unresolved", "cancelled")
MORNING_MS = 5 * HOUR_MS
PATIENCE = 40
"""How often an answer that was lost is asked for again."""


class Tab:
    """One browser tab of an agent; an agent may have two, that know nothing of each other."""

    def __init__(self, centre: "Centre", agent: str, no: int) -> None:
        self._centre = centre
        self._agent = agent
        self._no = no
        self._plan = centre.plan
        self._dice = Random(f"agent {centre.plan.seed} {agent} {no}")

    async def live(self) -> None:
        """Day in, day out, but for the nights."""
        await asyncio.sleep(self._dice.random() * 60)
        while True:
            try:
                await asyncio.sleep(self._night_s())
                await self._work()
            except (Lost, NotReady, StoreError):
                await asyncio.sleep(self._dice.choice((0.2, 1, 5, 30)))
            except NextleadError as refusal:
                self._centre.journal.say("refused", f"{self._agent} {refusal.code}")
                await asyncio.sleep(self._dice.choice((60, 300, 900)))

    async def _work(self) -> None:
        if self._no == 0:
            await self._log_on()
        for _ in range(self._dice.randint(5, 40)):
            offer = await self._next()
            if offer is None:
                await asyncio.sleep(self._dice.uniform(10, 400))
            else:
                await self._call(offer)
        if self._no == 0 and self._plan.has("breaks"):
            await self._rest()

    def _night_s(self) -> float:
        """How long it is until morning, at night."""
        of_day_ms = self._centre.wall.true_ms() % DAY_MS
        return (MORNING_MS - of_day_ms) / 1000 if of_day_ms < MORNING_MS else 0.0

    async def _log_on(self) -> None:
        codes = self._centre.campaigns
        chosen = (
            tuple(self._dice.sample(codes, self._dice.randint(1, len(codes)))) if self._dice.random() < 0.3 else codes
        )
        cross = self._dice.choice((None, True, False))
        await self._say(c.PutSession(agent=self._agent, campaigns=chosen, cross=cross, by=self._me))

    async def _rest(self) -> None:
        if self._dice.random() < 0.5:
            await self._say(c.EndSession(agent=self._agent, by=self._me))
        await asyncio.sleep(self._dice.choice((60, 900, 3600, 8 * 3600)))

    # -- a lead -----------------------------------------------------------------------------------------------------

    async def _next(self) -> Offer | None:
        waits = self._plan.has("waiting") and self._dice.random() < 0.8
        wait_s = self._dice.choice((5.0, 30.0, 60.0)) if waits else 0.0
        asking = asyncio.ensure_future(self._ask_next(wait_s))
        if self._plan.has("closed_tabs") and self._dice.random() < 0.1 * self._plan.often("closed_tabs"):
            await asyncio.wait([asking], timeout=self._dice.choice((0.0, 0.002, 0.004, 3.0)))
            if not asking.done():
                self._centre.journal.say("closed_tab", self._agent)
                asking.cancel()
                await asyncio.wait([asking])
                return None
        try:
            return await asking
        except asyncio.CancelledError:
            asking.cancel()
            raise

    async def _ask_next(self, wait_s: float) -> Offer | None:
        count = self._plan.has("questions") and self._dice.random() < 0.2

        async def ask(dialer: Dialer) -> Any:
            return await dialer.next(self._agent, wait_s=wait_s, count=count)

        answer = await self._centre.ask(ask, lambda found: self._centre.witness.offered(self._agent, found))
        return answer if isinstance(answer, Offer) else None

    async def _call(self, offer: Offer) -> None:
        left_s = self._dice.expovariate(1 / self._plan.call_s)
        while left_s > 0:
            step_s = min(left_s, 240.0)
            await asyncio.sleep(step_s)
            left_s -= step_s
            if left_s > 0 and self._dice.random() < 0.8:
                await self._heartbeat(offer)
        if self._plan.has("breaks") and self._dice.random() < 0.03:
            return  # she forgets it on her screen
        if self._plan.has("activities") and self._dice.random() < 0.2:
            await self._log(offer.lead)
        elif (done := await self._finish(offer)) is not None and isinstance(done.next, Offer):
            await self._call(done.next)

    async def _heartbeat(self, offer: Offer) -> None:
        try:
            await self._say(c.Heartbeat(token=_token(offer), by=self._me))
        except (Lost, NextleadError, StoreError):
            return

    async def _log(self, lead: Lead) -> None:
        """An outcome that is logged ends the lease as a finish would (SPEC R13.5)."""
        outcome: Any = self._dice.choice(("sale_in_progress", "no_sale", "sold", "no_answer", "wrong_number"))
        redial = c.RedialEdit("private", self._later_ms(), force=True) if self._dice.random() < 0.5 else None
        await self._say(
            c.LogActivity(
                lead=lead.id,
                interaction="call",
                outcome=outcome,
                agent=self._agent,
                redial=redial if outcome == "sale_in_progress" else None,
                by=self._me,
            )
        )

    # -- finishing --------------------------------------------------------------------------------------------------

    async def _finish(self, offer: Offer) -> Finished | None:
        """Until it is done, or can't be: an answer that was lost is asked for again, word for word (SPEC R5.3)."""
        command = self._ending(offer)
        for _ in range(PATIENCE):
            try:
                done = await self._send(command)
            except (Lost, NotReady, StoreError):
                await asyncio.sleep(self._dice.choice((0.5, 2, 10)))
            except NextleadError as refusal:
                self._centre.journal.say("refused", f"{self._agent} finish {command.outcome}: {refusal.code}")
                if command.outcome in ("unreached", "cancelled") or refusal.code in ("lease_ended", "unknown_lease"):
                    return None
                command = c.Finish(token=command.token, outcome="unreached", cause="busy", by=self._me)
            else:
                if self._dice.random() < 0.05 and not self._plan.has("anonymise"):
                    await self._repeat(command, done)
                return done
        return None

    async def _send(self, command: c.Finish) -> Finished:
        async def finish(dialer: Dialer) -> Finished:
            return await dialer.finish(command)

        return await self._centre.ask(finish, lambda done: self._centre.witness.finished(self._agent, command, done))

    async def _repeat(self, command: c.Finish, first: Finished) -> None:
        """A click too many."""
        again = await self._send(command)
        self._centre.witness.repeated(command, first, again)

    def _ending(self, offer: Offer) -> c.Finish:
        said: dict[str, Any] = {"outcome": self._dice.choice(ENDS)}
        match said["outcome"]:
            case "resolved":
                said["result"] = self._dice.choice(self._centre.results)
            case "redial":
                said["kind"] = self._dice.choice(("common", "private", "vip"))
                said["at_ms"] = self._later_ms()
                said["force"] = self._dice.random() < 0.5
            case "unreached":
                said["cause"] = self._dice.choice(CAUSES)
        if self._dice.random() < 0.2:
            said["note"] = "as agreed"
        if self._dice.random() < 0.2:
            said["next_token"] = self._dice.randbytes(16)
        if len(offer.lead.numbers) > 1 and said["outcome"] != "cancelled" and self._dice.random() < 0.2:
            said["number"] = self._dice.choice(offer.lead.numbers)
        return c.Finish(token=_token(offer), by=self._me, **said)

    def _later_ms(self) -> int:
        """Mostly a time that is not round; now and then one that others have, too."""
        later_ms = self._centre.wall.true_ms() + self._dice.choice(LATER_MS)
        return later_ms // HOUR_MS * HOUR_MS + HOUR_MS if self._dice.random() < 0.3 else later_ms

    # -- speaking ---------------------------------------------------------------------------------------------------

    @property
    def _me(self) -> str:
        return f"agent:{self._agent}"

    async def _say(self, command: c.Command) -> Any:
        return await self._centre.submit(command)


def _token(offer: Offer) -> str:
    assert offer.lead.lease is not None, "an offer is a lease"
    return token_text(offer.lead.id, offer.lead.lease.token)
