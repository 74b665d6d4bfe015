"""Rows to leads, duplicates and rejects (SPEC 9.4 to 9.8)."""

from collections.abc import Callable

from msgspec import json
from msgspec.structs import replace

from nextlead.core.almanac import zone_named
from nextlead.core.commands import IntakeReject, IntakeRow, LoadRows
from nextlead.core.errors import Conflict, NextleadError
from nextlead.core.fresh import seq_of
from nextlead.core.model import Pool as PoolRow
from nextlead.core.model import Status
from nextlead.core.replies import Loaded

from . import changes
from .blocking import refusal
from .records import Lead, Pool
from .world import World

# -- rows -----------------------------------------------------------------------------------------------------------


def load_rows(world: World, command: LoadRows) -> Loaded:
    """R9.4 to R9.8: row by row, as if one came after the other. It looks for originals itself, so no row is stale."""
    pool = world.pool(command.pool)
    if not takes_rows(pool):
        raise Conflict(pool.state)
    made: list[Lead | None] = []
    before = (pool.duplicate, pool.invalid)
    for row in in_order(pool, command):
        if isinstance(row, IntakeReject):
            refuse_row(world, pool, row, refusal(world, row.numbers) or row.closure, row.rule, by=command.by)
        else:
            made.append(take_row(world, pool, row, by=command.by))
    there = tuple(lead.id for lead in made if lead is not None and lead.open)
    return Loaded(there, pool.duplicate - before[0], pool.invalid - before[1])


def in_order(pool: Pool, command: LoadRows) -> list[IntakeRow | IntakeReject]:
    """Leads are made in the order of the rows."""
    rows: list[IntakeRow | IntakeReject] = [*command.rows, *command.rejects]
    if pool.on_invalid == "close":
        rows.sort(key=lambda row: row.row)
    return rows


def takes_rows(pool: Pool) -> bool:
    """R9.1: a pool that is loading; one of the API or a person grows, unless its leads have expired (R8)."""
    growing = pool.source in ("api", "manual") and pool.state in ("active", "inactive", "awaiting_confirmation")
    return pool.expired_ms is None and (pool.state == "loading" or growing)


def take_row(world: World, pool: Pool, row: IntakeRow, *, by: str) -> Lead | None:
    """The row's lead, if it became one."""
    closure = unfit(world, row)
    if closure is not None:
        return refuse_row(world, pool, row, closure, "owner", by=by)
    found = originals(world, pool, row)
    if not found:
        pool.valid += 1
        return add_lead(world, pool, row)
    pool.duplicate += 1
    done, lead = ACTIONS[pool.duplicates.action](world, pool, row, found[0], by)
    pool.rejects.append((row.row, "duplicate", found[0].id, done))
    return lead


def unfit(world: World, row: IntakeRow) -> str | None:
    """R9.4, R9.7: the closure of a row that is invalid: a number may not be dialled, there is none, owner is nobody."""
    closure = refusal(world, row.numbers)
    if closure is not None or not row.numbers:
        return closure or "invalid_phone_number"
    return None if has_owner(world, row) else "not_accepted"


def has_owner(world: World, row: IntakeRow) -> bool:
    """Whether the row's owner is somebody, or nobody in particular."""
    try:
        return row.owner is None or bool(world.owner(row.owner))
    except NextleadError:
        return False


def refuse_row(
    world: World, pool: Pool, row: IntakeRow | IntakeReject, closure: str, rule: str, *, by: str
) -> Lead | None:
    """R9.4: counted and kept; with `on_invalid: close` it is a closed lead too; the pool's, if its owner is nobody.

    R10.6: of one with a forgotten number nothing is kept.
    """
    pool.invalid += 1
    if pool.on_invalid != "close":
        pool.rejects.append((row.row, "invalid", 0, ""))
        return None
    whole = row if isinstance(row, IntakeRow) else IntakeRow(row.row, row.numbers, row.data)
    zone = row.zone if row.zone and zone_named(row.zone) else ""
    whole = replace(whole, owner=whole.owner if has_owner(world, whole) else None, zone=zone)
    lead = add_closed(world, pool, whole, closure, by=by, rule=rule)
    pool.rejects.append((row.row, "invalid", 0 if closure == "anonymized" else lead.id, ""))
    if closure == "anonymized":
        lead.numbers, lead.given, lead.data, lead.erased = [], (), {}, True
    return lead


# -- duplicates -----------------------------------------------------------------------------------------------------


def originals(world: World, pool: Pool, row: IntakeRow) -> list[Lead]:
    """R9.6: all leads that the row is a duplicate of, the first one first, by any number that they ever had."""
    among = [lead for lead in world.leads.values() if lead.open or pool.duplicates.among == "all"]
    return [
        lead
        for lead in among
        if not lead.erased
        and in_scope(world, lead, pool)
        and any(agrees(rule, set(lead.given), lead.data, row) for rule in pool.duplicates.match)
    ]


