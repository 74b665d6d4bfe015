"""`python -m benchmarks`: a command for each scenario, and `short`, `cost`, `gate`, `compare`, `publish`, `table`."""

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from msgspec import to_builtins
from rich.console import Console
from rich.table import Table

from nextlead_adapters.compiled import engine_form

from .child import ChildFailed
from .compare import cautions, change_plot, change_text, compare, numbers_of, summary
from .cost import Cost, count_calls
from .display import Display
from .drawing import NO_LIBRARY, can_draw, draw
from .figures import size_text
from .files import About, Measured, NotMeasured, Outcome, markdown, read_file, weaknesses, write_file
from .gate import command as gate
from .job import Job
from .options import Options, parse, wish_of
from .publish import NotPublished, doubts, plot_stem, publish
from .report import figure, number, print_figures
from .running import NoDisk, run_scenario
from .scenarios import SCENARIOS
from .scenarios.base import Scenario, Wish
from .short import in_words, run_short
from .surroundings import surroundings


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code: 1 for what failed or got worse, 2 for what can't be done."""
    options = parse(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    scenario = next((scenario for scenario in SCENARIOS if scenario.name == options.command), None)
    if options.command in _COUNTING and engine_form() == "compiled":
        console.print("the engine is compiled, and what it calls can't be counted then: `make interpreted`")
        return 2
    try:
        return _run(scenario, options, console) if scenario else _COMMANDS[options.command](options, console)
    except ChildFailed as error:
        console.print(str(error), markup=False)
        return 1
    except (NoDisk, NotMeasured, NotPublished) as error:
        console.print(str(error), markup=False)
        return 2


def _run(scenario: Scenario, options: Options, console: Console) -> int:
    about = surroundings()
    with Display(console) as display:
        outcome = run_scenario(scenario, wish_of(scenario, options), options.folder, display)
    print_figures(console, outcome.title, [outcome.figures], [*outcome.warnings, *outcome.missing, *weaknesses(about)])
    _keep(options, about, [outcome], console)
    return 1 if outcome.failed else 0


def _short(options: Options, console: Console) -> int:
    about = surroundings()
    wish = Wish((), 0, options.agents, options.seed, 1, rivals=tuple(options.rivals))
    chosen = [scenario for scenario in SCENARIOS if scenario.name in options.only]
    with Display(console) as display:
        outcomes, failed = run_short(chosen, wish, options.folder, display)
    warnings = [text for outcome in outcomes for text in outcome.warnings]
    figures = [outcome.figures for outcome in outcomes]
    print_figures(console, "Everything once, small", figures, [*warnings, *weaknesses(about)])
    _keep(options, about, outcomes, console)
    console.print(in_words(outcomes, failed), markup=False, highlight=False)
    return 1 if failed else 0


def _keep(options: Options, about: About, outcomes: Sequence[Outcome], console: Console) -> None:
    """Write the file that was asked for, and the plots beside it."""
    path: Path | None = options.json
    if path is None:
        return
    write_file(path, Measured(about, list(outcomes)))
    plots = [(outcome, plot) for outcome in outcomes for plot in outcome.plots] if options.plots else []
    if plots and not can_draw():
        console.print(NO_LIBRARY, style="yellow", markup=False)
        return
    for outcome, plot in plots:
        stem = plot_stem(outcome.scenario, plot.name)
        draw(plot, path.with_name(stem if outcome.scenario == path.stem else f"{path.stem}-{stem}"))
    console.print(f"{path}{f', and {len(plots)} plots beside it' if plots else ''}", markup=False, highlight=False)


def _cost(options: Options, console: Console) -> int:
    job = Job(options.leads[0], options.agents, options.seed)
    about = surroundings()
    costs, tally = count_calls(job, options.operations)
    ranks = ", ".join(f"{count} of class {rank}" for rank, count in sorted(tally.ranks.items()))
    title = f"{options.operations:,} operations at {size_text(job.leads)} leads: {ranks}, {tally.none} without a lead"
    console.print(title)
    for name, cost in costs.items():
        console.print(_cost_table(name, cost, options.top))
        instructions, looks, turns = map(number, cost.steps.each)
        console.print(f"{instructions} instructions, {looks} of them which of two comes first, {turns} turns of loops")
    if options.json:
        figures = [
            figure("", f"{kind} called in a {name}", "calls", [calls])
            for name, cost in costs.items()
            for kind, calls in zip(("functions", "built-in ones"), cost.calls, strict=True)
        ]
        settings: dict[str, object] = {"job": to_builtins(job), "operations": options.operations}
        outcome = Outcome("cost", title, "none: memory only", settings, figures)
        write_file(options.json, Measured(about, [outcome]))
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


def _compare(options: Options, console: Console) -> int:
    old, new = read_file(options.old), read_file(options.new)
    changes = compare(old, new)
    table = Table(title=f"{options.old} -> {options.new}", title_justify="left")
    for name in ("", "what", "unit"):
        table.add_column(name)
    for name in ("old", "new", "change"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for change in changes:
        colour = {"better": "green", "worse": "red", "within noise": "dim"}.get(change.verdict, "yellow")
        cells = (numbers_of(change.old), numbers_of(change.new), change_text(change))
        table.add_row(change.target_no, change.what, change.unit, *cells, f"[{colour}]{change.words}[/]")
    console.print(table)
    for text in cautions(old, new):
        console.print(text, style="yellow", markup=False, highlight=False)
    console.print(summary(changes), markup=False, highlight=False)
    plot = change_plot(changes) if options.plot else None
    if plot is not None:
        console.print(NO_LIBRARY if not can_draw() else " ".join(map(str, draw(plot, options.plot))), markup=False)
    return 1 if options.fail and any(change.verdict == "worse" and change.sure for change in changes) else 0


def _publish(options: Options, console: Console) -> int:
    written = publish(options.files, options.page, [scenario.name for scenario in SCENARIOS])
    for text in doubts([read_file(path) for path in options.files]):
        console.print(text, style="yellow", markup=False, highlight=False)
    console.print(f"{written[0]} and {len(written) - 1} files of plots", markup=False, highlight=False)
    return 0


def _table(options: Options, console: Console) -> int:
    for path in options.files:
        console.out(markdown(path), highlight=False)
    return 0


_COMMANDS: Final[dict[str, Callable[[Options, Console], int]]] = {
    "short": _short,
    "cost": _cost,
    "gate": gate.run,
    "compare": _compare,
    "publish": _publish,
    "table": _table,
}


_COUNTING: Final = ("cost", "gate")


def _end(number: int, *_: object) -> None:
    """End as after an error: the process that measures ends with this one, and the servers that it has started."""
    sys.exit(128 + number)


if __name__ == "__main__":
    for asked in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(asked, _end)
    raise SystemExit(main())
