"""How much big work does in one slice, while everybody waits (T10): leads, and calls of functions.

Each piece of work is on a pool of 1,800 leads in an engine with 20,000.
"""

from itertools import islice
from typing import Final

from nextlead.core.commands import ActOnPool, Block, Command, PutCampaign, Work
from nextlead.core.engine import Engine
from nextlead.core.setup_model import Dialer

from ..cost import Cost
from ..job import START_MS, Centre, Job, build_engine, make_centre
from .bounds import Figure

JOB: Final = Job(20_000, agents=20, scene="free")
NOW_MS: Final = START_MS + 60_000
BLOCKED: Final = 100
"""As many as a command may have."""


def slices() -> list[Figure]:
    """Of the largest slice of each piece of work, and how many leads a slice takes on average."""
    centre = make_centre(JOB)
    engine = build_engine(centre)
    figures = []
    for name, command in _works(centre).items():
        found = _work(engine, command)
        figures.append(Figure(f"calls in the largest slice, {name}", max(calls for calls, _ in found)))
        figures.append(
            Figure(f"leads changed in the largest slice, {name}", max(leads for _, leads in found), exact=True)
        )
        if len(found) > 1:
            figures.append(Figure(f"leads of the pool per slice, {name}", centre.pools[0][3] / len(found), exact=True))
    return figures


def _works(centre: Centre) -> dict[str, Command]:
    """The larger pools of campaigns, one for each piece of work."""
    shuffled, deleted, expired, blocked, switched = (centre.pools[at] for at in range(0, 10, 2))
    campaign = f"c{centre.pools.index(expired) // 2}"
    leads = (lead for part in centre.fresh() for lead in part if lead.pool == blocked[0])
    return {
        "shuffle": ActOnPool(pool=shuffled[0], action="shuffle", seed=JOB.seed),
        "delete": ActOnPool(pool=deleted[0], action="delete"),
        "expire": PutCampaign(code=campaign, dialer=Dialer(expire_after_ms=1)),
        "block": Block(numbers=tuple(lead.numbers[0] for lead in islice(leads, BLOCKED))),
        "switching off": ActOnPool(pool=switched[0], action="deactivate"),
    }


def _work(engine: Engine, command: Command) -> list[tuple[int, int]]:
    """Carry it out; calls and changed leads of each slice."""
    found = [_slice(engine, command)]
    while engine.working:
        found.append(_slice(engine, Work()))
    return found


def _slice(engine: Engine, command: Command) -> tuple[int, int]:
    cost = Cost()
    changes = cost.count(engine.apply, command, NOW_MS).changes
    return cost.functions.total() + cost.builtins.total(), len(changes.leads) + len(changes.gone)
