"""`serve`, `demo`, `verify`: the commands that are no clients of a running daemon."""

from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from nextlead_adapters.config import Config, ConfigError, load_config

from .output import Exit, fail, notes, print_json, print_table

Store = Annotated[str | None, typer.Option(help="sqlite:///FILE, or memory: to keep nothing.")]
Clock = Annotated[str | None, typer.Option(help="'manual' or 'manual=TIME': time moves only by POST /v1/clock.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(demo)
    app.command()(serve)
    app.command()(verify)


def serve(
    config: Annotated[Path | None, typer.Option(help="A nextlead.toml.")] = None,
    store: Store = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Default 8700; 0 takes any free one.")] = None,
    clock: Clock = None,
) -> None:
    """Run the daemon until SIGTERM or Ctrl-C. What is in flight is answered first."""
    from nextlead_adapters.logs import configure_logs
    from nextlead_adapters.server import serve_forever

    settings = _settings(config, store, host, port)
    _check_clock(clock)
    configure_logs(settings.log.format, settings.log.level)
    raise typer.Exit(serve_forever(settings, clock))


def demo(
    folder: Annotated[Path, typer.Option("--dir", help="Where the demo keeps its store.")] = Path("nextlead-demo"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8700,
    clock: Clock = None,
    agents: Annotated[bool, typer.Option("--agents/--no-agents", help="Simulate agents at work.")] = True,
    seconds: Annotated[float | None, typer.Option(min=0, help="End by itself after so long.")] = None,
    seed: Annotated[int, typer.Option(help="Of the simulated agents' luck.")] = 1,
    pace: Annotated[float, typer.Option(min=0, help="How long they talk: 2 is twice as long.")] = 1.0,
) -> None:
    """Run a ready call centre to look at.

    A daemon, an organisation, a sample list of fictional numbers, agents at work.

    Stop it with Ctrl-C and start it again: everything is where it was. To begin anew, delete its folder.
    """
    from nextlead_adapters.demo.run import Wishes, run_demo

    _check_clock(clock)
    wishes = Wishes(folder, host, port, clock, agents=agents, seconds=seconds, seed=seed, pace=pace)
    raise typer.Exit(run_demo(wishes))


def verify(
    config: Annotated[Path | None, typer.Option(help="A nextlead.toml.")] = None,
    store: Store = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Prove that a store is sound.

    Loads a snapshot of it, and recomputes counters, queues and timers. Changes nothing, and may run beside the daemon.
    """
    from nextlead_adapters.scheme_files import read_schemes
    from nextlead_adapters.server import REFUSALS, run_loop
    from nextlead_adapters.verify import verify_store

    settings = _settings(config, store, None, None)
    try:
        report = run_loop(verify_store(settings.store.url, read_schemes(settings.schemes.folder)))
    except REFUSALS as error:
        fail(str(error))
    if as_json:
        print_json(report)
    else:
        print_table(("what", "how many"), report.counts.items())
        if report.findings:
            print_table(("finding",), [(finding,) for finding in report.findings])
        else:
            notes.print("the store is sound: a rebuild from its rows gives the same queues, counters and timers")
    if report.findings:
        fail(f"{len(report.findings)} findings: the store is not sound", Exit.REFUSED)


def _check_clock(text: str | None) -> None:
    """Wrong use is told before anything is opened."""
    from nextlead_adapters.bootstrap import make_clock

    try:
        make_clock(text)
    except ValueError as error:
        fail(str(error), Exit.WRONG_USE)


def _settings(file: Path | None, store: str | None, host: str | None, port: int | None) -> Config:
    """The configuration file with the options over it; ends the command when it can't be used."""
    try:
        config = load_config(file)
    except ConfigError as error:
        fail(str(error), Exit.WRONG_USE)
    http = {key: value for key, value in {"host": host, "port": port}.items() if value is not None}
    kept = replace(config.store, url=store) if store else config.store
    return replace(config, store=kept, http=replace(config.http, **http))
