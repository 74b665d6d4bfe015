"""`schemes list|show|check`: status schemes, what leads are called."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from .client import connect, segment
from .lists import Json
from .output import fail, notes, print_facts, print_json, print_table

Row = tuple[str, str, str, str]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Status schemes: what leads are called.")
    group.command("list")(list_schemes)
    group.command("show")(show_scheme)
    group.command("check")(check_schemes)
    app.add_typer(group, name="schemes")


def list_schemes(as_json: Json = False) -> None:
    """The schemes that the daemon was started with."""
    with connect() as client:
        schemes = list(client.items("/v1/schemes", 1000))
    if as_json:
        print_json(schemes)
        return
    rows = [[scheme["name"], scheme["title"], ", ".join(scheme["statuses"])] for scheme in schemes]
    print_table(("name", "title", "statuses"), rows)


def show_scheme(scheme: Annotated[str, typer.Argument(help="The scheme's name.")], as_json: Json = False) -> None:
    """What a scheme calls each status, closure, result and activity."""
    with connect() as client:
        found = client.get(f"/v1/schemes/{segment(scheme)}")
    if as_json:
        print_json(found)
        return
    duplicates = found["upload_rules"]["duplicates"]
    print_facts(
        {key: found[key] for key in ("name", "title", "about", "statuses")}
        | {
            "invalid rows": found["upload_rules"]["on_invalid"],
            "duplicates": f"{duplicates['action']} those with the same {' or '.join(duplicates['match'])}"
            f" among {duplicates['among']} leads of the {duplicates['scope']}",
        }
    )
    print_table(("what", "in the engine", "shown as", "reason or label"), _rows(found))
    if any(mark for *_, mark in _marked(found)):
        notes.print("* the vocabulary has no word for it; this one is nextlead's", markup=False)


def check_schemes(files: Annotated[list[Path], typer.Argument(help="Files of schemes, NAME.toml each.")]) -> None:
    """Whether the daemon would start with these files; needs no daemon."""
    from nextlead_adapters.scheme_files import SchemeError, read_scheme

    wrong = 0
    for file in files:
        try:
            scheme = read_scheme(file)
        except SchemeError as error:
            notes.print(str(error), style="red", markup=False)
            wrong += 1
        else:
            sys.stdout.write(f"{file}: the scheme {scheme.name} can be used\n")
    if wrong:
        fail(f"{wrong} of {len(files)} can't be used")


def _rows(found: dict[str, Any]) -> Iterator[Row]:
    over = found["over_activities"]
    for what, entry, mark in _marked(found):
        shown = entry["shown"]
        reason = shown["reason"] or (shown["label"] if shown["label"] != shown["status"] else "")
        code = f"{entry['code']} (over activities)" if entry["code"] in over and what != "rule" else entry["code"]
        yield what, code, shown["status"], f"{reason} *" if mark else reason


def _marked(found: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Every entry with what it is one of, in the order in which a person asks."""
    tables = {
        "open": "open",
        "results": "result",
        "closures": "closure",
        "rules": "rule",
        "categories": "category",
        "activities": "activity",
    }
    for key, what in tables.items():
        for entry in found[key]:
            yield what, entry, entry["shown"]["ours"]
