"""Pools as answers."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from msgspec import UNSET

from nextlead.core.engine import Engine
from nextlead.core.errors import NotFound
from nextlead.core.model import Pool
from nextlead.core.setup_model import Campaign
from nextlead.core.shuffling import Shuffle

from . import pool_shapes as shapes
from .lead_views import owner_view
from .public_status import merged
from .setup_views import duplicates_shape
from .table import Call
from .values import Moment, moment

SLICE: Final = 50
"""Pools whose counts are read between two turns of the loop."""


def need_pool(engine: Engine, pool: int) -> Pool:
    """Raises `NotFound`."""
    found = engine.pools.get(pool)
    if found is None:
        raise NotFound("pool", pool)
    return found


def pool_view(call: Call, engine: Engine, pool: Pool) -> shapes.PoolView:
    """A pool with its counts as they are now."""
    campaign = engine.campaigns.by_no[pool.campaign]
    now_ms = call.services.dialer.now_ms()
    now = engine.pool_counts(pool.id, now_ms)
    closed = sum(now.closed.values())
    progress = call.services.intake.progress(pool.id) if pool.state == "loading" else None
    return shapes.PoolView(
        id=pool.id,
        name=pool.name,
        campaign=campaign.code,
        campaign_name=campaign.name,
        campaign_id=campaign.no,
        project=engine.projects.by_no[campaign.project].code,
        description=pool.description,
        state=pool.state,
        active=is_active(pool, now_ms),
        source=pool.source,
        file_name=pool.file_name,
        owner=owner_view(engine, pool.owner),
        priority=pool.priority or None,
        counts=shapes.PoolCountsView(
            pool.valid,
            pool.invalid,
            pool.duplicate,
            now.ready,
            now.open,
            now.leased,
            now.closed,
            _public(engine, campaign, pool.id),
        ),
        percent_closed=percent(closed, closed + now.open),
        percent_used=percent(now.used, closed + now.open),
        deleted=pool.deleted,
        duplicates=duplicates_shape(pool.duplicates),
        on_invalid=pool.on_invalid,
        unmatched=pool.unmatched,
        error=pool.error,
        active_from=moment(pool.active_from_ms),
        active_until=moment(pool.active_until_ms),
        uploaded_by=pool.uploaded_by,
        created=Moment(pool.created_ms),
        modified=Moment(pool.modified_ms),
        loaded=moment(pool.loaded_ms or None),
        expired=moment(pool.expired_ms or None),
        shuffle_seed=pool.shuffle_seed if pool.shuffled_to else None,
        original=shapes.OriginalView(pool.file_name, pool.file_bytes, pool.file_erased) if pool.file else None,
        work=_work(engine, pool.id),
        progress=shapes.ProgressView(progress.rows, progress.done_bytes, progress.total_bytes) if progress else UNSET,
    )


def _public(engine: Engine, campaign: Campaign, pool: int) -> tuple[shapes.PublicCount, ...]:
    counts = {condition: count for (_, condition), count in engine.conditions(pool=pool).items()}
    shown = merged(engine, campaign, counts).items()
    return tuple(shapes.PublicCount(each.status, each.reason, each.label, count) for each, count in shown)


def _work(engine: Engine, pool: int) -> tuple[str, ...]:
    state = engine.state
    kinds = [job.kind for job in state.jobs.values() if job.pool == pool]
    shuffled = any(type(task) is Shuffle and task.pool == pool for task in state.tasks)
    return (*kinds, "shuffle") if shuffled else tuple(kinds)


def percent(some: int, all_of_them: int) -> float:
    """With one digit behind the point; 0 of nothing."""
    return round(100 * some / all_of_them, 1) if all_of_them else 0.0


def is_active(pool: Pool, now_ms: int) -> bool:
    """Whether leads of it may be offered: switched on, within its dates, not expired."""
    since_ms, until_ms = pool.active_from_ms or 0, pool.active_until_ms
    within = since_ms <= now_ms and (until_ms is None or now_ms < until_ms)
    return pool.state == "active" and within and not pool.expired_ms


async def show(call: Call, pool: int) -> shapes.PoolView:
    """The pool as it is now."""
    return await call.services.dialer.read(lambda engine: pool_view(call, engine, need_pool(engine, pool)))


async def show_all(call: Call, pools: Sequence[int]) -> list[shapes.PoolView]:
    """Pools one slice after the other; one that went meanwhile is left out."""
    found: list[shapes.PoolView] = []
    for start in range(0, len(pools), SLICE):
        some = pools[start : start + SLICE]
        found += await call.services.dialer.read(partial(_views, call, some))
    return found


def _views(call: Call, pools: Sequence[int], engine: Engine) -> list[shapes.PoolView]:
    return [pool_view(call, engine, engine.pools[pool]) for pool in pools if pool in engine.pools]
