"""Who could be misled by an engine that is compiled is told of it, or stopped."""

import benchmarks.__main__
import benchmarks.surroundings
import conftest
import pytest


def test_tests_refuse_to_run_on_it(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEXTLEAD_TEST_COMPILED", raising=False)
    monkeypatch.setattr(conftest, "engine_form", lambda: "compiled")
    with pytest.raises(pytest.UsageError, match="make interpreted"):
        conftest.pytest_configure(pytestconfig)
    monkeypatch.setenv("NEXTLEAD_TEST_COMPILED", "1")
    conftest.pytest_configure(pytestconfig)


@pytest.mark.parametrize("command", ["cost", "gate"])
def test_what_counts_calls_refuses(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmarks.__main__, "engine_form", lambda: "compiled")
    assert benchmarks.__main__.main([command]) == 2
    assert "make interpreted" in capsys.readouterr().out


def test_what_was_measured_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks.surroundings, "engine_form", lambda: "interpreted")
    assert benchmarks.surroundings.surroundings().versions["engine"] == "interpreted"
    monkeypatch.setattr(benchmarks.surroundings, "engine_form", lambda: "compiled")
    assert benchmarks.surroundings.surroundings().versions["engine"].startswith("compiled with mypyc ")
