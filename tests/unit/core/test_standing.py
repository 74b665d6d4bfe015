"""Counts that stay with their part (R14.3): they hold as long as nothing happens, and are counted again when it does.

`Centre` has the engine proved after each command, and that compares every count that is kept with a new one.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.core.centre import MINUTE_MS, NOW_MS, Centre
from unit.core.idle_shop import AGENTS, Shop

from nextlead.core import standing
from nextlead.core.commands import (
    ActOnPool,
    Block,
    ClosePool,
    EditPool,
    IntakeRow,
    LoadRows,
    MakeUrgent,
    OpenPool,
    PutCampaign,
    Tick,
    WhyIdle,
    Work,
)
from nextlead.core.errors import NextleadError
from nextlead.core.model import Pool
from nextlead.core.order import NEVER
from nextlead.core.queues import Part
from nextlead.core.replies import NoLead
from nextlead.core.row import HOUR_MS
from nextlead.core.setup_model import CallingHours, ContactLimit, Dialer, Duplicates
from nextlead.core.state import State
from nextlead.core.stock import Kept

NINE_TO_FIVE = CallingHours(zone="UTC", windows=(((9 * 60, 17 * 60),),) * 7)
LEADS = 6
NUMBERS = range(14155550100, 14155550100 + LEADS)
OTHERS = range(14155550110, 14155550110 + LEADS)


class Watched(Centre):
    """Somebody looks at everything after each command."""

    def __call__(self, command: object) -> object:
        try:
            return super().__call__(command)  # type: ignore[arg-type]
        finally:
            self.counts()

    def counts(self) -> dict[str, int]:
        [campaign] = self.engine.idle_counts(self.now_ms).campaigns or [None]
        found = {} if campaign is None else campaign.blocked | {"ready": campaign.ready}
        assert sum(self.engine.ready_counts(self.now_ms).values()) == found.get("ready", 0)
        return found

    def later(self, ms: int) -> dict[str, int]:
        self.now_ms += ms
        self(Tick())
        return self.counts()


def kept(centre: Centre) -> list[Part]:
    parts = [part for queue in centre.engine.state.queues.values() for part in queue.parts.values()]
    return [part for part in parts if part.kept is not None and part not in part.queue.changed]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Part]:
    """Parts whose leads are counted, in that order."""
    found: list[Part] = []
    count: Callable[[State, Part, int], Kept] = standing.count

    def noted(state: State, part: Part, below: int) -> Kept:
        found.append(part)
        return count(state, part, below)

    monkeypatch.setattr(standing, "count", noted)
    return found


def test_a_part_in_which_nothing_happened_is_not_counted_again(asked: list[Part]) -> None:
    centre = Centre()
    centre.load(*NUMBERS)
    centre.load(14155550120)
    centre.load(*OTHERS, owner="agent:a")
    centre(WhyIdle(agent="a"))
    asked.clear()
    assert centre.engine.idle_counts(NOW_MS + HOUR_MS).campaigns[0].ready == 2 * LEADS + 1
    assert not asked
    lead = centre.next().lead
    asked.clear()  # `Centre` has counted all anew, to compare
    centre.engine.idle_counts(NOW_MS + HOUR_MS)
    assert {(part.queue.owner, part.key[0]) for part in asked} == {(lead.owner, lead.pool)}


def test_what_nobody_asks_for_is_not_remembered() -> None:
    centre = Centre()
    centre.load(*NUMBERS)
    stocks = centre.engine.state.stocks.values()
    for _ in NUMBERS:
        centre.finish(centre.next(), "redial", kind="common", at_ms=centre.now_ms + HOUR_MS)
        centre.now_ms += HOUR_MS
    assert all(part.keys for stock in stocks for part in stock.changed)


def test_time_makes_leads_due() -> None:
    centre = Watched()
    centre.load(*NUMBERS)
    centre.finish(centre.next(), "unreached", cause="busy")
    assert centre.counts() == {"not_due": 1, "ready": LEADS - 1}
    now_ms = centre.now_ms
    assert centre.engine.idle_counts(now_ms + 10 * MINUTE_MS - 1).campaigns[0].ready == LEADS - 1
    assert centre.engine.idle_counts(now_ms + 10 * MINUTE_MS).campaigns[0].ready == LEADS
    assert centre.counts()["not_due"] == 1, "a look at a later moment is none at this one"
    centre.finish(centre.next(), "unreached", cause="busy")
    assert centre.counts() == {"not_due": 2, "ready": LEADS - 2}


def test_each_part_of_a_queue_has_its_time() -> None:
    centre = Watched(retry={"busy": (10 * MINUTE_MS, 30 * MINUTE_MS)})
    for number in (14155550100, 14155550101):  # a pool each
        centre.load(number)
        centre.finish(centre.next(), "unreached", cause="busy")
        centre.now_ms += MINUTE_MS
    assert centre.counts() == {"not_due": 2, "ready": 0}
    assert centre.later(8 * MINUTE_MS) == {"not_due": 1, "ready": 1}
    assert centre.later(MINUTE_MS) == {"ready": 2}


def test_a_master_is_one_no_more_when_its_last_clone_goes() -> None:  # R9.11
    centre = Centre()
    centre.engine.state.slice_leads = 1
    centre.load(14155550100, 14155550101, 14155550102)
    pool = centre(OpenPool(campaign="c1", duplicates=Duplicates(action="clone")))
    assert isinstance(pool, Pool)
    centre(LoadRows(pool=pool.id, rows=(IntakeRow(0, (14155550100,)),)))
    centre(ClosePool(pool=pool.id))
    centre(MakeUrgent(lead=4, reason="hot_lead", expires_ms=NOW_MS + HOUR_MS))  # so a `next` comes to the clone
    for each in (1, pool.id):
        centre(ActOnPool(pool=each, action="delete"))
    assert centre.engine.idle_counts(NOW_MS).campaigns[0].blocked == {"inactive_pool": 1}
    assert isinstance(centre.ask("a"), NoLead)
    assert centre.engine.working
    assert centre.engine.idle_counts(NOW_MS).campaigns[0].blocked == {}


def test_calls_promises_and_numbers_come_and_go() -> None:  # R3.7
    centre = Watched()
    centre.load(*NUMBERS)
    centre.load(*NUMBERS)
    offer = centre.next()
    assert centre.counts() == {"leased": 1, "number_leased": 1, "ready": 2 * LEADS - 2}
    centre.finish(offer, "redial", kind="common", at_ms=centre.now_ms + HOUR_MS)
    assert centre.counts() == {"not_due": 1, "ready": 2 * LEADS - 1}
    centre(MakeUrgent(lead=1, reason="hot_lead", expires_ms=centre.now_ms + HOUR_MS))
    centre.finish(centre.next(), "resolved", result="success")
    assert centre.later(2 * HOUR_MS)["ready"] == 2 * LEADS - 1


def test_hours_open_and_close() -> None:  # R11.2
    centre = Watched(calling_hours=NINE_TO_FIVE)
    centre.load(*NUMBERS)
    assert centre.counts() == {"ready": LEADS}
    assert centre.later(9 * HOUR_MS) == {"calling_hours": LEADS, "ready": 0}
    assert centre.later(15 * HOUR_MS) == {"ready": LEADS}
    centre(PutCampaign(code="c1", dialer=Dialer(calling_hours=CallingHours(days_off=("2026-03-03",)))))
    assert centre.counts() == {"calling_hours": LEADS, "ready": 0}


def test_limits_keep_leads_back_and_let_them_go() -> None:  # R12.2
    centre = Watched(contact_limits=(ContactLimit("min_gap", 3 * HOUR_MS),))
    centre.load(*NUMBERS)
    centre.finish(centre.next(), "unreached", cause="busy")
    assert centre.later(HOUR_MS) == {"contact_limit": 1, "ready": LEADS - 1}
    assert centre.later(2 * HOUR_MS) == {"ready": LEADS}


def test_pools_open_and_close_behind_closed_hours_too() -> None:  # R3.4
    centre = Watched(calling_hours=NINE_TO_FIVE)
    centre.load(*NUMBERS)
    centre.later(9 * HOUR_MS)
    centre(ActOnPool(pool=1, action="deactivate"))
    assert centre.counts() == {"inactive_pool": LEADS, "ready": 0}
    centre(EditPool(pool=1, priority=3))
    centre(ActOnPool(pool=1, action="activate"))
    assert centre.counts() == {"calling_hours": LEADS, "ready": 0}


def test_pools_are_shuffled_and_deleted_and_numbers_blocked() -> None:  # R9.10, R9.11, R10.2
    centre = Watched()
    centre.load(*NUMBERS)
    centre.load(*NUMBERS)
    centre.engine.state.slice_leads = 2
    for command in (ActOnPool(pool=1, action="shuffle", seed=3), ActOnPool(pool=2, action="delete")):
        centre(command)
        while centre.engine.working:
            centre.counts()
            centre.work()
    assert centre.counts() == {"ready": LEADS}
    number = centre.next("b").lead.numbers[0]
    centre(Block(numbers=(number,)))
    assert sum(centre.counts().values()) == LEADS
    assert kept(centre), "something must be kept, or the tests of this file show nothing"


def test_what_was_counted_ahead_is_not_counted_again(asked: list[Part], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "SLICE", 1)
    centre = Centre()
    centre.load(*NUMBERS)
    centre.load(*OTHERS, owner="agent:a")
    state = centre.engine.state
    asked.clear()
    pieces = sum(1 for _ in standing.settle_ahead(state, centre.now_ms))
    ahead = len(asked)
    assert pieces == ahead == len(kept(centre)) == 2
    assert not list(standing.settle_ahead(state, centre.now_ms))
    centre.engine.idle_counts(centre.now_ms)
    assert len(asked) == ahead


@given(st.integers(0, 1 << 32), st.booleans(), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_what_is_kept_is_what_counting_anew_says_whatever_happens(seed: int, limited: bool, steps: int) -> None:
    shop = Shop(seed, limited=limited)
    looks = Looks(shop)
    with mock.patch.object(standing, "SLICE", 2):
        for _ in range(steps):
            shop.happen()
            looks.look()
    engine = shop.engine
    while engine.state.tasks:  # a restart knows of none that change no row
        shop(Work())
    anew = shop.at(shop.now_ms)
    for now_ms in (shop.now_ms, shop.now_ms + 3 * HOUR_MS):
        assert engine.idle_counts(now_ms) == anew.idle_counts(now_ms)
        assert list(standing.problems(engine.state)) == []


class Looks:
    """Somebody looks at a centre now and then, at all of it or at a part, at this moment or another."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._ahead: Iterator[None] = iter(())

    def look(self) -> None:
        shop = self._shop
        state, dice = shop.engine.state, shop.random
        later_ms = shop.now_ms + dice.choice([0, 0, 0, 1, 10 * MINUTE_MS, 8 * HOUR_MS])
        match dice.randrange(6):
            case 0:
                shop.engine.idle_counts(later_ms)
            case 1:
                shop.engine.ready_counts(later_ms)
            case 2:
                with suppress(NextleadError):
                    shop(WhyIdle(agent=dice.choice(AGENTS)))
            case 3:
                self._ahead = standing.settle_ahead(state, later_ms)
                next(self._ahead, None)
            case 4:
                next(self._ahead, None)
            case _:
                return
        assert list(standing.problems(state)) == []


