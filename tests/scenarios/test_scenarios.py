"""Every `*.txt` of this folder, against the engine and, unchanged, against the daemon over HTTP."""

from pathlib import Path

import pytest
from scenarios.kit.core_driver import CoreDriver
from scenarios.kit.driver import Driver
from scenarios.kit.http_driver import HttpDriver
from scenarios.kit.language import ScenarioFailed
from scenarios.kit.runner import run_scenario

FILES = sorted(Path(__file__).parent.glob("*.txt"))
HTTP_ONLY = "# over HTTP only\n"
over_both = [file for file in FILES if HTTP_ONLY not in file.read_text(encoding="utf-8")]


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


@pytest.mark.parametrize("file", over_both, ids=lambda file: file.stem)
def test_over_the_engine(file: Path) -> None:
    run(file, CoreDriver())


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_over_http(file: Path, tmp_path: Path) -> None:
    run(file, HttpDriver(tmp_path))
