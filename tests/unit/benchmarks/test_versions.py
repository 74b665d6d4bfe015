"""Servers say their versions in many words; one of them is the version."""

from pathlib import Path

import pytest
from benchmarks.rivals.versions import redis_version
from benchmarks.scenarios.base import Wish
from benchmarks.scenarios.rivals import rival_versions


@pytest.fixture
def redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\necho 'Redis server v=7.0.15 sha=00000000:0 malloc=libc bits=64 build=1e2'\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return program


def test_the_server_on_the_path_is_asked(redis: Path) -> None:
    redis.chmod(0o755)
    assert redis_version() == "7.0.15"


def test_only_rivals_that_run_are_asked(redis: Path) -> None:
    redis.chmod(0o755)
    wish = Wish((200,), 1, 1, 1, 1, rivals=("redis",))
    assert rival_versions(wish) == {"Redis": "7.0.15"}
    assert rival_versions(Wish((200,), 1, 1, 1, 1)) == {}
