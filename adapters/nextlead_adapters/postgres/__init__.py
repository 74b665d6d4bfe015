"""The store on a PostgreSQL server (docs/postgres.md). It needs the extra `nextlead[postgres]`."""

from .database import PostgresDatabase
from .store import PostgresStore

__all__ = ["PostgresDatabase", "PostgresStore"]
