"""`import nextlead` gives the engine alone (the exception that the import contracts name)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import environment

import nextlead
import nextlead.testing

ADAPTERS = {"nextlead_adapters", "starlette", "uvicorn", "aiosqlite", "asyncpg", "anyio", "structlog", "typer"}


def loaded_by(statement: str, tmp_path: Path) -> set[str]:
    code = f"{statement}\nimport json, sys\nprint(json.dumps([name for name in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    return {part for name in json.loads(done.stdout) for part in (name, name.partition(".")[0])}


def test_engine_pulls_in_no_adapter(tmp_path: Path) -> None:
    assert loaded_by("from nextlead import Engine; Engine()", tmp_path) & (ADAPTERS | {"asyncio"}) == set()


def test_open_dialer_pulls_in_no_web_server(tmp_path: Path) -> None:
    loaded = loaded_by("from nextlead import open_dialer", tmp_path)
    assert "nextlead_adapters" in loaded
    assert loaded & {"starlette", "uvicorn", "typer", "httpx"} == set()


@pytest.mark.parametrize("name", ["server", "backup.migrating", "backup.restoring", "backup.sources", "verify"])
def test_a_store_in_a_file_needs_no_driver_of_postgresql(name: str, tmp_path: Path) -> None:
    code = "import asyncio, nextlead\nasync def work(): await (await nextlead.open_dialer('sqlite:///a.db')).close()"
    loaded = loaded_by(f"import nextlead_adapters.{name}\n{code}\nasyncio.run(work())", tmp_path)
    assert loaded & {"asyncpg", "nextlead_adapters.postgres"} == set()


@pytest.mark.parametrize("name", ["nextlead_adapters.cli.main", "nextlead_adapters.bootstrap"])
def test_the_command_line_pulls_in_no_zones_no_holidays_and_no_client(name: str, tmp_path: Path) -> None:
    assert loaded_by(f"import {name}", tmp_path) & {"phonenumbers", "tzdata", "holidays", "httpx"} == set()


def test_a_dialer_has_zones_when_it_opens_and_holidays_when_a_campaign_does(tmp_path: Path) -> None:
    code = "import asyncio, nextlead\nasync def work():\n    async with await nextlead.open_dialer('memory:'): pass"
    loaded = loaded_by(f"{code}\nasyncio.run(work())", tmp_path)
    assert "phonenumbers" in loaded
    assert "holidays" not in loaded


def test_the_daemon_pulls_in_no_reference_model(tmp_path: Path) -> None:
    code = "import nextlead_adapters.server, nextlead_adapters.bootstrap, nextlead.testing as t"
    assert "nextlead.testing.reference" not in loaded_by(code, tmp_path)
    assert "nextlead.testing.reference" in loaded_by(f"{code}; t.ReferenceModel", tmp_path)
    with pytest.raises(AttributeError, match="no attribute 'Motor'"):
        nextlead.testing.Motor  # noqa: B018


def test_both_are_listed_and_nothing_else_is_there() -> None:
    assert {"Engine", "open_dialer"} <= set(dir(nextlead))
    with pytest.raises(AttributeError, match="no attribute 'Motor'"):
        nextlead.Motor  # noqa: B018
