"""What leads, numbers, keys and files are found by."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from nextlead.core.model import File, FreshLead, Lead, LeadData, Pool
from nextlead.redaction import names_of

from ..journalled.codec import decode_fresh, decode_lead, decode_reject
from ..journalled.match_keys import keys_of_lead
from .look import BATCH, Look

_fields: Final = msgspec.json.Decoder(dict[str, object]).decode


def check_indexes(look: Look) -> Iterator[str]:
    """Numbers, clones and data against the leads; `leads.check_leads` was there before."""
    look.said("numbers")
    missing = "SELECT lead, number FROM temp.wanted_number EXCEPT SELECT lead, number FROM number WHERE org = ?"
    yield from (f"lead {lead} is not found by its number {number}" for lead, number in look.ask(missing))
    missing = "SELECT master, lead FROM temp.wanted_clone EXCEPT SELECT master, lead FROM clone WHERE org = ?"
    yield from (f"lead {lead} is not found as a clone of lead {master}" for master, lead in look.ask(missing))
    look.said("data of leads")
    missing = "SELECT lead FROM temp.known WHERE NOT erased EXCEPT SELECT lead FROM lead_data WHERE org = ?"
    yield from (f"lead {lead} has lost its data" for (lead,) in look.ask(missing))
    if not look.newest("erasure"):  # else it is still being done
        yield from _not_erased(look)


def _not_erased(look: Look) -> Iterator[str]:
    """SPEC R10.6: nothing of who was erased is left."""
    for table, what in (("lead_data", "data"), ("number", "a number"), ("match_key", "keys of duplicate rules")):
        left = f"SELECT DISTINCT lead FROM {table} WHERE org = ? AND lead IN (SELECT lead FROM temp.known WHERE erased)"
        yield from (f"lead {lead} was erased, but there is {what} of it" for (lead,) in look.ask(left))


def check_data(look: Look) -> Iterator[str]:
    """Data fields that are no JSON object."""
    rows = look.ask("SELECT lead, body FROM lead_data WHERE org = ?")
    for lead, body in look.watched("data of leads", "lead_data", rows):
        try:
            assert isinstance(body, bytes)
            _fields(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield f"the data of lead {lead} can't be read: {error}"


def check_rejects(look: Look) -> Iterator[str]:
    """Rejected rows, and what they are found by."""
    columns = "number INTEGER, pool INTEGER, kind TEXT, row INTEGER, no INTEGER, at INTEGER"
    look.scratch("wanted_reject", f"({columns})")
    rows = look.ask("SELECT pool, kind, row, no, at, body FROM reject WHERE org = ?")
    wanted: list[tuple[object, ...]] = []
    for *place, body in look.watched("rejected rows", "reject", rows):
        try:
            assert isinstance(body, bytes)
            wanted += [(name, *place) for name in names_of(decode_reject(body))]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield f"rejected row {place} can't be read: {error}"
        if len(wanted) >= BATCH:
            _want_rejects(look, wanted)
    _want_rejects(look, wanted)
    names = "pool, kind, row, number, no, at"
    missing = f"SELECT {names} FROM temp.wanted_reject EXCEPT SELECT {names} FROM reject_number WHERE org = ?"
    for pool, kind, row, number, _, _ in look.ask(missing):
        yield f"pool {pool}: {kind} row {row} is not found by {f'lead {-number}' if number < 0 else f'number {number}'}"


def _want_rejects(look: Look, wanted: list[tuple[object, ...]]) -> None:
    look.db.executemany("INSERT INTO temp.wanted_reject VALUES (?, ?, ?, ?, ?, ?)", wanted)
    wanted.clear()


def check_files(look: Look) -> Iterator[str]:
    """Kept originals, part by part."""
    sizes = {
        file: (parts, last, size)
        for file, parts, last, size in look.ask(
            "SELECT file, count(*), max(no), sum(length(body)) FROM file_part WHERE org = ? GROUP BY file"
        )
    }
    for key, row in look.newest("file").items():
        parts, last, _ = sizes.get(int(key), (0, -1, 0))
        if isinstance(row, File) and (parts, last) != (row.parts, row.parts - 1):
            yield f"file {key} has {parts} parts, should have {row.parts}"
    for key, row in look.newest("pool").items():
        if isinstance(row, Pool) and row.file and row.file_bytes:
            size = sizes.get(row.file, (0, -1, 0))[2]
            if size != row.file_bytes:
                yield f"pool {key}: its file {row.file} has {size} bytes, should have {row.file_bytes}"


def check_match_keys(look: Look) -> Iterator[str]:
    """Which leads are the same by the duplicate rules that are kept up."""
    rules: dict[str, int] = dict(look.ask("SELECT rule, no FROM match_rule WHERE org = ? AND ready"))
    look.scratch("wanted_key", "(rule INTEGER, key BLOB, lead INTEGER)")
    if not rules:
        return
    for table, decode in (("lead", decode_fresh), ("state", decode_lead)):
        joined = f"""SELECT t.body, d.body FROM {table} AS t JOIN lead_data AS d ON d.org = t.org AND d.lead = t.id
        WHERE t.org = ?"""
        for body, data in look.watched("duplicate rules", table, look.ask(joined)):
            assert isinstance(body, bytes)
            assert isinstance(data, bytes)
            with suppress(msgspec.DecodeError, UnicodeDecodeError):  # such rows and data were told already
                wanted = _keys(look, rules, decode(body), data)
                look.db.executemany("INSERT INTO temp.wanted_key VALUES (?, ?, ?)", wanted)
    yield from _compared_keys(look, {no: name for name, no in rules.items()})


def _keys(look: Look, rules: Mapping[str, int], stored: Lead | FreshLead, data: bytes) -> list[tuple[int, bytes, int]]:
    newest = look.waiting.leads.get(stored.id, stored)
    changed = look.waiting.rows.get(("lead_data", stored.id))
    fields = changed.data if isinstance(changed, LeadData) else data
    return [(no, key, stored.id) for name, no in rules.items() for key in keys_of_lead(name, newest, fields)]


def _compared_keys(look: Look, names: dict[int, str]) -> Iterator[str]:
    kept = "SELECT rule, lead, key FROM match_key WHERE org = ?"
    wanted = "SELECT rule, lead, key FROM temp.wanted_key"
    for rule, lead, _ in look.ask(f"{wanted} EXCEPT {kept}"):
        yield f"lead {lead} is not found by the duplicate rule {names[rule]}"
    for rule, lead, _ in look.ask(f"{kept} AND rule IN ({','.join(map(str, names))}) EXCEPT {wanted}"):
        yield f"lead {lead} is found by the duplicate rule {names[rule]}, though it does not match"
