"""What a commit writes into the tables itself, made from what it changed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from nextlead.core.changes import Changes
from nextlead.core.model import Lead, LeadData
from nextlead.redaction import NUMBER_TABLES, numbers_in

from .match_keys import Rule
from .overlay import Overlay
from .tables import Direct, Entry

_PAGE_BYTES: Final = 4_096
_TAKE_ALONG: Final = frozenset({"pool", "file"})
"""Tables whose rows take others along."""


def direct_of(no: int, changes: Changes, overlay: Overlay, rules: Mapping[str, Rule]) -> Direct:
    """What commit `no` writes there; the overlay is as the commit before left it."""
    data = [row for row in changes.rows.values() if isinstance(row, LeadData)]
    return Direct(
        fresh=changes.fresh,
        rejects=changes.rejects,
        gone=changes.gone,
        parts=changes.parts,
        mentions=_numbers_named(changes),
        doomed=list(doomed_of(changes)),
        trails=_trails(no, changes, data, overlay) if data or changes.gone else (),
        edited=[(row, changes.leads.get(row.lead) or overlay.lead(row.lead)) for row in data] if rules else (),
        rules={name: rule.no for name, rule in rules.items()},
    )


def pages_of(entry: Entry, direct: Direct) -> int:
    """Pages of 4 KiB that a commit writes, roughly."""
    written = len(entry.body)
    if direct.parts:
        written += sum(len(part.body) for part in direct.parts)
    return 2 + written // _PAGE_BYTES + len(direct.fresh) + len(direct.rejects) + len(direct.gone)


def doomed_of(changes: Changes) -> Iterator[tuple[str, int]]:
    """Rows that go and take others along, by table and id."""
    return ((table, int(key)) for (table, key), row in changes.rows.items() if row is None and table in _TAKE_ALONG)


def commits_of(row: Lead) -> set[int]:
    """Where the journal speaks of the lead: the newest of its chain, and those that no event tells of."""
    return {row.last_commit, *row.silent} - {0}


def _numbers_named(changes: Changes) -> set[int]:
    """The numbers that the changes name in rows other than leads'."""
    rows = changes.rows.items()
    return {number for key, row in rows if key[0] in NUMBER_TABLES for number in numbers_in(key, row)}


def _trails(no: int, changes: Changes, data: Iterable[LeadData], overlay: Overlay) -> list[tuple[int, int]]:
    """Where the journal speaks of leads that go, as far as the tables don't know yet; data without their lead."""
    found = {(row.lead, no) for row in data if row.lead not in changes.leads}
    found |= {(event.lead, no) for event in changes.events if event.lead in changes.gone}
    for id_ in changes.gone:
        found |= {(id_, no)} if id_ in changes.leads else set()
        for row in (changes.leads.get(id_), overlay.lead(id_)):
            found |= {(id_, commit) for commit in commits_of(row)} if row else set()
    return sorted(found)
