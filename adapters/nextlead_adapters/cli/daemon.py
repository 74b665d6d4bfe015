"""`serve`, `demo`, `verify`, `migrate`: the commands that are no clients of a running daemon."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .output import Exit, fail, notes, print_facts, print_json, print_table
from .settings import settings_of
from .watching import watched

if TYPE_CHECKING:
    from nextlead_adapters.backup.migrating import Migration

Config = Annotated[Path | None, typer.Option(help="A nextlead.toml.")]
Served = Annotated[
    str | None, typer.Option(help="sqlite:///FILE, postgresql://NAME@HOST/DATABASE, or memory: to keep nothing.")
]
Stored = Annotated[str | None, typer.Option(help="sqlite:///FILE or postgresql://NAME@HOST/DATABASE.")]
Clock = Annotated[str | None, typer.Option(help="'manual' or 'manual=TIME': time moves only by POST /v1/clock.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(demo)
    app.command()(serve)
    app.command()(verify)
    app.command()(migrate)


def serve(
    config: Config = None,
    store: Served = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Default 8700; 0 takes any free one.")] = None,
    clock: Clock = None,
) -> None:
    """Run the daemon until SIGTERM or Ctrl-C. What is in flight is answered first."""
    from nextlead_adapters.logs import configure_logs
    from nextlead_adapters.server import serve_forever

    settings = settings_of(config, store, host, port)
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
    config: Config = None,
    store: Stored = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read the whole history too, and compare every row with it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Prove that a store is sound.

    Recomputes queues, counters, timers and indexes from a snapshot's rows. Changes nothing; may run beside the daemon.
    """
    from nextlead_adapters.scheme_files import read_schemes
    from nextlead_adapters.server import REFUSALS, run_loop
    from nextlead_adapters.verify import verify_store

    settings = settings_of(config, store)
    schemes = settings.schemes.folder
    try:
        with watched("opening") as said:
            report = run_loop(verify_store(settings.store.url, read_schemes(schemes), said, deep=deep))
    except REFUSALS as error:
        fail(str(error))
    if as_json:
        print_json(report)
    else:
        print_table(("what", "how many"), report.counts.items())
        if report.findings:
            print_table(("finding",), [(finding,) for finding in report.findings])
        else:
            whole = ", and its whole history the same rows" if deep else ""
            notes.print(
                f"the store is sound: a rebuild from its rows gives the same queues, counters and timers{whole}"
            )
    if report.findings:
        fail(f"{len(report.findings)} findings: the store is not sound", Exit.REFUSED)


def migrate(
    config: Config = None,
    store: Stored = None,
    check: Annotated[bool, typer.Option("--check", help="Only tell; exit 1 when it is of an older version.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the versions as JSON.")] = False,
) -> None:
    """Bring a store of an older version up to date.

    A daemon does it by itself at its start. All of it or nothing; there is no way back but a backup.
    """
    from nextlead_adapters.backup.migrating import Migration, versions
    from nextlead_adapters.backup.migrating import migrate as bring_up
    from nextlead_adapters.server import REFUSALS, run_loop
    from nextlead_adapters.store_url import shown_url

    url = settings_of(config, store).store.url
    try:
        with watched("opening") as said:
            found, newest = run_loop(versions(url))
            done = Migration(shown_url(url), found, found, []) if check else run_loop(bring_up(url, said))
    except REFUSALS as error:
        fail(str(error))
    if as_json:
        print_json(done)
    else:
        _tell_migration(done, newest)
    if done.now < newest:
        fail(f"the store is of version {done.now}, this program writes version {newest}")


def _tell_migration(done: "Migration", newest: int) -> None:
    print_facts({"store": done.store, "found": done.found, "now": done.now})
    for step in done.steps:
        notes.print(f"version {step}", markup=False)
    if done.found == newest:
        notes.print("the store is up to date")


def _check_clock(text: str | None) -> None:
    """Wrong use is told before anything is opened."""
    from nextlead_adapters.bootstrap import make_clock

    try:
        make_clock(text)
    except ValueError as error:
        fail(str(error), Exit.WRONG_USE)
