"""Closed leads are in no memory: whoever changes one reads its row first, and must find what others did to it."""

from collections.abc import Callable

import pytest
from unit.runtime.centre import Centre, quiet

from nextlead.core.commands import Command, Forget, LogActivity, Remove, Reopen
from nextlead.core.errors import WrongStatus
from nextlead.core.model import Lead

LEAD = 1
Make = Callable[[Lead], Command]


def text(row: Lead) -> Command:
    return LogActivity(lead=LEAD, interaction="sms", direction="in", note="ask for Zoraida", row=row)


def erasure(row: Lead) -> Command:
    return Forget(rows=(row,))


def reopening(row: Lead) -> Command:
    return Reopen(lead=LEAD, row=row)


async def row_of(centre: Centre) -> Lead:
    stored = await centre.dialer.archive.lead(LEAD)
    assert stored is not None
    return stored.lead


async def change(centre: Centre, make: Make) -> None:
    """A command with the row of the closed lead, as whoever holds `reopening` finds it."""
    async with centre.dialer.reopening:
        await centre.dialer.submit(make(await row_of(centre)))


@pytest.mark.parametrize(
    ("then", "kind", "counted"),
    [
        (text, "activity", {"none": 2, "sms_in": 1}),
        (erasure, "anonymized", {"none": 2, "sms_in": 1}),
        (reopening, "reopened", {"none": 3}),
    ],
)
async def test_one_who_has_gone_leaves_no_stale_row_behind(  # R1.3, R10.6
    centre: Centre, then: Make, kind: str, counted: dict[str, int]
) -> None:
    await centre.dialer.submit(Remove(lead=LEAD))
    centre.store.stall()
    gone = centre.go(change(centre, text))
    await quiet()
    gone.cancel()  # what was decided will be durable all the same
    await quiet()
    other = centre.go(change(centre, then))
    await quiet()
    centre.store.release()
    await other
    history = await centre.dialer.archive.history(LEAD)
    assert [event.kind for event in history] == ["removed", "activity", kind]
    found: dict[str, int] = {}
    for (_, condition), count in centre.dialer.engine.conditions().items():
        found[condition.activity.code] = found.get(condition.activity.code, 0) + count
    assert found == counted


async def test_one_who_was_refused_lets_others_in(centre: Centre) -> None:
    with pytest.raises(WrongStatus):
        await change(centre, reopening)
    await change(centre, text)


async def test_one_who_goes_while_waiting_lets_others_in(centre: Centre) -> None:
    await centre.dialer.submit(Remove(lead=LEAD))
    centre.store.stall()
    first = centre.go(change(centre, text))
    await quiet()
    first.cancel()
    second = centre.go(change(centre, text))
    await quiet()
    second.cancel()  # before it read anything
    await quiet()
    centre.store.release()
    await change(centre, reopening)
    assert centre.dialer.engine.lead(LEAD) is not None
