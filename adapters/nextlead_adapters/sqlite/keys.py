"""Tables of match keys; see `journalled/match_keys.py`."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from nextlead.core.model import FreshLead, Lead, LeadData

from ..journalled.codec import decode_fresh, decode_lead
from ..journalled.match_keys import Rule, keys_of_lead
from ..journalled.slices import batches
from .connection import transaction
from .statements import BY_ID, insert, marks

_KEY: Final = ("INSERT OR IGNORE INTO match_key (org, rule, key, lead) VALUES", "")


def rules(db: sqlite3.Connection, org: int) -> dict[str, Rule]:
    """The rules that are kept up."""
    found = db.execute("SELECT rule, no, filled_to, ready FROM match_rule WHERE org = ?", (org,))
    return {name: Rule(no, filled_to, bool(ready)) for name, no, filled_to, ready in found}


def add_rule(db: sqlite3.Connection, org: int, name: str, no: int) -> None:
    """Keep it up from now on."""
    db.execute("INSERT INTO match_rule VALUES (?, ?, ?, 0, 0)", (org, name, no))


def next_leads(db: sqlite3.Connection, org: int, after: int, limit: int) -> list[int]:
    """The next leads that have data."""
    found = db.execute(
        "SELECT lead FROM lead_data WHERE org = ? AND lead > ? ORDER BY lead LIMIT ?", (org, after, limit)
    )
    return [lead for (lead,) in found]


def fill(db: sqlite3.Connection, org: int, name: str, rule: Rule, found: Sequence[tuple[bytes, int]]) -> None:
    """Write a slice of keys, and how far the rule is filled now."""
    with transaction(db):
        insert(db, _KEY, [(org, rule.no, *entry) for entry in found])
        db.execute(
            "UPDATE match_rule SET filled_to = ?, ready = ? WHERE org = ? AND rule = ?",
            (rule.filled_to, int(rule.ready), org, name),
        )


def users_of(db: sqlite3.Connection, org: int, rule: int, keys: Iterable[bytes]) -> list[tuple[bytes, int]]:
    """(key, lead) of all leads that match one of the keys."""
    found: list[tuple[bytes, int]] = []
    for part in batches(keys):
        which = f"WHERE org = ? AND rule = ? AND key IN {marks(len(part))}"
        found += db.execute(f"SELECT key, lead FROM match_key {which}", (org, rule, *part))
    return sorted(found)


def keep_up(
    db: sqlite3.Connection,
    org: int,
    rules: Mapping[str, int],
    fresh: Iterable[FreshLead],
    edited: Iterable[tuple[LeadData, Lead | None]],
    gone: Collection[int],
) -> None:
    """Inside a commit's transaction: leads that came, whose data changed, or that went.

    `rules` are their numbers by name; an edited lead's row is None when the tables have the newest.
    """
    for lead in fresh:
        _put(db, org, rules, lead, lead.data)
    for data, newest in edited:
        delete(db, org, [data.lead])
        row = newest or _row(db, org, data.lead)
        if row:
            _put(db, org, rules, row, data.data)
    for ids in batches(gone):
        delete(db, org, ids)


def delete(db: sqlite3.Connection, org: int, leads: Sequence[int]) -> None:
    """The leads match nothing any more."""
    db.execute(f"DELETE FROM match_key WHERE org = ? AND lead IN {marks(len(leads))}", (org, *leads))


def _row(db: sqlite3.Connection, org: int, lead: int) -> Lead | FreshLead | None:
    found = db.execute("SELECT body FROM state WHERE org = ? AND id = ?", (org, lead)).fetchone()
    if found:
        return decode_lead(found[0])
    found = db.execute(f"SELECT body FROM lead {BY_ID} WHERE org = ? AND id = ?", (org, lead)).fetchone()
    return decode_fresh(found[0]) if found else None


def _put(db: sqlite3.Connection, org: int, rules: Mapping[str, int], lead: Lead | FreshLead, data: bytes) -> None:
    insert(db, _KEY, [(org, no, key, lead.id) for name, no in rules.items() for key in keys_of_lead(name, lead, data)])
