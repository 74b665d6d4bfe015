"""Match keys of the memory store: which leads are the same by a duplicate rule (`Archive.match_rule`)."""

import msgspec

from nextlead.core.matching import keys_of, parts_of


class MemoryKeys:
    """Keys by rule and leads by key, both ways."""

    def __init__(self) -> None:
        self._rules: dict[str, dict[bytes, dict[int, None]]] = {}
        self._mine: dict[int, list[tuple[str, bytes]]] = {}

    def add_rule(self, rule: str) -> bool:
        """Whether it is a new one, so that every lead is to be `put`."""
        name = plain(rule)
        if name in self._rules:
            return False
        self._rules[name] = {}
        return True

    def put(self, lead: int, numbers: tuple[int, ...], data: bytes) -> None:
        """The lead's data are these now; O(rules)."""
        self.drop(lead)
        if not self._rules:
            return
        fields = msgspec.json.decode(data, type=dict[str, object])
        self._mine[lead] = [(rule, key) for rule in self._rules for key in keys_of(rule, numbers, fields)]
        for rule, key in self._mine[lead]:
            self._rules[rule].setdefault(key, {})[lead] = None

    def drop(self, lead: int) -> None:
        """The lead matches nothing any more."""
        for rule, key in self._mine.pop(lead, ()):
            self._rules[rule][key].pop(lead, None)

    def leads(self, rule: str, key: bytes) -> list[int]:
        """Who matches, by id."""
        return sorted(self._rules[plain(rule)].get(key, ()))


def plain(rule: str) -> str:
    """One spelling for all of a rule's."""
    return "+".join(parts_of(rule))
