"""`organisations`: the customers of one daemon, each a call centre of its own; for its operator."""

from typing import Annotated

import typer

from .client import connect, segment
from .lists import Json, Limit, show_list
from .output import notes, print_facts, print_json

Code = Annotated[str, typer.Argument(help="Letters, digits and any of . _ - @ + ~; it stays.")]
_ONCE = "This token is shown this once: NEXTLEAD_TOKEN for the organisation's admin."


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The organisations of a daemon.")
    group.command("list")(list_organisations)
    group.command("add")(add)
    group.command("rename")(rename)
    group.command("token")(token)
    app.add_typer(group, name="organisations")


def list_organisations(limit: Limit = 100, as_json: Json = False) -> None:
    """In the order they were made."""
    show_list("organisations", {}, limit, as_json=as_json)


def add(
    code: Code,
    name: Annotated[str | None, typer.Option(help="What it is called; left out: its code.")] = None,
    as_json: Json = False,
) -> None:
    """Make one, and print its admin's token, this once."""
    body = {"code": code} | ({} if name is None else {"name": name})
    with connect() as client:
        _show(client.post("/v1/organisations", body), as_json=as_json)


def rename(code: Code, name: Annotated[str, typer.Argument(help="What it is called from now on.")]) -> None:
    """Give one another name."""
    with connect() as client:
        client.call("PATCH", f"/v1/organisations/{segment(code)}", {"name": name})


def token(code: Code, as_json: Json = False) -> None:
    """Print another token for its admin, this once.

    For an organisation whose admins have lost theirs; those stay good until an admin deletes them.
    """
    with connect() as client:
        _show(client.post(f"/v1/organisations/{segment(code)}/token"), as_json=as_json)


def _show(made: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    print_facts(made)
    notes.print(_ONCE)
