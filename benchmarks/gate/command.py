"""`python -m benchmarks gate`: count, hold against the bounds, or record them anew."""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from ..rivals.servers import missing_postgres, postgres_server
from . import bounds
from .bounds import RECORD, Finding
from .groups import GROUPS, POSTGRES, Figures, count_apart


def add_options(command: argparse.ArgumentParser) -> None:
    """What the command may be told."""
    command.add_argument("--record", action="store_true", help="take what is counted as the bounds from now on")
    command.add_argument("--only", nargs="+", choices=[*GROUPS], default=[*GROUPS], help="only these groups")
    told = "an empty schema to use; default a server that is started for it"
    command.add_argument("--postgres", default="", metavar="URL", help=told)
    command.add_argument("--all", action="store_true", help="print every figure")


def run(options: argparse.Namespace, console: Console) -> int:
    """Count and hold; 1 if a figure is over its bound. With `--record` say what changed."""
    found = _count(options, console)
    if options.all:
        for group, figures in found.items():
            for figure in figures:
                console.print(f"{figure.value:14,.4f}  {group}: {figure.name}", highlight=False)
    if options.record:
        for line in record(found):
            console.print(line, highlight=False)
        return 0
    findings = held(found)
    for finding in findings:
        console.print(finding.text, style="red" if finding.kind == "fails" else "green", highlight=False)
    failed, figures_held = sum(finding.kind == "fails" for finding in findings), sum(map(len, found.values()))
    console.print(
        f"{figures_held} figures, {failed} over their bounds" + f"; if that is meant: {RECORD}" * (failed > 0)
    )
    return 1 if failed else 0


def _count(options: argparse.Namespace, console: Console) -> Figures:
    groups = [group for group in GROUPS if group in options.only]
    if POSTGRES not in groups:
        return count_apart(groups)
    if missing := missing_postgres(options.postgres):
        console.print(f"[yellow]{missing}[/]")
        return count_apart([group for group in groups if group != POSTGRES])
    with TemporaryDirectory(prefix="nextlead-gate-") as folder, postgres_server(Path(folder), options.postgres) as url:
        return count_apart(groups, url)


def held(found: Figures) -> list[Finding]:
    """What there is to say of the figures of some groups."""
    recorded = bounds.read()
    return [finding for group, figures in found.items() for finding in bounds.hold(group, figures, recorded)]


def record(found: Figures, path: Path = bounds.FILE) -> list[str]:
    """Write the bounds; what changed, in words."""
    recorded = bounds.read(path)
    changed = [line for group, figures in found.items() for line in bounds.record(recorded, group, figures)]
    bounds.write(recorded, path)
    return changed or ["nothing changed"]
