"""`python -m benchmarks`: a command for each scenario, and `cost`, `table`."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import to_builtins
from rich.console import Console
from rich.table import Table

from .cost import Cost, count_calls
from .figures import parse_size, size_text
from .files import Measured, Outcome, markdown, write_file
from .job import Job
from .report import figure, number, print_figures
from .running import NoDisk, run_scenario
from .scenarios import SCENARIOS
from .scenarios.base import Scenario, Wish
from .surroundings import surroundings

RESULTS: Final = Path(__file__).parent / "results"
LEADS_LEAST: Final = 200
Command = Callable[[argparse.Namespace, Console], int]


def main() -> int:
    """Run a command; the exit code."""
    options = _parser().parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    command: Command = options.run
    try:
        return command(options, console)
    except NoDisk as error:
        console.print(str(error))
        return 2


def _run(scenario: Scenario) -> Command:
    def command(options: argparse.Namespace, console: Console) -> int:
        about = surroundings()
        outcome = run_scenario(scenario, _wish(scenario, options), options.folder, console)
        print_outcome(console, outcome)
        if options.json:
            write_file(options.json, Measured(about, [outcome]))
        return 0

    return command


def print_outcome(console: Console, outcome: Outcome) -> None:
    """The table of a scenario, and below it what makes it say less."""
    print_figures(console, outcome.title, outcome.figures, [*outcome.warnings, *outcome.missing])


def _cost(options: argparse.Namespace, console: Console) -> int:
    job = Job(options.leads[0], options.agents, options.seed)
    about = surroundings()
    costs, tally = count_calls(job, options.operations)
    ranks = ", ".join(f"{count} of class {rank}" for rank, count in sorted(tally.ranks.items()))
    ranks = f"{ranks}, {tally.none} without a lead"
    title = f"{options.operations:,} operations at {size_text(job.leads)} leads: {ranks}"
    console.print(title)
    for name, cost in costs.items():
        console.print(_cost_table(name, cost, options.top))
    if options.json:
        figures = [
            figure("", f"{kind} called in a {name}", "calls", [calls])
            for name, cost in costs.items()
            for kind, calls in zip(("functions", "built-in ones"), cost.calls, strict=True)
        ]
        settings = {"job": to_builtins(job), "operations": options.operations}
        write_file(options.json, Measured(about, [Outcome("cost", title, "none: memory only", settings, figures)]))
    return 0


def _table(options: argparse.Namespace, console: Console) -> int:
    for path in options.files:
        console.out(markdown(path), highlight=False)
    return 0


def _cost_table(name: str, cost: Cost, top: int) -> Table:
    calls, builtins = cost.calls
    title = f"{name}: {number(calls)} function calls and {number(builtins)} built-in ones"
    table = Table(title=title, title_justify="left")
    for head in ("calls", "function", "calls", "built-in"):
        table.add_column(head, justify="right" if head == "calls" else "left")
    columns = [
        [(number(count / cost.times), called) for called, count in counted.most_common(top)]
        for counted in (cost.functions, cost.builtins)
    ]
    for at in range(max(map(len, columns))):
        table.add_row(*(cell for found in columns for cell in (found[at] if at < len(found) else ("", ""))))
    return table


# -- options --------------------------------------------------------------------------------------------------------


def _wish(scenario: Scenario, options: argparse.Namespace) -> Wish:
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast, how small, how safe.")
    commands = parser.add_subparsers(dest="command", required=True)
    for scenario in SCENARIOS:
        _add_scenario(commands.add_parser(scenario.name, help=_help_of(scenario)), scenario)
    cost = commands.add_parser("cost", help="function calls per operation: the same in every run")
    _add_job(cost, leads="20k", operations="2000")
    cost.add_argument("--top", type=_count, default=15, help="how many functions to name")
    cost.set_defaults(run=_cost)
    table = commands.add_parser("table", help="files that --json wrote, as Markdown")
    table.add_argument("files", type=Path, nargs="+", metavar="FILE")
    table.set_defaults(run=_table)
    return parser


def _help_of(scenario: Scenario) -> str:
    return f"{scenario.help}: {', '.join(scenario.targets)}" if scenario.targets else scenario.help


def _add_scenario(command: argparse.ArgumentParser, scenario: Scenario) -> None:
    command.description = _help_of(scenario)
    _add_job(command, scenario.leads, scenario.operations, "+" if scenario.many_sizes else 1)
    command.add_argument("--repeat", type=_count, default=5, help="repetitions; medians are reported; default 5")
    command.add_argument("--only", nargs="+", choices=scenario.targets, default=[], help="only these targets")
    command.add_argument("--folder", type=Path, default=RESULTS, help="where stores lie meanwhile")
    rivals = [*scenario.rivals]
    if rivals:
        told = "whom to run beside; default all that can run here"
        command.add_argument("--rivals", nargs="+", choices=[*rivals, "none"], default=rivals, help=told)
    for option in scenario.options:
        command.add_argument(
            f"--{option.name}",
            dest=f"of_{option.name}",
            default=option.default,
            choices=option.choices or None,
            help=f"{option.help}; default {option.default}" if option.default else option.help,
        )
    command.set_defaults(run=_run(scenario), rivals=rivals)


def _add_job(command: argparse.ArgumentParser, leads: str, operations: str, sizes: int | str = 1) -> None:
    told = f"as 100k or 1M{', several of them' if sizes == '+' else ''}; default {leads}"
    command.add_argument("--leads", type=_leads, nargs=sizes, default=[parse_size(leads)], help=told)
    command.add_argument("--operations", type=_count, default=parse_size(operations), help=f"default {operations}")
    command.add_argument("--agents", type=_count, default=200, help="default 200")
    command.add_argument("--seed", type=int, default=1, help="of leads and outcomes; default 1")
    command.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")


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


if __name__ == "__main__":
    raise SystemExit(main())
