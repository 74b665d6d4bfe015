"""Work in slices: what people see is before or after, never between (SPEC R2.7, R8.3, R9.10, R9.11)."""

import pytest
from unit.core.centre import MINUTE_MS, Centre

from nextlead.core.commands import ActOnPool, EditLead, Next, PutCampaign, Resolve, Take, Tick
from nextlead.core.errors import Conflict, WrongStatus
from nextlead.core.model import Status
from nextlead.core.queues import Part, Shadow
from nextlead.core.replies import Begun, NoLead, PoolDeleted
from nextlead.core.setup_model import Dialer
from nextlead.core.shuffling import COPIED

PHONES = tuple(range(14155550100, 14155550120))


def sliced(leads: int = 2, **dialer: object) -> Centre:
    centre = Centre(**dialer)
    centre.engine.state.slice_leads = leads
    return centre


def order(centre: Centre) -> list[int]:
    """The leads that agent a would get one after the other; the centre is not used any more."""
    found = []
    while not isinstance(offer := centre.ask("a"), NoLead):
        found.append(offer.lead.id)  # type: ignore[attr-defined]
        centre.finish(offer, "resolved", result="success")  # type: ignore[arg-type]
    return found


def test_nobody_is_offered_a_lead_that_is_being_deleted() -> None:  # R9.11
    centre = sliced()
    leads = centre.load(*PHONES)
    centre.finish(centre.next(), "cancelled")
    reply = centre(ActOnPool(pool=1, action="delete"))
    assert isinstance(reply, Begun)
    assert centre.next("b").lead.id == leads[0]  # it came back from an agent: it stays
    assert isinstance(centre.ask("a"), NoLead)
    with pytest.raises(Conflict):
        centre(ActOnPool(pool=1, action="activate"))
    while (done := centre.work()) is None:
        assert isinstance(centre.ask("a"), NoLead)
    assert done == PoolDeleted(len(PHONES) - 1, {"shown_to_an_agent": 1})
    assert centre.engine.pools[1].deleted == len(PHONES) - 1
    assert not centre.engine.working


def test_asking_twice_to_delete_waits_for_the_same() -> None:
    centre = sliced()
    centre.load(*PHONES)
    first = centre(ActOnPool(pool=1, action="delete"))
    assert centre(ActOnPool(pool=1, action="delete")) == first


def test_a_restart_goes_on_deleting() -> None:  # R5.7
    centre = sliced()
    centre.load(*PHONES)
    centre(ActOnPool(pool=1, action="delete"))
    centre.work()
    centre.restart()
    assert centre.engine.working
    assert isinstance(centre.ask("a"), NoLead)
    while centre.engine.working:
        centre.work()
    assert centre.engine.pools == {}
    assert centre.engine.counts().get(("c1", "unprocessed"), 0) == 0


def test_a_shuffle_is_seen_when_it_is_whole() -> None:  # R9.10
    whole, part = sliced(100), sliced(1)
    for centre in (whole, part):
        centre.load(*PHONES)
    whole(ActOnPool(pool=1, action="shuffle", seed=7))
    assert isinstance(part(ActOnPool(pool=1, action="shuffle", seed=7)), Begun)
    assert part.next("b").lead.id == 1  # the old order is served meanwhile
    part(EditLead(lead=3, priority=9))
    part(EditLead(lead=3, priority=0))
    while part.work() is None:
        pass
    expected = [lead for lead in order(whole) if lead != 1]
    assert order(part) == expected
    assert expected != sorted(expected)


def test_a_touched_lead_that_nobody_saw_follows_every_shuffle() -> None:  # R9.10
    centre = sliced(100)
    centre.load(*PHONES)
    plain = sliced(100)
    plain.load(*PHONES)
    for lead in (2, 5, 9):
        centre(EditLead(lead=lead, priority=3))
        centre(EditLead(lead=lead, priority=0))
    for seed in (1, 2):
        centre(ActOnPool(pool=1, action="shuffle", seed=seed))
        plain(ActOnPool(pool=1, action="shuffle", seed=seed))
    centre.restart()
    assert order(centre) == order(plain)


