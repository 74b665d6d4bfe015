"""When what goes on by itself ends: each timer's deadline is its base time and what the settings of this moment say."""

from .footprints import Footprints
from .lifetimes import expiry_ms
from .model import Lead
from .setup_model import Settings
from .timers import Kind, Slot


class Deadlines(Footprints):
    """`lease_floor_ms`: no lease ends before it (SPEC R5.7)."""

    def __init__(self) -> None:
        super().__init__()
        self.settings = Settings()
        self.lease_floor_ms = 0

    def deadline_of(self, slot: Slot, base_ms: int) -> int | None:
        """When a timer of this slot and base fires; None while it does not run."""
        kind, campaign = slot
        if kind is Kind.ABANDON:
            return base_ms + self.settings.abandon_after_ms
        if kind in (Kind.URGENT, Kind.POOL, Kind.HOURS, Kind.LIMIT):
            return base_ms
        record = self.campaigns.by_no[campaign]
        dialer = record.dialer
        if kind is Kind.EXPIRE:
            return expiry_ms(dialer, base_ms)
        if kind is Kind.LEASE:
            return max(base_ms + min(dialer.lease_timeout_ms, dialer.lease_max_ms), self.lease_floor_ms)
        if kind is Kind.LEASE_BEAT:
            return max(base_ms + dialer.lease_timeout_ms, self.lease_floor_ms)
        if kind is Kind.LEASE_MAX:
            return max(base_ms + dialer.lease_max_ms, self.lease_floor_ms)
        after_ms = dialer.release_private_ms
        if kind is Kind.RELEASE_VIP and dialer.release_vip_ms != -1:
            after_ms = dialer.release_vip_ms
        return None if after_ms is None or not record.active else base_ms + after_ms

    def lease_end_ms(self, lead: Lead) -> int:
        """When the lead's lease ends by itself (SPEC R5.2, R5.7)."""
        assert lead.lease is not None
        dialer = self.campaigns.by_no[lead.campaign].dialer
        end_ms = min(lead.lease.beat_ms + dialer.lease_timeout_ms, lead.lease.started_ms + dialer.lease_max_ms)
        return max(end_ms, self.lease_floor_ms)
