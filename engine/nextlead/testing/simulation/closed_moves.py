"""What needs the row of a closed lead: it is read from the archive on the daemon's side, and held meanwhile."""

from random import Random
from typing import TYPE_CHECKING

from nextlead.core import commands as c
from nextlead.core.model import Lead, Status
from nextlead.core.row import HOUR_MS
from nextlead.runtime.dialer import Dialer

if TYPE_CHECKING:
    from .centre import Centre


async def _some_lead(dice: Random, dialer: Dialer) -> Lead | None:
    stored = await dialer.archive.lead(dice.randrange(1, max(2, dialer.engine.sequences.lead)))
    return None if stored is None else stored.lead


async def reopen(centre: "Centre", dice: Random, dialer: Dialer) -> None:
    """SPEC R1.4."""
    async with dialer.reopening:
        lead = await _some_lead(dice, dialer)
        if lead is None or lead.status is not Status.CLOSED:
            return
        at_ms = centre.wall.true_ms() + HOUR_MS
        redial = c.RedialEdit("private", at_ms, dice.choice(centre.agents), force=True)
        command = (
            c.Reopen(lead=lead.id, row=lead, redial=redial) if dice.random() < 0.3 else c.Reopen(lead=lead.id, row=lead)
        )
        await dialer.submit(command)


async def text(_centre: "Centre", dice: Random, dialer: Dialer) -> None:
    """A text of somebody whose lead is closed (SPEC R13.3)."""
    async with dialer.reopening:
        lead = await _some_lead(dice, dialer)
        if lead is None:
            return
        row = lead if lead.status is Status.CLOSED else None
        await dialer.submit(c.LogActivity(lead=lead.id, interaction="sms", direction="in", row=row))


async def anonymise(_centre: "Centre", dice: Random, dialer: Dialer) -> None:
    """A lead, and sometimes its number for good (SPEC R10.6)."""
    async with dialer.reopening:
        lead = await _some_lead(dice, dialer)
        if lead is None or lead.erased:
            return
        whole = dice.random() < 0.5 and lead.numbers
        numbers = (lead.numbers[0],) if whole else ()
        ids = [use.lead for use in await dialer.archive.numbers(numbers)]
        found = [stored.lead for each in dict.fromkeys((lead.id, *ids)) if (stored := await dialer.archive.lead(each))]
        rows = tuple(row for row in found if row.status is Status.CLOSED)
        await dialer.submit(c.Anonymise(leads=tuple(row.id for row in found), numbers=numbers, rows=rows))


async def forget(_centre: "Centre", dice: Random, dialer: Dialer) -> None:
    """The time of a closed lead is over (SPEC R10.7)."""
    async with dialer.reopening:
        lead = await _some_lead(dice, dialer)
        if lead is not None and lead.status is Status.CLOSED and not lead.erased:
            await dialer.submit(c.Forget(rows=(lead,)))


REOPENING = (reopen,)
LOGGING = (text,)
FORGETTING = (anonymise, anonymise, forget)
