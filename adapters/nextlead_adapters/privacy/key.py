"""The key that forgotten numbers are hashed with (SPEC R10.6). It lies in a file of its own, never in the database.

Rules of this file:

1. A store has one key for ever. Without it a forgotten number can't be told from any other, so the daemon does not
   start when the key is lost, or is not the one that the store's hashes were made with.
2. The first start makes the key, and it is durable before the first number is forgotten. A start that is refused
   leaves no new file behind, so that the old one can be put back.
"""

import hmac
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from msgspec import Struct

from nextlead.core.engine import Engine
from nextlead.ports import Database, StoreRefused

from ..secret_file import read_private, write_private

KEY_BYTES: Final = 32
_MARKED: Final = b"nextlead: the key of forgotten numbers"


class Key(Struct, frozen=True):
    """32 random bytes and where they lie, which is nowhere for a store that keeps nothing.

    `made`: just now, and not written yet.
    """

    secret: bytes
    file: Path | None
    made: bool

    @property
    def mark(self) -> bytes:
        """What it is known by; nothing of the key follows from it."""
        return hmac.digest(self.secret, _MARKED, "sha256")


def find_key(file: Path | None) -> Key:
    """The key in a file, or a new one if there is no such file. Raises `StoreRefused` when it can't be read."""
    if file is None:
        return Key(secrets.token_bytes(KEY_BYTES), None, made=True)
    try:
        kept = read_private(file)
    except OSError as problem:
        raise StoreRefused(f"the key of forgotten numbers, {file}, can't be read: {problem.strerror}") from None
    if kept is None:
        return Key(secrets.token_bytes(KEY_BYTES), file, made=True)
    if len(kept) != KEY_BYTES:
        raise StoreRefused(f"{file} is not a key of forgotten numbers: it has {len(kept)} bytes and not {KEY_BYTES}")
    return Key(kept, file, made=False)


def settle_key(key: Key, engines: Iterable[Engine]) -> None:
    """Check that the key is the one of the stores that were loaded into `engines`, and write it if it is new.

    Call it while the database is claimed, before anybody is served. Raises `StoreRefused`.
    """
    for engine in engines:
        if not engine.knows_key:
            raise StoreRefused(_lost(key, len(engine.forgotten)))
    if key.made and key.file is not None:
        try:
            if read_private(key.file) is not None:
                raise StoreRefused(f"{key.file} was made by another daemon meanwhile; start this one again")
            write_private(key.file, key.secret)
        except OSError as problem:
            raise StoreRefused(
                f"the key of forgotten numbers can't be written to {key.file}: {problem.strerror}"
            ) from None


async def check_mark(key: Key, database: Database) -> None:
    """Check that the key is the one that the database was used with before. Raises `StoreRefused`."""
    if not await database.knows_key(key.mark):
        what = f"{key.file} is missing" if key.made else f"{key.file} is another key"
        raise StoreRefused(
            f"the database is used with a key of forgotten numbers, and {what}: copy the owner's here; "
            "see docs/postgres.md"
        )


def _lost(key: Key, numbers: int) -> str:
    what = f"the key {key.file} is missing" if key.made else f"{key.file} is not the key of this store"
    return (
        f"{what}: {numbers} forgotten numbers could be loaded and called again without it. "
        "Put the file back from a backup; see docs/privacy.md"
    )
