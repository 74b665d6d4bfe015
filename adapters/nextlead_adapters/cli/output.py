"""How commands speak: JSON for programs, tables for people, and the four ways to end.

Results go to stdout and nothing else does; hints, progress and errors go to stderr. So `--json` can be piped.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

WHOLE_CELLS = 26
"""A column of texts no longer than this is not wrapped: a time with milliseconds has 24."""

_BREAKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")

console = Console(highlight=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, soft_wrap=True)


class Exit(IntEnum):
    """What the shell gets to know."""

    DONE = 0
    REFUSED = 1
    WRONG_USE = 2
    UNREACHABLE = 3


def fail(message: str, code: Exit = Exit.REFUSED) -> NoReturn:
    """Say why on stderr, and end."""
    notes.print(message, style="red", markup=False)
    raise typer.Exit(code)


def print_json(value: object) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table for people; without a terminal, plain columns parted by tabs, so that `cut` and `awk` work."""
    lines = [[text_of(cell) for cell in row] for row in rows]
    if console.is_terminal:
        _draw(columns, lines)
        return
    for line in (columns, *lines):
        sys.stdout.write("\t".join(line) + "\n")


def _draw(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Long texts are wrapped in their columns. Numbers, times and names stay whole, if need be beyond the screen."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    needed = 2 * len(columns)
    for at, name in enumerate(columns):
        longest = max(len(text) for text in (name, *(line[at] for line in lines)))
        table.add_column(name, no_wrap=longest <= WHOLE_CELLS)
        needed += min(longest, WHOLE_CELLS)
    for line in lines:
        table.add_row(*(Text(text) for text in line))
    wide = console if needed <= console.width else Console(highlight=False, width=needed)
    wide.print(table)


def print_facts(facts: dict[str, Any]) -> None:
    """The keys and values of one thing, a line each; what is nested has a line each too, as `counts.valid`."""
    flat = dict(_flat(facts))
    width = max((len(key) for key in flat), default=0)
    for key, value in flat.items():
        sys.stdout.write(f"{key:<{width}}  {text_of(value)}\n")


def save(pieces: Iterable[bytes], to: Path | None) -> None:
    """Write a download to a file, or to stdout: None, and the file `-`.

    Into a file beside it first, so that a download that breaks off leaves nothing behind.
    """
    if to is None or str(to) == "-":
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    part = to.parent / f"{to.name}.part"
    try:
        with part.open("wb") as out:
            out.writelines(pieces)
        part.replace(to)
    except OSError as problem:
        fail(f"{to} can't be written: {problem.strerror}")
    finally:
        part.unlink(missing_ok=True)


def _flat(facts: dict[str, Any]) -> Iterator[tuple[str, object]]:
    for key, value in facts.items():
        if isinstance(value, list) and value and all(_is_count(item) for item in value):
            yield from ((f"{key}.{item['label']}", item["count"]) for item in value)
        elif isinstance(value, dict) and not _is_owner(value):
            yield from ((f"{key}.{below}", deeper) for below, deeper in _flat(value))
        else:
            yield key, value


def _is_owner(value: dict[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)) in ("agent", "team")


def _is_count(value: object) -> bool:
    """Leads of one public status."""
    return isinstance(value, dict) and value.keys() >= {"label", "count"}


def text_of(value: object) -> str:
    """A cell as people read it: nothing for null, `agent anna` for an owner, JSON for what is nested deeper.

    In one line and without control characters: what a customer wrote must not steer the terminal of who reads it.
    """
    match value:
        case None:
            text = ""
        case bool():
            text = "yes" if value else "no"
        case dict() if _is_owner(value):
            text = " ".join(str(part) for part in next(iter(value.items())))
        case list() if all(isinstance(item, str) for item in value):
            text = ", ".join(value)
        case dict() | list():
            text = msgspec.json.encode(value).decode()
        case _:
            text = str(value)
    return _BREAKS.sub(" ", text).strip()
