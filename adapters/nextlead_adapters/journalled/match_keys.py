"""Match keys: which leads are the same by a duplicate rule (`Archive.match_rule`).

1. A rule that was ever asked for has a number and is kept up with every commit from then on, in the commit's own
   transaction. What was there before is filled in by slices, each under the right to write, so none is older than
   what a commit wrote.
2. Keys are made of all numbers that a lead has or lost, and of its data as they are now.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from nextlead.core.matching import keys_of, parts_of
from nextlead.core.model import FreshLead, Lead

_fields: Final = msgspec.json.Decoder(dict[str, object]).decode


class Rule(Struct):
    """A duplicate rule that is kept up: its number, the lead up to which it is filled, whether that is all."""

    no: int
    filled_to: int = 0
    ready: bool = False


def plain(rule: str) -> str:
    """One spelling for all of a rule's."""
    return "+".join(parts_of(rule))


def keys_of_leads(name: str, leads: Iterable[Lead], data: Mapping[int, bytes]) -> list[tuple[bytes, int]]:
    """(key, lead) of leads by a rule; none of erased ones."""
    return sorted((key, lead.id) for lead in leads for key in keys_of_lead(name, lead, data.get(lead.id, b"{}")))


def keys_of_lead(name: str, lead: Lead | FreshLead, data: bytes) -> Iterator[bytes]:
    """The keys of one lead with these data by a rule; none of an erased one."""
    if isinstance(lead, Lead) and lead.erased:
        return
    numbers = (*lead.numbers, *lead.dropped) if isinstance(lead, Lead) else lead.numbers
    yield from keys_of(name, numbers, _fields(data))
