"""The text of a lease token: the lead's id in hex, a dash, 32 hex digits (128 random bits).

The id is no secret; it lets a finish find its lead without an index of tokens, after a restart and after the end too.
"""

from .errors import UnknownLease

_HEX = frozenset("0123456789abcdef")
_HEX_DIGITS = 32
_ID_DIGITS = 10


def token_text(lead: int, token: bytes) -> str:
    """`4f1-9c0e...`: what people outside hold."""
    return f"{lead:x}-{token.hex()}"


def parse_token(text: str) -> tuple[int, bytes]:
    """The lead's id and the 16 bytes; raises `UnknownLease` for anything that was never a token."""
    head, dash, tail = text.partition("-")
    if not dash or len(tail) != _HEX_DIGITS or not 0 < len(head) <= _ID_DIGITS or not _HEX.issuperset(head + tail):
        raise UnknownLease
    return int(head, 16), bytes.fromhex(tail)
