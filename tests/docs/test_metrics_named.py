"""Metrics that the docs and the alerts name are there."""

import re

import httpx
import pytest
from conftest import ROOT, StartNextlead

NAMED_IN = (ROOT / "docs" / "operating.md", ROOT / "config" / "prometheus" / "nextlead.rules.yml")
METRIC = re.compile(r"\bnextlead_[a-z_]+\b")
PARTS = re.compile(r"_(bucket|sum|count)$")


@pytest.fixture
def exposed(start_nextlead: StartNextlead) -> set[str]:
    daemon = start_nextlead("serve", "--store", "memory:", NEXTLEAD_ADMIN_TOKEN="t")
    lines = httpx.get(f"{daemon.url}/metrics").text.splitlines()
    return {line.split()[2].removesuffix("_total") for line in lines if line.startswith("# TYPE")}


def test_named_metrics_are_exposed(exposed: set[str]) -> None:
    for file in NAMED_IN:
        named = {PARTS.sub("", name).removesuffix("_total") for name in METRIC.findall(file.read_text())}
        assert named - {"nextlead_adapters"} <= exposed, file.name


def test_the_files_name_some() -> None:
    assert all(METRIC.search(file.read_text()) for file in NAMED_IN)
