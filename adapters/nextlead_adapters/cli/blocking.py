"""`do-not-call`: the lists of numbers that nobody calls; `anonymize`: a person is forgotten."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from .client import connect, segment
from .lists import Json, Limit
from .many import DryRun, report
from .output import Exit, print_facts, print_json, print_table

_COLUMNS = ("number", "scope", "reason", "at", "by")

Number = Annotated[str, typer.Argument(help="With its country code, or of the organisation's region.")]
Reason = Annotated[str, typer.Option(help="Why; it is shown with the entry.")]
Global = Annotated[bool, typer.Option("--global", help="The list of all organisations; needs an operator's token.")]
Drop = Annotated[bool, typer.Option("--drop-number", help="Leads with another number only lose this one.")]


def register(app: typer.Typer) -> None:
    """Add the group and the command."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Numbers that nobody calls.")
    group.command("list")(list_blocked)
    group.command("add")(add)
    group.command("remove")(remove)
    group.command("check")(check)
    group.command("import")(import_file)
    app.add_typer(group, name="do-not-call")
    app.command("anonymize")(anonymise)


def _scope(everywhere: bool) -> str:
    return "global" if everywhere else "organisation"


def list_blocked(limit: Limit = 100, as_json: Json = False) -> None:
    """Both lists, by number."""
    with connect() as client:
        items = list(client.items("/v1/do-not-call", limit))
    if as_json:
        print_json(items)
    else:
        print_table(_COLUMNS, [[item[column] for column in _COLUMNS] for item in items])


def add(
    number: Number,
    reason: Reason = "",
    drop_number: Drop = False,
    everywhere: Global = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Put a number on a list; open leads that have it close."""
    body = {"number": number, "reason": reason, "scope": _scope(everywhere), "drop_number": drop_number}
    with connect() as client:
        _show(client.post("/v1/do-not-call" + ("?dry_run=true" if dry_run else ""), body), as_json=as_json)


def remove(number: Number, everywhere: Global = False) -> None:
    """Take a number off a list; no lead is opened again."""
    with connect() as client:
        client.call("DELETE", "/v1/do-not-call", params={"number": number, "scope": _scope(everywhere)})


def check(number: Number, as_json: Json = False) -> None:
    """Whether a number may be called: ends with 1 if it may not."""
    with connect() as client:
        found = client.get(f"/v1/do-not-call/{segment(number)}")
    _show(found, as_json=as_json)
    if found["blocked"]:
        raise typer.Exit(Exit.REFUSED)


def import_file(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV: numbers, and a reason for each if you like.")
    ],
    reason: Reason = "",
    drop_number: Drop = False,
    everywhere: Global = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Put a file of numbers on a list."""
    options = msgspec.json.encode({"reason": reason, "scope": _scope(everywhere), "drop_number": drop_number})
    path = "/v1/do-not-call/import" + ("?dry_run=true" if dry_run else "")
    with connect() as client, file.open("rb") as source:
        answer = client.call("POST", path, data={"options": options}, files={"file": (file.name, source)}).json()
    report(answer, as_json=as_json)


def anonymise(number: Number, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Forget the person who has a number, for good. The number is never loaded again."""
    with connect() as client:
        answer = client.post("/v1/anonymize" + ("?dry_run=true" if dry_run else ""), {"phone": number})
    report(answer, as_json=as_json)


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        print_facts(found)
