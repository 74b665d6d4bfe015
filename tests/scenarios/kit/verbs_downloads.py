"""Verbs that look at a pool's downloads, and at what the daemon keeps on its disk."""

import csv
import io
import re
import zipfile

from .driver import Refused
from .language import Step
from .outside import outside
from .verbs import verb
from .world import World


def _download(world: World, pool: str, what: str) -> bytes:
    return outside(world).line.call("GET", f"pools/{world.pool(pool)}/{what}").content


@verb(r"(?P<what>invalid leads|duplicates) of pool (?P<pool>\w+) are(?P<nothing> nothing)?")
def rejects_are(world: World, m: re.Match[str], step: Step) -> None:
    """A row for each: its number in the file, then what must stand in it."""
    what = "invalid.csv" if m["what"] == "invalid leads" else "duplicates.csv"
    rows = list(csv.reader(io.StringIO(_download(world, m["pool"], what).decode("utf-8-sig"))))[1:]
    _compare_rows(step, [" | ".join(row) for row in rows], first_is_number=True)


@verb(r"log of pool (?P<pool>\w+) says")
def log_says(world: World, m: re.Match[str], step: Step) -> None:
    _compare_rows(step, _download(world, m["pool"], "log").decode().splitlines(), first_is_number=False)


@verb(r"log of pool (?P<pool>\w+) is blank")
def log_is_blank(world: World, m: re.Match[str], step: Step) -> None:
    if content := _download(world, m["pool"], "log"):
        raise step.failed("a blank log", repr(content))


@verb(r"statistics of pool (?P<pool>\w+) say")
def statistics_say(world: World, m: re.Match[str], step: Step) -> None:
    text = _download(world, m["pool"], "statistics.csv").decode("utf-8-sig")
    lines = [" | ".join(row) for row in csv.reader(io.StringIO(text))]
    for wanted in step.rows:
        if not any(_fits(wanted.split(" | "), line) for line in lines):
            raise step.failed(wanted, "; ".join(lines))


def _compare_rows(step: Step, came: list[str], *, first_is_number: bool) -> None:
    wanted = [row.split(" | ") for row in step.rows]
    fits = len(wanted) == len(came) and all(map(_fits, wanted, came))
    if first_is_number and fits:
        fits = all(line.split(" | ")[0] == pieces[0] for pieces, line in zip(wanted, came, strict=True))
    if not fits:
        raise step.failed("; ".join(step.rows) or "nothing", "; ".join(came) or "nothing")


def _fits(pieces: list[str], line: str) -> bool:
    return all(piece.strip().casefold() in line.casefold() for piece in pieces)


@verb(r"original of pool (?P<pool>\w+)(?P<same> is the uploaded file)?")
def original(world: World, m: re.Match[str], step: Step) -> None:
    content = _download(world, m["pool"], "original")
    if m["same"] and content != world.files[m["pool"]]:
        raise step.failed("the uploaded file, byte for byte", repr(content[:500]))


@verb(r"original of pool (?P<pool>\w+) lost (?P<rows>\d+) rows")
def original_lost(world: World, m: re.Match[str], step: Step) -> None:
    answer = outside(world).line.call("GET", f"pools/{world.pool(m['pool'])}/original")
    erased = answer.headers["nextlead-erased-rows"]
    if erased != m["rows"]:
        raise step.failed(m["rows"], erased)


@verb(r"original of pool (?P<pool>\w+) has")
def original_has(world: World, m: re.Match[str], step: Step) -> None:
    lines = _download(world, m["pool"], "original").decode().splitlines()
    if missing := [row for row in step.rows if row not in lines]:
        raise step.failed("; ".join(missing), "; ".join(lines))


@verb(r"original of pool (?P<pool>\w+) (?P<how>says|never says) (?P<text>.+)")
def original_says(world: World, m: re.Match[str], step: Step) -> None:
    """In whichever encoding; of an Excel file in any part of it. One that is not there any more says nothing."""
    try:
        content = _download(world, m["pool"], "original")
    except Refused as refusal:
        if refusal.code != "not_found":
            raise
        content = b""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = b"".join(map(archive.read, archive.namelist()))
    says = any(m["text"].encode(encoding) in content for encoding in ("utf-8", "utf-16-le", "latin-1"))
    if says is not (m["how"] == "says"):
        raise step.failed(f"{m['how']} {m['text']}", repr(content[:500]))


@verb(r"nothing kept says (?P<text>\S+)")
def nothing_kept(world: World, m: re.Match[str], step: Step) -> None:
    """No file that the daemon keeps has the text: its store, journal, key, log."""
    found = []
    for path in sorted(outside(world).folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        if any(m["text"].encode(encoding) in content for encoding in ("utf-8", "utf-16-le")):
            found.append(path.name)
    if found:
        raise step.failed(f"no file with {m['text']}", ", ".join(found))
