"""A lead that the last look stops is logged for a person to look into (R14.4)."""

import pytest
from structlog.testing import capture_logs
from unit.runtime.centre import Centre

from nextlead.core.commands import PutTeam
from nextlead.core.replies import Fault, Offer
from nextlead.runtime.dialer import Dialer
from nextlead.testing import MemoryStore


async def test_a_fault_is_logged_with_lead_agent_and_rule(  # R14.4
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = centre.dialer.engine
    apply = engine.apply

    def with_faults(command: object, now_ms: int) -> object:
        outcome = apply(command, now_ms)  # type: ignore[arg-type]
        outcome.faults = (Fault(7, "A", "calling_hours"), Fault(8, "A", "limit"))
        return outcome

    monkeypatch.setattr(engine, "apply", with_faults)
    with capture_logs() as lines:
        assert isinstance(await centre.dialer.next("A"), Offer)
    assert lines == [
        {"event": "offer_stopped", "log_level": "error", "lead": 7, "agent": "A", "rule": "calling_hours"},
        {"event": "offer_stopped", "log_level": "error", "lead": 8, "agent": "A", "rule": "limit"},
    ]


async def test_the_log_says_which_organisation_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async with await Dialer.open(MemoryStore(), organisation="acme") as dialer:
        apply = dialer.engine.apply

        def with_fault(command: object, now_ms: int) -> object:
            outcome = apply(command, now_ms)  # type: ignore[arg-type]
            outcome.faults = (Fault(7, "A", "limit"),)
            return outcome

        monkeypatch.setattr(dialer.engine, "apply", with_fault)
        with capture_logs() as lines:
            await dialer.submit(PutTeam(code="north"))
            dialer.abandon("another process has the store")
    assert [(line["event"], line["organisation"]) for line in lines] == [
        ("offer_stopped", "acme"),
        ("writer_failed", "acme"),
    ]


async def test_where_there_is_no_fault_nothing_is_logged(centre: Centre) -> None:
    with capture_logs() as lines:
        await centre.dialer.next("A")
    assert lines == []
