"""What a finish answers is the lead as it stands when the command is done (SPEC R5.3)."""

from unit.core.centre import MINUTE_MS, Centre


def test_a_release_that_waited_for_the_end_of_the_lease_shows_in_the_answer() -> None:
    # R4.5, R5.3: the same finish sent again is answered with the row of the commit, which has the release
    centre = Centre(release_private_ms=10 * MINUTE_MS)
    (lead,) = centre.load(14155550100)
    promised = centre.promise("a")
    centre.now_ms += MINUTE_MS
    offer = centre.next("a")
    centre.now_ms += 20 * MINUTE_MS
    answered = centre.finish(offer, "unreached", cause="busy")
    assert answered == centre.engine.lead(lead)
    assert answered.promise is not None
    assert answered.promise.released_ms == centre.now_ms
    assert answered.owner == promised.original_owner
