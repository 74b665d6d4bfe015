"""Untouched leads: what a lead that nobody has called or edited looks like.

Memory and disk keep such a lead as the short row it came in as (`FreshLead`). Whoever needs it as a `Lead` builds it
here, so that the engine and every store build the same one.
"""

from typing import Final

from msgspec.structs import replace

from .model import FreshLead, Lead, Pool, Status

_MASK: Final = (1 << 64) - 1
_UNPROCESSED: Final = Status.UNPROCESSED
_AFTER_SHUFFLED: Final = 1 << 32


def fresh_to_lead(fresh: FreshLead, pool: Pool) -> Lead:
    """The unprocessed lead that `fresh` stands for; its owner is the original one, its due time the pool's (0)."""
    return Lead(
        fresh.id,
        pool.campaign,
        fresh.pool,
        seq_of(pool, fresh.ordinal, fresh.id),
        _UNPROCESSED,
        fresh.owner,
        fresh.owner,
        fresh.numbers,
        priority=fresh.priority,
        zones=fresh.zones,
        master=fresh.master,
        created_ms=fresh.created_ms,
        ordinal=fresh.ordinal,
    )


def follow_shuffle(lead: Lead, pool: Pool) -> Lead:
    """The row with the place that its pool's last shuffle gives it: that of an unprocessed lead that nobody was shown.

    The place of any other lead is what it was when it was first leased or became a redial (SPEC R9.10).
    """
    if lead.shown or lead.status is not Status.UNPROCESSED or not lead.ordinal:
        return lead
    seq = seq_of(pool, lead.ordinal, lead.id)
    return lead if seq == lead.seq else replace(lead, seq=seq)


def seq_of(pool: Pool, ordinal: int, lead: int) -> int:
    """A lead's place in its pool: file order, or the shuffled order (SPEC R9.10). Ordinals count from 1.

    Shuffled leads get a hash of seed and id below 2**32, so equal places are possible and ties go by id (SPEC R2.1);
    leads that came after the shuffle come after those, in file order.
    """
    if not pool.shuffled_to:
        return ordinal
    if ordinal > pool.shuffled_to:
        return _AFTER_SHUFFLED + ordinal
    return _mix(_mix(pool.shuffle_seed & _MASK) + lead) >> 32


def _mix(value: int) -> int:
    """splitmix64's finaliser: every bit of the input changes about half of the output's."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
