"""Where leads are kept, as one line of text: `sqlite:///file.db`, `sqlite:////full/path.db`, `memory:`."""

from pathlib import Path
from urllib.parse import unquote, urlsplit


class BadUrl(Exception):
    """The store's URL can't be used; the message says why."""


def sqlite_path(url: str) -> Path | None:
    """The file that a URL names, None for `memory:`. Raises `BadUrl`."""
    if url == "memory:":
        return None
    parts = urlsplit(url)
    if parts.scheme in {"postgresql", "postgres"}:
        raise BadUrl("a PostgreSQL store is not there yet; use sqlite:///FILE, or memory: to keep nothing")
    if parts.scheme != "sqlite" or not url.startswith("sqlite:///"):
        raise BadUrl(f"store {url!r}: use sqlite:///FILE (four slashes for a full path), or memory: to keep nothing")
    if parts.query or parts.fragment:
        raise BadUrl(f"store {url!r}: a SQLite URL has no options")
    name = unquote(parts.path[1:])
    if not name or name.endswith("/"):
        raise BadUrl(f"store {url!r}: the file is missing")
    return Path(name)
