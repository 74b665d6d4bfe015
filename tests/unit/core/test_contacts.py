"""Contact limits (SPEC 12): what they count, held against a count over every attempt there ever was."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nextlead.core import contacts as module
from nextlead.core.contacts import Contacts
from nextlead.core.leads import LeadTable
from nextlead.core.model import Call, Contacted, Lead, Promise, Status
from nextlead.core.numbers import NumberIndex
from nextlead.core.outcomes import without_number
from nextlead.core.records import Records
from nextlead.core.row import DAY_MS, HOUR_MS
from nextlead.core.setup_model import Campaign, ContactLimit, Dialer

HOME, WORK, MOBILE = 14155550100, 14155550101, 14155550102
START_MS = 1_772_442_000_000
PROMISE = Promise(Status.PRIVATE_REDIAL, START_MS, 1)

ATTEMPTS_A_DAY = ContactLimit("max", DAY_MS, 2)
GAP = ContactLimit("min_gap", 4 * HOUR_MS)
PAUSE = ContactLimit("pause_after_conversation", 7 * DAY_MS)


class Book:
    """Rows as the engine keeps them, and every attempt there ever was as (start, number, campaign, lead, talked)."""

    def __init__(self, common: tuple[ContactLimit, ...] = (), own: tuple[ContactLimit, ...] = ()) -> None:
        self.now_ms = START_MS
        self.common, self.own = common, own
        self.leads, self.numbers = LeadTable({}), NumberIndex()
        self.campaigns: Records[Campaign] = Records("campaign")
        self.campaigns.put(Campaign(1, "c1", "c1", 1, dialer=Dialer(contact_limits=own)))
        self.campaigns.put(Campaign(2, "c2", "c2", 1))
        self.contacts = Contacts(self.leads, self.numbers, self.campaigns)
        self.contacts.follow(common)
        self.closed: dict[int, Lead] = {}
        self.attempts: list[tuple[int, int, int, int, int]] = []
        self.stored: dict[int, Contacted] = {}

    def open(self, lead: int, *numbers: int, campaign: int = 1) -> None:
        row = Lead(lead, campaign, 1, 1, Status.AUTOMATIC_REDIAL, -1, -1, numbers, shown=True)
        self.leads.put(row)
        self.numbers.add(numbers, lead)

    def row(self, lead: int) -> Lead:
        row = self.leads.touched_row(lead)
        assert row is not None
        return row

    def call(self, lead: int, number: int | None = None, talked_after_ms: int = 0) -> None:
        """An attempt that starts now."""
        row = self.row(lead)
        number = row.numbers[row.number_at] if number is None else number
        talked_ms = self.now_ms + talked_after_ms if talked_after_ms else 0
        self.attempts.append((self.now_ms, number, row.campaign, lead, talked_ms))
        self.now_ms += talked_after_ms
        call = Call(self.attempts[-1][0], number, talked_ms)
        self.put(row, replace(row, calls=self.contacts.with_call(row.calls, call, self.now_ms)))

    def drop(self, lead: int, number: int) -> None:
        new = without_number(self.row(lead), number)
        self.put(self.row(lead), new if new.numbers else replace(new, status=Status.CLOSED, closure="x"))

    def talked(self, lead: int) -> None:
        """The last call was a conversation, as it turns out: it ended when it began."""
        row = self.row(lead)
        last = replace(row.calls[-1], talked_ms=row.calls[-1].at_ms)
        at = max(at for at, attempt in enumerate(self.attempts) if attempt[3] == lead)
        self.attempts[at] = (*self.attempts[at][:4], last.talked_ms)
        self.put(row, replace(row, calls=(*row.calls[:-1], last)))

    def turn_to(self, lead: int, number: int) -> None:
        row = self.row(lead)
        self.put(row, replace(row, number_at=row.numbers.index(number)))

    def close(self, lead: int) -> None:
        self.put(self.row(lead), replace(self.row(lead), status=Status.CLOSED, closure="success"))

    def put(self, old: Lead, new: Lead) -> None:
        if new.status is Status.CLOSED or new.numbers is not old.numbers:
            row = self.contacts.leave(new)
            if row is not None:
                self.stored[row.lead] = row
        self.numbers.remove(old.numbers, old.id)
        if new.status is Status.CLOSED:
            self.leads.drop(old.id)
            self.closed[old.id] = new
        else:
            self.leads.put(new)
            self.numbers.add(new.numbers, new.id)

    def reopen(self, lead: int) -> None:
        row = self.closed.pop(lead)
        numbers = row.numbers or row.dropped
        self.leads.put(replace(row, status=Status.AUTOMATIC_REDIAL, closure=None, numbers=numbers))
        self.numbers.add(numbers, lead)

    def prune(self) -> None:
        for lead in self.contacts.prune(self.now_ms):
            del self.stored[lead]

    def open_rows(self) -> Iterator[Lead]:
        return self.leads.touched()

    # -- the same, counted --------------------------------------------------------------------------------------------

    def counted_until_ms(self, lead: Lead) -> int:
        """The first moment from now on at which no rule says no; 0 if that is now."""
        ends = {
            limit.span_ms + at_ms for limit in self.common + self.own for a in self.attempts for at_ms in (a[0], a[4])
        }
        moments = [self.now_ms, *sorted(end for end in ends if end > self.now_ms)]
        first = next(moment for moment in moments if self.may_call(lead, moment))
        return 0 if first == self.now_ms else first

    def may_call(self, lead: Lead, at_ms: int) -> bool:
        rules = [(limit, 0) for limit in self.common]
        if lead.campaign == 1:
            rules += [(limit, 1) for limit in self.own]
        number = lead.numbers[lead.number_at]
        for limit, campaign in rules:
            if lead.promise is not None and not limit.promised:
                continue
            mine = [a for a in self.attempts if a[3] == lead.id]
            to_number = [a for a in self.attempts if a[1] == number and campaign in (0, a[2])]
            both = {*mine, *to_number}
            since_ms = at_ms - limit.span_ms
            match limit.kind:
                case "max":
                    counted = mine if limit.scope == "lead" else to_number
                    too_many = sum(a[0] > since_ms for a in counted) >= limit.most
                case "min_gap":
                    too_many = any(a[0] > since_ms for a in both)
                case _:
                    too_many = any(a[4] > since_ms for a in both if a[4])
            if too_many:
                return False
        return True


limits = st.lists(
    st.builds(
        ContactLimit,
        st.sampled_from(["max", "min_gap", "pause_after_conversation"]),
        st.sampled_from([1, HOUR_MS, DAY_MS, 40 * DAY_MS]),
        st.integers(1, 4),
        st.sampled_from(["number", "lead"]),
        st.booleans(),
    ),
    max_size=3,
).map(tuple)
leads = st.integers(1, 4)
numbers = st.sampled_from([HOME, WORK, MOBILE])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("call"), leads, numbers, st.sampled_from([0, 0, 1, HOUR_MS])),
        st.tuples(st.just("wait"), st.sampled_from([1, HOUR_MS - 1, HOUR_MS, DAY_MS, 10 * DAY_MS])),
        st.tuples(st.sampled_from(["close", "reopen", "promise", "talked"]), leads),
        st.tuples(st.sampled_from(["drop", "turn"]), leads, numbers),
    ),
    max_size=40,
)


def take_step(book: Book, step: tuple[str | int, ...]) -> None:
    match step:
        case ("wait", int(ms)):
            book.now_ms += ms
        case ("reopen", int(lead)):
            if lead in book.closed:
                book.reopen(lead)
        case (str(what), int(lead), *more):
            row = book.leads.touched_row(lead)
            if row is not None and (not more or more[0] in row.numbers):
                _happen(book, row, what, *map(int, more))


def _happen(book: Book, row: Lead, what: str, number: int = 0, talked_after_ms: int = 0) -> None:
    match what:
        case "call":
            book.now_ms += 1
            book.call(row.id, number, talked_after_ms)
        case "close":
            book.close(row.id)
        case "promise":
            book.put(row, replace(row, promise=None if row.promise else PROMISE))
        case "talked":
            if row.calls:
                book.talked(row.id)
        case "drop":
            book.drop(row.id, number)
        case "turn":
            book.turn_to(row.id, number)


def filled(common: tuple[ContactLimit, ...], own: tuple[ContactLimit, ...]) -> Book:
    book = Book(common, own)
    book.open(1, HOME, WORK)
    book.open(2, HOME, MOBILE)
    book.open(3, WORK, HOME, MOBILE, campaign=2)
    book.open(4, MOBILE, campaign=2)
    return book


@settings(max_examples=300, deadline=None)
@given(limits, limits, steps)
def test_limits_are_those_of_a_plain_count(
    common: tuple[ContactLimit, ...], own: tuple[ContactLimit, ...], happened: list[tuple[str | int, ...]]
) -> None:  # R12.1, R12.2
    with pytest.MonkeyPatch.context() as patch:  # nothing is kept but what some rule may count
        patch.setattr(module, "KEPT_CALLS", 1)
        patch.setattr(module, "KEPT_MS", 0)
        book = filled(common, own)
        for step in happened:
            take_step(book, step)
            book.prune()
            assert dict(book.contacts.rows) == book.stored
            for row in book.open_rows():
                until_ms = book.contacts.until_ms(row, book.now_ms)
                assert until_ms == book.counted_until_ms(row)
                assert book.contacts.until_ms(row, until_ms or book.now_ms) == 0
                if until_ms:
                    assert book.contacts.until_ms(row, until_ms - 1) == until_ms


@settings(deadline=None)
@given(limits, steps)
def test_a_restart_counts_the_same(
    common: tuple[ContactLimit, ...], happened: list[tuple[str | int, ...]]
) -> None:  # R5.1
    book = filled(common, ())
    for step in happened:
        take_step(book, step)
    again = Contacts(book.leads, book.numbers, book.campaigns)
    for row in book.stored.values():
        again.restore(row)
    again.follow(common)
    assert again.active is bool(common)
    for lead in book.open_rows():
        assert again.until_ms(lead, book.now_ms) == book.contacts.until_ms(lead, book.now_ms)
        assert again.values(lead, book.now_ms) == book.contacts.values(lead, book.now_ms)


@settings(deadline=None)
@given(steps)
def test_closing_reopening_and_dropping_numbers_changes_no_count(
    happened: list[tuple[str | int, ...]],
) -> None:  # R12.1
    book = filled((ContactLimit("max", 400 * DAY_MS, 1),), ())
    for step in happened:
        take_step(book, step)
    for number in (HOME, WORK, MOBILE):
        callers = {attempt[3] for attempt in book.attempts if attempt[1] == number}
        having = {row.id for row in book.open_rows() if number in row.numbers}
        if book.contacts.concerns(number):
            assert callers
        else:  # of nobody, or of the lead alone that has it
            assert not callers or callers == having
    for row in book.open_rows():
        others = [attempt for attempt in book.attempts if attempt[1] == row.numbers[row.number_at]]
        words = f"{len(others)} of 1 in 400 days to the number, all campaigns"
        exempt = ", promised redials are exempt" if row.promise else ""
        assert book.contacts.values(row, book.now_ms) == [("max", words + exempt)]
    for lead in list(book.stored):
        assert book.contacts.erase(lead)
    for number in (HOME, WORK, MOBILE):
        having = [row for row in book.open_rows() if number in row.numbers]
        shared = len(having) > 1 and any(call.number == number for row in having for call in row.calls)
        assert book.contacts.concerns(number) is shared


def test_the_nth_last_attempt_and_the_span() -> None:  # R12.1
    book = Book((ATTEMPTS_A_DAY,))
    book.open(1, HOME)
    book.call(1)
    assert book.contacts.until_ms(book.row(1), book.now_ms) == 0
    book.now_ms += HOUR_MS
    book.call(1)
    assert book.contacts.until_ms(book.row(1), book.now_ms) == START_MS + DAY_MS
    book.now_ms += HOUR_MS
    book.call(1)  # a promised call, say: it counts all the same
    assert book.contacts.until_ms(book.row(1), book.now_ms) == START_MS + HOUR_MS + DAY_MS


def test_limits_of_a_campaign_count_its_own_attempts() -> None:  # R12.1
    book = Book((), (ATTEMPTS_A_DAY,))
    book.open(1, HOME)
    book.open(2, HOME, campaign=2)
    book.call(2)
    book.call(2)
    book.call(1)
    assert book.contacts.until_ms(book.row(1), book.now_ms) == 0
    assert book.contacts.until_ms(book.row(2), book.now_ms) == 0
    book.call(1)
    assert book.contacts.until_ms(book.row(1), book.now_ms) == START_MS + DAY_MS
    assert book.contacts.values(book.row(1), book.now_ms) == [("max", "2 of 2 in 1 day to the number, this campaign")]
    assert book.contacts.values(book.row(2), book.now_ms) == []


def test_what_was_counted_is_told_in_words() -> None:  # R14.2
    book = Book((ATTEMPTS_A_DAY, GAP, replace(PAUSE, promised=True)))
    book.open(1, HOME)
    assert book.contacts.values(book.row(1), book.now_ms) == [
        ("max", "0 of 2 in 1 day to the number, all campaigns"),
        ("min_gap", "no attempt, 4 h to be kept, all campaigns"),
        ("pause_after_conversation", "no conversation, 7 days to be kept, all campaigns"),
    ]
    book.call(1, talked_after_ms=HOUR_MS)
    book.now_ms += HOUR_MS // 2
    promised = replace(book.row(1), promise=PROMISE)
    assert book.contacts.values(promised, book.now_ms) == [
        ("max", "1 of 2 in 1 day to the number, all campaigns, promised redials are exempt"),
        ("min_gap", "1 h 30 min after the last attempt, 4 h to be kept, all campaigns, promised redials are exempt"),
        ("pause_after_conversation", "30 min after the last conversation, 7 days to be kept, all campaigns"),
    ]
    assert book.contacts.until_ms(promised, book.now_ms) == START_MS + HOUR_MS + 7 * DAY_MS


def test_a_new_rule_counts_what_was_before_it() -> None:  # R12.1
    book = Book()
    book.open(1, HOME)
    book.open(2, HOME)
    book.call(1, talked_after_ms=1)
    book.close(1)
    book.now_ms = START_MS + 30 * DAY_MS
    book.prune()
    assert book.contacts.until_ms(book.row(2), book.now_ms) == 0
    book.contacts.follow((ContactLimit("max", 30 * DAY_MS + 1, 1),))
    assert book.contacts.until_ms(book.row(2), book.now_ms) == START_MS + 30 * DAY_MS + 1


def test_what_no_rule_counts_goes() -> None:  # R12.1
    book = Book((ContactLimit("min_gap", HOUR_MS),))
    for lead in range(1, 10):
        book.open(lead, HOME, WORK)
        book.call(lead)
        book.close(lead)
        book.now_ms += HOUR_MS
    book.now_ms = START_MS + 30 * DAY_MS + HOUR_MS
    assert book.contacts.prune(book.now_ms - 1) == [1]
    assert book.contacts.prune(book.now_ms) == [2]
    assert book.contacts.prune(book.now_ms) == []
    assert sorted(book.contacts.rows) == [3, 4, 5, 6, 7, 8, 9]
    book.now_ms += 10 * HOUR_MS
    assert book.contacts.prune(book.now_ms) == [3, 4, 5, 6]
    assert book.contacts.prune(book.now_ms) == [7, 8, 9]
    assert not book.contacts.concerns(HOME)


def test_a_row_keeps_what_rules_may_count() -> None:  # R12.1
    book = Book((ContactLimit("max", 60 * DAY_MS, 60),))
    book.open(1, HOME, WORK)
    book.call(1, HOME, talked_after_ms=1)
    for _ in range(200):
        book.now_ms += 1
        book.call(1, HOME)
    for _ in range(20):
        book.call(1, WORK)
    calls = book.row(1).calls
    assert [call.number for call in calls] == [HOME] * 61 + [WORK] * 20
    assert [call.at_ms for call in calls if call.talked_ms] == [START_MS]
    book.now_ms += 60 * DAY_MS - 10
    book.call(1, WORK)
    assert [call.number for call in book.row(1).calls] == [HOME] * 10 + [WORK] * 21


def test_a_conversation_counts_from_its_end() -> None:  # R12.1
    book = Book((ContactLimit("pause_after_conversation", 40 * DAY_MS),))
    book.open(1, HOME)
    book.call(1, talked_after_ms=HOUR_MS)
    end_ms = START_MS + HOUR_MS + 40 * DAY_MS
    book.now_ms = end_ms - 1
    book.call(1)  # promised, say
    assert book.contacts.until_ms(book.row(1), book.now_ms) == end_ms
    assert len(book.row(1).calls) == 2
    book.now_ms += 1
    book.call(1)
    assert len(book.row(1).calls) == 2
    assert book.contacts.until_ms(book.row(1), book.now_ms) == 0


def test_the_row_of_an_open_lead_is_what_counts() -> None:  # R12.1
    book = Book((PAUSE,))
    book.open(1, HOME, WORK)
    book.open(2, HOME)
    book.call(1, HOME)
    book.drop(1, HOME)
    assert book.contacts.until_ms(book.row(2), book.now_ms) == 0
    book.talked(1)
    assert book.contacts.until_ms(book.row(2), book.now_ms) == START_MS + 7 * DAY_MS


def test_a_row_that_was_replaced_leaves_nothing_behind() -> None:  # R10.6
    book = Book((GAP,))
    book.open(1, HOME)
    for _ in range(2):
        book.call(1)
        book.close(1)
        assert list(book.contacts.rows.leads(HOME)) == [1]
        book.reopen(1)
    book.close(1)
    assert book.contacts.erase(1)
    assert not book.contacts.erase(1)
    assert list(book.contacts.rows.leads(HOME)) == []


def test_what_was_found_for_a_shared_number_is_found_anew_after_a_change() -> None:  # R12.1
    book = Book((GAP,))
    for lead in (1, 2, 3):
        book.open(lead, HOME)
    assert book.contacts.until_ms(book.row(2), book.now_ms) == 0
    book.call(1)
    assert book.contacts.until_ms(book.row(2), book.now_ms) == START_MS + 4 * HOUR_MS
    book.close(1)
    assert book.contacts.until_ms(book.row(2), book.now_ms) == START_MS + 4 * HOUR_MS
    book.contacts.erase(1)
    assert book.contacts.until_ms(book.row(2), book.now_ms) == 0


def test_an_erased_lead_is_not_counted() -> None:  # R10.6
    book = Book((ContactLimit("min_gap", DAY_MS),))
    book.open(1, HOME)
    book.open(2, HOME)
    book.call(1)
    book.close(1)
    assert book.contacts.until_ms(book.row(2), book.now_ms) == START_MS + DAY_MS
    book.open(3, WORK)
    book.call(3)
    book.close(3)
    assert book.contacts.until_ms(book.row(2), book.now_ms) == START_MS + DAY_MS
    assert book.contacts.erase(1)
    assert book.contacts.until_ms(book.row(2), book.now_ms) == 0
    assert not book.contacts.concerns(HOME)
