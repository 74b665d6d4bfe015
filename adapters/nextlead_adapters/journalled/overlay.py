"""What is durable in the journal and not yet in the tables.

Rows come in with each commit, merged by key; those of leads are packed. When there are many of them `turn` sets them
aside as one layer, which is folded into the tables slice by slice while a new layer takes what comes. Whoever reads
looks here first; a layer is dropped only when all of it is in the tables, so what is found here is never older than
what is there.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct, field

from nextlead.core.model import Lead
from nextlead.core.row import Row

from .codec import RowKey
from .packed import unpack_lead


class Layer(Struct):
    """Changed rows of the commits up to `up_to`; a row of None is gone."""

    up_to: int = 0
    leads: dict[int, bytes] = field(default_factory=dict)
    rows: dict[RowKey, Row | None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.leads) + len(self.rows)


NOTHING: Final = object()


class Overlay:
    """A layer that grows, and one that is being folded."""

    def __init__(self, folded_to: int = 0) -> None:
        self.folded_to = folded_to
        self._young = Layer(folded_to)
        self._old = Layer(folded_to)

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    @property
    def behind(self) -> int:
        """How many commits a restart would read from the journal."""
        return self._young.up_to - self.folded_to

    def take(self, no: int, leads: Mapping[int, bytes], rows: Mapping[RowKey, Row | None], gone: Iterable[int]) -> None:
        """The next commit is durable. Leads that are gone are gone from the tables already."""
        young = self._young
        young.up_to = no
        young.leads.update(leads)
        young.rows.update(rows)
        for id_ in gone:
            for layer in (young, self._old):
                layer.leads.pop(id_, None)
                layer.rows.pop(("lead_data", id_), None)

    def lead(self, lead: int) -> Lead | None:
        """The newest row, or None when the tables have it."""
        packed = self._young.leads.get(lead) or self._old.leads.get(lead)
        return None if packed is None else unpack_lead(packed)

    def has(self, lead: int) -> bool:
        """Whether the tables have an old row of it, or none. O(1)."""
        return lead in self._young.leads or lead in self._old.leads

    def leads(self) -> dict[int, bytes]:
        """All of them packed, a copy."""
        return self._old.leads | self._young.leads

    def row(self, key: RowKey) -> object:
        """The newest row, None when it is gone, or `NOTHING` when the tables have it."""
        return self._young.rows.get(key, self._old.rows.get(key, NOTHING))

    def rows(self) -> dict[RowKey, Row | None]:
        """All of them, a copy."""
        return self._old.rows | self._young.rows

    def turn(self) -> Layer:
        """The layer to fold: the one that was not finished, or else what has come in."""
        if not self._old.up_to > self.folded_to:
            self._old, self._young = self._young, Layer(self._young.up_to)
        return self._old

    def folded(self) -> None:
        """All of the layer that `turn` gave is in the tables."""
        self.folded_to = self._old.up_to
        self._old = Layer(self.folded_to)
