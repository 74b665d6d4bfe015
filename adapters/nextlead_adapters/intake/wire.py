"""What the parsing process is told and what it answers: MessagePack frames, each behind its length (4 bytes)."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct, msgpack

from nextlead.core.commands import IntakeReject, IntakeRow
from nextlead.core.model import TemplateField

LENGTH_BYTES: Final = 4
FRAME_BYTES_MAX: Final = 64 << 20


class Job(Struct, kw_only=True):
    """A file to read, the upload rules, and the limits of the process that reads it."""

    path: str
    region: str
    fields: tuple[TemplateField, ...] = ()
    mapping: dict[str, str | None] = {}
    owners: tuple[str, ...] = ()
    chunk_rows: int
    memory_bytes: int
    cpu_s: int


class Header(Struct, tag=True):
    """The file can be read, so."""

    columns: tuple[str, ...]
    unmatched: tuple[str, ...]
    encoding: str
    separator: str
    size_bytes: int


class Chunk(Struct, tag=True):
    """Some rows, in the order of the file. `done_bytes` is how far the file was read."""

    rows: tuple[IntakeRow, ...]
    rejects: tuple[IntakeReject, ...]
    done_bytes: int


class Done(Struct, tag=True):
    """The whole file was read."""


class Failed(Struct, tag=True):
    """The file can't be read, or not so. `field` is the option at fault: `file`, `mapping.COLUMN`."""

    field: str
    rule: str


Message = Header | Chunk | Done | Failed

encode_job: Final = msgpack.Encoder().encode
decode_job: Final = msgpack.Decoder(Job).decode
decode_message: Final[Callable[[bytes], Message]] = msgpack.Decoder(Message).decode
_encode_message: Final = msgpack.Encoder().encode


def frame(message: Message) -> bytes:
    """A message as it goes over the pipe."""
    body = _encode_message(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body
