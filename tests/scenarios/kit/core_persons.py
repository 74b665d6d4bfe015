"""Which leads are one person (SPEC R10.6), over the engine alone: what the privacy service finds in its archive."""

from .record import Record, RecordedLead


def person(record: Record, lead: int, number: int) -> tuple[list[int], list[int]]:
    """The leads, and the numbers to forget, of the person that a lead is, or that has a number."""
    known = {one.id: one for one in record.all_leads()}
    named = {lead} if lead else {one.id for one in known.values() if number in one.numbers}
    family = _family(known, named)
    numbers = {each for one in family for each in known[one].numbers} | ({number} if number else set())
    users = {one.id for one in known.values() if not numbers.isdisjoint(one.numbers)}
    return sorted(_family(known, family | users)), sorted(numbers)


def _family(known: dict[int, RecordedLead], leads: set[int]) -> set[int]:
    """With all their masters and clones."""
    while True:
        masters = {known[one].master for one in leads if known[one].master in known}
        clones = {one for one in known if known[one].master in leads}
        if masters | clones <= leads:
            return leads
        leads = leads | masters | clones
