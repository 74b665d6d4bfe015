"""`nextlead`: puts the commands together, and turns what goes wrong into the four exit codes (`output.Exit`)."""

import sys
from typing import Annotated

import typer

from . import (
    activities,
    backups,
    blocking,
    daemon,
    explaining,
    limits,
    lists,
    loading,
    many,
    organisations,
    pools,
    schemes,
    simulate,
    smart_lists,
    statistics,
    work,
)
from .client import Refusal, Unreachable
from .output import Exit, notes, print_json

app = typer.Typer(
    name="nextlead",
    help="The right lead to the right agent, and nothing lost. See 'nextlead demo' first.",
    epilog="All but demo, serve, verify, migrate, restore, simulate and 'schemes check' talk to a running daemon: "
    "NEXTLEAD_URL says where it is, if not at http://127.0.0.1:8700, NEXTLEAD_TOKEN who asks. They end with 0 done, "
    "1 refused, 2 wrong use, 3 not reachable.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
daemon.register(app)
backups.register(app)
loading.register(app)
work.register(app)
activities.register(app)
lists.register(app)
pools.register(lists.register_pools(app))
leads = lists.register_leads(app)
many.register(leads)
smart_lists.register(app)
blocking.register(app)
explaining.register(app, leads)
limits.register(app)
schemes.register(app)
simulate.register(app)
statistics.register(app)
organisations.register(app)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        from nextlead_adapters.compiled import engine_form

        sys.stdout.write(f"nextlead {version('nextlead')} (engine: {engine_form()})\n")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it and end.")
    ] = False,
) -> None:
    """Ends at `--version`; every command has its own options."""


def run() -> None:
    """Entry point. 0 done, 1 refused, 2 wrong use (click's own), 3 daemon not reachable."""
    try:
        app()
    except Refusal as refusal:
        if "--json" in sys.argv:
            print_json(refusal.problem)
        notes.print(str(refusal), style="red", markup=False)
        sys.exit(Exit.REFUSED)
    except Unreachable as unreachable:
        notes.print(str(unreachable), style="red", markup=False)
        sys.exit(Exit.UNREACHABLE)
