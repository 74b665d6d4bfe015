"""What decides in memory is the same after a restart, at any moment: the order, who is kept back and until when, hours,
limits, and the answers from then on (SPEC R5.1, R5.7, 11, 12)."""

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crash.twins import AGENTS, LATER, Centre, differences

from nextlead.core import commands as c
from nextlead.core.engine import Engine
from nextlead.core.errors import NextleadError
from nextlead.core.replies import Offer
from nextlead.core.tokens import token_text
from nextlead_adapters.journalled import tending

SEEDS = range(int(os.environ.get("NEXTLEAD_TWINS", "12")))
LIVES, MOVES = 5, 40


def said(engine: Engine, command: c.Command, now_ms: int) -> Any:
    """What it answers, and to whom else; a refusal is an answer."""
    try:
        return engine.apply(command, now_ms).reply
    except NextleadError as error:
        return repr(error)


def finish_work(engine: Engine, now_ms: int) -> None:
    """What goes on in slices is done."""
    while engine.working:
        engine.apply(c.Work(), now_ms)


def play(one: Engine, other: Engine, now_ms: int, dice: random.Random) -> None:
    """Both are asked the same for some days, and say the same."""
    for turn, step_ms in enumerate(LATER):
        now_ms += step_ms
        for question in questions(one, dice):
            ours, theirs = (said(engine, question, now_ms) for engine in (one, other))
            assert ours == theirs, question
        for agent in AGENTS:
            token = bytes([turn]) * 8 + agent.encode().ljust(8)
            command = c.Next(agent=agent, token=token)
            ours, theirs = (said(engine, command, now_ms) for engine in (one, other))
            assert ours == theirs, command
            if isinstance(ours, Offer) and dice.random() < 0.7:
                assert ours.lead.lease is not None
                cause = dice.choice(("busy", "voicemail", "invalid_number"))
                end = c.Finish(token=token_text(ours.lead.id, ours.lead.lease.token), outcome="unreached", cause=cause)
                ours, theirs = (said(engine, end, now_ms) for engine in (one, other))
                assert ours == theirs, end
    assert wait(one, now_ms) == wait(other, now_ms)
    assert differences(one, other) == []
    assert one.state.faults == other.state.faults == 0


def questions(engine: Engine, dice: random.Random) -> Iterator[c.Command]:
    """Why, why not, and when then (SPEC 14)."""
    yield c.WhyAllIdle()
    for agent in AGENTS:
        yield c.WhyIdle(agent=agent)
        yield c.Explain(lead=dice.randrange(1, engine.sequences.lead), agent=agent)


def wait(engine: Engine, now_ms: int) -> list[tuple[int, Any]]:
    """Who is served when, of those who wait for some days, each once; the engine says when to look."""
    served: list[tuple[int, Any]] = []
    for waiter, agent in enumerate(AGENTS):
        said(engine, c.Next(agent=agent, token=agent.encode().ljust(16), wait=True, waiter=waiter), now_ms)
    end_ms = now_ms + max(LATER)
    while (next_ms := engine.next_deadline_ms()) is not None and next_ms <= end_ms:
        now_ms = max(now_ms, next_ms)
        served += ((now_ms, found) for found in engine.apply(c.Tick(), now_ms).served)
    return served


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_restart_changes_nothing(seed: int) -> None:
    await restart_now_and_then(Centre(seed))


@pytest.mark.parametrize("seed", range(3))
async def test_a_restart_from_a_file_changes_nothing(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tending, "FOLD_ROWS", 20)
    centre = Centre(seed, tmp_path / "a.db")
    await restart_now_and_then(centre)
    await centre.store.close()


async def restart_now_and_then(centre: Centre) -> None:
    """Some lives of it, and what would have come of each without a restart."""
    await centre.begin()
    for life in range(LIVES):
        for _ in range(centre.dice.randint(1, MOVES)):
            await centre.happen()
        await centre.settle()
        assert centre.engine.conditions() == centre.counted()
        twin, outcome = await centre.twin()
        assert twin.working or not outcome.changes or not life, "a restart has nothing to do when nothing is due"
        finish_work(centre.engine, centre.now_ms)
        finish_work(twin, centre.now_ms)
        assert centre.engine.verify() == []
        assert twin.verify() == []
        assert centre.engine.conditions() == twin.conditions()
        if life:  # the first engine knew no zones
            assert differences(centre.engine, twin) == []
            play(centre.engine, twin, centre.now_ms, centre.dice)
        centre.engine, outcome = await centre.twin()
        centre.take(outcome)
        await centre.commit()


async def test_a_lead_that_closed_before_zones_were_known_opens_in_the_zone_of_its_number() -> None:
    # R11.1
    centre = Centre(1)
    await centre.begin()
    offer = await centre.next()
    assert offer is not None
    assert offer.lead.lease is not None
    token = token_text(offer.lead.id, offer.lead.lease.token)
    closed = (await centre.do(c.Finish(token=token, outcome="resolved", result="success"))).lead
    await centre.settle()
    centre.engine, _ = await centre.twin()
    number = closed.numbers[0]
    assert centre.almanac.zones_of(number)
    opened = await centre.do(c.Reopen(lead=closed.id, row=closed))
    assert centre.engine.state.zones.names(opened.zones) == centre.almanac.zones_of(number)
    assert centre.engine.verify() == []


@pytest.mark.parametrize("seed", SEEDS)
async def test_time_that_passed_while_it_was_down_ends_the_same(seed: int) -> None:
    # R5.7: one engine goes from deadline to deadline, the other is started at the end
    centre = Centre(seed)
    await centre.begin()
    for _ in range(2):
        for _ in range(centre.dice.randint(1, MOVES)):
            await centre.happen()
        for agent in AGENTS:
            await centre.do(c.EndSession(agent=agent))  # lease timeouts do wait for the start
        await centre.work_off()
        awake, _ = await centre.twin()
        last_ms, centre.now_ms = centre.now_ms, centre.now_ms + centre.dice.choice((*LATER, 8 * LATER[-1]))
        at_ms = last_ms
        while (next_ms := awake.next_deadline_ms()) is not None and next_ms < centre.now_ms:
            at_ms = max(at_ms, next_ms)
            awake.apply(c.Tick(), at_ms)
        awake.apply(c.Tick(), centre.now_ms)
        asleep, outcome = await centre.twin(last_ms)
        assert asleep.verify() == []
        assert differences(awake, asleep) == []
        centre.engine = asleep
        centre.take(outcome)
        await centre.commit()
        await centre.hire()
