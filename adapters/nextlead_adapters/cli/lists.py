"""`campaigns`, `agents`, `pools`, `leads`: each with `list` and `show`."""

from typing import Annotated, Any

import typer

from .client import connect, segment
from .output import print_facts, print_json, print_table

Json = Annotated[bool, typer.Option("--json", help="Print the daemon's answer as it is.")]
Limit = Annotated[int, typer.Option(help="How many at most.", min=1)]

COLUMNS = {
    "campaigns": ("code", "name", "project", "active"),
    "agents": ("code", "name", "team", "campaigns", "enabled"),
    "pools": ("id", "name", "campaign", "state", "valid", "invalid", "duplicates", "ready", "open"),
    "leads": ("id", "campaign", "pool", "status", "closure", "phones", "owner", "attempts", "due"),
}

POOL_ACTIONS = {
    "activate": "Put its leads into the order.",
    "deactivate": "Take its leads out of the order; private and VIP redials stay.",
    "confirm": "Load it without the columns that match no field.",
    "reject": "Drop what waits for confirmation.",
    "shuffle": "Call its new leads in a random order.",
}


def register(app: typer.Typer) -> None:
    """Add a group of commands for each kind of thing."""
    for kind in ("campaigns", "agents", "pools"):
        group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=f"List {kind}, or show one.")
        group.command("list")(_lister(kind))
        group.command("show")(_shower(kind))
        for action in POOL_ACTIONS if kind == "pools" else ():
            group.command(action)(_pool_action(action))
        app.add_typer(group, name=kind)
    leads = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List leads by what they are, or show one.")
    leads.command("list")(list_leads)
    leads.command("show")(_shower("leads"))
    app.add_typer(leads, name="leads")


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


def _pool_action(action: str) -> Any:
    def command(pool: Annotated[str, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
        with connect() as client:
            changed = client.post(f"/v1/pools/{segment(pool)}/{action}")
        if as_json:
            print_json(changed)
        else:
            print_facts(changed)

    command.__doc__ = POOL_ACTIONS[action]
    return command


def list_leads(
    campaign: Annotated[str | None, typer.Option(help="Of this campaign.")] = None,
    pool: Annotated[int | None, typer.Option(help="Of this pool.")] = None,
    status: Annotated[str | None, typer.Option(help="In this status: unprocessed, closed, ...")] = None,
    closure: Annotated[str | None, typer.Option(help="Closed so: success, abandoned, ...")] = None,
    owner: Annotated[str | None, typer.Option(help="Owned by agent:CODE or team:CODE.")] = None,
    phone: Annotated[str | None, typer.Option(help="With this number.")] = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """Leads, open and closed, by id."""
    wanted = {"campaign": campaign, "pool": pool, "status": status, "closure": closure, "owner": owner, "phone": phone}
    show_list("leads", limit, as_json=as_json, **wanted)


def show_list(kind: str, limit: int, *, as_json: bool, **wanted: object) -> None:
    """The list as JSON, or its most telling columns."""
    with connect() as client:
        items = list(client.items(f"/v1/{kind}", limit, **wanted))
    if as_json:
        print_json(items)
        return
    columns = COLUMNS[kind]
    print_table(columns, [[_cell(item, column) for column in columns] for item in items])


def _cell(item: dict[str, Any], column: str) -> object:
    """The column's value; a pool's numbers lie one deeper, in `counts`."""
    counts = item.get("counts", {})
    return counts[column] if column in counts else item.get(column)
