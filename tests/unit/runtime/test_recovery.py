"""A start does not keep others waiting: those of another organisation, and who asks whether the daemon is alive."""

import asyncio
from contextlib import suppress

import pytest
from unit.runtime.centre import Centre

from nextlead.core.commands import Finish
from nextlead.core.replies import Offer
from nextlead.core.tokens import token_text
from nextlead.runtime import recovery

LEADS, CALLED = 40, 10


async def turns_while_opening(centre: Centre) -> int:
    """How often somebody else had a turn."""
    turns = 0

    async def somebody() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(somebody())
    await centre.open()
    other.cancel()
    with suppress(asyncio.CancelledError):
        await other
    return turns


async def test_others_have_their_turns_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    centre = Centre()
    await centre.open()
    await centre.set_up(LEADS)
    for _ in range(CALLED):
        offer = await centre.dialer.next("A")
        assert isinstance(offer, Offer)
        assert offer.lead.lease is not None
        token = token_text(offer.lead.id, offer.lead.lease.token)
        await centre.dialer.finish(Finish(token=token, outcome="unreached", cause="no_answer"))
    await centre.dialer.close()
    few = await turns_while_opening(centre)
    await centre.dialer.close()
    for name in ("ROWS", "TOUCHED", "FRESH"):
        monkeypatch.setattr(recovery, name, 1)
    assert await turns_while_opening(centre) >= few + LEADS
    assert isinstance(await centre.dialer.next("A"), Offer)
    await centre.dialer.close()
