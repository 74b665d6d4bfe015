"""Every `*.txt` of this folder, against the engine and, unchanged, against the daemon over HTTP."""

from pathlib import Path

import pytest
from scenarios.kit.core_driver import CoreDriver
from scenarios.kit.driver import Driver
from scenarios.kit.http_driver import HttpDriver
from scenarios.kit.language import ScenarioFailed
from scenarios.kit.runner import run_scenario

FILES = sorted(Path(__file__).parent.glob("*.txt"))
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def run(file: Path, driver: Driver) -> None:
    failed = ""
    try:
        run_scenario(file, driver)
    except ScenarioFailed as failure:
        failed = str(failure)
    finally:
        driver.close()
    if failed:
        pytest.fail(failed, pytrace=False)


@every_file
def test_over_the_engine(file: Path) -> None:
    run(file, CoreDriver())


@pytest.mark.slow
@every_file
def test_over_http(file: Path, tmp_path: Path) -> None:
    run(file, HttpDriver(tmp_path))
