"""The clocks: never back, never still for long, alarms by hand."""

import asyncio

import pytest
from structlog.testing import capture_logs

from nextlead.core.errors import Invalid
from nextlead.runtime.clock import ManualClock, SystemClock
from nextlead.testing.clock import FakeClock

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
START_MS = 1_772_409_600_000


class Hands:
    """A wall clock and a monotonic one, moved by the test."""

    def __init__(self) -> None:
        self.wall_ms = START_MS
        self.mono_ms = 5_000

    def run(self, ms: int) -> None:
        self.wall_ms += ms
        self.mono_ms += ms

    def clock(self) -> SystemClock:
        return SystemClock(lambda: self.wall_ms * 1_000_000, lambda: self.mono_ms * 1_000_000)


def test_the_system_clock_follows_the_wall_clock() -> None:
    hands = Hands()
    clock = hands.clock()
    assert clock.now_ms() == START_MS
    hands.run(1234)
    assert clock.now_ms() == START_MS + 1234
    assert clock.steps == 0


def test_a_step_forward_is_followed_counted_and_told() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.wall_ms += DAY_MS
    with capture_logs() as logs:
        assert clock.now_ms() == START_MS + DAY_MS
    assert clock.steps == 1
    assert [(line["event"], line["step_s"]) for line in logs] == [("clock_step", 86_400.0)]
    assert clock.now_ms() == START_MS + DAY_MS
    assert clock.steps == 1, "one step is one"
    assert clock.slip_ms == DAY_MS


def test_a_small_correction_is_no_step() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.wall_ms += 60_000
    assert clock.now_ms() == START_MS + 60_000
    assert clock.steps == 0


def test_a_step_back_neither_goes_back_nor_stands_still() -> None:
    hands = Hands()
    clock = hands.clock()
    before = clock.now_ms()
    hands.wall_ms -= HOUR_MS
    assert clock.now_ms() == before
    assert clock.steps == 1
    for _ in range(1000):
        hands.run(1)
        clock.now_ms()
    assert clock.now_ms() == before + 500, "half speed, also when asked every millisecond"
    assert clock.slip_ms == -500
    hands.run(2 * HOUR_MS)
    assert clock.now_ms() == hands.wall_ms, "caught up: the wall clock counts again"
    hands.run(1000)
    assert clock.now_ms() == hands.wall_ms


def test_two_steps_back_each_run_at_half_speed_from_where_they_were() -> None:
    hands = Hands()
    clock = hands.clock()
    for _ in range(2):
        before = clock.now_ms()
        hands.wall_ms -= HOUR_MS
        hands.run(1_000)
        clock.now_ms()
        hands.run(1_000)
        assert clock.now_ms() == before + 500
        hands.run(2 * HOUR_MS)
        assert clock.now_ms() == hands.wall_ms


async def test_no_alarm_sleeps_through_a_step_of_the_clock() -> None:
    clock = SystemClock()
    loop = asyncio.get_running_loop()
    for ahead_ms, seconds in ((DAY_MS, 60), (5_000, 5), (-5_000, 0)):
        alarm = clock.call_at(clock.now_ms() + ahead_ms, lambda: None)
        assert isinstance(alarm, asyncio.TimerHandle)
        assert alarm.when() - loop.time() == pytest.approx(seconds, abs=0.5)
        alarm.cancel()


def test_engine_time_is_never_before_the_last_commit() -> None:
    hands = Hands()
    clock = hands.clock()
    with capture_logs() as logs:
        clock.begin(START_MS + HOUR_MS)
    assert [line["event"] for line in logs] == ["clock_behind_store"]
    assert clock.now_ms() == START_MS + HOUR_MS
    hands.run(1000)
    assert clock.now_ms() == START_MS + HOUR_MS + 500
    hands.run(3 * HOUR_MS)
    assert clock.now_ms() == hands.wall_ms


def test_a_manual_clock_starts_at_the_stored_time() -> None:
    clock = ManualClock(START_MS)
    clock.begin(START_MS + 500)
    assert clock.now_ms() == START_MS + 500, "it never goes back"


def test_a_later_start_is_time_that_the_daemon_was_down() -> None:  # R5.7
    clock = ManualClock(START_MS)
    clock.begin(START_MS - 500)
    assert clock.now_ms() == START_MS


def test_a_manual_clock_on_a_new_store_starts_where_it_is_told() -> None:
    clock = ManualClock(START_MS)
    clock.begin(0)
    assert clock.now_ms() == START_MS


def test_a_manual_clock_never_goes_back() -> None:
    clock = ManualClock(START_MS)
    clock.put(START_MS + 1)
    with pytest.raises(Invalid):
        clock.put(START_MS)
    assert clock.now_ms() == START_MS + 1


def test_a_fake_clock_rings_in_order_of_time_and_what_is_set_on_the_way() -> None:
    clock = FakeClock(START_MS)
    rang: list[tuple[str, int]] = []

    def ring(name: str) -> None:
        rang.append((name, clock.now_ms() - START_MS))

    clock.call_at(START_MS + 200, lambda: ring("late"))
    clock.call_at(START_MS + 100, lambda: (ring("early"), clock.call_later(0.05, lambda: ring("between")))[0])
    clock.call_at(START_MS + 150, lambda: ring("cancelled")).cancel()
    clock.advance(99)
    assert rang == []
    clock.advance(200)
    assert rang == [("early", 100), ("between", 150), ("late", 200)]
    assert clock.now_ms() == START_MS + 299
