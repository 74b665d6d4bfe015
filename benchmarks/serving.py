"""The daemon over HTTP, on SQLite: beside the bare framework (T6), as redials fall due (T13), as it is scraped (T12).

Every measurement starts `nextlead serve` on a copy of the same store; the load comes from the measuring process.
"""

import asyncio
from hashlib import sha256
from pathlib import Path
from statistics import median
from time import perf_counter, time_ns
from typing import Final

from nextlead.core.commands import ClosePool, IntakeRow, LoadRows, OpenPool, PutAgent, PutCampaign, PutSession, PutToken
from nextlead.core.setup_model import Dialer
from nextlead.runtime.clock import ManualClock
from nextlead_adapters.bootstrap import open_dialer

from . import bare
from .clients import Asker, Rounds, Tally, connect, head, secret_of, with_body
from .durable import run
from .engine import Tell
from .figures import Result, spread
from .job import CAMPAIGNS, Job, agent_code
from .lateness import CAMPAIGN, WAITERS, Waiters, waiter_code
from .load import Shift
from .served import Server, bare_server, daemon
from .stores import copy_store, make_loaded, store_url

WARM_UP: Final = 0.25
"""Operations before those that are measured, so that retries and promised calls are among these."""
BARE_TIMES: Final = 3
"""So many answers of the framework for each operation, so that both are measured for about as long."""
HALF: Final = 0.5
PACED_S: Final = 10.0
LATE_S: Final = 20.0
SCRAPE_TURNS: Final = 3
SCRAPE_EVERY_S: Final = 1.0
_FIRST_NUMBER: Final = 1_212_555_0100


def make_serving(job: Job, path: Path, tell: Tell) -> None:
    """A store as after an upload, whose agents have tokens; and others who wait for redials in a campaign of theirs."""
    make_loaded(job, path, tell)
    tell("giving tokens out")
    asyncio.run(_make_callers(job, path))


async def _make_callers(job: Job, path: Path) -> None:
    waiters = [waiter_code(at) for at in range(WAITERS)]
    async with await open_dialer(store_url(path), ManualClock()) as dialer:
        await dialer.submit(PutCampaign(code=CAMPAIGN, dialer=Dialer(max_attempts=None)))
        for code in waiters:
            await dialer.submit(PutAgent(code=code, team="root", campaigns=(CAMPAIGN,)))
            await dialer.submit(PutSession(agent=code, campaigns=(CAMPAIGN,)))
        for code in (*map(agent_code, range(job.agents)), *waiters):
            digest = sha256(secret_of(code).encode()).hexdigest()
            await dialer.submit(PutToken(sha256=digest, role="agent", agent=code))
        pool = await dialer.submit(OpenPool(campaign=CAMPAIGN))
        rows = tuple(IntakeRow(at + 1, (_FIRST_NUMBER + at,)) for at in range(WAITERS))
        await dialer.submit(LoadRows(pool=pool.id, rows=rows))
        await dialer.submit(ClosePool(pool=pool.id))


# -- T6 -------------------------------------------------------------------------------------------------------------


def measure_http(job: Job, operations: int, made: Path, tell: Tell) -> Result:
    """T6: all agents in closed loop over HTTP, then paced at half of that; the bare framework before and after."""
    folder = made.parent
    path = copy_store(made, folder)
    tell("the bare framework")
    rates = [run(_bare(folder, job, operations))]
    tell("the daemon")
    with daemon(path, "manual") as server:
        result = run(_agents(server, job, operations))
    tell("the bare framework again")
    rates.append(run(_bare(folder, job, operations)))
    names = ("operations_per_s", "cpu_us_per_operation", "load_core_share")
    result |= {f"bare_{name}": sum(rate[name] for rate in rates) / len(rates) for name in names}
    result["ratio_bare"] = result["operations_per_s"] / result["bare_operations_per_s"]
    return result


async def _agents(server: Server, job: Job, operations: int) -> Result:
    async with Shift(server.port, job.agents, job.seed) as shift:
        await shift.move_clock(server.token)
        await shift.work(int(operations * WARM_UP))
        cpu_s = server.cpu_s()
        tally = await shift.work(operations)
        result = _with_cpu(tally, server.cpu_s() - cpu_s)
        rate = result["operations_per_s"] * HALF
        paced = await shift.pace(rate, PACED_S)
    return result | {f"half_{name}": value for name, value in paced.result().items()}


