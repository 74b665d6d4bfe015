"""The call centre of one seed: its people, its machine, and whoever looks that all is right.

What may be wrong is found in four places: when the engine answers (`after`), when the disk has a commit (`committed`),
when an answer leaves the process (`witness`), and now and then at a moment of calm (`audit`). The first violation ends
the run.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from hashlib import blake2b
from random import Random
from typing import Any, Protocol, TypeVar

from msgspec import msgpack

from nextlead.core import commands as c
from nextlead.core.engine import Engine
from nextlead.core.errors import NextleadError, NotReady
from nextlead.core.model import Erasure
from nextlead.core.replies import Outcome
from nextlead.core.schemes import NO_SCHEMES
from nextlead.ports import Commit
from nextlead.runtime.dialer import Dialer
from nextlead.testing.memory_store import MemoryStore

from . import audit
from .agents import Tab
from .clock import Wall
from .journal import Journal
from .laws import Laws
from .life import Life, Lost
from .loop import VirtualLoop
from .machine import Machine
from .office import offices
from .oracle import Oracle
from .plan import Plan
from .pool_moves import Loader
from .record import Record
from .town import CODES, RESULTS, TEAMS, VALIDATED, Town, some_dialer, some_template
from .violation import Violation, need
from .watched import WatchedEngine
from .witness import Witness

T = TypeVar("T")

SECRET = b"the key of a simulation"
AUDIT_S = 1200.0


class Living(Protocol):
    """Somebody."""

    async def live(self) -> None:
        """Day in, day out."""


class Centre:
    """`live` is the whole run. `engine_of` makes engines; a test that plants a fault puts another there."""

    def __init__(self, plan: Plan, loop: VirtualLoop) -> None:
        self.plan = plan
        self.luck = Random(f"luck {plan.seed}")
        self.wall = Wall(plan.start_ms, loop.time)
        self.journal = Journal(self.wall.true_ms)
        self.disk = MemoryStore()
        self.almanac = Town()
        self.record = Record()
        self.laws = Laws()
        self.oracle = Oracle(self.almanac, NO_SCHEMES) if plan.oracle else None
        self.agents = CODES[: plan.agents]
        self.campaigns = tuple(f"c{no + 1}" for no in range(plan.campaigns))
        self.results = tuple(result.code for result in (*RESULTS, *((VALIDATED,) if plan.has("validation") else ())))
        self.numbers: list[int] = []
        self.life: Life | None = None
        self.engine_of: Callable[[Centre], WatchedEngine] = _engine_of
        self.machine = Machine(self)
        self.failed: asyncio.Future[Violation] = loop.create_future()
        self.witness = Witness(self.record, self.laws, self.journal, self.fail)
        self._auditors_dice = Random(f"auditor {plan.seed}")

    # -- the run ----------------------------------------------------------------------------------------------------

    async def live(self) -> None:
        """From the first start to the last audit. Raises the first `Violation`."""
        script = asyncio.ensure_future(self._script())
        waits: list[asyncio.Future[Any]] = [script, self.failed]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if self.failed.done():
            script.cancel()
            await asyncio.wait([script])
            raise self.failed.result()
        await script

    async def _script(self) -> None:
        self.machine.calm = True
        people: list[asyncio.Task[None]] = [asyncio.ensure_future(self._person(self.machine.live()))]
        await self.machine.up()
        await self._set_up()
        self.machine.calm = False
        everybody: list[Living] = [Loader(self), *offices(self)]
        everybody += [Tab(self, agent, 0) for agent in self.agents]
        everybody += [Tab(self, agent, 1) for agent in self.agents[:2] if self.plan.has("two_tabs")]
        people += [asyncio.ensure_future(self._person(each.live())) for each in everybody]
        people.append(asyncio.ensure_future(self._person(self._auditor())))
        try:
            await asyncio.sleep((self.plan.end_ms - self.wall.true_ms()) / 1000)
            await self._wind_up(people)
        finally:
            for person in people:
                person.cancel()
            await asyncio.gather(*people, return_exceptions=True)
            if self.life is not None:
                self.life.die("the end", loud=False)

    async def _person(self, living: Coroutine[Any, Any, None]) -> None:
        """A mistake of the simulation itself is a failure, too."""
        try:
            await living
        except Violation as violation:
            self.fail(violation)
        except Exception as mistake:  # noqa: BLE001 - it is told, with the seed, and ends the run
            self.fail(Violation("simulation", repr(mistake)), mistake)

    async def _wind_up(self, people: list["asyncio.Task[None]"]) -> None:
        """Everybody goes home; the machine gets well, starts once more, and must be sound."""
        for person in people[1:]:
            person.cancel()
        await asyncio.wait(people[1:])
        self.machine.calm = True
        for _ in range(2):
            await self.machine.restart()
            await self.machine.up()
            need(await self.audit(patience=2000), "R8.3", "something goes on for ever, and nobody is there any more")
        self.journal.say("end", f"{self.record.durable} commits, {len(self.laws.ever)} leads")

    async def _set_up(self) -> None:
        plan, dice = self.plan, self.luck
        await self.submit(c.PutTeam(code=TEAMS[0]))
        await self.submit(c.PutTeam(code=TEAMS[1], parent=TEAMS[0]))
        for code in self.campaigns:
            dialer, template = some_dialer(dice, plan), some_template(plan)
            await self.submit(c.PutCampaign(code=code, dialer=dialer, template=template))
        for agent in self.agents:
            team = dice.choice((None, *TEAMS))
            await self.submit(c.PutAgent(code=agent, team=team, campaigns=self.campaigns))
            await self.submit(c.PutSession(agent=agent, campaigns=self.campaigns))
        grace_ms = dice.choice((0, 60_000, 300_000))
        await self.submit(c.PutSettings(restart_grace_ms=grace_ms, leases_per_agent=1))
        loader = Loader(self)
        for code in self.campaigns:
            await loader.load(max(3, plan.leads // plan.campaigns), code)

    # -- asking the daemon ------------------------------------------------------------------------------------------

    async def ask(
        self, work: Callable[[Dialer], Coroutine[Any, Any, T]], answered: Callable[[T], None] | None = None
    ) -> T:
        """A client's call, over a network that takes its time. Raises `Lost` when it breaks."""
        await asyncio.sleep(self.luck.choice((0, 0, 0.001, 0.02)))
        life = self.life
        if life is None or life.dialer is None:
            raise Lost
        answer = await life.call(work(life.dialer), answered)
        await asyncio.sleep(self.luck.choice((0, 0, 0.001, 0.02)))
        if life.dead:
            raise Lost
        return answer

    async def submit(self, command: c.Command) -> Any:
        """A command."""

        async def submit(dialer: Dialer) -> Any:
            return await dialer.submit(command)

        try:
            return await self.ask(submit, lambda answer: self.witness.answered(command, answer))
        except NotReady:
            raise
        except NextleadError:
            self.witness.refused(command)
            raise

    async def look(self, look: Callable[[Engine], T]) -> T:
        """A read."""
        seen: list[int] = []

        def noted(engine: Engine) -> T:
            seen.append(engine.commit_no if self.record.pending(engine.commit_no) else engine.commit_no - 1)
            return look(engine)

        async def read(dialer: Dialer) -> T:
            return await dialer.read(noted)

        return await self.ask(read, lambda _: self.witness.acknowledged(seen[0], "a read"))

    # -- what the engine does ---------------------------------------------------------------------------------------

    def before(self, engine: WatchedEngine, command: c.Command, now_ms: int) -> bool:
        """See `Watcher.before`. Whatever is due has fired by then, or fires now: nobody had to come for it."""
        if self.wall.is_settled():
            try:
                audit.check_deadline(engine, now_ms)
            except Violation as violation:
                self.fail(violation)
        return self.oracle is not None and self.oracle.wants_time_first(command, now_ms)

    def after(
        self,
        engine: WatchedEngine,
        command: c.Command,
        now_ms: int,
        outcome: Outcome | None,
        error: NextleadError | None,
    ) -> None:
        """See `Watcher.after`."""
        no = engine.commit_no
        if outcome is not None:
            self.record.note(no, outcome.changes)
            self.witness.gave(outcome.changes)
            if outcome.faults:
                self.fail(Violation("R14.4", f"about to be offered, and forbidden: {outcome.faults}"))
        self.record.told(no, command)
        if error is None:
            self.laws.told(command)
        self.journal.say("command", f"{type(command).__name__} {error.code if error else ''} {now_ms}")
        if self.oracle is not None:
            self.guarded(lambda oracle: oracle.follow(engine, command, now_ms, outcome, error))

    def started(self, engine: WatchedEngine, now_ms: int, last_ms: int, outcome: Outcome) -> None:
        """See `Watcher.started`."""
        self.record.note(engine.commit_no, outcome.changes)
        self.witness.started(engine)
        self.journal.say("start", f"at {now_ms}, last {last_ms}, commit {engine.commit_no}")
        self.guarded(lambda oracle: oracle.started(engine, now_ms, last_ms, self.record.durable))

    def slipped(self, engine: WatchedEngine, by_ms: int, now_ms: int, outcome: Outcome) -> None:
        """See `Watcher.slipped`."""
        self.record.note(engine.commit_no, outcome.changes)
        self.journal.say("slip", f"{by_ms}")
        self.guarded(lambda oracle: oracle.slipped(engine, by_ms, now_ms))

    def guarded(self, check: Callable[[Oracle], None]) -> None:
        """The model's word, if it goes along; a difference ends the run, not the engine."""
        if self.oracle is None or self.failed.done():
            return
        try:
            check(self.oracle)
        except Violation as violation:
            self.fail(violation)
        except Exception as mistake:  # noqa: BLE001 - a mistake of the model's is told, too
            self.fail(Violation("model", repr(mistake)), mistake)

    # -- what the disk has ------------------------------------------------------------------------------------------

    async def committed(self, commit: Commit) -> None:
        """See `SimulatedStore`."""
        try:
            await self.record.committed(commit)
            self.laws.committed(commit)
        except Violation as violation:
            self.fail(violation)
        events = " ".join(f"{event.lead}:{event.kind}" for event in commit.changes.events[:6])
        self.journal.say("commit", f"{commit.no} {_digest(commit)} {events}")

    async def erased(self, erasures: Sequence[Erasure]) -> None:
        """See `SimulatedStore`."""
        await self.record.erased(erasures)

    # -- moments of calm --------------------------------------------------------------------------------------------

    async def _auditor(self) -> None:
        while True:
            await asyncio.sleep(AUDIT_S)
            await self.audit()

    async def audit(self, patience: int = 20) -> bool:
        """Wait for a moment of calm, then look at everything. False when there was none; another one comes later."""
        for _ in range(patience):
            life = self.life
            if life is not None and life.dialer is not None and self._is_calm(life, life.dialer):
                await self._look_around(life)
                return True
            await asyncio.sleep(0.05)
        return False

    def _is_calm(self, life: Life, dialer: Dialer) -> bool:
        engine = life.engine
        return (
            dialer.ready
            and not engine.working
            and not dialer.queued
            and not self.record.pending(engine.commit_no)
            and self.record.durable == engine.commit_no - 1
        )

    async def _look_around(self, life: Life) -> None:
        """Nothing here gives way to other tasks: memory disks and engines answer at once."""
        engine, now_ms = life.engine, life.engine.state.now_ms
        self.journal.say("audit", f"commit {engine.commit_no - 1}")
        self.witness.check_told(engine, self.agents)
        if self.wall.is_settled():
            audit.check_deadline(engine, life.clock.now_ms())
        audit.check_proof(engine)
        audit.check_promises(engine, now_ms)
        await audit.check_disk(self.disk, self.record, self.laws)
        twin = await audit.twin_of(self.disk, engine, self.almanac, now_ms)
        audit.compare_twin(engine, twin)
        audit.check_waiting(engine, twin, now_ms)
        audit.check_order(twin, self.agents, self._auditors_dice, now_ms)
        if self.oracle is not None:
            self.guarded(lambda oracle: oracle.compare(engine))
            self.oracle.settled()

    def fail(self, violation: Violation, cause: BaseException | None = None) -> None:
        """The first one counts."""
        if cause is not None:
            violation.__cause__ = cause
        if not self.failed.done():
            self.failed.set_result(violation)


def _engine_of(centre: Centre) -> WatchedEngine:
    return WatchedEngine(centre, SECRET, centre.almanac, NO_SCHEMES)


def _digest(commit: Commit) -> str:
    return blake2b(msgpack.encode(commit), digest_size=4).hexdigest()
