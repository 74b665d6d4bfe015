"""The store on SQLite: one file, one writer, a journal that is the history. See docs/storage.md."""

from .store import SqliteStore

__all__ = ["SqliteStore"]
