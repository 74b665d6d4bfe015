"""`import`: a lead file goes in, with a progress bar, and its counts come out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Annotated, Any, BinaryIO, cast

import msgspec
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from .client import Client, Unreachable, connect
from .output import Exit, fail, notes, print_facts, print_json

_POLL_S = 0.5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_file)


def import_file(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV (comma, semicolon or tab) or Excel (.xlsx).")
    ],
    campaign: Annotated[str, typer.Option(help="Code of the campaign the leads go to.")],
    name: Annotated[str | None, typer.Option(help="Name of the pool; the file's name without it.")] = None,
    description: Annotated[str | None, typer.Option(help="A few words about the list.")] = None,
    owner: Annotated[str | None, typer.Option(help="agent:CODE or team:CODE; everybody without it.")] = None,
    priority: Annotated[int | None, typer.Option(min=1, max=1000, help="1 is called first.")] = None,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", metavar="COLUMN=FIELD", help="This column is that field; repeatable.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Of an Excel file; its first without it.")] = None,
    match: Annotated[
        list[str] | None,
        typer.Option(help="What makes a duplicate: phone, a field, or fields joined by +; repeatable: any of them."),
    ] = None,
    scope: Annotated[
        str | None, typer.Option(help="Where duplicates are looked for: file, pool, campaign, project, organisation.")
    ] = None,
    among: Annotated[str | None, typer.Option(help="Among which leads: open or all.")] = None,
    duplicates: Annotated[
        str | None, typer.Option(help="What to do with them: skip, load, update, replace, clone or close.")
    ] = None,
    on_invalid: Annotated[
        str | None, typer.Option(help="Rows that can't be called: 'file' keeps them aside, 'close' as closed leads.")
    ] = None,
    active_from: Annotated[str | None, typer.Option(help="Not called before: a time with its offset.")] = None,
    active_until: Annotated[str | None, typer.Option(help="Not called from then on: a time with its offset.")] = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="Load without the columns that match no field.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the pool as the daemon answers it.")] = False,
) -> None:
    """Load a file of leads as a new pool of a campaign.

    What is not said of duplicates and of rows that can't be called is as the campaign has it.
    """
    check = {"match": match, "scope": scope, "among": among, "action": duplicates}
    options = {
        "campaign": campaign,
        "name": name or file.name,
        "description": description,
        "owner": owner,
        "priority": priority,
        "mapping": _mapping(mapping or []),
        "sheet": sheet,
        "duplicates": {key: value for key, value in check.items() if value},
        "on_invalid": on_invalid,
        "active_from": active_from,
        "active_until": active_until,
    }
    with connect() as client:
        pool = _upload(client, file, {key: value for key, value in options.items() if value})
        pool = _settled(client, pool)
        if confirm and pool["state"] == "awaiting_confirmation":
            client.post(f"/v1/pools/{pool['id']}/confirm")
            pool = _settled(client, client.get(f"/v1/pools/{pool['id']}"))
    _report(pool, as_json=as_json)


def _mapping(pairs: list[str]) -> dict[str, str]:
    if any("=" not in pair for pair in pairs):
        fail("--map takes COLUMN=FIELD", Exit.WRONG_USE)
    return dict(pair.rsplit("=", 1) for pair in pairs)


def _upload(client: Client, file: Path, options: dict[str, Any]) -> dict[str, Any]:
    with file.open("rb") as source, _watched(source, file) as watched:
        parts = {"file": (file.name, watched, "application/octet-stream")}
        sent = client.call("POST", "/v1/pools", data={"options": msgspec.json.encode(options)}, files=parts)
    pool: dict[str, Any] = sent.json()
    return pool


class _Watched:
    """A file that tells a progress bar how far it was read. Has what httpx needs of a file, no more."""

    def __init__(self, source: BinaryIO, progress: Progress, task: TaskID) -> None:
        self._source = source
        self._progress = progress
        self._task = task

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(size)
        self._progress.advance(self._task, len(piece))
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def fileno(self) -> int:
        return self._source.fileno()


@contextmanager
def _bar() -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as progress:
        yield progress


@contextmanager
def _watched(source: BinaryIO, file: Path) -> Iterator[BinaryIO]:
    with _bar() as progress:
        task = progress.add_task("uploading", total=file.stat().st_size, rows="")
        yield cast("BinaryIO", _Watched(source, progress, task))


def _settled(client: Client, pool: dict[str, Any]) -> dict[str, Any]:
    """The pool once it is no longer loading; large files load after the upload was answered. Raises `Unreachable`."""
    if pool["state"] != "loading":
        return pool
    try:
        with _bar() as progress:
            task = progress.add_task("loading", total=None, rows="")
            while pool["state"] == "loading":
                sleep(_POLL_S)
                pool = client.get(f"/v1/pools/{pool['id']}")
                if done := pool.get("progress"):
                    rows = f"{done['rows']:,} rows"
                    progress.update(task, completed=done["done_bytes"], total=done["total_bytes"], rows=rows)
    except KeyboardInterrupt:
        notes.print(f"The daemon goes on loading. 'nextlead pools cancel {pool['id']}' stops it.", markup=False)
        raise
    except Unreachable:
        notes.print(f"The daemon has the file: when it is back, it goes on loading pool {pool['id']}.", markup=False)
        raise
    return pool


def _report(pool: dict[str, Any], *, as_json: bool) -> None:
    counts = pool["counts"]
    if as_json:
        print_json(pool)
    else:
        facts = {key: pool[key] for key in ("id", "name", "campaign", "state")}
        print_facts(facts | {key: counts[key] for key in ("valid", "invalid", "duplicates")})
    advise(pool)
    if pool["state"] == "failed":
        fail(f"the file was not loaded: {pool.get('error') or 'no reason given'}")


def advise(pool: dict[str, Any]) -> None:
    """What is to be done about a pool that has just come in, or can be looked at."""
    if pool["state"] == "awaiting_confirmation":
        unmatched = ", ".join(pool.get("unmatched") or ())
        notes.print(
            f"These columns match no field of the campaign: {unmatched}. Nothing is dialled before someone confirms:\n"
            f"  nextlead pools confirm {pool['id']}   loads it without them (import --confirm does so at once)\n"
            f"  nextlead pools reject {pool['id']}    drops it; then import again with --map COLUMN=FIELD",
            markup=False,
        )
    if pool["counts"]["invalid"] and pool["state"] != "failed":
        notes.print(f"Why rows are invalid: nextlead pools download {pool['id']} invalid.csv", markup=False)
