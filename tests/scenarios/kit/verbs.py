"""The table of verbs. A verb is a pattern over a whole step, and a function that does it.

The function gets the world, the match, and the step; it answers what came, as facts to hold against the step's
expectation, or None when there is nothing to say. What it refuses is up to nextlead: `Refused` passes through.
"""

import re
from collections.abc import Callable
from typing import Final

from .facts import LEAD, OFFER, Facts, Patterns
from .language import Step
from .world import World


class Came:
    """What an answer was: its facts, and the patterns to read an expectation about it with."""

    def __init__(self, facts: Facts, patterns: Patterns, *, then: "Came | None" = None, must: bool = False) -> None:
        self.facts = facts
        self.patterns = patterns
        self.then = then
        self.must = must


Doing = Callable[[World, re.Match[str], Step], Came | None]
VERBS: Final[list[tuple[re.Pattern[str], Doing]]] = []


def verb(pattern: str) -> Callable[[Doing], Doing]:
    """Make a function the verb for steps that match the whole pattern; spaces in it stand for any white space."""

    def register(doing: Doing) -> Doing:
        VERBS.append((re.compile(pattern.replace(" ", r"\s+")), doing))
        return doing

    return register


def offer_came(facts: Facts) -> Came:
    return Came(facts, OFFER, must=True)


def lead_came(facts: Facts, then: Came | None = None) -> Came:
    return Came(facts, LEAD, then=then)
