"""Random bytes for lease tokens."""

import pytest

from nextlead.runtime import random_bytes
from nextlead.runtime.random_bytes import RandomBytes


def test_no_byte_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[bytes] = []

    def source(count: int) -> bytes:
        fetched.append(bytes((len(fetched) + at) % 251 for at in range(count)))
        return fetched[-1]

    monkeypatch.setattr(random_bytes, "urandom", source)
    take = RandomBytes()
    given = b"".join(take(16) for _ in range(256))
    assert given == fetched[0], "what was fetched, in order, once"
    assert take(16) == fetched[1][:16]


def test_tokens_differ() -> None:
    take = RandomBytes()
    assert len({take(16) for _ in range(1_000)}) == 1_000


def test_more_than_is_fetched_at_once() -> None:
    assert len(RandomBytes()(10_000)) == 10_000
