"""The container file and the composition: what they name is there, and runs as they say. No engine is needed."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, StartNextlead, environment

from nextlead_adapters.config import load_config
from nextlead_adapters.store_url import postgres_url

yaml = pytest.importorskip("yaml", reason="install the extra for tests: pip install -e .[dev]")

CONTAINER = ROOT / "config" / "container" / "Containerfile"
COMPOSE = ROOT / "config" / "compose"
KNOWN = {
    "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD",
}  # fmt: skip


def steps() -> list[tuple[str, str]]:
    """Instructions and the rest of their lines, joined where they are continued."""
    lines = [line for line in CONTAINER.read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [
        (line.split(maxsplit=1)[0], line.split(maxsplit=1)[1].strip()) for line in text.splitlines() if line.strip()
    ]


def last(name: str) -> str:
    return [rest for kind, rest in steps() if kind == name][-1]


def test_every_step_is_one() -> None:
    assert {kind for kind, _ in steps()} <= KNOWN
    assert steps()[0][0] == "FROM"
    for kind, rest in steps():
        if kind in ("ENTRYPOINT", "CMD"):
            assert all(isinstance(word, str) for word in json.loads(rest))


def test_what_is_copied_is_there_and_may_be_seen() -> None:
    seen = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [
        source
        for kind, rest in steps()
        if kind == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]
    assert copied
    assert set(copied) == seen
    assert all((ROOT / source).exists() for source in copied)


def test_what_the_build_needs_of_the_checkout_is_copied() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    named = re.findall(r'^(?:readme = |license-files = \[)"([^"]+)"', text, re.MULTILINE)
    copied = {word for kind, rest in steps() if kind == "COPY" for word in rest.split()}
    assert set(named) <= copied


def test_what_is_copied_is_enough_to_build_it(tmp_path: Path) -> None:
    """The first stage, but for the network: the wheel that pip would install, from nothing but what is copied."""
    pytest.importorskip("hatchling", reason="install the extra for tests: pip install -e .[dev]")
    source, out = tmp_path / "src", tmp_path / "out"
    source.mkdir()
    for kind, rest in steps():
        if kind == "COPY" and not rest.startswith("--from"):
            *froms, to = rest.split()
            for each in froms:
                target = source / each if to in (".", "./") else source / to
                if (ROOT / each).is_dir():
                    shutil.copytree(ROOT / each, target, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / each, target)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=source, check=True, capture_output=True, env=environment(),
    )  # fmt: skip
    (wheel,) = out.glob("nextlead-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    assert {"nextlead/__init__.py", "nextlead_adapters/cli/main.py", "nextlead_adapters/_data/nextlead.toml"} <= names


def test_it_does_not_run_as_root() -> None:
    user, _, group = last("USER").partition(":")
    assert (user, group) == ("10001", "10001")
    kinds = [kind for kind, _ in steps()]
    assert "RUN" not in kinds[kinds.index("USER") :]
    made = next(rest for kind, rest in steps() if kind == "RUN" and "useradd" in rest)
    assert "--uid 10001" in made
    assert last("VOLUME") == last("WORKDIR") == "/var/lib/nextlead"
    assert f"--mode=0700 {last('VOLUME')}" in made


def test_the_daemon_starts_as_it_says_and_its_health_is_asked(start_nextlead: StartNextlead, tmp_path: Path) -> None:
    command = json.loads(last("CMD"))
    assert json.loads(last("ENTRYPOINT")) == ["nextlead"]
    store = command.index("--store") + 1
    command[store] = command[store].replace("/var/lib/nextlead", str(tmp_path))
    port = command.index("--port")
    del command[port : port + 2]  # any free one
    daemon = start_nextlead(*command)
    health = json.loads(last("HEALTHCHECK").partition(" CMD ")[2])
    asked = [word.replace("http://127.0.0.1:8700", daemon.url.replace("0.0.0.0", "127.0.0.1")) for word in health]
    assert asked[0] == "python"
    assert subprocess.run([sys.executable, *asked[1:]], check=False, env=environment()).returncode == 0
    assert daemon.stop()[0] == 0
    done = subprocess.run([sys.executable, *asked[1:]], check=False, env=environment(), capture_output=True)
    assert done.returncode == 1


def composed() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yml").read_text())
    return found


def test_the_composition_hangs_together() -> None:
    whole = composed()
    services = whole["services"]
    assert {"postgres", "nextlead-a", "nextlead-b", "proxy", "prometheus"} == set(services)
    for service in services.values():
        assert set(service.get("depends_on", [])) <= set(services)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (COMPOSE / source).exists() if source.startswith(".") else source in whole["volumes"], volume
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    build = services["nextlead-a"]["build"]
    assert (COMPOSE / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]) == CONTAINER
    assert services["nextlead-a"] == services["nextlead-b"]


def test_no_secret_stands_in_the_composition() -> None:
    for service in composed()["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN", name):
                assert value.startswith("${"), name
                assert ":?" in value, name


def test_its_configuration_is_one() -> None:
    config = load_config(COMPOSE / "nextlead.toml")
    url = postgres_url(config.store.url)
    assert url is not None
    assert "@postgres/nextlead" in url
    command = shlex.join(composed()["services"]["nextlead-a"]["command"])
    assert command == "serve --config /etc/nextlead/nextlead.toml"


def test_the_proxy_asks_who_serves() -> None:
    text = (COMPOSE / "haproxy.cfg").read_text()
    assert "option httpchk GET /readyz" in text
    servers = re.findall(r"^    server \S+ (\S+):8700$", text, re.MULTILINE)
    assert servers == [name for name in composed()["services"] if name.startswith("nextlead-")]


def test_prometheus_asks_the_one_that_serves() -> None:
    found = yaml.safe_load((COMPOSE / "prometheus.yml").read_text())
    (job,) = found["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["proxy:8700"]}]
    mounted = [volume.split(":")[1] for volume in composed()["services"]["prometheus"]["volumes"]]
    assert [f"/etc/prometheus/{name}" for name in found["rule_files"]] == mounted[1:2]
    (token,) = composed()["services"]["prometheus"]["configs"]
    assert token["target"] == job["authorization"]["credentials_file"]
