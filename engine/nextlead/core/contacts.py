"""Contact limits: how often people were called lately, and until when that keeps a lead back (SPEC 12).

Rules of this file:

1. The attempts of an open lead are the `Lead.calls` of its row, those to numbers that it has no more among them. What
   they were to such numbers, or of a lead that closed, stands in a `Contacted` row as well: by that they are found, and
   of a lead that is not open they are counted there. So no attempt is counted twice.
2. Attempts to a number are those of all leads that have or had it; rules of a campaign count its own only.
3. Attempts are kept as far back as the longest rule looks, and at least 30 days, so that a new rule counts what was
   before it. More of them than any rule counts are not kept, but the last conversation always is.
4. Every rule is a span that begins at one moment: that of the nth last attempt, of the last one, or of the end of the
   last conversation. It keeps the lead back until the span is over, and not at that moment any more.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Final, NamedTuple

from .contacted import ContactedRows
from .leads import LeadTable
from .model import Call, Contacted, Lead, Status
from .numbers import NumberIndex
from .records import Records
from .row import DAY_MS
from .setup_model import Campaign, ContactLimit
from .spans import span_in_words

KEPT_MS: Final = 30 * DAY_MS
KEPT_CALLS: Final = 50
_PRUNED_AT_ONCE: Final = 4


class _Rule(NamedTuple):
    """A limit, and the campaign whose attempts it counts; 0 for those of all."""

    limit: ContactLimit
    campaign: int


class _Moment(NamedTuple):
    """When something happened, and by which lead of which campaign."""

    at_ms: int
    campaign: int
    lead: int


class _Attempts(NamedTuple):
    """The attempts to one number, and the ends of conversations; both with the newest first."""

    starts: list[_Moment]
    talks: list[_Moment]


_NONE: Final = _Attempts([], [])


class Contacts:
    """Who was called when, over the rows that `leads` and `numbers` have. `rows` are by lead."""

    def __init__(self, leads: LeadTable, numbers: NumberIndex, campaigns: Records[Campaign]) -> None:
        self._leads = leads
        self._numbers = numbers
        self._campaigns = campaigns
        self.rows = ContactedRows()
        self.active = False
        """Whether there is any rule at all, the organisation's or a campaign's."""
        self.kept_ms = KEPT_MS
        self._kept_calls = KEPT_CALLS
        self._any_for_promised = False
        self._common: tuple[_Rule, ...] = ()
        self._rules: dict[int, tuple[_Rule, ...]] = {}
        self._seen: tuple[int, int, int] | None = None
        self._found = _NONE

    # -- rules ------------------------------------------------------------------------------------------------------

    def follow(self, limits: tuple[ContactLimit, ...]) -> None:
        """The organisation's rules are these now, the campaigns' as their rows say. O(campaigns)."""
        self._common = tuple(_Rule(limit, 0) for limit in limits)
        self._rules = {
            campaign.no: (*self._common, *(_Rule(limit, campaign.no) for limit in campaign.dialer.contact_limits))
            for campaign in self._campaigns
            if campaign.dialer.contact_limits
        }
        rules = {rule.limit for found in (self._common, *self._rules.values()) for rule in found}
        self.active = bool(rules)
        self._any_for_promised = any(limit.promised for limit in rules)
        self.kept_ms = max((limit.span_ms for limit in rules), default=0)
        self.kept_ms = max(self.kept_ms, KEPT_MS)
        self._kept_calls = max((limit.most for limit in rules), default=0)
        self._kept_calls = max(self._kept_calls, KEPT_CALLS)

    def until_ms(self, lead: Lead, at_ms: int, timed_out: Iterable[Lead] = ()) -> int:
        """When the last of the rules that keep the lead back at this moment ends; 0 if none does.

        `timed_out`: leased leads whose calls, to its number, will have been attempts by then (SPEC R6.1).

        The lead is open, in the index of numbers. O(rules * (own attempts + what they count)), and O(attempts to its
        number) if that is not the one that was asked for last. Nothing but attempts changes the answer, so it holds
        until then.
        """
        rules = self._rules_of(lead)
        if not rules or (lead.promise is not None and not self._any_for_promised):
            return 0
        others = self._attempts_to(lead.numbers[lead.number_at])
        coming = [_Moment(other.lease.started_ms, other.campaign, other.id) for other in timed_out if other.lease]
        if coming:
            others = _Attempts(sorted((*others.starts, *coming), reverse=True), others.talks)
        if not lead.calls and not others.starts:
            return 0
        last_ms = max(self._end_ms(rule, lead, others) for rule in rules)
        return last_ms if last_ms > at_ms else 0

    def values(self, lead: Lead, at_ms: int) -> list[tuple[str, str]]:
        """Every rule that counts for the lead as (rule, what was counted), in words, for the history of an offer."""
        others = self._attempts_to(lead.numbers[lead.number_at])
        return [(rule.limit.kind, _in_words(rule, lead, others, at_ms)) for rule in self._rules_of(lead)]

    def _rules_of(self, lead: Lead) -> tuple[_Rule, ...]:
        return self._rules.get(lead.campaign, self._common)

    @staticmethod
    def _end_ms(rule: _Rule, lead: Lead, others: _Attempts) -> int:
        """When the rule's span ends, or ended; 0 if it never began, or the lead is exempt (SPEC R12.2)."""
        limit = rule.limit
        if lead.promise is not None and not limit.promised:
            return 0
        nth = limit.most if limit.kind == "max" else 1
        moments = _moments(rule, lead, others, nth)
        if len(moments) < nth:
            return 0
        moments.sort()
        return moments[-nth] + limit.span_ms

    # -- attempts ---------------------------------------------------------------------------------------------------

    def _attempts_to(self, number: int) -> _Attempts:
        """Of the open leads that share the number, and of those that had it.

        Of shared numbers the last answer is kept as long as no row changed: their leads are looked at in a row.
        """
        sharing = self._numbers.shared.get(number)
        if sharing is None:
            had = list(self.rows.leads(number))
            return self._collect(had, number) if had else _NONE
        seen = (number, self._leads.changes, self.rows.changes)
        if seen != self._seen:
            self._seen, self._found = seen, self._collect({*sharing, *self.rows.leads(number)}, number)
        return self._found

    def _collect(self, leads: Iterable[int], number: int) -> _Attempts:
        found = [
            (call, row.campaign, lead)
            for lead in leads
            if (row := self._leads.touched_row(lead) or self.rows.get(lead)) is not None
            for call in row.calls
            if call.number == number
        ]
        starts = [_Moment(call.at_ms, campaign, lead) for call, campaign, lead in found]
        talks = [_Moment(call.talked_ms, campaign, lead) for call, campaign, lead in found if call.talked_ms]
        return _Attempts(sorted(starts, reverse=True), sorted(talks, reverse=True)) if found else _NONE

    def concerns(self, number: int) -> bool:
        """Whether a lead that has the number may be kept back by attempts of others; for leads that came in.

        It is in the index of numbers already. O(log n), O(attempts to it) where several leads have it.
        """
        return bool(self._attempts_to(number).starts)

    # -- rows -------------------------------------------------------------------------------------------------------

    def with_call(self, calls: tuple[Call, ...], call: Call, now_ms: int) -> tuple[Call, ...]:
        """A row's calls with one more, without those that no rule can count any more (rule 3)."""
        calls = (*calls, call)
        after_ms = now_ms - self.kept_ms
        if len(calls) <= self._kept_calls and calls[0].at_ms > after_ms:
            return calls
        kept: list[Call] = []
        by_number, talked = Counter[int](), set[int]()
        for each in reversed(calls):
            by_number[each.number] += 1
            counts = by_number[each.number] <= self._kept_calls or (each.talked_ms and each.number not in talked)
            if counts and max(each.at_ms, each.talked_ms) > after_ms:
                kept.append(each)
            if each.talked_ms:
                talked.add(each.number)
        return tuple(reversed(kept))

    def restore(self, row: Contacted) -> None:
        """A row that the store had."""
        self.rows.put(row)

    def leave(self, new: Lead) -> Contacted | None:
        """An open lead's row changes into this one: what it no longer says of numbers is kept.

        The row to be made durable (already taken in), None if nothing is to be kept. One that is being erased is not
        for it, but for `erase`.
        """
        closed = new.status is Status.CLOSED
        calls = new.calls if closed else tuple(call for call in new.calls if call.number not in new.numbers)
        row = Contacted(new.id, new.campaign, calls)
        if not calls or (new.id in self.rows and self.rows[new.id] == row):
            return None
        self.rows.put(row)
        return row

    def erase(self, lead: int) -> bool:
        """Nothing is to be known of the lead any more (SPEC R10.6); whether its row is to go from the store."""
        return self.rows.remove(lead)

    def prune(self, now_ms: int) -> list[int]:
        """Forget a few rows that no rule can count any more: leads whose rows are to go from the store. O(log n)."""
        return self.rows.expire(now_ms - self.kept_ms + 1, _PRUNED_AT_ONCE)


