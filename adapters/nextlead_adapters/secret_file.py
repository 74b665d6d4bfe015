"""Files that only their user can read: the admin token, the demo's tokens, the key of forgotten numbers."""

import os
import secrets
from pathlib import Path
from typing import Final

import structlog

from nextlead.ports import StoreRefused

VARIABLE: Final = "NEXTLEAD_ADMIN_TOKEN"
TOKEN_BYTES: Final = 32
_OTHERS: Final = 0o077

_log = structlog.get_logger("nextlead.secrets")


def write_private(file: Path, content: bytes) -> None:
    """Write it whole or not at all, readable by its user only from the first byte on."""
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)
    _sync(file.parent)


def read_private(file: Path) -> bytes | None:
    """What is in it, None if it is not there; if others could read it until now, they can't any more."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return None
    if file.stat().st_mode & _OTHERS:
        file.chmod(0o600)
        _log.warning("secret_was_readable", file=str(file))
    return content


def admin_token(file: Path) -> tuple[str, bool]:
    """The daemon's admin token, and whether it was made just now.

    The environment's, if it is set; else the one in `file`; else a new one of 256 random bits, written there. Raises
    `StoreRefused` when that can't be read or written.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given:
        return given, False
    try:
        if file.exists() and (kept := file.read_text().strip()):
            return kept, False
        made = secrets.token_urlsafe(TOKEN_BYTES)
        write_private(file, made.encode() + b"\n")
    except OSError as problem:
        raise StoreRefused(f"the admin token's file, {file}, can't be used: {problem.strerror}") from None
    return made, True


def _sync(folder: Path) -> None:
    """The name of a file is durable when its folder is; not every system can do it."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
