"""`python -m benchmarks engine|durable|bulk|cost|table`."""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Final

from msgspec import to_builtins
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from . import plan
from .cost import Cost, count_calls
from .disk import file_system, is_volatile
from .figures import parse_size, size_text
from .job import Job
from .plan import Wish, run_steps
from .report import figure, markdown, number, print_figures, write_json
from .surroundings import surroundings

RESULTS: Final = Path(__file__).parent / "results"
LEADS_LEAST: Final = 200


def main() -> int:
    """Run a command; the exit code."""
    options = _parser().parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    commands = {"engine": _engine, "durable": _durable, "bulk": _bulk, "cost": _cost, "table": _table}
    return commands[options.command](options, console)


def _engine(options: argparse.Namespace, console: Console) -> int:
    wish = _wish(options)
    about = surroundings(_settings(wish, "none: memory only"))
    runs = run_steps(plan.engine_steps(wish), wish.repeat, console)
    figures, warnings = plan.engine_figures(runs, wish), plan.warnings_of(runs)
    print_figures(console, f"The engine, in memory; {_told(wish)}", figures, warnings)
    if options.json:
        write_json(options.json, about, runs, figures, warnings)
    return 0


def _durable(options: argparse.Namespace, console: Console) -> int:
    options.folder.mkdir(parents=True, exist_ok=True)
    disk = file_system(options.folder)
    if is_volatile(options.folder):
        console.print(f"{options.folder} is on {disk}: nothing is durable there; use --folder")
        return 2
    durability = f"SQLite, WAL, synchronous FULL, every answer after its commit; {disk}"
    with tempfile.TemporaryDirectory(prefix="stores-", dir=options.folder) as folder:
        wish = replace(_wish(options), folder=folder)
        about = surroundings(_settings(wish, durability))
        run_steps(plan.durable_stores(wish), 1, console)
        runs = run_steps(plan.durable_steps(wish), wish.repeat, console)
    figures, warnings = plan.durable_figures(runs, wish), plan.warnings_of(runs)
    print_figures(console, f"The dialer on {durability}; {_told(wish)}", figures, warnings)
    if options.json:
        write_json(options.json, about, runs, figures, warnings)
    return 0


def _bulk(options: argparse.Namespace, console: Console) -> int:
    options.folder.mkdir(parents=True, exist_ok=True)
    durability = f"SQLite, WAL, synchronous FULL, every answer after its commit; {file_system(options.folder)}"
    with tempfile.TemporaryDirectory(prefix="stores-", dir=options.folder) as folder:
        wish = replace(_wish(options), folder=folder)
        about = surroundings(_settings(wish, durability))
        runs = run_steps(plan.bulk_steps(wish), wish.repeat, console)
    figures = plan.bulk_figures(runs, wish)
    print_figures(console, f"Big work while {wish.agents} agents call, on {durability}", figures, ())
    if options.json:
        write_json(options.json, about, runs, figures, ())
    return 0


def _cost(options: argparse.Namespace, console: Console) -> int:
    job = Job(options.leads[0], options.agents, options.seed)
    about = surroundings({"job": to_builtins(job), "operations": options.operations})
    costs, tally = count_calls(job, options.operations)
    ranks = ", ".join(f"{count} of class {rank}" for rank, count in sorted(tally.ranks.items()))
    ranks = f"{ranks}, {tally.none} without a lead"
    console.print(f"{options.operations:,} operations at {size_text(job.leads)} leads: {ranks}")
    for name, cost in costs.items():
        console.print(_cost_table(name, cost, options.top))
    if options.json:
        figures = [
            figure("", f"{kind} called in a {name}", "", [calls])
            for name, cost in costs.items()
            for kind, calls in zip(("functions", "built-in ones"), cost.calls, strict=True)
        ]
        write_json(options.json, about, {}, figures, ())
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


def _told(wish: Wish) -> str:
    return f"{wish.agents} agents, {wish.operations:,} operations, seed {wish.seed}, {wish.repeat} repetitions"


def _settings(wish: Wish, durability: str) -> dict[str, object]:
    settings: dict[str, object] = to_builtins(replace(wish, folder=""))
    return settings | {"durability": durability}


# -- options --------------------------------------------------------------------------------------------------------


def _wish(options: argparse.Namespace) -> Wish:
    sizes = tuple(sorted(set(options.leads)))
    return Wish(sizes, options.operations, options.agents, options.seed, options.repeat, tuple(options.only))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast, how small, how safe.")
    commands = parser.add_subparsers(dest="command", required=True)
    engine = commands.add_parser("engine", help="the pure engine: T1, T2, T7")
    _add_job(engine, leads="1M", operations="200k", sizes="+")
    engine.add_argument("--only", nargs="+", choices=("T1", "T2", "T7"), default=[], help="only these targets")
    durable = commands.add_parser("durable", help="the dialer on SQLite: T3, T5, T8")
    _add_job(durable, leads="1M", operations="100k")
    durable.add_argument("--only", nargs="+", choices=("T3", "T5", "T8"), default=[], help="only these targets")
    durable.add_argument("--folder", type=Path, default=RESULTS, help="where the stores lie meanwhile")
    bulk = commands.add_parser("bulk", help="imports, shuffles, expiry while agents call: T9, T10")
    _add_job(bulk, leads="1M", operations="1")
    bulk.add_argument("--folder", type=Path, default=RESULTS, help="where the stores lie meanwhile")
    bulk.set_defaults(only=[])
    cost = commands.add_parser("cost", help="function calls per operation: the same in every run")
    _add_job(cost, leads="20k", operations="2000")
    cost.add_argument("--top", type=_count, default=15, help="how many functions to name")
    table = commands.add_parser("table", help="files that --json wrote, as Markdown for the README")
    table.add_argument("files", type=Path, nargs="+", metavar="FILE")
    for command in (engine, durable, bulk):
        command.add_argument("--repeat", type=_count, default=5, help="repetitions; medians are reported")
    return parser


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
