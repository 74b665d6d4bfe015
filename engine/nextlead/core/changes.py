"""What a command did: facts to make durable, and who is to be told.

The engine has already taken the changes in when it returns them. The runtime must write them, in the order they came,
and give no reply of this command, nor of any later one, before they are durable (docs/architecture.md, durability).
"""

from msgspec import Struct, field

from .model import Event, FilePart, FreshLead, Lead, Reject
from .row import Row


class Changes(Struct):
    """Rows and history of one or more commands; merged by key, the last one wins.

    `leads` are touched leads by id. `rows` are all other rows by (table, key), None for a row that is gone. `fresh` are
    new leads, `gone` ids of leads that were deleted; `parts` are pieces of kept files. A lead may be fresh and have a
    row at once: it came in closed, and may have no number then.
    """

    leads: dict[int, Lead] = field(default_factory=dict)
    rows: dict[tuple[str, int | str], Row | None] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    fresh: list[FreshLead] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    parts: list[FilePart] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.leads or self.rows or self.events or self.fresh or self.rejects or self.gone or self.parts)

    def merge(self, later: "Changes") -> None:
        """Take in what came after; O(size of `later`)."""
        self.leads.update(later.leads)
        self.events += later.events
        if later.rows:
            self.rows.update(later.rows)
        if later.fresh or later.rejects or later.gone or later.parts:
            self.fresh += later.fresh
            self.rejects += later.rejects
            self.gone += later.gone
            self.parts += later.parts


TABLES = (
    "sequences",
    "settings",
    "team",
    "agent",
    "project",
    "campaign",
    "tally",
    "pool",
    "closures",
    "blocked",
    "token",
    "lead_data",
    "answer",
    "global_blocked",
    "forgotten",
    "clones",
    "file",
    "job",
    "erasure",
    "zone_set",
    "contacted",
    "filter",
)
"""Tables of `Changes.rows`. Keys: 0 for sequences and settings, `no` for team, agent, project, campaign (tally: the
campaign's), `id` for pool (closures: the pool's) and token, the number for blocked, the lead's id for lead_data, the
key text for answer, the number for global_blocked, the digest for forgotten, the master's id for clones, `id` for file,
job, erasure and zone_set, the lead's id for contacted, the name for filter. A pool that is gone takes its rejects with
it, a file its parts."""
