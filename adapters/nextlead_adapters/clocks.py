"""Manual clocks: every dialer has one of its own, and all of them show the same time."""

import asyncio
from collections.abc import Sequence

from nextlead.runtime.dialer import Dialer


async def follow(first: Dialer, dialers: Sequence[Dialer]) -> None:
    """Move the clocks of `dialers` to where the first one's is, each through its own deadlines.

    So after a move of the first, at the start (the process may have died between two of them), and for one that is
    opened meanwhile: when this returns, without another `await`, they are where it is. What a move raises, this does.
    """
    while behind := [each for each in dialers if each.now_ms() < first.now_ms()]:
        await asyncio.gather(*(each.advance(first.now_ms()) for each in behind))
