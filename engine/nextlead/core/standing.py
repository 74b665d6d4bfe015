"""How many leads of the queues are kept back by what, whoever asks (SPEC R14.3).

Rules of this file:

1. Each part is counted by itself, and what was counted stays with it (`Part.kept`) until one of its leads comes or
   goes, a gate before it turns, or the next of its leads is due. Who looks again counts those few parts anew.
2. Counts of queues and of campaigns are sums of what parts keep, and are corrected by the difference.
3. Everything is counted for one moment. Who looks at an earlier one than was looked at last counts all anew.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from .order import ID_BITS, NEVER, due_of, lead_of, limit
from .places import Bar
from .queues import HELD, LIMITED, UNSHOWN, Family, First, Part, Queue
from .state import State
from .stock import KEYS as NUMBER_OF_KEYS
from .stock import Kept, Stock

READY: Final = "ready"
SLICE: Final = 1_000
"""Parts that are counted in one or two milliseconds."""

KEYS: Final = {
    "pool": "inactive_pool",
    "status": "pending_validation",
    "unresolved": "unresolved",
    "leased": "leased",
    "number_leased": "number_leased",
    "due": "not_due",
    "calling_hours": "calling_hours",
    "contact_limit": "contact_limit",
}
"""Rules that do not depend on the agent, and what a lead is counted under that one of them keeps back."""

NAMES: Final = (READY, *KEYS.values())
_READY: Final = 0
_POOL, _NUMBER, _DUE, _HOURS, _LIMIT = (
    NAMES.index(KEYS[rule]) for rule in ("pool", "number_leased", "due", "calling_hours", "contact_limit")
)
_NOTHING: Final[Kept] = (0, 0, 0, NEVER)
assert len(NAMES) == NUMBER_OF_KEYS


def named(counts: list[int] | None) -> dict[str, int]:
    """Counts by name, without zeros; None for a queue of which nothing was counted yet."""
    if counts is None:
        return {}
    return {name: count for name, count in zip(NAMES, counts, strict=True) if count}


def counts_of(state: State, queue: Queue, now_ms: int) -> Mapping[str, int]:
    """Leads of a queue by what keeps them back, `READY` those that nothing does. For the cost see `settle`.

    What has left with its pool is not counted, but for masters.
    """
    settle(state, queue.campaign, now_ms)
    return named(queue.counts)


def of_family(state: State, campaign: int, family: Family, now_ms: int) -> Mapping[str, int]:
    """The same of all queues of a campaign and family."""
    settle(state, campaign, now_ms)
    stock = state.stocks.get(campaign)
    return {} if stock is None else named(stock.by_family.get(family))


def firsts_of(state: State, queue: Queue, now_ms: int) -> tuple[First, ...]:
    """When the first leads of a queue's parts are due, by the gates before them. O(1), O(parts) after a change."""
    settle(state, queue.campaign, now_ms)
    if queue.firsts is None:
        queue.firsts = _firsts(state, queue)
    return queue.firsts


def settle(state: State, campaign: int, now_ms: int) -> None:
    """Make counts of a campaign's queues those of this moment.

    O(queues), once for each moment, O(parts) of queues in which a lead became due, and O(log n) for each part in which
    something happened; O(parts) for a moment before the last one.
    """
    stock = state.stocks.get(campaign)
    if stock is None:
        return
    if now_ms != stock.settled_ms:
        _set_time(stock, now_ms)
    if stock.unsure:
        stock.changed.update(stock.unsure)
        stock.unsure.clear()
    if stock.changed:
        _settle_parts(state, stock, len(stock.changed))


def settle_ahead(state: State, now_ms: int) -> Iterator[None]:
    """Do most of what `settle` will have to do for all campaigns, `SLICE` parts between two of what it gives.

    For who has others to serve: after a gate has turned, all that it bears on is counted anew. What happens meanwhile
    is left for `settle`.
    """
    done = 0
    for stock in list(state.stocks.values()):
        if now_ms > stock.settled_ms:
            _set_time(stock, now_ms)
        left = len(stock.changed)
        while left > 0 and stock.changed:  # somebody else may be quicker
            some = min(left, SLICE - done)
            _settle_parts(state, stock, some)
            left, done = left - some, done + some
            if done >= SLICE:
                done = 0
                yield
        if state.tasks or not any(counts[_READY] for counts in stock.by_family.values()):  # `openings.py` will be asked
            for queue in [queue for queue in stock.queues if queue.firsts is None]:
                queue.firsts = _firsts(state, queue)
                done += len(queue.parts)
                if done >= SLICE:
                    done = 0
                    yield


