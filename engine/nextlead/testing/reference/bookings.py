"""Whether a redial may be set (SPEC 4.2, 4.10)."""

from nextlead.core.errors import Invalid, NotAllowed, SlotFull
from nextlead.core.model import PROMISED, REDIAL_KINDS, Status

from . import changes
from .records import Agent, Lead
from .world import World


def check_redial(world: World, lead: Lead, kind: str | None, at_ms: int | None) -> tuple[Status, int]:
    """R4.2: a kind, and a time in the future within the horizon."""
    if kind not in REDIAL_KINDS:
        raise Invalid("kind", "common, private or vip")
    if at_ms is None:
        raise Invalid("at", "is needed")
    if not world.now_ms < at_ms <= world.now_ms + world.dialer_of(lead).redial_horizon_ms:
        raise Invalid("at", "in the future, within the horizon")
    return REDIAL_KINDS[kind], at_ms


def check_booking(world: World, lead: Lead, agent: Agent, kind: Status, at_ms: int, *, ask_permission: bool) -> int:
    """R4.2: the agent may set this kind; R4.10: not too many at that time. Answers how many there are."""
    if ask_permission and kind not in [REDIAL_KINDS[each] for each in agent.may_set]:
        raise NotAllowed(f"the agent may not set {kind.code}")
    near = changes.nearby(world, agent, lead, at_ms)
    limit = world.dialer_of(lead).redials_per_slot
    if kind in PROMISED and limit is not None and near >= limit:
        raise SlotFull
    return near
