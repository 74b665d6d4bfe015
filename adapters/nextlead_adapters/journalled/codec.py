"""Rows as MessagePack arrays: a field that is added later goes to the end and has a default (docs/storage.md)."""

from typing import Final

import msgspec

from nextlead.core.model import (
    Answer,
    Blocked,
    Clones,
    Closures,
    Contacted,
    Erasure,
    File,
    Forgotten,
    FreshLead,
    Job,
    Lead,
    LeadData,
    Pool,
    Reject,
    SavedFilter,
    Token,
    ZoneSet,
)
from nextlead.core.row import Row
from nextlead.core.setup_model import Agent, Campaign, Project, Sequences, Settings, Tally, Team

RowKey = tuple[str, int | str]
"""Table and key, as in `nextlead.core.changes.TABLES`."""

ROW_TYPES: Final[dict[str, type[Row]]] = {
    "sequences": Sequences,
    "settings": Settings,
    "team": Team,
    "agent": Agent,
    "project": Project,
    "campaign": Campaign,
    "tally": Tally,
    "pool": Pool,
    "closures": Closures,
    "blocked": Blocked,
    "token": Token,
    "lead_data": LeadData,
    "answer": Answer,
    "global_blocked": Blocked,
    "forgotten": Forgotten,
    "clones": Clones,
    "file": File,
    "job": Job,
    "erasure": Erasure,
    "zone_set": ZoneSet,
    "contacted": Contacted,
    "filter": SavedFilter,
}

encode: Final = msgspec.msgpack.Encoder().encode
decode_lead: Final = msgspec.msgpack.Decoder(Lead).decode
decode_fresh: Final = msgspec.msgpack.Decoder(FreshLead).decode
decode_reject: Final = msgspec.msgpack.Decoder(Reject).decode
_decoders: Final = {table: msgspec.msgpack.Decoder(type_).decode for table, type_ in ROW_TYPES.items()}


def decode_row(table: str, body: bytes | msgspec.Raw) -> Row:
    """A row of one of `ROW_TYPES`."""
    return _decoders[table](body)
