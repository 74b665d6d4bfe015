"""Counts that follow from the code alone stay within what is recorded (benchmarks/README.md, "The gate")."""

from typing import Any

import pytest
from benchmarks.gate.bounds import RECORD
from benchmarks.gate.command import held
from benchmarks.gate.groups import GROUPS, POSTGRES, count_apart


def hold(*groups: str, postgres: str = "") -> None:
    findings = held(count_apart(groups, postgres))
    failed = [finding.text for finding in findings if finding.kind == "fails"]
    assert not failed, "\n".join([*failed, f"If that is meant: {RECORD}"])
    for finding in findings:
        print(finding.text)


@pytest.mark.slow
def test_the_engine_and_the_dialer_do_no_more_than_recorded() -> None:
    hold(*(group for group in GROUPS if group != POSTGRES))


def test_postgres_is_asked_no_more_than_recorded(server: Any) -> None:
    with server.schema() as url:
        hold(POSTGRES, postgres=url)
