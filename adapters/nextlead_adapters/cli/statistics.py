"""`statistics`: leads by public status and reason, now or over a range of time, with a bar for each (SPEC R13.4)."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .choosing import Campaign, Pool, Scheme, chosen
from .client import connect
from .lists import Json
from .output import Exit, console, fail, notes, print_json, print_table, save
from .smart_lists import bar
from .work import moment

BY = ("reached", "created")

From = Annotated[
    str | None, typer.Option("--from", help="What came from this time on: RFC 3339, or local without offset.")
]
Until = Annotated[str | None, typer.Option(help="What came before this time. Alone: all leads as they were then.")]
By = Annotated[str | None, typer.Option(help="reached: came to its status then (if left out); created: came in then.")]
ToCsv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write it as CSV; '-' is stdout.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("statistics")(statistics)


def statistics(
    campaign: Campaign = None,
    pool: Pool = None,
    scheme: Scheme = None,
    start: From = None,
    until: Until = None,
    by: By = None,
    to_csv: ToCsv = None,
    as_json: Json = False,
) -> None:
    """Count leads by public status and reason.

    As they are now, as they were at a time, or those that came to it within a range of time.
    """
    if by is not None and by not in BY:
        fail(f"--by is {' or '.join(BY)}", Exit.WRONG_USE)
    if to_csv is not None and as_json:
        fail("either --csv or --json", Exit.WRONG_USE)
    times = {"from": start and moment(start, "--from"), "until": until and moment(until, "--until")}
    asked = chosen(campaign=campaign, pool=pool, scheme=scheme, by=by, **times)
    with connect() as client:
        if to_csv is not None:
            save(client.pieces("/v1/statistics.csv", **asked), to_csv)
            return
        found = client.get("/v1/statistics", **asked)
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    """In a terminal with bars, and each status once. A status without a reason goes by its label, as in lists."""
    items: list[dict[str, Any]] = found["items"]
    rows = [[item["status"] if item["reason"] else item["label"], item["reason"], item["count"]] for item in items]
    if not console.is_terminal:
        print_table(("status", "reason", "leads"), rows)
        return
    most = max((item["count"] for item in items), default=0)
    said: set[str] = set()
    for item, row in zip(items, rows, strict=True):
        status = row[0]
        row[0] = "" if status in said else status
        row += [_share(item["count"], found["total"]), bar(item["count"], most)]
        said.add(status)
    print_table(("status", "reason", "leads", "share", ""), rows)
    notes.print(f"{found['total']} leads", markup=False)


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f} %"
