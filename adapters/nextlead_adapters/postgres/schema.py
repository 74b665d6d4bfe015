"""Tables, and how an older database becomes a newer one.

The tables are those of the SQLite store (docs/storage.md), with these differences:

1. `owner` has one row, for the right to write belongs to the database as a whole (`ownership.py`). The epoch stands in
   `organisation` and in `folding` once more: a commit locks the one, what goes on behind the commits the other, so that
   they don't wait for each other and both are ordered against a claim, which changes them.
2. `row.key` is JSON, so that the number 5 and the text "5" differ.
3. `state.open` is what its indexes look at. A change of the status alone then touches no index, and the new row may
   take the place of the old one in its page (HOT).
4. Bodies of commits and parts of files are not compressed: it costs more than the disk it spares.
5. Columns with something personal in them have no statistics: the server would keep samples of them in a table of its
   own, where erasing does not reach. No plan needs them (`connection.py`).
6. An index beside the primary key begins with `org + 0`, and is used by who says so. Of two that begin with `org`, the
   planner takes either one when it believes that the table is empty, and goes on so when it is full.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from nextlead.ports import DEFAULT, StoreRefused

if TYPE_CHECKING:
    from .connection import Db

_LOCK: Final = 0x6E6C6561
_MARK: Final = "nextlead"
_VERSIONS: Final = "schema_version"
_OURS: Final = """
SELECT c.relname::text, obj_description(c.oid, 'pg_class') FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND c.relname = ANY($1::text[])
"""
"""One statement: what another session makes meanwhile is there whole or not at all."""
_VERSION_1: Final = """
CREATE TABLE owner (
    one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch bigint NOT NULL, holder text NOT NULL,
    renewed_at timestamptz, key_mark bytea, database_id uuid NOT NULL
);
CREATE TABLE organisation (
    no integer PRIMARY KEY, code text NOT NULL UNIQUE, name text NOT NULL, created_ms bigint NOT NULL,
    epoch bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE folding (
    org integer PRIMARY KEY, epoch bigint NOT NULL, folded_to bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE journal (
    org integer NOT NULL, no bigint NOT NULL, at_ms bigint NOT NULL, epoch bigint NOT NULL,
    body bytea STORAGE EXTERNAL NOT NULL,
    PRIMARY KEY (org, no)
);
CREATE TABLE row (
    org integer NOT NULL, tbl text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, body bytea NOT NULL,
    PRIMARY KEY (org, tbl, key)
);
CREATE TABLE lead (
    org integer NOT NULL, pool bigint NOT NULL, ordinal bigint NOT NULL, id bigint NOT NULL, owner bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (org, id)
);
CREATE INDEX lead_order ON lead ((org + 0), pool, ordinal, id);
CREATE TABLE state (
    org integer NOT NULL, id bigint NOT NULL, status integer NOT NULL, closure text COLLATE "C",
    campaign bigint NOT NULL, pool bigint NOT NULL, owner bigint NOT NULL, due_ms bigint NOT NULL,
    closed_ms bigint NOT NULL, erased boolean NOT NULL, activity integer NOT NULL, rule text COLLATE "C" NOT NULL,
    last_by bigint NOT NULL, open boolean NOT NULL GENERATED ALWAYS AS (status <> 8) STORED, body bytea NOT NULL,
    PRIMARY KEY (org, id)
) WITH (fillfactor = 70);
CREATE INDEX state_open ON state (org, id) WHERE open;
CREATE INDEX state_closed ON state (org, campaign, closure, closed_ms, id) WHERE NOT open AND NOT erased;
CREATE TABLE lead_data (
    org integer NOT NULL, lead bigint NOT NULL, body bytea NOT NULL,
    PRIMARY KEY (org, lead)
);
CREATE TABLE number (
    org integer NOT NULL, number bigint NOT NULL, lead bigint NOT NULL, pool bigint NOT NULL,
    PRIMARY KEY (org, number, lead)
);
CREATE TABLE clone (
    org integer NOT NULL, master bigint NOT NULL, lead bigint NOT NULL,
    PRIMARY KEY (org, master, lead)
);
CREATE TABLE trail (
    org integer NOT NULL, lead bigint NOT NULL, no bigint NOT NULL,
    PRIMARY KEY (org, lead, no)
);
CREATE TABLE mention (
    org integer NOT NULL, number bigint NOT NULL, no bigint NOT NULL,
    PRIMARY KEY (org, number, no)
);
CREATE TABLE reject (
    org integer NOT NULL, pool bigint NOT NULL, kind text COLLATE "C" NOT NULL, "row" bigint NOT NULL,
    no bigint NOT NULL, at bigint NOT NULL, body bytea NOT NULL,
    PRIMARY KEY (org, pool, kind, "row", no, at)
);
CREATE TABLE reject_number (
    org integer NOT NULL, number bigint NOT NULL, pool bigint NOT NULL, kind text COLLATE "C" NOT NULL,
    "row" bigint NOT NULL, no bigint NOT NULL, at bigint NOT NULL,
    PRIMARY KEY (org, number, pool, kind, "row", no, at)
);
CREATE TABLE file_part (
    org integer NOT NULL, file bigint NOT NULL, no bigint NOT NULL, body bytea STORAGE EXTERNAL NOT NULL,
    PRIMARY KEY (org, file, no)
);
CREATE TABLE doomed (
    org integer NOT NULL, tbl text COLLATE "C" NOT NULL, id bigint NOT NULL,
    PRIMARY KEY (org, tbl, id)
);
CREATE TABLE match_rule (
    org integer NOT NULL, rule text COLLATE "C" NOT NULL, no integer NOT NULL, filled_to bigint NOT NULL,
    ready boolean NOT NULL,
    PRIMARY KEY (org, rule)
);
CREATE TABLE match_key (
    org integer NOT NULL, rule integer NOT NULL, key bytea NOT NULL, lead bigint NOT NULL,
    PRIMARY KEY (org, rule, key, lead)
);
CREATE INDEX match_key_lead ON match_key ((org + 0), lead);
CREATE TABLE answer (
    org integer NOT NULL, key text COLLATE "C" NOT NULL, at_ms bigint NOT NULL, body bytea NOT NULL,
    PRIMARY KEY (org, key)
);
CREATE INDEX answer_age ON answer ((org + 0), at_ms);
ALTER TABLE journal ALTER body SET STATISTICS 0;
ALTER TABLE row ALTER key SET STATISTICS 0, ALTER body SET STATISTICS 0;
ALTER TABLE lead ALTER body SET STATISTICS 0;
ALTER TABLE state ALTER body SET STATISTICS 0;
ALTER TABLE lead_data ALTER body SET STATISTICS 0;
ALTER TABLE number ALTER number SET STATISTICS 0;
ALTER TABLE mention ALTER number SET STATISTICS 0;
ALTER TABLE reject ALTER body SET STATISTICS 0;
ALTER TABLE reject_number ALTER number SET STATISTICS 0;
ALTER TABLE file_part ALTER body SET STATISTICS 0;
ALTER TABLE match_key ALTER key SET STATISTICS 0;
INSERT INTO owner (epoch, holder, database_id) VALUES (0, '', gen_random_uuid());
"""
TABLES: Final = tuple(line.split()[2] for line in _VERSION_1.splitlines() if line.startswith("CREATE TABLE"))
"""All of them but `schema_version`."""


async def _create(db: "Db") -> None:
    """Version 1: all tables, and the organisation that is there from the start."""
    await db.execute(_VERSION_1)
    await db.execute(
        "CREATE TABLE schema_version (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    await db.execute(f"COMMENT ON TABLE schema_version IS '{_MARK}'")
    first = (DEFAULT.no, DEFAULT.code, DEFAULT.name, DEFAULT.created_ms)
    await db.execute("INSERT INTO organisation VALUES ($1, $2, $3, $4, 0)", *first)
    await db.execute("INSERT INTO folding VALUES ($1, 0, 0)", DEFAULT.no)


MIGRATIONS: Final[tuple[Callable[["Db"], Awaitable[None]], ...]] = (_create,)
"""The nth takes a database from version n - 1 to n. Never changed once released."""


async def check_current(db: "Db", shown: str) -> None:
    """Raises `StoreRefused` unless the tables are there and of the present version."""
    found = await version(db)
    if found == 0:
        raise StoreRefused(f"{shown} has no store")
    if found < len(MIGRATIONS):
        raise StoreRefused(f"{shown} is of an older version; migrate it first")


async def version(db: "Db") -> int:
    """The version of what is there, 0 for nothing. Raises `StoreRefused` for what is not ours or newer than this."""
    schema = await db.fetchval("SELECT current_schema()")
    if schema is None:
        raise StoreRefused("the database has no schema that the search_path names")
    found: dict[str, str | None] = dict(map(tuple, await db.fetch(_OURS, [*TABLES, _VERSIONS])))
    if found.get(_VERSIONS) != _MARK:
        if found:
            raise StoreRefused(
                f"schema {schema} has tables of another program ({', '.join(sorted(found))}); "
                "give nextlead a database, or a schema, of its own"
            )
        return 0
    newest = await db.fetchval("SELECT max(version) FROM schema_version")
    if newest is None or newest > len(MIGRATIONS):
        raise StoreRefused(f"the store is of version {newest}, this program knows versions up to {len(MIGRATIONS)}")
    return int(newest)


async def create(db: "Db") -> None:
    """Make the tables where there are none; once only, if several processes do it at the same time."""
    if await version(db) == 0:
        await _bring_up(db, to=len(MIGRATIONS), new=True)


async def migrate(db: "Db") -> None:
    """Bring an older database to the present version; each step is there whole or not at all. Needs the claim."""
    for to in range(await version(db) + 1, len(MIGRATIONS) + 1):
        await _bring_up(db, to=to, new=False)


async def _bring_up(db: "Db", *, to: int, new: bool) -> None:
    async with db.transaction():
        await db.execute(f"SELECT pg_advisory_xact_lock({_LOCK}, hashtext(current_schema()))")
        found = await version(db)
        for step in range(found, to) if new == (found == 0) else ():
            await MIGRATIONS[step](db)
            await db.execute("INSERT INTO schema_version (version) VALUES ($1)", step + 1)
