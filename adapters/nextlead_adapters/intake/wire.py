"""What the parsing process is told and what it answers: MessagePack frames, each behind its length (4 bytes)."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct, json, msgpack

from nextlead.core.commands import IntakeReject, IntakeRow
from nextlead.core.setup_model import TemplateField, UploadRules

LENGTH_BYTES: Final = 4
FRAME_BYTES_MAX: Final = 64 << 20


class Reading(Struct, kw_only=True, frozen=True):
    """How the rows of a file are read. Kept with its pool (`Pool.options`), so that loading can be resumed.

    `match` are the rules of the duplicate check.
    """

    region: str
    fields: tuple[TemplateField, ...] = ()
    mapping: dict[str, str | None] = {}
    sheet: str = ""
    rules: UploadRules = UploadRules()
    match: tuple[str, ...] = ()


class Job(Struct, kw_only=True):
    """A file to read, how, and the limits of the process that reads it.

    Rows with a number of `known` were loaded before, and so were the first `taken` of the others. With `erase`, the
    file is not read into leads: it is given back without the rows that hold one of these numbers (`erasing.py`).
    """

    path: str
    reading: Reading
    owners: tuple[str, ...] = ()
    taken: int = 0
    known: tuple[int, ...] = ()
    erase: tuple[int, ...] = ()
    chunk_rows: int
    memory_bytes: int
    cpu_s: int


class Header(Struct, tag=True):
    """The file can be read, so. `notes` are lines for the pool's log. Of Excel, `separator` is empty."""

    columns: tuple[str, ...]
    unmatched: tuple[str, ...]
    encoding: str
    separator: str
    size_bytes: int
    notes: tuple[str, ...] = ()


class Chunk(Struct, tag=True):
    """Some rows, in the order of the file. `done_bytes` is how far the file was read."""

    rows: tuple[IntakeRow, ...]
    rejects: tuple[IntakeReject, ...]
    done_bytes: int


class Kept(Struct, tag=True):
    """A piece of a file that is given back without some rows."""

    body: bytes


class Cut(Struct, tag=True):
    """The file was given back without so many rows. Not `whole`: it can't be kept without them, and was not given."""

    rows: int
    whole: bool


class Done(Struct, tag=True):
    """The whole file was read."""


class Failed(Struct, tag=True):
    """The file can't be read, or not so. `field` is the option at fault: `file`, `sheet`, `mapping.COLUMN`."""

    field: str
    rule: str


Message = Header | Chunk | Kept | Cut | Done | Failed

encode_job: Final = msgpack.Encoder().encode
encode_reading: Final = json.Encoder().encode
decode_reading: Final = json.Decoder(Reading).decode
decode_job: Final = msgpack.Decoder(Job).decode
decode_message: Final[Callable[[bytes], Message]] = msgpack.Decoder(Message).decode
_encode_message: Final = msgpack.Encoder().encode


def frame(message: Message) -> bytes:
    """A message as it goes over the pipe."""
    body = _encode_message(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body
