"""`benchmarks` comes with the checkout, not with the package: it is found from the checkout's root."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    sys.path.append(ROOT)


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    """PostgreSQL: its `schema()` is the URL of an empty one."""
    from postgres import asking  # noqa: PLC0415 - it skips where there is no driver, and other tests need none

    with asking() as admin:
        yield admin
