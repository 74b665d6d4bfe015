"""Questions that are saved by name (SPEC R13.4): what an engine keeps of them, which is all but their meaning."""

from typing import Final

import pytest
from unit.core.ledger import Ledger

from nextlead.core.commands import DeleteFilter, PutFilter
from nextlead.core.errors import Conflict, Invalid, NotFound
from nextlead.core.model import SavedFilter

BODY: Final = b'{"scheme": "smartlists", "public_status": "No SMS Reply"}'
MOST: Final = 1000


def test_a_filter_is_kept_as_it_was_said() -> None:  # R13.4
    ledger = Ledger()
    saved = ledger(PutFilter(name="waiting for me", body=BODY, description="Who wrote last?", by="user:m"))
    assert saved == SavedFilter("waiting for me", BODY, "Who wrote last?", "user:m", ledger.now_ms)
    assert dict(ledger.engine.filters) == {"waiting for me": saved}
    assert ledger.commits[-1].rows == {("filter", "waiting for me"): saved}


def test_saving_it_again_changes_it_as_a_whole() -> None:
    ledger = Ledger()
    ledger(PutFilter(name="mine", body=BODY, description="Old", by="user:m"))
    ledger.now_ms += 1
    saved = ledger(PutFilter(name="mine", body=b"{}", by="user:n"))
    assert saved == SavedFilter("mine", b"{}", "", "user:n", ledger.now_ms)
    assert dict(ledger.engine.filters) == {"mine": saved}


def test_names_are_told_apart_as_they_are_written() -> None:
    ledger = Ledger()
    for name in ("mine", "Mine", "meine Kunden", "клиенты", "a.b", "..."):
        ledger(PutFilter(name=name, body=name.encode()))
    assert {name: row.body.decode() for name, row in ledger.engine.filters.items()} == {
        name: name for name in ("mine", "Mine", "meine Kunden", "клиенты", "a.b", "...")
    }


@pytest.mark.parametrize("name", ["", "a/b", ".", "..", "a\nb", "mine ", " mine", "x" * 101])
def test_a_name_stands_in_addresses(name: str) -> None:
    ledger = Ledger()
    with pytest.raises(Invalid) as refusal:
        ledger(PutFilter(name=name, body=BODY))
    assert refusal.value.field == "name"
    assert not ledger.engine.filters


def test_a_deleted_filter_is_gone() -> None:
    ledger = Ledger()
    ledger(PutFilter(name="mine", body=BODY))
    ledger(DeleteFilter(name="mine"))
    assert not ledger.engine.filters
    assert ledger.commits[-1].rows == {("filter", "mine"): None}
    with pytest.raises(NotFound):
        ledger(DeleteFilter(name="mine"))


def test_there_are_at_most_a_thousand() -> None:
    ledger = Ledger()
    apply, now_ms = ledger.engine.apply, ledger.now_ms
    for at in range(MOST):
        apply(PutFilter(name=f"f{at}", body=BODY), now_ms)
    with pytest.raises(Conflict):
        apply(PutFilter(name="one more", body=BODY), now_ms)
    assert len(ledger.engine.filters) == MOST
    apply(PutFilter(name="f7", body=b"{}"), now_ms)  # one that is there can still be changed
    apply(DeleteFilter(name="f0"), now_ms)
    apply(PutFilter(name="one more", body=BODY), now_ms)
    assert len(ledger.engine.filters) == MOST


def test_a_restart_knows_them() -> None:  # R5.9
    ledger = Ledger()
    for name in ("one", "two", "three"):
        ledger(PutFilter(name=name, body=BODY, by="user:m"))
    ledger(DeleteFilter(name="two"))
    before = dict(ledger.engine.filters)
    ledger.restart()
    assert dict(ledger.engine.filters) == before
    assert list(before) == ["one", "three"]
