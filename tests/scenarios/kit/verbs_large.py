"""Verbs for large files, and for a daemon that is killed while something goes on in it."""

import re

from .driver import Body
from .facts import POOL, agrees, pool_facts, read_facts, show
from .files import large_list
from .http_driver import HttpDriver
from .http_views import text_of
from .language import Step
from .outside import outside
from .times import TIME
from .verbs import Came, verb
from .verbs_entry import entered
from .verbs_files import send
from .verbs_pools import ROUNDS
from .world import World


@verb(
    r"admin uploads a list of (?P<rows>\d+) to (?P<campaign>\w+), pool (?P<pool>\w+)"
    r"(?P<end>, and the daemon is killed on the way|, and drops it on the way)?"
)
def upload_large(world: World, m: re.Match[str], step: Step) -> Came | None:
    driver, rows = outside(world), int(m["rows"])
    options = {"campaign": m["campaign"], "name": m["pool"], "mapping": {"filler": None}}
    came = send(world, "large.csv", large_list(rows), options)
    if m["end"] is None:
        return entered(world, came)
    _until_under_way(driver, came.pool.id, rows, step)
    if "killed" in m["end"]:
        driver.crash(world.now_ms, frozen=True)
    else:
        driver.line.call("POST", f"pools/{came.pool.id}/cancel")
    return None


def _until_under_way(driver: HttpDriver, pool: int, rows: int, step: Step) -> None:
    for _ in range(ROUNDS):
        view = driver.line.call("GET", f"pools/{pool}").json()
        if view["state"] != "loading":
            raise step.failed(f"a pool of {rows} rows that is still loading", view["state"])
        if view["counts"]["valid"] > 0:
            return
    raise step.failed("some rows", "none")


@verb(r"pool (?P<pool>\w+) becomes (?P<facts>.+)")
def pool_becomes(world: World, m: re.Match[str], step: Step) -> None:
    """By itself, after a while."""
    wanted, came = read_facts(m["facts"], POOL, world), {}
    for _ in range(ROUNDS):
        came = pool_facts(outside(world).pool(world.pool(m["pool"])))
        if agrees(wanted, came):
            return
    raise step.failed(m["facts"], show(came))


@verb(rf"daemon is killed at (?P<at>{TIME}) while leads of pool (?P<pool>\w+) expire")
def kill_while_expiring(world: World, m: re.Match[str], step: Step) -> None:
    world.now_ms = world.time(m["at"])
    _kill_on_the_way(world, m["pool"], step, "POST", "clock", {"now": text_of(world.now_ms)})


@verb(r"daemon is killed while pool (?P<pool>\w+) is deleted")
def kill_while_deleting(world: World, m: re.Match[str], step: Step) -> None:
    _kill_on_the_way(world, m["pool"], step, "DELETE", f"pools/{world.pool(m['pool'])}", None)


def _kill_on_the_way(world: World, name: str, step: Step, method: str, path: str, body: Body | None) -> None:
    """Ask, look on until some of the pool's leads have gone, and kill."""
    driver, pool = outside(world), world.pool(name)
    before = driver.pool(pool).open
    asked = driver.line.ask(method, path, body)
    for _ in range(ROUNDS):
        if driver.pool(pool).open < before:
            driver.crash(world.now_ms, frozen=True)
            asked.close()
            return
    raise step.failed("fewer open leads", f"{before}")


@verb(r"admin uploads a list of (?P<rows>\d+) at the same moment (?P<times>\d+) times to (?P<campaign>\w+)")
def upload_at_once(world: World, m: re.Match[str], _: Step) -> Came:
    """All are asked for before the first answer is read; the counts are those of all pools."""
    driver = outside(world)
    options = {"campaign": m["campaign"], "mapping": {"filler": None}}
    content = large_list(int(m["rows"]))
    asked = [driver.line.ask_file("pools", "large.csv", content, options) for _ in range(int(m["times"]))]
    pools = [driver.pool(driver.line.answer(each)["id"]) for each in asked]
    return Came({name: str(sum(getattr(pool, name) for pool in pools)) for name in ("valid", "duplicates")}, POOL)