def problems(state: State) -> Iterator[str]:
    """Counts that are kept and are not what counting anew says, in words. O(parts * log n)."""
    for no, stock in state.stocks.items():
        below, by_family = limit(stock.settled_ms), {queue.family: [0] * len(NAMES) for queue in stock.queues}
        queues = [queue for key, queue in state.queues.items() if key[0] == no]
        if stock.queues != queues:
            yield f"campaign {no}: not all of its queues are counted"
        gone = [part for part in stock.changed if not part.keys]
        for queue in queues:
            counts = [0] * len(NAMES)
            for part in (*queue.parts.values(), *(part for part in gone if part.queue is queue)):
                if part.kept is not None:
                    counts[part.kept[0]] += part.kept[1]
                    counts[_DUE] += part.kept[2]
                if part not in stock.changed and part not in stock.unsure:
                    found = count(state, part, below)
                    if part.kept != found:
                        yield f"campaign {no}: part {part.key} is counted as {part.kept}, should be {found}"
                    if found[3] < queue.counts_until_ms:
                        yield f"campaign {no}: nobody will see that a lead of part {part.key} is due"
            if (queue.counts or [0] * len(NAMES)) != counts:
                yield f"queue {no}/{queue.owner}/{queue.family.name}: has {queue.counts}, should have {counts}"
            if queue.firsts is not None and not stock.changed and queue.firsts != _firsts(state, queue):
                yield f"queue {no}/{queue.owner}/{queue.family.name}: its first leads are others"
            totals = by_family[queue.family]
            for at, found_here in enumerate(counts):
                totals[at] += found_here
        if stock.by_family != by_family:
            yield f"campaign {no}: its leads are counted as {stock.by_family}, should be {by_family}"


def _set_time(stock: Stock, now_ms: int) -> None:
    """Note the parts whose counts do not hold at this moment."""
    back, changed = now_ms < stock.settled_ms, stock.changed
    stock.settled_ms = now_ms
    for queue in stock.queues:
        if back:
            changed.update(dict.fromkeys(queue.parts.values()))
        elif queue.counts_until_ms <= now_ms:
            until_ms = NEVER
            for part in queue.parts.values():
                kept = part.kept
                if kept is not None:
                    if kept[3] <= now_ms:
                        changed[part] = None
                    elif kept[3] < until_ms:
                        until_ms = kept[3]
            queue.counts_until_ms = until_ms


def _settle_parts(state: State, stock: Stock, most: int) -> None:
    """Count so many of the parts anew that have changed, and correct the sums."""
    changed, below = stock.changed, limit(stock.settled_ms)
    for _ in range(min(most, len(changed))):
        part, _ = changed.popitem()
        queue, before = part.queue, part.kept
        queue.firsts = None
        kept = part.kept = None if part.head is NEVER else count(state, part, below)
        if kept is not None:
            if kept[3] < queue.counts_until_ms:
                queue.counts_until_ms = kept[3]
            if state.shut and _hangs_on_clones(state, part):
                stock.unsure[part] = None
        if kept == before:
            continue
        ours, all_of_family = queue.counts, stock.by_family[queue.family]
        if ours is None:
            ours = queue.counts = [0] * NUMBER_OF_KEYS
        if before is not None:
            key, found, later, _until_ms = before
            ours[key] -= found
            ours[_DUE] -= later
            all_of_family[key] -= found
            all_of_family[_DUE] -= later
        if kept is not None:
            key, found, later, _until_ms = kept
            ours[key] += found
            ours[_DUE] += later
            all_of_family[key] += found
            all_of_family[_DUE] += later


def _hangs_on_clones(state: State, part: Part) -> bool:
    """Whether its pool is being deleted: clones go meanwhile, and leads are masters no more."""
    return part.key[3] == UNSHOWN and bool(state.shut.get(part.key[0], 0) & Bar.UNSHOWN)


def count(state: State, part: Part, below: int) -> Kept:
    """What is counted of a part, leads below the limit as due. O(log n); O(n) of a pool that is being deleted."""
    pool, zones, _source, variant, promised, apart = part.key
    bars = state.shut.get(pool, 0) if state.shut else 0
    if bars and bars & (Bar.PROMISED if promised else Bar.ORDINARY):
        return _NOTHING
    if bars and bars & Bar.UNSHOWN and variant == UNSHOWN:  # masters stay, and wait for the end of that
        return _POOL, sum(state.has_clones(lead_of(key)) for key in part.keys) if state.clones else 0, 0, NEVER
    leads = len(part.keys)
    if not promised and pool not in state.open_pools:
        return _POOL, leads, 0, NEVER
    if apart == HELD:
        return _NUMBER, leads, 0, NEVER
    if part.head >= below:
        return _DUE, 0, leads, due_of(part.head)
    due = 1 if leads == 1 else part.keys.bisect_left(below - part.base)
    is_open = state.gates[part.queue.campaign, zones].span.open
    key = _HOURS if not is_open else _LIMIT if apart == LIMITED else _READY
    return key, due, leads - due, NEVER if due == leads else due_of(part.base + part.keys[due])


def first_ms(part: Part) -> int:
    """When the first lead of a part is due, or a contact limit lets the first of it go. O(1)."""
    return due_of(part.head) if part.ends is None else part.ends[0] >> ID_BITS


def _firsts(state: State, queue: Queue) -> tuple[First, ...]:
    firsts: dict[tuple[int, int], int] = {}
    for part in queue.parts.values():
        key = part.key
        if key[5] != HELD:
            place = key[1], 0 if state.pool_lets_in(key) else key[0]
            ms = first_ms(part)
            if ms < firsts.get(place, NEVER):
                firsts[place] = ms
    return tuple((*place, ms) for place, ms in firsts.items())
