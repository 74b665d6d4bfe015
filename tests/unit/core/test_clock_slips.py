"""Leases when the clock is set: an agent's time with a lead goes on as if nobody had (SPEC R5.2)."""

from unit.core.centre import MINUTE_MS, Centre

from nextlead.core.commands import Tick


def test_two_leases_that_move_back_together_end_on_time() -> None:
    # R5.2
    centre = Centre(lease_timeout_ms=4 * MINUTE_MS)
    one, two = centre.load(14155550100, 14155550101)
    centre.next("a")
    centre.now_ms += 1
    centre.next("b")
    centre.now_ms += MINUTE_MS
    centre.engine.clock_slipped(-2 * MINUTE_MS, centre.now_ms)  # three minutes have passed, engine time says one
    end_ms = centre.engine.next_deadline_ms()
    assert end_ms is not None
    assert end_ms <= centre.now_ms + MINUTE_MS
    centre.now_ms += MINUTE_MS
    centre(Tick())
    statuses = [lead.status.code for at in (one, two) if (lead := centre.engine.lead(at)) is not None]
    assert statuses == ["unresolved", "unresolved"]
