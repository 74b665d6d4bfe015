"""`campaigns`, `agents`, `pools`, `leads`: each with `list` and `show`; `pools.py` and `many.py` have the rest."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from .choosing import (
    Campaign,
    Closure,
    LastBy,
    Owner,
    Phone,
    Pool,
    PublicStatus,
    Reason,
    Scheme,
    Status,
    Text,
    chosen,
)
from .client import connect, segment
from .output import Exit, fail, notes, print_facts, print_json, print_table, save

Json = Annotated[bool, typer.Option("--json", help="Print the daemon's answer as it is.")]
Limit = Annotated[int, typer.Option(help="How many at most.", min=1)]
Csv = Annotated[Path | None, typer.Option("--csv", help="Write all of them to this file as CSV; '-' is stdout.")]

COLUMNS = {
    "campaigns": ("code", "name", "project", "active"),
    "agents": ("code", "name", "team", "campaigns", "enabled"),
    "pools": ("id", "name", "campaign", "state", "active", "valid", "invalid", "duplicates", "ready", "open"),
    "organisations": ("code", "name", "created"),
    "leads": ("id", "campaign", "pool", "status", "public_status", "phones", "owner", "attempts", "due"),
}


def register(app: typer.Typer) -> None:
    """Add a group of commands for each kind of thing."""
    for kind in ("campaigns", "agents"):
        group = _group(f"List {kind}, or show one.")
        group.command("list")(_lister(kind))
        group.command("show")(_shower(kind))
        app.add_typer(group, name=kind)


def register_pools(app: typer.Typer) -> typer.Typer:
    """Add the group of pools, which has more commands than these."""
    group = _group("Lead pools: look, change, download.")
    group.command("show")(_shower("pools"))
    app.add_typer(group, name="pools")
    return group


def register_leads(app: typer.Typer) -> typer.Typer:
    """Add the group of leads, which has more commands than these."""
    group = _group("Leads: list by what they are, show one, act on many.")
    group.command("list")(list_leads)
    group.command("show")(show_lead)
    app.add_typer(group, name="leads")
    return group


def _group(about: str) -> typer.Typer:
    return typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=about)


def _lister(kind: str) -> Any:
    def command(limit: Limit = 100, as_json: Json = False) -> None:
        show_list(kind, {}, limit, as_json=as_json)

    command.__doc__ = f"The organisation's {kind}."
    return command


def _shower(kind: str) -> Any:
    key = "id" if kind == "pools" else "code"

    def command(name: Annotated[str, typer.Argument(metavar=key.upper())], as_json: Json = False) -> None:
        with connect() as client:
            found = client.get(f"/v1/{kind}/{segment(name)}")
        if as_json:
            print_json(found)
        else:
            print_facts(found)

    command.__doc__ = f"Everything about one of the {kind}."
    return command


def show_lead(lead: Annotated[int, typer.Argument(metavar="ID")], scheme: Scheme = None, as_json: Json = False) -> None:
    """Everything about one of the leads."""
    with connect() as client:
        found = client.get(f"/v1/leads/{segment(lead)}", scheme=scheme)
    if as_json:
        print_json(found)
    else:
        print_facts(found)


def list_leads(
    campaign: Campaign = None,
    pool: Pool = None,
    status: Status = None,
    closure: Closure = None,
    owner: Owner = None,
    phone: Phone = None,
    text: Text = None,
    scheme: Scheme = None,
    public_status: PublicStatus = None,
    reason: Reason = None,
    last_by: LastBy = None,
    csv: Csv = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """Leads, open and closed, by id.

    `public_status` is what they are called in the words of a status scheme.
    """
    wanted = chosen(campaign=campaign, pool=pool, status=status, closure=closure, owner=owner, phone=phone, q=text)
    wanted |= chosen(scheme=scheme, public_status=public_status, reason=reason, last_by=last_by)
    if csv is not None:
        save_leads(wanted, csv, as_json=as_json)
    else:
        show_list("leads", wanted, limit, as_json=as_json)


def save_leads(wanted: dict[str, object], to: Path, *, as_json: bool) -> None:
    """All leads of a filter as CSV, which goes with no `--json`."""
    if as_json:
        fail("either --csv or --json", Exit.WRONG_USE)
    with connect() as client:
        save(client.pieces("/v1/leads.csv", **wanted), to)


def show_list(kind: str, wanted: Mapping[str, object], limit: int, *, as_json: bool, path: str = "") -> None:
    """The list as JSON, or its most telling columns; it is at `path`, if not where its kind says."""
    with connect() as client:
        items = list(client.items(path or f"/v1/{kind}", limit + 1, **wanted))
    if len(items) > limit:
        del items[limit:]
        notes.print(f"There are more than these {limit}: see --limit.")
    if as_json:
        print_json(items)
        return
    columns = COLUMNS[kind]
    print_table(columns, [[_cell(item, column) for column in columns] for item in items])


def _cell(item: dict[str, Any], column: str) -> object:
    """The column's value; a pool's numbers lie one deeper, in `counts`, and so does a public status's one line."""
    if column == "public_status":
        return item[column]["label"]
    counts = item.get("counts", {})
    return counts[column] if column in counts else item.get(column)
