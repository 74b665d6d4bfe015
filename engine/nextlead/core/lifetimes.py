"""What ends by itself: leads that expire, leases that time out."""

from typing import Final

from .model import PROMISED, Lead, Lease, Status
from .setup_model import Dialer
from .timers import Kind, Slot

_LEASE: Final = Kind.LEASE  # looked up once: every lease and every finish needs it
EXPIRING: Final = frozenset(
    {
        Status.UNPROCESSED,
        Status.AUTOMATIC_REDIAL,
        Status.COMMON_REDIAL,
        Status.UNRESOLVED,
        *PROMISED,
    }
)
"""SPEC R8.2; private and VIP redials only with `expire_promised`."""


def expiry_ms(dialer: Dialer, loaded_ms: int) -> int | None:
    """When the leads of a pool expire: the earlier of the campaign's date and their age (SPEC R8.1)."""
    times = [dialer.expires_at_ms, None if dialer.expire_after_ms is None else loaded_ms + dialer.expire_after_ms]
    return min((time for time in times if time is not None), default=None)


def lease_timers(lead: Lead, lease: Lease) -> tuple[tuple[Slot, int], ...]:
    """The timers of a lease: slot and base time. One that was never moved on needs a single one (SPEC R5.2)."""
    if lease.beat_ms == lease.started_ms:
        return (((_LEASE, lead.campaign), lease.started_ms),)
    return ((Kind.LEASE_BEAT, lead.campaign), lease.beat_ms), ((Kind.LEASE_MAX, lead.campaign), lease.started_ms)
