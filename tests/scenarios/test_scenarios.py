"""Every `*.txt` of this folder, against the engine and against the daemon."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from scenarios.kit.core_driver import CoreDriver
from scenarios.kit.language import ScenarioFailed
from scenarios.kit.runner import run_scenario

FILES = sorted(Path(__file__).parent.glob("*.txt"))


def run(file: Path, driver) -> None:
    failed = ""
    try:
        run_scenario(file, driver)
    except ScenarioFailed as failure:
        failed = str(failure)
    if failed:
        pytest.fail(failed, pytrace=False)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_over_the_engine(file: Path) -> None:
    run(file, CoreDriver())
