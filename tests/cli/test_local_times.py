"""A time typed without an offset is the terminal's own; what a clock change makes of it is told (SPEC R11.3)."""

import time
from collections.abc import Iterator

import pytest
import typer

from nextlead_adapters.cli.work import moment


@pytest.fixture(autouse=True)
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "utc", "told"),
    [
        ("2026-03-07T02:30", "2026-03-07T07:30:00+00:00", ""),
        ("2026-03-08T01:59", "2026-03-08T06:59:00+00:00", ""),
        (
            "2026-03-08T02:30",
            "2026-03-08T07:30:00+00:00",
            "the clocks skip 2026-03-08T02:30 here: it is 2026-03-08T03:30:00-04:00\n",
        ),
        ("2026-03-08T03:00", "2026-03-08T07:00:00+00:00", ""),
        ("2026-11-01T00:59", "2026-11-01T04:59:00+00:00", ""),
        (
            "2026-11-01T01:30",
            "2026-11-01T05:30:00+00:00",
            "2026-11-01T01:30 comes twice here: it is the first, 2026-11-01T01:30:00-04:00\n",
        ),
        ("2026-11-01T02:00", "2026-11-01T07:00:00+00:00", ""),
        ("2026-11-01T01:30-05:00", "2026-11-01T06:30:00+00:00", ""),  # who gives an offset has said which
        ("2026-03-08T02:30Z", "2026-03-08T02:30:00+00:00", ""),
    ],
)
def test_a_local_time_around_a_clock_change(text: str, utc: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert moment(text) == utc
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("text", ["soon", "", "0001-01-01T00:00", "9999-12-31T23:59"])
def test_what_is_no_time(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as end:
        moment(text)
    assert end.value.exit_code == 2
    assert "is not a time like" in capsys.readouterr().err
