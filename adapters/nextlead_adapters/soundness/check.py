"""All checks of a store file, organisation by organisation."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from nextlead.ports import StoreRefused

from ..backup.contents import organisations_of, reader
from .history import check_commits, check_histories, check_journal, refusal
from .indexes import check_data, check_files, check_indexes, check_match_keys, check_rejects
from .leads import Counted, check_counters, check_leads
from .look import Look, Said, Waiting, read_rows, told, waiting_of


async def check_file(file: Path, said: Said, *, deep: bool = False) -> list[str]:
    """Everything that is not as it must be, in words. It may be in use; what is read is of one moment.

    O(leads + commits); `deep` also reads every commit, compares every row with it, and works out every duplicate rule.
    """
    return await asyncio.to_thread(_checked, file, said, deep)


def _checked(file: Path, said: Said, deep: bool) -> list[str]:
    found: list[str] = []
    try:
        found.extend(_check(file, said, deep))  # what comes before an error stays
    except (sqlite3.Error, UnicodeDecodeError) as error:  # a message of SQLite's may quote bytes that are no text
        found.append(f"the file is damaged: {error}")
    return found


def _check(file: Path, said: Said, deep: bool) -> Iterator[str]:
    with closing(reader(file)) as db:
        db.execute("BEGIN")
        said("the file")
        wrong = db.execute("PRAGMA integrity_check" if deep else "PRAGMA quick_check").fetchall()
        if wrong != [("ok",)]:
            yield from told(f"the file is damaged: {text}" for (text,) in wrong)
            return
        organisations = organisations_of(db)
        yield from _strays(db, {no for no, _ in organisations})
        for no, code in organisations:
            name = f"organisation {code}: " if len(organisations) > 1 else ""
            yield from (name + finding for finding in _organisation(db, no, said, deep))


def _strays(db: sqlite3.Connection, known: set[int]) -> Iterator[str]:
    """Rows of an organisation that there is not. O(organisations) reads: each key begins with its number."""
    for table in ("journal", "row", "lead", "state", "number"):
        org: int | None = -1
        while org is not None:
            (org,) = db.execute(f"SELECT min(org) FROM {table} WHERE org > ?", (org,)).fetchone()
            if org is not None and org not in known:
                yield f"table {table} has rows of organisation {org}, which there is not"


def _organisation(db: sqlite3.Connection, org: int, said: Said, deep: bool) -> Iterator[str]:
    found = db.execute("SELECT folded_to FROM owner WHERE org = ?", (org,)).fetchone()
    folded_to = found[0] if found else 0
    look = Look(db, org, folded_to, Waiting(), said)
    yield from told(check_commits(look))
    try:
        look.waiting = waiting_of(db, org, folded_to)
    except StoreRefused as error:
        yield refusal(error)
        return
    counted = Counted()
    yield from told(read_rows(look))
    yield from told(check_leads(look, counted))
    yield from told(check_counters(look, counted))
    yield from told(check_indexes(look))
    yield from told(check_rejects(look))
    yield from told(check_files(look))
    yield from told(check_journal(look) if deep else check_histories(look, counted.samples))
    if deep:
        yield from told(check_data(look))
        yield from told(check_match_keys(look))
