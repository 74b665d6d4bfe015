"""The configuration of the daemon: `nextlead.toml`, read into a frozen struct.

Rules of this file:

1. Every key has a default, so an empty file, or none, is a configuration. `config/nextlead.toml` in the repository
   states every key with its default and meaning; `tests/cli/test_config.py` holds the two together.
2. A key that does not exist is an error, not a wish: the message names file, key and rule.
3. Options on the command line come over the file. The environment only ever gives secrets.
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

Port = Annotated[int, Meta(ge=0, le=65535)]
Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(ge=0, le=3600)]


class ConfigError(Exception):
    """The configuration can't be used; the message names file, key and rule."""


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the sections of the file."""


class StoreConfig(Section, frozen=True):
    """Where leads are kept."""

    url: str = "sqlite:///nextlead.db"


class HttpConfig(Section, frozen=True):
    """Where the daemon listens, and how much it takes in one go. Port 0 takes any free one."""

    host: str = "127.0.0.1"
    port: Port = 8700
    body_max_bytes: Count = 1024 * 1024
    upload_max_bytes: Count = 512 * 1024 * 1024
    drain_s: Count = 10


class LogConfig(Section, frozen=True):
    """What is logged to stderr, and how. `auto` is console on a terminal, else json."""

    format: Literal["auto", "console", "json"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class CommitConfig(Section, frozen=True):
    """How long the writer tries a store that fails, and how much may wait for the writer."""

    retry_for_s: Seconds = 10.0
    waiting_max: Count = 10_000
    room_wait_s: Seconds = 5.0


class PrivacyConfig(Section, frozen=True):
    """Where the key of forgotten numbers lies; empty: beside the store, `leads.key` for `leads.db`."""

    key_file: str = ""


class SchemesConfig(Section, frozen=True):
    """Where status schemes of your own lie, beside those that are shipped; empty: there are none."""

    folder: str = ""


class Config(Section, frozen=True):
    """The whole file."""

    store: StoreConfig = field(default_factory=StoreConfig)
    http: HttpConfig = field(default_factory=HttpConfig)
    log: LogConfig = field(default_factory=LogConfig)
    commit: CommitConfig = field(default_factory=CommitConfig)
    privacy: PrivacyConfig = field(default_factory=PrivacyConfig)
    schemes: SchemesConfig = field(default_factory=SchemesConfig)


def parse_config(text: str | bytes, name: str = "nextlead.toml") -> Config:
    """The configuration in a TOML text; `name` is what errors call it. Raises `ConfigError`."""
    try:
        return msgspec.toml.decode(text, type=Config)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(name, str(error))) from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"{name}: not TOML: {error}") from None


def load_config(path: Path | None) -> Config:
    """The configuration in a file; without one, the defaults. Raises `ConfigError`."""
    if path is None:
        return Config()
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from None
    return parse_config(text, str(path))


def _explain(name: str, message: str) -> str:
    """From msgspec comes `rule - at `$.http.port``; people look for the key first."""
    rule, found, where = message.partition(" - at `$.")
    return f"{name}: {where.rstrip('`')}: {rule}" if found else f"{name}: {rule}"
