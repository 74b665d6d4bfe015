"""`import`: a lead file goes in, with a progress bar, and its counts come out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Annotated, Any, BinaryIO, cast

import msgspec
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from .client import Client, connect
from .output import Exit, fail, notes, print_facts, print_json

_POLL_S = 0.5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_file)


def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV: comma, semicolon or tab.")],
    campaign: Annotated[str, typer.Option(help="Code of the campaign the leads go to.")],
    name: Annotated[str | None, typer.Option(help="Name of the pool; the file's name without it.")] = None,
    owner: Annotated[str | None, typer.Option(help="agent:CODE or team:CODE; everybody without it.")] = None,
    priority: Annotated[int | None, typer.Option(min=1, max=1000, help="1 is called first.")] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="COLUMN=FIELD; repeatable.")] = None,
    duplicates: Annotated[str | None, typer.Option(help="What to do with them: skip or load.")] = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="Load without the columns that match no field.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the pool as the daemon answers it.")] = False,
) -> None:
    """Load a file of leads as a new pool of a campaign."""
    options = {
        "campaign": campaign,
        "name": name or file.name,
        "owner": owner,
        "priority": priority,
        "mapping": _mapping(mapping or []),
        "duplicates": {"action": duplicates} if duplicates else None,
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
        parts = {"file": (file.name, watched, "text/csv")}
        sent = client.call("POST", "/v1/pools", data={"options": msgspec.json.encode(options)}, files=parts)
    pool: dict[str, Any] = sent.json()
    return pool


class _Watched:
    """A file that tells a progress bar how far it was read. Has what httpx needs of a file, no more."""

    def __init__(self, source: BinaryIO, progress: Progress, total: int) -> None:
        self._source = source
        self._progress = progress
        self._task = progress.add_task("uploading", total=total)

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
def _watched(source: BinaryIO, file: Path) -> Iterator[BinaryIO]:
    bar = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*bar, console=notes, transient=True, disable=not notes.is_terminal) as progress:
        yield cast("BinaryIO", _Watched(source, progress, file.stat().st_size))


def _settled(client: Client, pool: dict[str, Any]) -> dict[str, Any]:
    """The pool once it is no longer loading; large files load after the upload was answered."""
    if pool["state"] != "loading":
        return pool
    with notes.status("loading"):
        while pool["state"] == "loading":
            sleep(_POLL_S)
            pool = client.get(f"/v1/pools/{pool['id']}")
    return pool


def _report(pool: dict[str, Any], *, as_json: bool) -> None:
    counts = pool["counts"]
    if as_json:
        print_json(pool)
    else:
        facts = {key: pool[key] for key in ("id", "name", "campaign", "state")}
        print_facts(facts | {key: counts[key] for key in ("valid", "invalid", "duplicates")})
    if pool["state"] == "awaiting_confirmation":
        unmatched = ", ".join(pool.get("unmatched") or ())
        notes.print(
            f"These columns match no field of the campaign: {unmatched}. Nothing is dialled before someone confirms:\n"
            f"  nextlead pools confirm {pool['id']}   loads it without them (import --confirm does so at once)\n"
            f"  nextlead pools reject {pool['id']}    drops it; then import again with --map COLUMN=FIELD",
            markup=False,
        )
    if pool["state"] == "failed":
        fail(f"the file was not loaded: {pool.get('error') or 'no reason given'}")
