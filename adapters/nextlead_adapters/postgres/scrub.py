"""Make the bytes go that PostgreSQL leaves where rows were (`Tables.scrub`)."""

from typing import Final

from .connection import Server

_NAMES: Final = """
SELECT c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relname = ANY($1::text[])"""


async def scrub(server: Server) -> None:
    """See above."""
    with server.errors():
        db = await server.connect(statement_timeout="0")
        try:
            await db.execute("VACUUM journal")
        finally:
            db.terminate()
