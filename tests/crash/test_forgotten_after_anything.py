"""Whatever was done with leads, and however often it was started again: who is forgotten is in no byte of the file, and is
counted by no limit (SPEC R10.6, R10.7, 12)."""

import os
from pathlib import Path

import pytest
from crash.twins import Centre, differences

from nextlead.core import commands as c
from nextlead_adapters.journalled import tending
from nextlead_adapters.privacy.person import person_of_number
from nextlead_adapters.sqlite import SqliteStore

SEEDS = range(int(os.environ.get("NEXTLEAD_TWINS", "4")))
LIVES, MOVES = 3, 60


async def let_all_go(centre: Centre) -> None:
    """Nobody has a lead on the screen: one that is there is erased only later."""
    for agent in [agent.code for agent in centre.engine.agents]:
        await centre.do(c.EndSession(agent=agent))
    await centre.work_off()


async def forget(centre: Centre, number: int) -> tuple[int, ...]:
    """The person with the number; the numbers that are forgotten."""
    assert isinstance(centre.store, SqliteStore)
    person = await person_of_number(centre.store, number)
    ids = tuple(lead.id for lead in person.leads)
    closed = tuple(lead for lead in person.leads if centre.engine.lead(lead.id) is None)
    assert await centre.do(c.Anonymise(leads=ids, numbers=person.numbers, rows=closed)) is not None
    await centre.commit()
    erasures = list(centre.engine.erasures.values())
    await centre.store.erase(erasures)
    await centre.do(c.Erased(ids=tuple(erasure.id for erasure in erasures)))
    await centre.settle()
    return person.numbers


@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_left(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tending, "FOLD_ROWS", 50)
    numbers = tuple(14155550100 + at for at in range(30))
    centre = Centre(seed, tmp_path / "a.db", numbers)
    await centre.begin()
    lost: set[int] = set()
    for life in range(LIVES):
        for _ in range(centre.dice.randint(1, MOVES)):
            await centre.happen()
        await let_all_go(centre)
        there = {number for file in tmp_path.iterdir() for number in numbers_in(file, numbers)}
        number = centre.dice.choice(sorted(there))
        lost |= {*await forget(centre, number)}
        for file in tmp_path.iterdir():
            assert not lost & numbers_in(file, numbers), file.name
        assert not lost & {call.number for row in centre.engine.state.contacts.rows.values() for call in row.calls}
        twin, _ = await centre.twin()
        assert not life or differences(centre.engine, twin) == []  # the first engine knew no zones
        centre.engine, outcome = await centre.twin()
        centre.take(outcome)
        await centre.commit()
        await centre.hire()
    assert lost < {*numbers}, "others are left, or nothing was tried"
    await centre.store.close()


def numbers_in(file: Path, numbers: tuple[int, ...]) -> set[int]:
    """Those that are in a file, in any form that MessagePack or SQLite give them."""
    data = file.read_bytes() if not file.name.endswith(".lock") else b""
    return {number for number in numbers if number.to_bytes(5, "big") in data or str(number).encode() in data}