def _with_cpu(tally: Tally, cpu_s: float) -> Result:
    return tally.result() | {"cpu_us_per_operation": cpu_s * 1e6 / max(1, tally.operations)}


async def _bare(folder: Path, job: Job, operations: int) -> Result:
    request = b"GET %s HTTP/1.1\r\nhost: localhost\r\n\r\n" % bare.PATH.encode()
    with bare_server(folder) as server:
        await Rounds(request, operations).run(server.port, job.agents)
        cpu_s = server.cpu_s()
        tally = await Rounds(request, BARE_TIMES * operations).run(server.port, job.agents)
        return _with_cpu(tally, server.cpu_s() - cpu_s)


# -- T13 ------------------------------------------------------------------------------------------------------------


def measure_late(job: Job, operations: int, made: Path, tell: Tell) -> Result:
    """T13: lateness of promised redials at half of the load that agents in closed loop make. The computer's clock."""
    path = copy_store(made, made.parent)
    tell("redials fall due")
    with daemon(path) as server:
        return run(_late(server, job, operations))


async def _late(server: Server, job: Job, operations: int) -> Result:
    async with Shift(server.port, job.agents, job.seed) as shift:
        shift.now_ms = time_ns() // 1_000_000
        await shift.work(int(operations * WARM_UP))
        full = await shift.work(operations)
        rate = full.result()["operations_per_s"]
        paced, late = await asyncio.gather(shift.pace(rate * HALF, LATE_S), Waiters(server.port, job.seed).wait(LATE_S))
    return {"full_operations_per_s": rate} | paced.result() | late


# -- T12 ------------------------------------------------------------------------------------------------------------


def measure_scrape(job: Job, operations: int, made: Path, tell: Tell) -> Result:
    """T12: how long `/metrics` takes, alone and under half of the load; `next` with a scrape a second and without."""
    path = copy_store(made, made.parent)
    tell("scraping")
    with daemon(path, "manual") as server:
        return run(_scraped(server, job, operations))


async def _scraped(server: Server, job: Job, operations: int) -> Result:
    scraper = Scraper(server)
    result = {"first_ms": await scraper.scrape(), "alone_ms": await scraper.usual(5)}
    async with Shift(server.port, job.agents, job.seed) as shift:
        await shift.move_clock(server.token)
        await shift.work(int(operations * WARM_UP))
        full = await shift.work(operations)
        rate = full.result()["operations_per_s"] * HALF
        without, during = Tally(), Tally()
        for _ in range(SCRAPE_TURNS):
            without += await shift.pace(rate, PACED_S / 2)
            scraping = asyncio.create_task(scraper.go_on())
            during += await shift.pace(rate, PACED_S / 2)
            scraping.cancel()
    result |= spread("scrape", scraper.times_ms, "ms")
    result |= {f"without_{name}": value for name, value in without.result().items()}
    result |= {f"during_{name}": value for name, value in during.result().items()}
    result["inactive_first_ms"], result["inactive_ms"] = await scraper.scrape_inactive()
    result["share_none"] = max(result["without_share_none"], result["during_share_none"])
    return result


class Scraper:
    """Asks for `/metrics`; `times_ms` are those of `go_on`.

    Each request has a connection of its own: the daemon closes those that were idle between two phases.
    """

    def __init__(self, server: Server) -> None:
        self.times_ms: list[float] = []
        self._server = server

    async def scrape(self) -> float:
        """Once; milliseconds."""
        return await self._ask("GET", "/metrics")

    async def usual(self, times: int) -> float:
        """The median of so many, one after the other."""
        return median([await self.scrape() for _ in range(times)])

    async def go_on(self) -> None:
        """Every second, until it is cancelled."""
        while True:
            self.times_ms.append(await self.scrape())
            await asyncio.sleep(SCRAPE_EVERY_S)

    async def scrape_inactive(self) -> tuple[float, float]:
        """With all campaigns inactive: the first scrape, and the median of five that follow."""
        for no in range(CAMPAIGNS):
            await self._ask("PATCH", f"/v1/campaigns/c{no}", b'{"active":false}')
        first = await self.scrape()
        return first, await self.usual(5)

    async def _ask(self, method: str, path: str, body: bytes = b"") -> float:
        """How long the answer took, in milliseconds; not how long the connection."""
        asker = await connect(self._server.port, Asker())
        try:
            started = perf_counter()
            await asker.ask(head(method, path, self._server.token) + with_body(body))
            return (perf_counter() - started) * 1000
        finally:
            asker.transport.close()
