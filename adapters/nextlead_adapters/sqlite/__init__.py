"""The store on SQLite: one file, one writer, a journal that is the history. See docs/storage.md."""

from .database import SqliteDatabase
from .store import SqliteStore

__all__ = ["SqliteDatabase", "SqliteStore"]
