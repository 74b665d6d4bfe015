"""The command line: a command for each scenario, made from its description, and those that are about all of them."""

import argparse
from pathlib import Path
from typing import Final

from .figures import parse_size
from .gate import command as gate
from .scenarios import SCENARIOS
from .scenarios.base import Scenario, Wish

RESULTS: Final = Path(__file__).parent / "results"
PAGE: Final = Path(__file__).parent / "RESULTS.md"
LEADS_LEAST: Final = 200
Options = argparse.Namespace


def parse(arguments: list[str] | None = None) -> Options:
    """What is asked for; `command` is its name. Ends the process when that can't be understood."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast, how small, how safe.")
    commands = parser.add_subparsers(dest="command", required=True)
    for scenario in SCENARIOS:
        told = f"{scenario.help}: {', '.join(scenario.targets)}" if scenario.targets else scenario.help
        _scenario(commands.add_parser(scenario.name, help=told, description=told), scenario)
    _short(commands.add_parser("short", help="all of them once, at small sizes: about three minutes"))
    _cost(commands.add_parser("cost", help="function calls per operation: the same in every run"))
    gate.add_options(commands.add_parser("gate", help="counts, held against recorded bounds: the same in every run"))
    compare = commands.add_parser("compare", help="what got slower or faster from one file to another")
    compare.add_argument("old", type=Path, metavar="OLD.json")
    compare.add_argument("new", type=Path, metavar="NEW.json")
    compare.add_argument("--fail", action="store_true", help="exit with 1 when something surely got worse")
    compare.add_argument("--plot", type=Path, metavar="STEM", help="draw what changed as STEM.svg and STEM.png")
    publish = commands.add_parser("publish", help="files that --json wrote, as RESULTS.md with its plots")
    publish.add_argument("files", type=Path, nargs="+", metavar="FILE")
    publish.add_argument("--page", type=Path, default=PAGE, help="default benchmarks/RESULTS.md")
    table = commands.add_parser("table", help="files that --json wrote, as tables in Markdown")
    table.add_argument("files", type=Path, nargs="+", metavar="FILE")
    return parser.parse_args(arguments)


def wish_of(scenario: Scenario, options: Options) -> Wish:
    """What the options of a scenario's command ask of it."""
    return Wish(
        sizes=tuple(sorted(set(options.leads))),
        operations=options.operations,
        agents=options.agents,
        seed=options.seed,
        repeat=options.repeat,
        only=tuple(options.only),
        rivals=tuple(name for name in scenario.rivals if name in options.rivals),
        options={option.name: getattr(options, f"of_{option.name}") for option in scenario.options},
    )


def _scenario(command: argparse.ArgumentParser, scenario: Scenario) -> None:
    _add_job(command, scenario.leads, scenario.operations, "+" if scenario.many_sizes else 1)
    command.add_argument("--repeat", type=_count, default=5, help="repetitions; medians are reported; default 5")
    command.set_defaults(only=(), rivals=())
    if scenario.targets:
        command.add_argument("--only", nargs="+", choices=scenario.targets, default=(), help="only these targets")
    if scenario.rivals:
        _add_rivals(command, list(scenario.rivals))
    _add_files(command, None)
    for option in scenario.options:
        command.add_argument(
            f"--{option.name}",
            dest=f"of_{option.name}",
            default=option.default,
            choices=option.choices or None,
            help=f"{option.help}; default {option.default}" if option.default else option.help,
        )


def _short(command: argparse.ArgumentParser) -> None:
    _add_people(command)
    names = [scenario.name for scenario in SCENARIOS if scenario.short is not None]
    command.add_argument("--only", nargs="+", choices=names, default=names, help="only these scenarios")
    _add_rivals(command, sorted({name for scenario in SCENARIOS for name in scenario.rivals}))
    _add_files(command, RESULTS / "short.json")


def _cost(command: argparse.ArgumentParser) -> None:
    _add_job(command, leads="20k", operations="2000")
    command.add_argument("--top", type=_count, default=15, help="how many functions to name")
    _add_json(command, None)


# -- what several commands have -------------------------------------------------------------------------------------


def _add_job(command: argparse.ArgumentParser, leads: str, operations: str, sizes: int | str = 1) -> None:
    told = f"as 100k or 1M{', several of them' if sizes == '+' else ''}; default {leads}"
    command.add_argument("--leads", type=_leads, nargs=sizes, default=[parse_size(leads)], help=told)
    command.add_argument("--operations", type=_count, default=parse_size(operations), help=f"default {operations}")
    _add_people(command)


def _add_people(command: argparse.ArgumentParser) -> None:
    command.add_argument("--agents", type=_count, default=200, help="default 200")
    command.add_argument("--seed", type=int, default=1, help="of leads and outcomes; default 1")


def _add_rivals(command: argparse.ArgumentParser, names: list[str]) -> None:
    told = "whom to run beside; default all that can run here"
    command.add_argument("--rivals", nargs="+", choices=[*names, "none"], default=names, help=told)


def _add_files(command: argparse.ArgumentParser, path: Path | None) -> None:
    command.add_argument("--folder", type=Path, default=RESULTS, help="where stores lie meanwhile")
    _add_json(command, path)
    command.add_argument(
        "--plots", action=argparse.BooleanOptionalAction, default=True, help="draw plots beside the file of --json"
    )


def _add_json(command: argparse.ArgumentParser, path: Path | None) -> None:
    command.add_argument("--json", type=Path, default=path, metavar="FILE", help="write everything that was measured")


def _count(text: str) -> int:
    count = parse_size(text)
    if count < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return count


def _leads(text: str) -> int:
    count = parse_size(text)
    if count < LEADS_LEAST:
        raise argparse.ArgumentTypeError(f"must be {LEADS_LEAST} or more")
    return count
