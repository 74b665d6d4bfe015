"""What is sound is found sound: stores in the middle of their work, with all that imports and people do to them."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from crash.twins import CAMPAIGNS, Centre
from operating.kit import a_centre, findings

from nextlead.core import commands as c
from nextlead.core.model import Closures, Pool
from nextlead.core.setup_model import Duplicates
from nextlead_adapters.journalled import tending
from nextlead_adapters.soundness import leads as counters
from nextlead_adapters.soundness.look import Look, Waiting

ACTIONS: tuple[Any, ...] = ("skip", "load", "update", "replace", "clone", "close")


async def load(centre: Centre) -> None:
    """An upload of some kind, which may fail, wait for somebody, or be rejected."""
    dice = centre.dice
    match = Duplicates(
        match=("phone",),
        scope=dice.choice(("file", "pool", "campaign", "organisation")),
        among=dice.choice(("open", "all")),
        action=dice.choice(ACTIONS),
    )
    opened = c.OpenPool(
        campaign=dice.choice(CAMPAIGNS), duplicates=match, on_invalid=dice.choice(("file", "close")), source="api"
    )
    pool = await centre.do(opened)
    for part in range(dice.randint(1, 3)):
        rows = tuple(
            c.IntakeRow(100 * part + row, (dice.choice(centre.numbers),), priority=dice.choice((0, 0, 5000)))
            for row in range(dice.randint(1, 5))
        )
        numbers = dice.choice(((), (centre.numbers[0],)))
        reject = c.IntakeReject(100 * part + 50, ("no",), numbers=numbers, closure="not_accepted", rule="x")
        await centre.do(c.LoadRows(pool=pool.id, rows=rows, rejects=dice.choice(((), (reject,))), log=((1, "hm"),)))
    ending = dice.random()
    if ending < 0.3:
        await centre.do(c.ClosePool(pool=pool.id, error="broken"))
    elif ending < 0.5:
        await centre.do(c.ClosePool(pool=pool.id, unmatched=("x",)))
        await centre.do(c.ActOnPool(pool=pool.id, action=dice.choice(("confirm", "reject"))))
    elif ending < 0.9:
        await centre.do(c.ClosePool(pool=pool.id))


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_is_found_that_is_not_there(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tending, "FOLD_ROWS", 20)
    centre = Centre(seed, tmp_path / "a.db")
    await centre.begin()
    for _ in range(3):
        for _ in range(60):
            await centre.happen()
            if centre.dice.random() < 0.2:
                await load(centre)
        await centre.commit()
        for deep in (False, True):  # while the tables may be a step behind
            assert await findings(tmp_path / "a.db", deep=deep) == []
    await centre.store.close()
    assert await findings(tmp_path / "a.db") == []


async def test_rejected_rows_are_as_many_as_were_counted(tmp_path: Path) -> None:
    # R9.4; nobody was forgotten, so none of them went
    centre = await a_centre(tmp_path / "a.db", moves=0)
    pool = await centre.do(c.OpenPool(campaign="c1"))
    rejects = tuple(c.IntakeReject(row, ("no",)) for row in range(3))
    await centre.do(c.LoadRows(pool=pool.id, rows=(), rejects=rejects))
    await centre.do(c.ClosePool(pool=pool.id))
    await centre.work_off()
    await centre.store.close()
    assert await findings(tmp_path / "a.db") == []
    with closing(sqlite3.connect(tmp_path / "a.db")) as db, db:
        db.execute("DELETE FROM reject WHERE row = 1")
    assert await findings(tmp_path / "a.db") == [f"pool {pool.id}: 3 rows are counted as invalid, 2 are kept"]


def test_what_waits_for_the_tables_counts() -> None:
    """A pool's counters are the newest, wherever they are."""
    look = Look(None, 1, 5, Waiting(), lambda *_: None)  # type: ignore[arg-type]
    look.stored["closures", 1] = Closures(1, {"success": 1})
    look.stored["pool", 1] = Pool(1, 2, "p", "active", -1)
    look.waiting.rows["closures", 1] = Closures(1, {"success": 2})
    look.waiting.rows["pool", 1] = None
    assert look.newest("closures") == {1: Closures(1, {"success": 2})}
    assert look.newest("pool") == {}
    counted = counters.Counted()
    counted.closed[1] = counters.Counter({"success": 2})
    assert list(counters.check_closed(look, counted)) == []
