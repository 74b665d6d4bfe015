"""The machine that the daemon runs on: starts it again whenever it ends, and has its bad days."""

import asyncio
from random import Random
from typing import TYPE_CHECKING, Final

from nextlead.core.errors import NextleadError
from nextlead.core.row import DAY_MS, HOUR_MS, MINUTE_MS
from nextlead.ports import StoreError
from nextlead.runtime.dialer import Dialer
from nextlead.testing.faulty_store import Died

from .eraser import Eraser
from .life import Life, Lost
from .violation import Violation

if TYPE_CHECKING:
    from .centre import Centre

HOURS_BETWEEN: Final = 4.0
"""About how long it takes until something of one kind happens again."""


class Machine:
    """`calm`: nothing goes wrong, from now on."""

    def __init__(self, centre: "Centre") -> None:
        self._centre = centre
        self._plan = centre.plan
        self._dice = Random(f"machine {centre.plan.seed}")
        self._luck = Random(f"disk {centre.plan.seed}")
        self._calm = False

    @property
    def calm(self) -> bool:
        """Nothing goes wrong."""
        return self._calm

    @calm.setter
    def calm(self, calm: bool) -> None:
        self._calm = calm
        if self._centre.life is not None:
            self._centre.life.store.calm = calm

    async def live(self) -> None:
        """Keep a process running, for ever."""
        weather = [asyncio.ensure_future(act) for act in (self._kill(), self._stop(), self._set_clock())]
        try:
            while True:
                await self._run()
                await asyncio.sleep(self._pause_s())
        finally:
            for each in weather:
                each.cancel()

    async def up(self) -> None:
        """Return when it can be called."""
        while not self._is_up():  # noqa: ASYNC110 - made-up time costs nothing
            await asyncio.sleep(1.0)

    def _is_up(self) -> bool:
        life = self._centre.life
        return life is not None and life.dialer is not None and life.dialer.ready

    async def restart(self) -> None:
        """End the process as a person does, who waits for the end."""
        life = self._centre.life
        if life is not None and not life.dead:
            self._centre.journal.say("stop", "by hand")
            try:
                await life.close()
            except (Lost, StoreError):
                return

    # -- one process ------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """One process, from its start to its end."""
        centre = self._centre
        centre.record.rewind()
        engine = centre.engine_of(centre)
        if centre.oracle is None:
            engine.state.slice_leads = self._plan.slice_leads
        life = Life(self._plan, centre.wall, centre.disk, engine, self._luck, centre.journal, calm=self._calm)
        life.store.on_commit, life.store.on_erase = centre.committed, centre.erased
        centre.life = life
        try:
            await life.open()
            if (dialer := life.dialer) is not None:
                dialer.add_chore(Eraser(dialer, dialer.now_ms))
                life.spawn(centre.witness.watch(dialer))
                await _end_of(life, dialer)
                self._look_at(dialer.failure)
        except (Lost, Died, StoreError, NextleadError) as problem:
            centre.journal.say("no_start", type(problem).__name__)
        finally:
            life.die("the process ends", loud=False)

    def _look_at(self, failure: BaseException | None) -> None:
        """A store that takes no writes is a reason to end. Anything else is a fault of ours."""
        if failure is None:
            return
        self._centre.journal.say("fatal", type(failure).__name__)
        if not isinstance(failure, StoreError | Died):
            raise Violation("desk, rule 6", f"the dialer failed: {failure!r}") from failure

    def _pause_s(self) -> float:
        if self._calm:
            return 1.0
        if self._plan.has("long_downtime") and self._dice.random() < 0.1 * self._plan.often("long_downtime"):
            return self._dice.choice((600.0, 3600.0, 8 * 3600.0))
        return self._dice.choice((0.1, 1.0, 5.0, 20.0))

    # -- bad days ---------------------------------------------------------------------------------------------------

    async def _wait_for(self, fault: str) -> None:
        """Until it happens again."""
        often = self._plan.often(fault)
        if not often:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(self._dice.expovariate(often / (HOURS_BETWEEN * 3600)))
        while self._calm:  # noqa: ASYNC110 - made-up time costs nothing
            await asyncio.sleep(60)

    async def _kill(self) -> None:
        """SIGKILL, whatever it is doing."""
        while True:
            await self._wait_for("kill")
            if self._centre.life is not None:
                self._centre.life.die("killed")

    async def _stop(self) -> None:
        """SIGTERM, as on an upgrade."""
        while True:
            await self._wait_for("restart")
            await self.restart()

    async def _set_clock(self) -> None:
        """Somebody sets the wall clock, and back an hour or two later."""
        while True:
            fault = self._dice.choice(("steps_back", "steps_forward"))
            if not self._plan.has(fault):
                fault = "steps_back" if self._plan.has("steps_back") else "steps_forward"
            await self._wait_for(fault)
            by_ms = self._dice.choice((MINUTE_MS // 2, 10 * MINUTE_MS, HOUR_MS))
            if fault == "steps_forward" and self._dice.random() < 0.2:
                by_ms = DAY_MS
            self._step(-by_ms if fault == "steps_back" else by_ms)

    def _step(self, by_ms: int) -> None:
        self._centre.journal.say("clock_step", f"{by_ms / 1000:+.0f} s")
        self._centre.wall.step(by_ms)


async def _end_of(life: Life, dialer: Dialer) -> None:
    """It died, was closed, or can't go on."""
    waits = [asyncio.ensure_future(event.wait()) for event in (life.ended, dialer.fatal)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
