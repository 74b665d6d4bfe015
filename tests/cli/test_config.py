from pathlib import Path

import msgspec
import pytest

from nextlead.runtime.backlog import BACKLOG_MAX, ROOM_S
from nextlead.runtime.writer import RETRY_S
from nextlead_adapters.config import CommitConfig, Config, ConfigError, load_config, parse_config
from nextlead_adapters.http.services import Limits
from nextlead_adapters.resources import resource

SHIPPED = resource("nextlead.toml").read_text()


def test_shipped_file_states_the_defaults() -> None:
    assert parse_config(SHIPPED) == Config()


def test_shipped_file_names_every_key_and_no_other() -> None:
    written = {(section, key) for section, keys in msgspec.toml.decode(SHIPPED).items() for key in keys}
    known = {(section, key) for section, keys in msgspec.to_builtins(Config()).items() for key in keys}
    assert written == known


def test_shipped_file_gives_every_key_a_meaning() -> None:
    lines = SHIPPED.splitlines()
    keys = [number for number, line in enumerate(lines) if "=" in line and not line.startswith("#")]
    assert len(keys) == sum(len(keys) for keys in msgspec.to_builtins(Config()).values())
    assert [lines[number] for number in keys if not lines[number - 1].startswith("#")] == []


def test_commit_defaults_are_those_of_the_runtime() -> None:
    assert Config().commit == CommitConfig(RETRY_S, BACKLOG_MAX, ROOM_S)


def test_http_limits_are_those_of_the_application() -> None:
    http = Config().http
    assert (http.body_max_bytes, http.upload_max_bytes) == (Limits().body_max_bytes, Limits().upload_max_bytes)


def test_no_file_is_a_configuration() -> None:
    assert load_config(None) == Config() == parse_config("")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[http]\nport = "x"', "mine.toml: http.port: Expected `int`, got `str`"),
        ("[http]\nport = 70000", "mine.toml: http.port: Expected `int` <= 65535"),
        ("[http]\nbort = 1", "mine.toml: http: Object contains unknown field `bort`"),
        ("[htp]\nport = 1", "mine.toml: Object contains unknown field `htp`"),
        ('[log]\nformat = "xml"', "mine.toml: log.format: Invalid enum value 'xml'"),
        ("[commit]\nretry_for_s = -1", "mine.toml: commit.retry_for_s: Expected `float` >= 0"),
        ("[http\n", "mine.toml: not TOML: "),
    ],
)
def test_errors_name_file_key_and_rule(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_config(text, "mine.toml")
    assert str(error.value).startswith(message)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: can't be read: No such file"):
        load_config(tmp_path / "gone.toml")
