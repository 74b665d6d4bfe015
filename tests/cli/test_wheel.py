"""The wheel, installed in an empty environment away from the checkout, does what the checkout does."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

pytestmark = [pytest.mark.wheel, pytest.mark.slow]

CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("NEXTLEAD_", "PYTHON"))}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT, env=CLEAN, check=True, capture_output=True,
    )  # fmt: skip
    return next(folder.glob("nextlead-*.whl"))


def test_what_travels_with_it(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("nextlead/py.typed", "nextlead_adapters/py.typed", "nextlead_adapters/_data/nextlead.toml"):
        assert name in names
    assert "nextlead_adapters/_data/sample/leads.csv" in names
    for folder in ("limits", "schemes"):
        files = {f"nextlead_adapters/_data/{folder}/{file.name}" for file in (ROOT / "config" / folder).iterdir()}
        assert files
        assert files <= names
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "config"))]


def test_demo_runs_from_it_twice(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "env"], cwd=tmp_path, env=CLEAN, check=True)
    installed = tmp_path / "env" / "bin"
    subprocess.run([installed / "pip", "install", "--quiet", str(wheel)], cwd=tmp_path, env=CLEAN, check=True)

    def demo() -> str:
        return subprocess.run(
            [installed / "nextlead", "demo", "--port", "0", "--seconds", "2", "--pace", "0"],
            cwd=tmp_path, env=CLEAN, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    def sample(said: str) -> str:
        return next(line for line in said.splitlines() if "Sample list" in line)

    first, second = demo(), demo()
    assert " leads, " in sample(first)
    assert sample(first).split(" leads")[0] == sample(second).split(" leads")[0]
    assert " calls." in first.splitlines()[-1]