def agrees(rule: str, numbers: set[int], data: dict[str, object], row: IntakeRow) -> bool:
    """R9.6: all parts of the rule agree; any number does for `phone`. A blank agrees with nothing."""
    ours, theirs = plain(data), plain(json.decode(row.data))
    for part in (each.strip().casefold() for each in rule.split("+")):
        if part == "phone":
            if not numbers & set(row.numbers):
                return False
        elif not ours.get(part) or ours.get(part) != theirs.get(part):
            return False
    return True


def plain(data: dict[str, object]) -> dict[str, str]:
    """Names and texts as they are compared."""
    return {name.strip().casefold(): text(value).strip().casefold() for name, value in data.items()}


def text(value: object) -> str:
    """A value as text: anything but text by its JSON, nothing as nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.encode(value).decode()


def in_scope(world: World, lead: Lead, pool: Pool) -> bool:
    """R9.6. R9.3, R9.5: what came in closed with a list that failed or was rejected does not count."""
    if world.pools[lead.pool].state in ("failed", "rejected"):
        return False
    match pool.duplicates.scope:
        case "file" | "pool":
            return lead.pool == pool.id
        case "campaign":
            return lead.campaign == pool.campaign
        case "project":
            return world.campaigns[lead.campaign].project == world.campaigns[pool.campaign].project
        case _:
            return True


Taken = tuple[str, Lead | None]
"""What was done with a duplicate, and the lead that it became."""


def skip(_world: World, _pool: Pool, _row: IntakeRow, _original: Lead, _by: str) -> Taken:
    """R9.8: kept in the duplicates file only."""
    return "skip", None


def load(world: World, pool: Pool, row: IntakeRow, _original: Lead, _by: str) -> Taken:
    """R9.8: load anyway."""
    return "load", add_lead(world, pool, row)


def update(world: World, _pool: Pool, row: IntakeRow, original: Lead, _by: str) -> Taken:
    """R9.8: the open original's fields, and its priority, get the new values; a blank is none.

    R9.7: not those of a lead that may not be dialled, or will be forgotten when its lease ends.
    """
    if not original.open or original.mark == "anonymized" or refusal(world, original.numbers) is not None:
        return "skip", None
    values = json.decode(row.data)
    original.data = original.data | {name: value for name, value in values.items() if value not in (None, "")}
    original.priority, original.zone = row.priority or original.priority, row.zone or original.zone
    return "update", None


def swap(world: World, pool: Pool, row: IntakeRow, original: Lead, by: str) -> Taken:
    """R9.8: the original is removed, if it was never shown."""
    if original.status is not Status.UNPROCESSED or original.shown or original.lease is not None:
        return "skip", None
    changes.close(world, original, "removed", by=by)
    return "replace", add_lead(world, pool, row)


def clone(world: World, pool: Pool, row: IntakeRow, original: Lead, _by: str) -> Taken:
    """R9.8: a clone; the original is its master."""
    return "clone", add_lead(world, pool, row, master=original.id)


def close(world: World, pool: Pool, row: IntakeRow, _original: Lead, by: str) -> Taken:
    """R9.8: loaded closed."""
    return "close", add_closed(world, pool, row, "duplicate", by=by)


ACTIONS: dict[str, Callable[[World, Pool, IntakeRow, Lead, str], Taken]] = {
    "skip": skip,
    "load": load,
    "update": update,
    "replace": swap,
    "clone": clone,
    "close": close,
}


# -- leads ----------------------------------------------------------------------------------------------------------


def add_lead(world: World, pool: Pool, row: IntakeRow, *, master: int = 0) -> Lead:
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
        number=numbers[0] if numbers else 0,
        owner=owner,
        original_owner=owner,
        created_ms=world.now_ms,
        given=tuple(numbers),
        priority=row.priority,
        data=json.decode(row.data),
        master=master,
        zone=row.zone,
    )
    world.leads[lead.id] = lead
    world.next_lead += 1
    return lead


def add_closed(world: World, pool: Pool, row: IntakeRow, closure: str, *, by: str, rule: str = "") -> Lead:
    """R1.4: closed from the start."""
    lead = add_lead(world, pool, row)
    lead.rule = rule
    changes.close(world, lead, closure, by=by)
    return lead


def place(pool: Pool, ordinal: int, lead: int) -> int:
    """R9.10: file order or shuffled order. The generator is stored data, no rule, so it is the engine's own."""
    seed, last = pool.shuffle_seed, pool.shuffled_to
    row = PoolRow(pool.id, 0, "", pool.state, 0, shuffle_seed=seed, shuffled_to=last)
    return seq_of(row, ordinal, lead)
