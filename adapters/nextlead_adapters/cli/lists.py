"""`campaigns`, `agents`, `pools`, `leads`: each with `list` and `show`; `pools.py` and `many.py` have the rest."""

from typing import Annotated, Any

import typer

from .client import connect, segment
from .output import notes, print_facts, print_json, print_table

Json = Annotated[bool, typer.Option("--json", help="Print the daemon's answer as it is.")]
Limit = Annotated[int, typer.Option(help="How many at most.", min=1)]

COLUMNS = {
    "campaigns": ("code", "name", "project", "active"),
    "agents": ("code", "name", "team", "campaigns", "enabled"),
    "pools": ("id", "name", "campaign", "state", "active", "valid", "invalid", "duplicates", "ready", "open"),
    "leads": ("id", "campaign", "pool", "status", "closure", "phones", "owner", "attempts", "due"),
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
    group.command("show")(_shower("leads"))
    app.add_typer(group, name="leads")
    return group


def _group(about: str) -> typer.Typer:
    return typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=about)


def _lister(kind: str) -> Any:
    def command(limit: Limit = 100, as_json: Json = False) -> None:
        show_list(kind, limit, as_json=as_json)

    command.__doc__ = f"The organisation's {kind}."
    return command


def _shower(kind: str) -> Any:
    key = "id" if kind in {"pools", "leads"} else "code"

    def command(name: Annotated[str, typer.Argument(metavar=key.upper())], as_json: Json = False) -> None:
        with connect() as client:
            found = client.get(f"/v1/{kind}/{segment(name)}")
        if as_json:
            print_json(found)
        else:
            print_facts(found)

    command.__doc__ = f"Everything about one of the {kind}."
    return command


def list_leads(
    campaign: Annotated[str | None, typer.Option(help="Of this campaign.")] = None,
    pool: Annotated[int | None, typer.Option(help="Of this pool.")] = None,
    status: Annotated[str | None, typer.Option(help="In this status: unprocessed, closed, ...")] = None,
    closure: Annotated[str | None, typer.Option(help="Closed so: success, abandoned, ...")] = None,
    owner: Annotated[str | None, typer.Option(help="Owned by agent:CODE or team:CODE.")] = None,
    phone: Annotated[str | None, typer.Option(help="With this number.")] = None,
    text: Annotated[str | None, typer.Option(help="With this text in a data field.")] = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """Leads, open and closed, by id."""
    wanted = {"campaign": campaign, "pool": pool, "status": status, "closure": closure, "owner": owner, "phone": phone}
    show_list("leads", limit, as_json=as_json, q=text, **wanted)


def show_list(kind: str, limit: int, *, as_json: bool, **wanted: object) -> None:
    """The list as JSON, or its most telling columns."""
    with connect() as client:
        items = list(client.items(f"/v1/{kind}", limit + 1, **wanted))
    if len(items) > limit:
        del items[limit:]
        notes.print(f"There are more than these {limit}: see --limit.")
    if as_json:
        print_json(items)
        return
    columns = COLUMNS[kind]
    print_table(columns, [[_cell(item, column) for column in columns] for item in items])


def _cell(item: dict[str, Any], column: str) -> object:
    """The column's value; a pool's numbers lie one deeper, in `counts`."""
    counts = item.get("counts", {})
    return counts[column] if column in counts else item.get(column)
