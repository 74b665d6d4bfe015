"""The demo from start to end: daemon, organisation, printed lines, agents at work, the same again next time."""

import asyncio
import sys
from pathlib import Path
from random import Random

import httpx
from msgspec import Struct
from rich.console import Console

from nextlead_adapters.cli.client import Client
from nextlead_adapters.config import Config, HttpConfig, StoreConfig
from nextlead_adapters.logs import configure_logs
from nextlead_adapters.server import REFUSALS, Running, run_loop, running, stop_on_signals, until_over

from .agents import WAIT_S, SimulatedAgent
from .intro import introduce
from .organisation import AGENTS, SEAT, Seats, prepare
from .screen import Screen


class Wishes(Struct):
    """What was asked for on the command line."""

    folder: Path
    host: str
    port: int
    clock: str | None
    agents: bool = True
    seconds: float | None = None
    seed: int = 1
    pace: float = 1.0


def run_demo(wishes: Wishes) -> int:
    """Run until stopped, or for so many seconds; the process's exit code."""
    wishes.folder.mkdir(parents=True, exist_ok=True)
    config = Config(
        store=StoreConfig(url=f"sqlite:///{wishes.folder / 'nextlead.db'}"),
        http=HttpConfig(host=wishes.host, port=wishes.port),
    )
    with (wishes.folder / "nextlead.log").open("a", encoding="utf-8") as log:
        configure_logs("json", "info", log)
        try:
            return run_loop(_demo(wishes, config))
        except REFUSALS as error:
            sys.stderr.write(f"nextlead: {error}\n")
            return 1


async def _demo(wishes: Wishes, config: Config) -> int:
    console = Console(highlight=False, soft_wrap=True)
    async with running(config, wishes.clock) as daemon:
        seats = await asyncio.to_thread(_begin, console, daemon, wishes.folder)
        sys.stdout.flush()
        stop_on_signals(daemon.stop)
        if wishes.seconds is not None:
            asyncio.get_running_loop().call_later(wishes.seconds, daemon.stop)
        if not wishes.agents:
            return await until_over(daemon)
        return await _at_work(console, daemon, seats, wishes)


def _begin(console: Console, daemon: Running, folder: Path) -> Seats:
    built = daemon.built
    with Client(daemon.url, built.token) as client:
        seats = prepare(client, folder, built.token)
        introduce(console, daemon.url, seats, built.token_file, client)
    return seats


async def _at_work(console: Console, daemon: Running, seats: Seats, wishes: Wishes) -> int:
    """The agents work until the daemon stops; a call that is cut off is on the same screen again next time."""
    codes = [code for code, _, _ in AGENTS if code != SEAT]
    screen = Screen(console, codes)
    async with httpx.AsyncClient(base_url=daemon.url, timeout=WAIT_S * 3) as http:
        with screen.shown():
            tasks = []
            for code in codes:
                luck = Random(f"{wishes.seed} {code}")
                agent = SimulatedAgent(code, seats.agents[code], http, screen.tell, luck, wishes.pace)
                tasks.append(asyncio.create_task(agent.work(), name=f"agent-{code}"))
            over = await until_over(daemon)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    console.print(f"\n{screen.calls} calls. 'nextlead demo' goes on from here; delete {wishes.folder} to begin anew.")
    return over