def _moments(rule: _Rule, lead: Lead, others: _Attempts, most: int | None) -> list[int]:
    """What the rule counts: the lead's own, then the newest of others' to its number, so many of them at most."""
    kind, to_lead = rule.limit.kind, rule.limit.scope == "lead"
    number = lead.numbers[lead.number_at]
    if kind == "pause_after_conversation":
        found = [call.talked_ms for call in lead.calls if call.talked_ms]
        listed = others.talks
    else:
        whole = to_lead or kind == "min_gap"
        found = [call.at_ms for call in lead.calls if whole or call.number == number]
        listed = others.starts
    if not listed or (to_lead and kind == "max"):
        return found
    counted = (each.at_ms for each in listed if each.lead != lead.id and rule.campaign in (0, each.campaign))
    found += islice(counted, most)
    return found


def _in_words(rule: _Rule, lead: Lead, others: _Attempts, at_ms: int) -> str:
    limit = rule.limit
    span = span_in_words(limit.span_ms)
    moments = _moments(rule, lead, others, None)
    if limit.kind == "max":
        counted = sum(moment_ms + limit.span_ms > at_ms for moment_ms in moments)
        words = f"{counted} of {limit.most} in {span} to the {limit.scope}"
    else:
        what = "attempt" if limit.kind == "min_gap" else "conversation"
        last = f"{span_in_words(max(at_ms - max(moments), 0))} after the last {what}" if moments else f"no {what}"
        words = f"{last}, {span} to be kept"
    whose = "this campaign" if rule.campaign else "all campaigns"
    exempt = lead.promise is not None and not limit.promised
    return f"{words}, {whose}" + (", promised redials are exempt" if exempt else "")
