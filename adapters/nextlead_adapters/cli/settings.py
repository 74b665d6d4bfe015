"""The configuration of commands that are no clients: the file, with the options over it."""

from pathlib import Path

from msgspec.structs import replace

from nextlead_adapters.config import Config, ConfigError, load_config

from .output import Exit, fail


def settings_of(
    file: Path | None, store: str | None = None, host: str | None = None, port: int | None = None
) -> Config:
    """Both together; ends the command when the file can't be used."""
    try:
        config = load_config(file)
    except ConfigError as error:
        fail(str(error), Exit.WRONG_USE)
    http = {key: value for key, value in {"host": host, "port": port}.items() if value is not None}
    kept = replace(config.store, url=store) if store is not None else config.store
    return replace(config, store=kept, http=replace(config.http, **http))
