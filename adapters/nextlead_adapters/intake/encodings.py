"""Which encoding a file has.

1. The whole file is looked at once before anything is read, as only its last byte decides whether it is UTF-8.
2. UTF-8 and UTF-16, with and without a byte order mark; else Latin-1. Bytes from 0x80 to 0x9F, which are control
   characters there, are read as browsers do, as in the Windows variant of Latin-1, if that has letters for all of them.
3. What is no text is refused with a guess at what it is.
"""

import codecs
from collections.abc import Iterator
from typing import BinaryIO, Final

_SLICE_BYTES: Final = 1 << 20
_SAMPLE_BYTES: Final = 1 << 16
_NUL_SHARE: Final = 10
_CONTROL_SHARE: Final = 50
_SHORT_BYTES: Final = 1_000
"""Text has fewer than one NUL in ten bytes, and fewer than one control character in fifty; 20 are no proof yet."""
_SEPARATORS: Final = "\n\r\t,;"
"""Every table has some. In UTF-16 they tell which byte comes first: the other way round they are nobody's letters."""

_MARKS: Final = (
    (codecs.BOM_UTF32_LE, ""),
    (codecs.BOM_UTF32_BE, ""),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FORMATS: Final = (
    (b"PK\x03\x04", "a ZIP file"),
    (b"PK\x05\x06", "an empty ZIP file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file, or one with a password"),
    (b"\x1f\x8b", "a gzip file"),
    (b"%PDF", "a PDF file"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"SQLite format 3\0", "a database"),
)
_CONTROLS: Final = bytes(code for code in (*range(32), 127) if code not in b"\t\n\r\f\v")
_WINDOWS: Final = bytes(range(0x80, 0xA0))
_NOT_IN_WINDOWS: Final = b"\x81\x8d\x8f\x90\x9d"


class Unreadable(Exception):
    """The file can't be read at all; the message is a phrase behind "the file" (`is empty`)."""


def encoding_of(stream: BinaryIO) -> tuple[str, bytes]:
    """The codec of a file, from all of its bytes, and its byte order mark, if any; raises `Unreadable`.

    With its mark, UTF-8 is called `utf-8-sig`. Memory is bounded.
    """
    head = stream.read(_SLICE_BYTES)
    if not head:
        raise Unreadable("is empty")
    for magic, what in _FORMATS:
        if head.startswith(magic):
            raise Unreadable(f"is {what}, not a text table; save it as CSV or .xlsx")
    for mark, codec in _MARKS:
        if head.startswith(mark):
            if not codec:
                raise Unreadable("is UTF-32; save it as UTF-8")
            if _decodes(head, stream, codec):
                return codec, mark
            raise Unreadable(f"starts as {codec[:6].removesuffix('-').upper()} but is not all of it")
    wide = _unmarked_utf_16(head[:_SAMPLE_BYTES])
    if wide and _decodes(head, stream, wide):
        return wide, b""
    _refuse_binary(head[:_SAMPLE_BYTES])
    return ("utf-8" if _decodes(head, stream, "utf-8") else _single_byte(head, stream)), b""


def _unmarked_utf_16(sample: bytes) -> str:
    if sample.count(b"\0") * _NUL_SHARE <= len(sample):
        return ""
    texts = {codec: sample.decode(codec, "replace") for codec in ("utf-16-le", "utf-16-be")}
    codec = max(texts, key=lambda codec: sum(map(texts[codec].count, _SEPARATORS)))
    controls = sum(texts[codec].count(chr(control)) for control in _CONTROLS)
    return "" if controls * _CONTROL_SHARE > len(texts[codec]) else codec


def _refuse_binary(sample: bytes) -> None:
    if sample.count(b"\0") * _NUL_SHARE > len(sample):
        raise Unreadable("is not text; save it as UTF-8")
    if (len(sample) - len(sample.translate(None, _CONTROLS))) * _CONTROL_SHARE > max(len(sample), _SHORT_BYTES):
        raise Unreadable("is not a text file")


def _slices(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    stream.seek(len(head))
    yield head
    while piece := stream.read(_SLICE_BYTES):
        yield piece


def _decodes(head: bytes, stream: BinaryIO, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        for piece in _slices(head, stream):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _single_byte(head: bytes, stream: BinaryIO) -> str:
    windows = False
    for piece in _slices(head, stream):
        high = set(piece).intersection(_WINDOWS)
        if high.intersection(_NOT_IN_WINDOWS):
            return "latin-1"
        windows = windows or bool(high)
    return "cp1252" if windows else "latin-1"