def test_expired_leads_are_out_of_the_order_at_once_and_written_in_slices() -> None:  # R8.3
    centre = sliced(expire_after_ms=10 * MINUTE_MS)
    centre.load(*PHONES)
    promised = centre.finish(centre.next(), "redial", kind="private", at_ms=centre.now_ms + 20 * MINUTE_MS)
    waiting = centre.finish(centre.next(), "unresolved")
    held = centre.next("b")
    centre.now_ms += 10 * MINUTE_MS
    assert isinstance(centre.ask("a"), NoLead)
    with pytest.raises(WrongStatus):
        centre(Resolve(lead=waiting.id, outcome="resolved", result="success"))
    with pytest.raises(WrongStatus):
        centre(Take(agent="a", lead=5, token=bytes(16)))
    while centre.engine.working:
        centre.work()
    assert centre.engine.pool_counts(1, centre.now_ms).closed == {"expired": len(PHONES) - 2}
    assert centre.finish(held, "unreached", cause="busy").closure == "expired"
    centre.now_ms += 10 * MINUTE_MS
    assert centre.next().lead.id == promised.id


def test_a_result_beats_expiry_and_promised_redials_may_go_too() -> None:  # R8.2
    centre = sliced(expires_at_ms=Centre().now_ms + 10 * MINUTE_MS, expire_promised=True)
    centre.load(*PHONES)
    centre.finish(centre.next(), "redial", kind="vip", at_ms=centre.now_ms + 20 * MINUTE_MS)
    held, other = centre.next("a"), centre.next("b")
    centre.now_ms += 10 * MINUTE_MS
    assert centre.finish(held, "resolved", result="success").closure == "success"
    assert centre.finish(other, "redial", kind="private", at_ms=centre.now_ms + MINUTE_MS).closure == "expired"
    while centre.engine.working:
        centre.work()
    assert centre.engine.lead(1) is None
    assert isinstance(centre.ask("a"), NoLead)


def test_a_date_that_is_taken_away_while_leads_are_closed_waits_for_the_end() -> None:  # R8.3
    centre = sliced(expires_at_ms=Centre().now_ms + MINUTE_MS)
    centre.load(*PHONES)
    centre.now_ms += MINUTE_MS
    centre(Tick())
    centre(PutCampaign(code="c1", dialer=Dialer()))
    while centre.engine.working:
        assert isinstance(centre.ask("a"), NoLead)
        centre.work()
    assert centre.engine.pool_counts(1, centre.now_ms).closed == {"expired": len(PHONES)}
    assert centre.engine.pools[1].expired_ms == 0
    centre.restart()
    assert centre.engine.state.shut == {}


def test_promised_redials_expire_when_the_setting_comes_later() -> None:  # R8.2
    centre = sliced(expire_after_ms=MINUTE_MS)
    centre.load(*PHONES[:3])
    kept = centre.finish(centre.next(), "redial", kind="private", at_ms=centre.now_ms + MINUTE_MS)
    centre.now_ms += MINUTE_MS
    centre(Tick())
    lead = centre.engine.lead(kept.id)
    assert lead is not None
    assert lead.status is Status.PRIVATE_REDIAL
    centre(PutCampaign(code="c1", dialer=Dialer(expire_after_ms=MINUTE_MS, expire_promised=True)))
    while centre.engine.working:
        centre.work()
    assert centre.engine.lead(kept.id) is None


def test_a_rejected_pool_goes_in_slices() -> None:  # R9.3
    centre = sliced()
    centre.load(*PHONES, state="held")
    reply = centre.whole(ActOnPool(pool=1, action="reject"))
    assert reply.state == "rejected"  # type: ignore[attr-defined]
    assert centre.engine.pool_counts(1, centre.now_ms).open == 0


def test_counts_of_use() -> None:  # R9.12
    centre = sliced(100)
    centre.load(*PHONES[:4])
    centre.finish(centre.next(), "cancelled")
    centre.finish(centre.next("b"), "resolved", result="success")
    centre(Next(agent="b", token=bytes(16)))
    assert centre.engine.pool_counts(1, centre.now_ms).used == 2
    centre.restart()
    assert centre.engine.pool_counts(1, centre.now_ms).used == 2


def test_a_slice_of_a_shuffle_is_bounded_in_leads_and_parts(monkeypatch: pytest.MonkeyPatch) -> None:  # R2.7
    centre = sliced(1)
    centre.load(*PHONES)
    for lead in range(1, 10):
        centre(EditLead(lead=lead, priority=lead))  # each has a part of its own
    done: list[int] = []
    copy = Shadow.copy

    def counted(shadow: Shadow, part: Part, most: int) -> int:
        done.append(1 + copy(shadow, part, most))
        return done[-1] - 1

    monkeypatch.setattr(Shadow, "copy", counted)
    centre(ActOnPool(pool=1, action="shuffle", seed=7))
    slices = [list(done)]
    while centre.engine.working:
        done.clear()
        centre.work()
        slices.append(list(done))
    assert sum(map(sum, slices)) >= len(PHONES) + 10
    assert max(map(sum, slices)) <= COPIED + 1
