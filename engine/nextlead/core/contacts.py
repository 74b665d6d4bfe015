"""Contact limits: how often people were called lately, and until when that keeps a lead back (SPEC 12).

Rules of this file:

1. An attempt is known by its lead and the start of its lease. Attempts stand in `Lead.calls` of the lead; those to
   numbers that a lead has no more (it closed, or they were dropped) in a `Contacted` row.
2. Attempts to a number are those of all leads that have or had it; rules of a campaign count its own only.
3. Attempts are kept as far back as the longest rule looks, and at least 30 days, so that a new rule counts what was
   before it.
"""

from msgspec import Struct

from .leads import LeadTable
from .model import Contacted, Lead
from .numbers import NumberIndex
from .records import Records
from .setup_model import Campaign, ContactLimit


class Limited(Struct, frozen=True, gc=False):
    """A rule that keeps a lead back: until when (exclusive), and what it counted, in words."""

    until_ms: int
    limit: ContactLimit
    value: str


class Contacts:
    """Who was called when, over the rows that `leads` and `numbers` have. `rows` are by lead."""

    def __init__(self, leads: LeadTable, numbers: NumberIndex, campaigns: Records[Campaign]) -> None:
        self._leads = leads
        self._numbers = numbers
        self._campaigns = campaigns
        self.rows: dict[int, Contacted] = {}
        self.active = False
        """Whether there is any rule at all, the organisation's or a campaign's."""

    def follow(self, limits: tuple[ContactLimit, ...]) -> None:
        """The organisation's rules are these now, the campaigns' as their rows say. O(campaigns)."""
        self._limits = limits

    def restore(self, row: Contacted) -> None:
        """A row that the store had."""
        self.rows[row.lead] = row

    def until_ms(self, lead: Lead, at_ms: int) -> int:
        """When the last of the rules that keep the lead back at this moment ends; 0 if none does.

        O(attempts to its number). Nothing but attempts changes the answer, so it holds until then.
        """
        return 0

    def limited(self, lead: Lead, at_ms: int) -> Limited | None:
        """The same with the rule that ends last."""
        return None

    def values(self, lead: Lead, at_ms: int) -> list[tuple[str, str]]:
        """Every rule that counts for the lead as (rule, what was counted), in words, for the history of an offer."""
        return []

    def concerns(self, number: int) -> bool:
        """Whether an attempt to the number is known of any lead, open or closed; for leads that come in. O(1)."""
        return False

    def leave(self, old: Lead, new: Lead) -> Contacted | None:
        """The open lead's row changes into the new one: what it no longer says of numbers is kept.

        The row to be made durable (already taken in), None if nothing is to be kept.
        """
        return None

    def prune(self, now_ms: int) -> list[int]:
        """Forget a few rows that no rule can count any more: leads whose rows are to go from the store. O(1)."""
        return []
