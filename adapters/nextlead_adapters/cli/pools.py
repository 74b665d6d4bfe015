"""`pools`: what a supervisor does with lead pools, one or several at a time."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .client import Refusal, connect, segment
from .lists import Json, Limit, show_list
from .output import Exit, fail, notes, print_facts, print_json, print_table, save

BUTTONS = {
    "activate": "Put their leads into the order.",
    "deactivate": "Take their leads out of the order. Private and VIP redials stay.",
    "confirm": "Load them without the columns that match no field.",
    "delete": "Delete their leads that nobody was ever shown.",
}
"""For one pool or several."""

_ONE = {
    "reject": "Drop a pool that waits for confirmation.",
    "cancel": "Stop loading a file; what was loaded of it is dropped.",
    "resume": "Go on loading a file that was cut off.",
}

DOWNLOADS = ("invalid.csv", "duplicates.csv", "original", "log", "statistics.csv")

Ids = Annotated[list[int], typer.Argument(metavar="ID...", help="One pool or several.")]
Id = Annotated[int, typer.Argument(metavar="ID")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it would do, and do nothing.")]


def register(group: typer.Typer) -> None:
    """Add the commands of pools to their group."""
    group.command("list")(list_pools)
    for action, about in BUTTONS.items():
        group.command(action, help=about)(_button(action))
    group.command("shuffle")(shuffle)
    for action, about in _ONE.items():
        group.command(action, help=about)(_action(action))
    group.command("edit")(edit)
    group.command("download")(download)


def list_pools(
    campaign: Annotated[list[str] | None, typer.Option(help="Of this campaign; repeatable.")] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Only those that are offered now, or not.")
    ] = None,
    state: Annotated[str | None, typer.Option(help="In this state: awaiting_confirmation, failed, ...")] = None,
    search: Annotated[str | None, typer.Option(help="Text in name, description or file name.")] = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """Pools by id."""
    wanted: dict[str, object] = {"campaign": ",".join(campaign) if campaign else None, "state": state, "q": search}
    if active is not None:
        wanted["active"] = "true" if active else "false"
    show_list("pools", wanted, limit, as_json=as_json)


def shuffle(
    ids: Ids,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same order.")] = None,
    as_json: Json = False,
) -> None:
    """Call their new leads in a random order."""
    body: dict[str, object] = {"ids": ids, "action": "shuffle"}
    if seed is not None:
        body["seed"] = seed
    _press(body, dry_run=False, as_json=as_json)


def _button(action: str) -> Any:
    def command(ids: Ids, dry_run: DryRun = False, as_json: Json = False) -> None:
        _press({"ids": ids, "action": action}, dry_run=dry_run, as_json=as_json)

    return command


def _press(body: dict[str, object], *, dry_run: bool, as_json: bool) -> None:
    with connect() as client:
        items = client.post("/v1/pools/bulk" + ("?dry_run=true" if dry_run else ""), body)["items"]
    if len(items) == 1:
        _show_one(items[0], as_json=as_json)
        return
    if as_json:
        print_json(items)
    else:
        print_table(("id", "done", "what"), [(item["id"], item["ok"], _what(item)) for item in items])
    if not all(item["ok"] for item in items):
        raise typer.Exit(Exit.REFUSED)


def _show_one(item: dict[str, Any], *, as_json: bool) -> None:
    """One pool is shown as itself, and its refusal is the command's."""
    if problem := item.get("problem"):
        raise Refusal(problem["status"], problem)
    _show(item.get("pool") or item.get("deleted") or {"id": item["id"], "state": item["state"]}, as_json=as_json)
    if "deleted" in item and not item["deleted"]["kept"]:
        notes.print("No lead stays, so the pool goes too.")


def _what(item: dict[str, Any]) -> object:
    if deleted := item.get("deleted"):
        kept = ", ".join(f"{count} {reason}" for reason, count in deleted["kept"].items())
        return f"{deleted['deleted']} deleted; " + (f"stay: {kept}" if kept else "none stays, nor does the pool")
    if problem := item.get("problem"):
        return problem.get("detail") or problem.get("title")
    return item["pool"]["state"] if "pool" in item else item.get("state")


def _action(action: str) -> Any:
    def command(pool: Id, as_json: Json = False) -> None:
        with connect() as client:
            changed = client.post(f"/v1/pools/{segment(pool)}/{action}")
        _show(changed, as_json=as_json)

    return command


def _show(pool: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(pool)
    else:
        print_facts(pool)


def edit(
    pool: Id,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    description: Annotated[str | None, typer.Option(help="A few words about it.")] = None,
    priority: Annotated[int | None, typer.Option(min=0, max=1000, help="1 is called first; 0: the campaign's.")] = None,
    active_from: Annotated[str | None, typer.Option(help="A time with its offset; 'none' takes it away.")] = None,
    active_until: Annotated[str | None, typer.Option(help="A time with its offset; 'none' takes it away.")] = None,
    as_json: Json = False,
) -> None:
    """Change a pool's name, description, priority or active dates."""
    given = {"name": name, "description": description, "active_from": active_from, "active_until": active_until}
    changes: dict[str, object] = {key: value for key, value in given.items() if value is not None}
    changes |= {key: None for key in ("active_from", "active_until") if changes.get(key) == "none"}
    if priority is not None:
        changes["priority"] = priority or None
    if not changes:
        fail("nothing to change: see 'nextlead pools edit --help'", Exit.WRONG_USE)
    with connect() as client:
        changed = client.call("PATCH", f"/v1/pools/{segment(pool)}", changes).json()
    _show(changed, as_json=as_json)


def download(
    pool: Id,
    what: Annotated[str, typer.Argument(help=", ".join(DOWNLOADS))],
    to: Annotated[Path | None, typer.Option(help="A file to write; without it the answer goes to stdout.")] = None,
) -> None:
    """Get one of the files of a pool.

    Rows that were invalid, with their reasons; duplicates; the original; the log; the statistics.
    """
    if what not in DOWNLOADS:
        fail(f"WHAT is one of {', '.join(DOWNLOADS)}", Exit.WRONG_USE)
    with connect() as client:
        save(client.pieces(f"/v1/pools/{segment(pool)}/{what}"), to)
