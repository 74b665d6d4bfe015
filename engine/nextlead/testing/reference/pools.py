"""Lead pools as far as the dial order needs them (SPEC 9)."""

from msgspec import UNSET

from nextlead.core.commands import ActOnPool, ClosePool, EditPool, IntakeRow, LoadRows, OpenPool
from nextlead.core.errors import Conflict, Invalid, NextleadError
from nextlead.core.fresh import seq_of
from nextlead.core.model import Pool as PoolRow
from nextlead.core.model import Status
from nextlead.core.replies import Loaded, PoolDeleted

from .world import ROOT, Lead, Pool, World

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
    )
    world.next_pool += 1


def check_dates(active_from_ms: int | None, active_until_ms: int | None) -> None:
    """R9.9: a range that is not empty."""
    if active_from_ms is not None and active_until_ms is not None and active_until_ms <= active_from_ms:
        raise Invalid("active_until", "after active_from")


def load_rows(world: World, command: LoadRows) -> Loaded:
    """R9.4 to R9.8: row by row, as if one came after the other."""
    pool = world.pool(command.pool)
    growing = pool.state in ("active", "inactive", "awaiting_confirmation") and pool.source in ("api", "manual")
    if pool.state != "loading" and not growing:
        raise Conflict(pool.state)
    made, duplicates, invalid = [], 0, len(command.rejects)
    for row in command.rows:
        if not acceptable(world, row):
            invalid += 1
            continue
        duplicate = is_duplicate(world, pool, row)
        duplicates += duplicate
        if duplicate and pool.duplicates.action == "skip":
            continue
        made.append(add_lead(world, pool, row).id)
        pool.valid += not duplicate
    pool.duplicate += duplicates
    pool.invalid += invalid
    return Loaded(tuple(made), duplicates, invalid)


def acceptable(world: World, row: IntakeRow) -> bool:
    """R9.4, R9.7: a row without a number, or with a blocked one, is invalid; so is one whose owner is nobody."""
    try:
        if row.owner is not None:
            world.owner(row.owner)
    except NextleadError:
        return False
    return bool(row.numbers) and not set(row.numbers) & world.blocked


def is_duplicate(world: World, pool: Pool, row: IntakeRow) -> bool:
    """R9.6: by any number, within the scope, among open or all leads."""
    rule = pool.duplicates
    if "phone" not in rule.match:
        return False
    return row.original is not None or any(
        set(lead.numbers) & set(row.numbers) and in_scope(world, lead, pool)
        for lead in world.leads.values()
        if lead.open
    )


def in_scope(world: World, lead: Lead, pool: Pool) -> bool:
    """R9.6."""
    match pool.duplicates.scope:
        case "file" | "pool":
            return lead.pool == pool.id
        case "campaign":
            return lead.campaign == pool.campaign
        case "project":
            return world.campaigns[lead.campaign].project == world.campaigns[pool.campaign].project
        case _:
            return True


def add_lead(world: World, pool: Pool, row: IntakeRow) -> Lead:
    """R1.4: unprocessed."""
    pool.ordinals += 1
    owner = pool.owner if row.owner is None else row.owner
    numbers = list(dict.fromkeys(row.numbers))
    lead = Lead(
        id=world.next_lead,
        campaign=pool.campaign,
        pool=pool.id,
        ordinal=pool.ordinals,
        seq=place(pool, pool.ordinals, world.next_lead),
        numbers=numbers,
        number=numbers[0],
        owner=owner,
        original_owner=owner,
        created_ms=world.now_ms,
        given=tuple(numbers),
        priority=row.priority,
    )
    world.leads[lead.id] = lead
    world.next_lead += 1
    return lead


def place(pool: Pool, ordinal: int, lead: int) -> int:
    """R9.10: file order or shuffled order. The generator is stored data, no rule, so it is the engine's own."""
    seed, last = pool.shuffle_seed, pool.shuffled_to
    row = PoolRow(pool.id, 0, "", pool.state, 0, shuffle_seed=seed, shuffled_to=last)
    return seq_of(row, ordinal, lead)


def close_pool(world: World, command: ClosePool) -> None:
    """R9.3: loaded, or held for confirmation; R9.5: failed, with nothing loaded."""
    pool = world.pool(command.pool)
    if pool.state != "loading":
        raise Conflict(pool.state)
    if command.error:
        pool.state = "failed"
        drop_leads(world, pool)
    else:
        pool.state = "awaiting_confirmation" if command.unmatched else "active"


def drop_leads(world: World, pool: Pool) -> None:
    """What was loaded is gone."""
    world.leads = {lead.id: lead for lead in world.leads.values() if lead.pool != pool.id or not lead.open}


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
    return None


def shuffle(world: World, pool: Pool, seed: int) -> None:
    """R9.10: unprocessed leads that were never leased, in a random order; later ones come after."""
    pool.shuffle_seed, pool.shuffled_to = seed, pool.ordinals
    for lead in world.leads.values():
        if lead.pool == pool.id and lead.status is Status.UNPROCESSED and not lead.shown:
            lead.seq = place(pool, lead.ordinal, lead.id)


def delete_pool(world: World, pool: Pool) -> PoolDeleted:
    """R9.11: unprocessed leads that were never shown go, the others stay; an empty pool goes too."""
    mine = [lead for lead in world.leads.values() if lead.pool == pool.id]
    gone = [lead for lead in mine if lead.status is Status.UNPROCESSED and not lead.shown and lead.lease is None]
    for lead in gone:
        del world.leads[lead.id]
    if len(gone) == len(mine):
        del world.pools[pool.id]
    return PoolDeleted(len(gone), {"other": len(mine) - len(gone)})
