"""Lead pools (SPEC 9): opened, closed, edited, and their buttons."""

from msgspec import UNSET

from nextlead.core.commands import ActOnPool, ClosePool, EditPool, OpenPool
from nextlead.core.errors import Conflict, InUse, Invalid
from nextlead.core.model import Status
from nextlead.core.replies import PoolDeleted

from .blocking import close_or_mark
from .intake import place
from .records import ROOT, Lead, Pool
from .world import World

# -- loading --------------------------------------------------------------------------------------------------------


def open_pool(world: World, command: OpenPool) -> None:
    """R9.2: a pool in state `loading`."""
    campaign = world.campaign(command.campaign)
    owner = f"team:{ROOT}" if command.owner is None else world.owner(command.owner)
    if not 0 <= command.priority <= 1000:
        raise Invalid("priority", "1 to 1000")
    check_dates(command.active_from_ms, command.active_until_ms)
    world.pools[world.next_pool] = Pool(
        id=world.next_pool,
        campaign=campaign.code,
        owner=owner,
        source=command.source,
        priority=command.priority,
        active_from_ms=command.active_from_ms,
        active_until_ms=command.active_until_ms,
        duplicates=command.duplicates,
        on_invalid=command.on_invalid,
    )
    world.next_pool += 1


def check_dates(active_from_ms: int | None, active_until_ms: int | None) -> None:
    """R9.9: a range that is not empty."""
    if active_from_ms is not None and active_until_ms is not None and active_until_ms <= active_from_ms:
        raise Invalid("active_until", "after active_from")


def close_pool(world: World, command: ClosePool) -> None:
    """R9.3: loaded, or held for confirmation; R9.5: failed, with nothing loaded."""
    pool = world.pool(command.pool)
    if pool.state != "loading":
        raise Conflict(pool.state)
    if command.error:
        pool.state = "failed"
        drop_leads(world, pool)
    elif command.unmatched:
        pool.state = "awaiting_confirmation"
    else:
        pool.state, pool.loaded_ms = "active", world.now_ms


def drop_leads(world: World, pool: Pool) -> None:
    """What was loaded is gone; leads that came in closed stay, and so does one that is leased (R1.5)."""
    for lead in [lead for lead in world.leads.values() if lead.pool == pool.id and lead.open]:
        if lead.lease is None:
            del world.leads[lead.id]
        else:
            close_or_mark(world, lead, "removed", by="system")


# -- the buttons ----------------------------------------------------------------------------------------------------


def edit_pool(world: World, command: EditPool) -> None:
    """R2.3, R9.9."""
    pool = world.pool(command.pool)
    active_from = pool.active_from_ms if command.active_from_ms is UNSET else command.active_from_ms
    active_until = pool.active_until_ms if command.active_until_ms is UNSET else command.active_until_ms
    if command.priority is not UNSET and not 0 <= command.priority <= 1000:
        raise Invalid("priority", "1 to 1000")
    check_dates(active_from, active_until)
    pool.active_from_ms, pool.active_until_ms = active_from, active_until
    if command.priority is not UNSET:
        pool.priority = command.priority


BUTTONS = {
    "activate": (("inactive", "active"), "active"),
    "deactivate": (("active", "inactive"), "inactive"),
    "confirm": (("awaiting_confirmation",), "active"),
    "reject": (("awaiting_confirmation",), "rejected"),
}
"""The states that a button can be used in, and the one it leads to."""


def act_on_pool(world: World, command: ActOnPool) -> PoolDeleted | None:
    """R9.3, R9.9, R9.10, R9.11."""
    pool = world.pool(command.pool)
    if command.action == "shuffle":
        shuffle(world, pool, command.seed)
        return None
    if command.action == "delete":
        return delete_pool(world, pool)
    needed, after = BUTTONS[command.action]
    if pool.state not in needed:
        raise Conflict(pool.state)
    pool.state = after
    if command.action == "reject":
        drop_leads(world, pool)
    if command.action == "confirm":
        pool.loaded_ms = world.now_ms
    return None


def shuffle(world: World, pool: Pool, seed: int) -> None:
    """R9.10: unprocessed leads that were never leased, in a random order; later ones come after."""
    if pool.state in ("failed", "rejected", "loading"):
        raise Conflict(pool.state)
    pool.shuffle_seed, pool.shuffled_to = seed, world.there.get(pool.id, pool.ordinals)
    for lead in world.leads.values():
        if lead.pool == pool.id and lead.status is Status.UNPROCESSED and not lead.shown:
            lead.seq = place(pool, lead.ordinal, lead.id)


def delete_pool(world: World, pool: Pool) -> PoolDeleted:
    """R9.11: unprocessed leads that were never shown go, the others stay; an empty pool goes too.

    A master stays while a clone of it does: so clones, which came later, go first.
    """
    if pool.state == "loading":
        raise InUse
    kept: dict[str, int] = {}
    deleted = 0
    for lead in sorted((each for each in world.leads.values() if each.pool == pool.id), key=lambda each: -each.id):
        reason = kept_because(world, lead)
        if reason is None:
            del world.leads[lead.id]
            deleted += 1
        else:
            kept[reason] = kept.get(reason, 0) + 1
    pool.deleted += deleted
    if not kept:
        del world.pools[pool.id]
    return PoolDeleted(deleted, kept)


def kept_because(world: World, lead: Lead) -> str | None:
    """R9.11: why a lead stays; None for one that goes."""
    if lead.status is not Status.UNPROCESSED:
        return lead.status.code
    if lead.shown:
        return "shown_to_an_agent"
    return "has_clones" if world.clones_of(lead.id) else None
