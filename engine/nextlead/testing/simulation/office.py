"""Supervisors and admins: what they change while agents work. One of them does one thing after the other."""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import TYPE_CHECKING, Any, Final

from nextlead.core import commands as c
from nextlead.core.engine import Engine
from nextlead.core.errors import NextleadError
from nextlead.ports import StoreError
from nextlead.runtime.dialer import Dialer

from . import closed_moves, lead_moves, pool_moves, setup_moves
from .life import Lost

if TYPE_CHECKING:
    from .centre import Centre

Move = Callable[["Centre", Random, Engine], c.Command | None]
"""Looks at the engine, and says what to tell it."""
Chat = Callable[["Centre", Random, Dialer], Coroutine[Any, Any, Any]]
"""Several steps on the daemon's side."""

MOVES: Final[dict[str, tuple[Move, ...]]] = {
    "supervisors": lead_moves.SUPERVISING,
    "redials": lead_moves.REDIALS,
    "priorities": lead_moves.PRIORITIES,
    "owners": lead_moves.OWNERS,
    "validation": lead_moves.VALIDATING,
    "activities": lead_moves.LOGGING,
    "bulk": lead_moves.BULK,
    "questions": lead_moves.QUESTIONS,
    "set_up": setup_moves.SET_UP,
    "hours": setup_moves.DIALERS,
    "limits": setup_moves.LIMITS,
    "expiry": setup_moves.DIALERS,
    "many_leases": setup_moves.MANY_LEASES,
    "pools": pool_moves.BUTTONS,
    "blocking": lead_moves.BLOCKING,
}
CHATS: Final[dict[str, tuple[Chat, ...]]] = {
    "supervisors": closed_moves.REOPENING,
    "activities": closed_moves.LOGGING,
    "anonymise": closed_moves.FORGETTING,
}
GAP_S: Final = 900.0
"""About how long it takes until one does something of one feature again."""


class Office:
    """One person for each feature, so that what two do may cross on the way."""

    def __init__(self, centre: "Centre", feature: str) -> None:
        self._centre = centre
        self._feature = feature
        self._gap_s = GAP_S / centre.plan.often(feature)
        self._dice = Random(f"office {centre.plan.seed} {feature}")

    async def live(self) -> None:
        """Day in, day out."""
        while True:
            await asyncio.sleep(self._dice.expovariate(1 / self._gap_s))
            try:
                await self._act()
            except (Lost, StoreError):
                continue
            except NextleadError as refusal:
                self._centre.journal.say("refused", f"{self._feature} {refusal.code}")

    async def _act(self) -> None:
        moves, chats = MOVES.get(self._feature, ()), CHATS.get(self._feature, ())
        at = self._dice.randrange(len(moves) + len(chats))
        if at >= len(moves):
            chat = chats[at - len(moves)]
            await self._centre.ask(lambda dialer: chat(self._centre, self._dice, dialer))
            return
        move = moves[at]
        command = await self._centre.look(lambda engine: move(self._centre, self._dice, engine))
        if command is not None:
            await self._centre.submit(command)


def offices(centre: "Centre") -> list[Office]:
    """Those that the plan has."""
    return [Office(centre, feature) for feature in centre.plan.features if feature in MOVES or feature in CHATS]