def _miscount_a_part(state: State, part: Part) -> None:
    assert part.kept is not None
    part.kept = (part.kept[0], part.kept[1] + 1, *part.kept[2:])


def _miscount_a_queue(state: State, part: Part) -> None:
    assert part.queue.counts is not None
    part.queue.counts[0] += 1


def _miscount_a_family(state: State, part: Part) -> None:
    state.stocks[part.queue.campaign].by_family[part.queue.family][0] += 1


def _forget_the_time(state: State, part: Part) -> None:
    part.queue.counts_until_ms = NEVER


def _take_another_first(state: State, part: Part) -> None:
    part.queue.firsts = ((0, 0, 1),)


@pytest.mark.parametrize(
    "damage", [_miscount_a_part, _miscount_a_queue, _miscount_a_family, _forget_the_time, _take_another_first]
)
def test_what_is_kept_wrongly_is_found(damage: Callable[[State, Part], None]) -> None:
    centre = Centre()
    centre.load(*NUMBERS)
    centre.finish(centre.next(), "unreached", cause="busy")
    centre.engine.idle_counts(centre.now_ms)
    assert centre.engine.verify() == []
    damage(centre.engine.state, next(part for part in kept(centre) if part.kept is not None and part.kept[2]))
    assert len(centre.engine.verify()) > 0
