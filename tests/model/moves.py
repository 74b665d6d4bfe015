"""Random values for the machine: settings, times near the edges, leads and tokens that are worth trying."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from hypothesis import strategies as st
from model.almanac import ZONES
from model.driver import START_MS, Both
from msgspec import json

from nextlead.core import commands as c
from nextlead.core.model import CAUSES
from nextlead.core.setup_model import (
    DEFAULT_RESULTS,
    DEFAULT_RETRY,
    CallingHours,
    Dialer,
    Duplicates,
    Template,
    TemplateResult,
)
from nextlead.core.tokens import token_text
from nextlead.testing.reference import hours, timers

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

AGENTS = ("ann", "bob", "cyd")
TEAMS = ("root", "north", "south")
CAMPAIGNS = ("c1", "c2", "c3")
PHONES = tuple(14155550100 + n for n in range(20))
KINDS = ("common", "private", "vip")
RESULTS = ("success", "not_interested", "sold", "sold", "stop", "last", "last", "nonsense")
TEMPLATE = Template(
    results=(
        *DEFAULT_RESULTS,
        TemplateResult("sold", "Sold", "success", validation=True),
        TemplateResult("stop", "Stop calling", "negative", do_not_call=True),
        TemplateResult("last", "Sold, and never again", "success", validation=True, do_not_call=True),
    )
)
SHORT_RETRY = DEFAULT_RETRY | {"no_answer": (MINUTE, 10 * MINUTE), "invalid_number": (MINUTE,)}

Draw = Callable[[st.SearchStrategy[Any]], Any]

agents = st.sampled_from(AGENTS)
campaigns = st.sampled_from(CAMPAIGNS)
campaign_sets = st.lists(campaigns, unique=True, max_size=3).map(tuple)
kinds = st.sampled_from(KINDS)
causes = st.sampled_from(CAUSES)
priorities = st.sampled_from((0, 0, 0, 1, 5, 9))

dialer_fields = st.fixed_dictionaries(
    {},
    optional={
        "priority": st.sampled_from((0, 3, 7)),
        "reserve_owner_ms": st.sampled_from((0, 10 * MINUTE, HOUR)),
        "redials_per_slot": st.sampled_from((None, 1, 2)),
        "dial_promised_when_inactive": st.booleans(),
        "cancel_pause_ms": st.sampled_from((0, 2 * MINUTE)),
        "lease_timeout_ms": st.sampled_from((HOUR, 4 * MINUTE)),
        "lease_max_ms": st.sampled_from((4 * HOUR, 90 * MINUTE)),
        "max_attempts": st.sampled_from((None, 1, 2, 3)),
        "overdue_after_ms": st.sampled_from((0, 5 * MINUTE)),
        "release_private_ms": st.sampled_from((None, 0, 10 * MINUTE)),
        "release_vip_ms": st.sampled_from((None, -1, HOUR)),
        "retry": st.just(SHORT_RETRY),
        "new_every": st.sampled_from((None, 1, 2, 3)),
        "weight": st.sampled_from((None, 0.5, 1.0, 3.0)),
        "max_unresolved": st.sampled_from((None, 1, 2)),
        "rotate_numbers": st.booleans(),
    },
)

QUICK = dict.fromkeys(CAUSES, (MINUTE,))
PROFILES: tuple[dict[str, Any], ...] = (
    {},
    {"retry": QUICK, "new_every": 2},
    {"retry": QUICK, "new_every": 3, "weight": 2.0},
    {"retry": QUICK, "weight": 3.0, "rotate_numbers": False},
    {"reserve_owner_ms": 10 * MINUTE, "release_private_ms": 10 * MINUTE},
    {"redials_per_slot": 1, "max_unresolved": 1},
    {"release_private_ms": 0, "release_vip_ms": 10 * MINUTE, "dial_promised_when_inactive": False},
    {"expire_after_ms": 30 * MINUTE, "retry": QUICK},
    {"expire_after_ms": DAY, "expire_promised": True},
)
"""Settings that show something together."""

dialers = st.builds(lambda profile, given: Dialer(**(profile | given)), st.sampled_from(PROFILES), dialer_fields)

data = st.fixed_dictionaries(
    {},
    optional={"name": st.sampled_from(("Ann", " ann", "Bo", "", None)), "zip": st.sampled_from((1, 2, "1"))},
).map(json.encode)
row = st.tuples(
    st.lists(st.sampled_from(PHONES), min_size=1, max_size=3, unique=True).map(tuple),
    priorities,
    st.sampled_from(
        (None, None, None, "agent:ann", "agent:bob", "team:north", "team:south", "team:root", "agent:nobody")
    ),
    data,
    st.sampled_from(("", "", "", "", *ZONES)),
)
rows = st.lists(row, min_size=1, max_size=8)
reject = st.tuples(
    st.lists(st.sampled_from(PHONES), max_size=2, unique=True).map(tuple),
    data,
    st.sampled_from(
        (
            ("not_accepted", "countries"),
            ("not_accepted", "fields.a/b.prohibited"),
            ("not_accepted", ""),
            ("invalid_phone_number", ""),
        )
    ),
)
rejects = st.one_of(st.just([]), st.just([]), st.lists(reject, max_size=2))
duplicates = st.builds(
    Duplicates,
    match=st.sampled_from((("phone",), ("phone",), ("name",), ("phone", "name"), ("phone+name",), ("name+zip",), ())),
    scope=st.sampled_from(("file", "pool", "campaign", "campaign", "project", "organisation")),
    among=st.sampled_from(("open", "all")),
    action=st.sampled_from(("load", "skip", "update", "update", "replace", "clone", "clone", "close")),
)


def mostly(draw: Draw) -> bool:
    """Nine times out of ten."""
    return bool(draw(st.sampled_from((*[True] * 9, False))))


def sometimes(draw: Draw) -> bool:
    """One time out of four."""
    return bool(draw(st.sampled_from((False, False, False, True))))


def some(draw: Draw, **values: st.SearchStrategy[Any]) -> dict[str, Any]:
    """Some of the fields."""
    names = draw(st.sets(st.sampled_from(sorted(values)), min_size=1, max_size=3))
    return {name: draw(values[name]) for name in sorted(names)}


# -- times ----------------------------------------------------------------------------------------------------------

STARTS = (
    *(START_MS,) * 4,
    1_772_951_400_000,  # 2026-03-08 06:30 UTC: at 07:00 it is summer in New York
    1_774_744_200_000,  # 2026-03-29 00:30 UTC: at 01:00 it is in London
    1_775_313_000_000,  # 2026-04-04 14:30 UTC: at 15:00 it is half an hour earlier on Lord Howe Island
    1_793_509_200_000,  # 2026-11-01 05:00 UTC: at 06:00 it is winter in New York
)
SPANS = (1, 1000, MINUTE, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, HOUR, 3 * HOUR, DAY, 8 * DAY)


def edges(both: Both) -> list[int]:
    """Moments to come at which a rule turns over, earliest first."""
    world = both.model.world
    at = set(timers.moments(world)) | {timer.at_ms for timer in timers.timers(world)}
    for lead in world.leads.values():
        if lead.open and lead.due_ms is not None:
            at.add(lead.due_ms + world.dialer_of(lead).overdue_after_ms + 1)
    at |= {turn for kept in clocks(both) for turn in islice(hours.turns(*kept, both.now_ms + 1), 6)}
    return sorted(each for each in at if each > both.now_ms)


def clocks(both: Both) -> set[tuple[CallingHours, tuple[str, ...]]]:
    """Hours and zones of open leads."""
    world = both.model.world
    leads = [(world.dialer_of(lead).calling_hours, lead) for lead in both.model.open_leads()]
    return {(kept, hours.counting(world, lead, kept)) for kept, lead in leads if kept is not None}


def later(draw: Draw, both: Both) -> int:
    """A time not before now: an edge, one millisecond beside it, or some span away."""
    near = edges(both)
    if near and not sometimes(draw):
        edge = near[min(draw(st.sampled_from((0, 0, 1, 2, 3))), len(near) - 1)]
        return max(both.now_ms, edge + draw(st.sampled_from((0, 0, -1, 1))))
    return both.now_ms + int(draw(st.sampled_from(SPANS)))


def promised_at(draw: Draw, both: Both) -> int:
    """A time to promise: mostly soon, near another promise at times, now and then one that is refused."""
    promised = sorted({lead.promise.at_ms for lead in both.model.open_leads() if lead.promise})
    if promised and sometimes(draw):
        return draw(st.sampled_from(promised)) + draw(st.sampled_from((0, 10 * MINUTE, -10 * MINUTE, 10 * MINUTE + 1)))
    if mostly(draw):
        return both.now_ms + int(
            draw(st.sampled_from((1, MINUTE, MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR, DAY, 180 * DAY)))
        )
    return both.now_ms + int(draw(st.sampled_from((0, -1, 180 * DAY + 1))))


# -- leads, leases, pools -------------------------------------------------------------------------------------------


def some_lead(draw: Draw, both: Both, *, wanted: Callable[[Any], bool] = lambda _: True) -> int:
    """A lead of the wanted sort if there is one; any lead now and then, or one that never was."""
    world = both.model.world
    fitting = [lead.id for lead in world.leads.values() if wanted(lead)]
    if fitting and mostly(draw):
        return draw(st.sampled_from(fitting))
    return draw(st.integers(1, world.next_lead))


def some_token(draw: Draw, both: Both) -> tuple[str, str]:
    """The text of a token and its agent: of a lease that is out, mostly; else an old or unknown one."""
    leads = both.model.world.leads.values()
    out = [(token_text(lead.id, lead.lease.token), lead.lease.agent) for lead in leads if lead.lease]
    if out and mostly(draw):
        return draw(st.sampled_from(out))
    old = [(token_text(lead.id, token), "ann") for lead in leads for token in lead.tokens]
    return draw(st.sampled_from([*old, ("1-" + "f" * 32, "ann"), ("nothing", "ann")]))


def some_pool(draw: Draw, both: Both) -> int:
    return draw(st.integers(1, max(1, both.model.world.next_pool - 1)))


def redial_edit(draw: Draw, both: Both) -> c.RedialEdit:
    kind = draw(kinds)
    agent = None if kind == "common" else draw(agents)
    return c.RedialEdit(kind=kind, at_ms=promised_at(draw, both), agent=agent, force=draw(st.booleans()))
