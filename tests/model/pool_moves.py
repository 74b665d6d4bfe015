"""What admins do to pools."""

from typing import Any

from hypothesis import strategies as st
from model import moves
from model.moves import HOUR, MINUTE, Draw, some, some_pool, sometimes
from model.shop import Shop

from nextlead.core import commands as c


def load_pool(shop: Shop, draw: Draw) -> None:
    options: dict[str, Any] = {"source": draw(st.sampled_from(("file", "api"))), "priority": draw(moves.priorities)}
    options["owner"] = draw(st.sampled_from((None, "team:north", "agent:ann")))
    options |= {"duplicates": draw(moves.duplicates), "on_invalid": draw(st.sampled_from(("file", "close")))}
    if sometimes(draw):
        options["active_from_ms"] = shop.both.now_ms + draw(st.sampled_from((-HOUR, MINUTE, HOUR)))
    if sometimes(draw):
        options["active_until_ms"] = shop.both.now_ms + draw(st.sampled_from((MINUTE, 2 * HOUR, -MINUTE)))
    shop.load(draw, draw(moves.campaigns), **options)


def hold_pool(shop: Shop, draw: Draw) -> None:
    """R9.3: a pool that waits for confirmation, is confirmed or rejected, or fails."""
    pool = shop.world.next_pool
    duplicates, on_invalid = draw(moves.duplicates), draw(st.sampled_from(("file", "close")))
    shop.do(c.OpenPool(campaign="c1", duplicates=duplicates, on_invalid=on_invalid, by="admin"))
    shop.rows(draw, pool)
    if sometimes(draw):
        shop.do(c.ClosePool(pool=pool, error="unreadable", by="admin"))
        return
    shop.do(c.ClosePool(pool=pool, unmatched=("colour",), by="admin"))
    if not sometimes(draw):
        shop.do(c.ActOnPool(pool=pool, action=draw(st.sampled_from(("confirm", "confirm", "reject"))), by="admin"))


def add_rows(shop: Shop, draw: Draw) -> None:
    shop.rows(draw, some_pool(draw, shop.both))


def act_on_pool(shop: Shop, draw: Draw) -> None:
    action = draw(st.sampled_from(("activate", "activate", "deactivate", "shuffle", "shuffle", "delete", "confirm")))
    seed = draw(st.integers(1, 3))
    shop.do(c.ActOnPool(pool=some_pool(draw, shop.both), action=action, seed=seed, by="admin"))


def edit_pool(shop: Shop, draw: Draw) -> None:
    now = shop.both.now_ms
    change = some(
        draw,
        priority=moves.priorities,
        active_from_ms=st.sampled_from((None, now - HOUR, now + MINUTE)),
        active_until_ms=st.sampled_from((None, now - MINUTE, now + HOUR)),
    )
    shop.do(c.EditPool(pool=some_pool(draw, shop.both), by="admin", **change))


POOL_MOVES = (load_pool, load_pool, hold_pool, add_rows, act_on_pool, act_on_pool, edit_pool)
