"""Where leads are kept, as one line of text: `sqlite:///file.db`, `postgresql://name@host/database`, `memory:`.

What is said of a URL never says its password.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from nextlead.ports import StoreRefused

_POSTGRES: Final = frozenset({"postgresql", "postgres"})
_USE: Final = "use sqlite:///FILE (four slashes for a full path), postgresql://NAME@HOST/DATABASE, or memory:"


class BadUrl(Exception):
    """The store's URL can't be used; the message says why."""


def sqlite_path(url: str) -> Path | None:
    """The file that a URL names, None for one that names none: `memory:`, or a database. Raises `BadUrl`."""
    if url == "memory:" or postgres_url(url):
        return None
    parts = urlsplit(url)
    if parts.scheme != "sqlite" or not url.startswith("sqlite:///"):
        raise BadUrl(f"store {shown_url(url)!r}: {_USE}, to keep nothing")
    if parts.query or parts.fragment:
        raise BadUrl(f"store {url!r}: a SQLite URL has no options")
    name = unquote(parts.path[1:])
    if not name or name.endswith("/"):
        raise BadUrl(f"store {url!r}: the file is missing")
    return Path(name)


def existing_file(url: str, be: str) -> Path:
    """The file that a URL names, to `be migrated` or whatever it is for.

    Raises `BadUrl` when it names none, and `StoreRefused` when the file is not there.
    """
    path = sqlite_path(url)
    if path is None:
        raise BadUrl(f"memory: keeps nothing that could {be}")
    if not path.exists():
        raise StoreRefused(f"there is no store {path}")
    return path


def postgres_url(url: str) -> str | None:
    """The URL, if it is one of a PostgreSQL database; None for any other. Raises `BadUrl`."""
    parts = urlsplit(url)
    if parts.scheme not in _POSTGRES:
        return None
    if not url.startswith(f"{parts.scheme}://"):
        raise BadUrl("store postgresql: two slashes belong behind the colon: postgresql://NAME@HOST/DATABASE")
    name, at, _ = parts.netloc.rpartition("@")
    if parts.fragment or (not at and "@" in f"{parts.path}{parts.query}") or "@" in name:
        raise BadUrl(
            "store postgresql://...: name and password can't be told from the rest; write their special characters "
            "as %XX: %40 for @, %23 for #, %2F for /, %3F for ?, %25 for %"
        )
    if not parts.path.strip("/"):
        raise BadUrl(f"store {shown_url(url)!r}: the database is missing: postgresql://NAME@HOST/DATABASE")
    try:
        _ = parts.port
    except ValueError:
        raise BadUrl(f"store {shown_url(url)!r}: the port must be a number up to 65535") from None
    return url


@contextmanager
def needing_asyncpg() -> Iterator[None]:
    """Around an import for who names a PostgreSQL store; raises `BadUrl` where the extra is not installed."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise BadUrl(f"a PostgreSQL store needs {missing.name}: pip install 'nextlead[postgres]'") from None


def shown_url(url: str) -> str:
    """The URL for people and logs: without name, password and options, if it has them."""
    parts = urlsplit(url)
    if parts.scheme in _POSTGRES:
        return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return f"{parts.scheme}://...@{url.rpartition('@')[2]}" if "@" in url and "://" in url else url


def without_secrets(url: str, text: str) -> str:
    """The text without the password of the URL."""
    parts = urlsplit(url)
    options = [value for name, value in parse_qsl(parts.query) if "pass" in name]
    for secret in {parts.password or "", unquote(parts.password or ""), *options} - {""}:
        text = text.replace(secret, "***")
    return text
