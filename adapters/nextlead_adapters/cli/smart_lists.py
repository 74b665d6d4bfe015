"""`smart-lists`: questions for leads that are saved by name, with how many leads answer them now (SPEC R13.4)."""

from typing import Annotated, Any

import typer

from .choosing import Campaign, Closure, LastBy, Owner, Pool, PublicStatus, Reason, Scheme, Status, chosen
from .client import Client, connect, segment
from .lists import Csv, Json, Limit, save_leads, show_list
from .output import Exit, console, fail, notes, print_facts, print_json, print_table

BAR_CELLS = 16
_EIGHTHS = "▏▎▍▌▋▊▉█"

Name = Annotated[str, typer.Argument(help="The list's name.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        no_args_is_help=True, rich_markup_mode=None, help="Questions for leads saved by name, with live counts."
    )
    group.command("list")(list_all)
    group.command("show")(show)
    group.command("save")(save)
    group.command("delete")(delete)
    group.command("leads")(leads_of)
    app.add_typer(group, name="smart-lists")


def list_all(as_json: Json = False) -> None:
    """The smart lists by name, and how many leads are on each now."""
    with connect() as client:
        items = list(client.items("/v1/filters", 1000))
    if as_json:
        print_json(items)
        return
    most = max((item["count"] or 0 for item in items), default=0)
    columns = ["name", "leads", "description"]
    rows: list[list[object]] = [[item["name"], item["count"], item["description"]] for item in items]
    if console.is_terminal:
        columns.insert(2, "")
        for item, row in zip(items, rows, strict=True):
            row.insert(2, bar(item["count"] or 0, most))
    print_table(columns, rows)
    for item in items:
        if "problem" in item:
            notes.print(f"{item['name']}: {item['problem']}", markup=False)


def show(name: Name, as_json: Json = False) -> None:
    """What a smart list asks for, and how many leads are on it now."""
    with connect() as client:
        _show(_found(client, name), as_json=as_json)


def save(
    name: Name,
    campaign: Campaign = None,
    pool: Pool = None,
    status: Status = None,
    closure: Closure = None,
    owner: Owner = None,
    scheme: Scheme = None,
    public_status: PublicStatus = None,
    reason: Reason = None,
    last_by: LastBy = None,
    description: Annotated[str | None, typer.Option(help="A few words about it; kept if left out.")] = None,
    as_json: Json = False,
) -> None:
    """Save a question by name, or replace it. It can't ask for a number or a name."""
    asked = chosen(campaign=campaign, pool=pool, status=status, closure=closure, owner=owner)
    asked |= chosen(scheme=scheme, public_status=public_status, reason=reason, last_by=last_by)
    body = chosen(filter=asked or None, description=description)
    if not body:
        fail("say which leads: see 'nextlead smart-lists save --help'", Exit.WRONG_USE)
    with connect() as client:
        saved = client.put(_path(name), body)
    _show(saved, as_json=as_json)


def delete(name: Name) -> None:
    """Delete a smart list; its leads stay."""
    with connect() as client:
        client.call("DELETE", _path(name))


def leads_of(name: Name, csv: Csv = None, limit: Limit = 100, as_json: Json = False) -> None:
    """The leads that are on a smart list now."""
    if csv is None:
        show_list("leads", {}, limit, as_json=as_json, path=f"{_path(name)}/leads")
        return
    with connect() as client:
        asked = chosen(**_found(client, name)["filter"])
    save_leads(asked, csv, as_json=as_json)


def bar(count: int, most: int, cells: int = BAR_CELLS) -> str:
    """A bar as long as `count` is of `most`, in eighths of a cell; never empty for a count above 0."""
    if not count:
        return ""
    full, rest = divmod(max(1, round(count * cells * 8 / most)), 8)
    return _EIGHTHS[-1] * full + (_EIGHTHS[rest - 1] if rest else "")


def _path(name: str) -> str:
    return f"/v1/filters/{segment(name)}"


def _found(client: Client, name: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(_path(name))
    return found


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    """The question without what it does not ask for."""
    if as_json:
        print_json(found)
    else:
        print_facts(found | {"filter": chosen(**found["filter"])})
