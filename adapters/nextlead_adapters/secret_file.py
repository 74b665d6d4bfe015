"""Files that only their user can read: the admin token, the demo's tokens."""

import os
import secrets
from pathlib import Path

VARIABLE = "NEXTLEAD_ADMIN_TOKEN"
TOKEN_BYTES = 32


def write_private(file: Path, content: bytes) -> None:
    """Write it whole or not at all, readable by its user only from the first byte on."""
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)


def admin_token(file: Path) -> tuple[str, bool]:
    """The daemon's admin token, and whether it was made just now.

    The environment's, if it is set; else the one in `file`; else a new one of 256 random bits, written there.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given:
        return given, False
    if file.exists() and (kept := file.read_text().strip()):
        return kept, False
    made = secrets.token_urlsafe(TOKEN_BYTES)
    write_private(file, made.encode() + b"\n")
    return made, True
