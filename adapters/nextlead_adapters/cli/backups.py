"""`backup` and `restore`: a copy of everything, from a daemon or a store, and back."""

import base64
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from .client import Unreachable, connect
from .output import Exit, fail, notes, print_facts, print_json, print_table
from .watching import watched

if TYPE_CHECKING:
    from nextlead_adapters.backup.contents import Contents

Json = Annotated[bool, typer.Option("--json", help="Print what is in it as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    file: Annotated[Path, typer.Argument(help="Where the copy goes, or - for stdout.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    store: Annotated[
        str | None, typer.Option(help="Copy this store itself, daemon or none: sqlite:///FILE or postgresql://...")
    ] = None,
    as_json: Json = False,
) -> None:
    """Copy everything, as of one moment, into a file.

    All organisations, from the running daemon, which goes on meanwhile: NEXTLEAD_TOKEN is the operator's. Or from a
    --store. The file is a store itself: it can be verified, served, and restored.
    """
    from nextlead_adapters.backup.contents import contents_of
    from nextlead_adapters.backup.landing import landing
    from nextlead_adapters.server import REFUSALS

    if str(file) == "-":
        if store is not None or as_json:
            fail("- goes without --store and without --json", Exit.WRONG_USE)
        _receive(sys.stdout.buffer)
        return
    try:
        with landing(file, over=force) as part:
            if store is None:
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                    _receive(out)
            else:
                _copy(store, part)
            found = contents_of(part)
    except OSError as error:
        fail(f"{file} can't be written: {error.strerror}")
    except REFUSALS as error:
        fail(str(error) + ("; --force replaces it" if str(error).endswith("is there already") else ""))
    tell(found, as_json=as_json)


def restore(
    file: Annotated[Path, typer.Argument(help="A backup, or any store file.")],
    store: Annotated[str, typer.Option(help="A new sqlite:///FILE, or an empty postgresql:// database.")],
    config: Annotated[Path | None, typer.Option(help="A nextlead.toml: where status schemes of yours are.")] = None,
    as_json: Json = False,
) -> None:
    """Make a store from a backup.

    The file is verified first; an older one is brought up to date. What is there already is never overwritten.
    """
    from nextlead_adapters.backup.restoring import NotSound, restore_store
    from nextlead_adapters.scheme_files import read_schemes
    from nextlead_adapters.server import REFUSALS, run_loop

    from .settings import settings_of

    schemes = settings_of(config).schemes.folder
    try:
        with watched("restoring") as said:
            found = run_loop(restore_store(file, store, read_schemes(schemes), said))
    except NotSound as error:
        if as_json:
            print_json({"findings": error.findings})
        else:
            print_table(("finding",), [(finding,) for finding in error.findings])
        fail(str(error))
    except OSError as error:
        fail(f"{store} can't be made: {error.strerror}")
    except REFUSALS as error:
        fail(str(error))
    tell(found, as_json=as_json)
    _advise(found)


def tell(found: "Contents", *, as_json: bool) -> None:
    """What is in it."""
    if as_json:
        print_json(found)
        return
    print_facts({"bytes": found.bytes, "version": found.version})
    print_table(
        ("organisation", "leads", "commits", "last commit"),
        [(share.code, share.leads, share.commits, share.last_commit) for share in found.organisations],
    )


def _advise(found: "Contents") -> None:
    """What a backup does not have."""
    notes.print(
        "Not in a backup: the admin token's file (a new one is made at the first start), status schemes of your own."
    )
    if found.needs_key:
        notes.print("This store has forgotten numbers: it opens only with its key file. Put that beside it first.")


def _copy(store: str, part: Path) -> None:
    from nextlead_adapters.backup.sources import back_up
    from nextlead_adapters.server import run_loop

    with watched("copying"):
        run_loop(back_up(store, part))


def _receive(out: BinaryIO) -> None:
    """Everything that the daemon sends; ends the command when less came, or something else."""
    digest, received = hashlib.sha256(), 0
    with connect() as client, _bar() as progress:
        task = progress.add_task("the daemon makes a copy", total=None)
        with client.download("/v1/backup") as response:
            length = int(response.headers["content-length"])
            progress.update(task, description="receiving", total=length)
            for piece in response.iter_raw():
                out.write(piece)
                digest.update(piece)
                received += len(piece)
                progress.advance(task, len(piece))
        told = response.headers["repr-digest"]
    out.flush()
    if received != length or told != f"sha-256=:{base64.b64encode(digest.digest()).decode()}:":
        raise Unreachable(f"the backup did not come whole: {received:,} of {length:,} bytes")


@contextmanager
def _bar() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as progress:
        yield progress
