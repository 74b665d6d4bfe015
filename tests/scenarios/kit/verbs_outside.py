"""Verbs for what only a daemon has: files and downloads, lists of pools and of numbers, what is kept on its disk.

Scenarios that use them say `# over HTTP only` at the top.
"""

import csv
import io
import re
from dataclasses import replace
from typing import Any

from .driver import Body, Bulk, Entered, LeadView
from .facts import BULK, POOL, Patterns, agrees, pool_facts, read_facts, show
from .files import Sheet, large_list
from .http_driver import HttpDriver, duplicates, entry_options
from .http_views import text_of
from .language import BadStep, Step
from .times import TIME
from .verbs import Came, verb
from .verbs_blocking import scope_of
from .verbs_entry import ENTRY, check_of, entered, name_rows, read_entry, read_options
from .verbs_pools import ROUNDS, bulk_came
from .world import World


def outside(world: World) -> HttpDriver:
    if not isinstance(world.driver, HttpDriver):
        raise BadStep("only over HTTP: the scenario must say so at its top")
    return world.driver


# -- leads come in --------------------------------------------------------------------------------------------------


@verb(rf"(?P<who>\w+) enters {ENTRY}")
def enter(world: World, m: re.Match[str], step: Step) -> Came:
    """`pool NAME` behind the arrow is a pool of that name, or gives the name to a pool that has none yet."""
    names, pool = read_entry(world, m, step)
    came = outside(world).enter(pool, m["who"], by_hand=m["options"].startswith(" by hand"))
    wanted = re.search(r"\bpool (\w+)", step.expected or "")
    if wanted and wanted[1] not in world.pools and came.pool.id not in world.pools.values():
        world.pools[wanted[1]] = came.pool.id
    name_rows(world, names, pool.leads, came.leads)
    return entered(world, came)


@verb(r"upload rules of (?P<campaign>\w+):")
def put_rules(world: World, m: re.Match[str], step: Step) -> None:
    rules: dict[str, Any] = {"fields": {}}
    for row in step.rows:
        if found := re.fullmatch(r"countries (.+)", row):
            rules["countries"] = found[1].split()
        elif found := re.fullmatch(r"number types (.+)", row):
            rules["number_types"] = found[1].split()
        elif found := re.fullmatch(r"on invalid (\w+)", row):
            rules["on_invalid"] = found[1]
        elif check := check_of(row):
            rules["duplicates"] = duplicates(check)
        elif found := re.fullmatch(r"(\w+) (only|not|like|from) (.+)", row):
            rules["fields"].setdefault(found[1], {}).update(_rule(found[2], found[3]))
        else:
            raise BadStep(row)
    outside(world).line.call("PATCH", f"campaigns/{m['campaign']}", {"upload_rules": rules})


def _rule(kind: str, text: str) -> dict[str, Any]:
    if kind == "like":
        return {"pattern": text}
    if kind == "from":
        low, _, high = text.partition(" to ")
        return {"min": _bound(low), "max": _bound(high)}
    return {"allowed" if kind == "only" else "prohibited": [value.strip() for value in text.split("/")]}


def _bound(text: str) -> float | str:
    return float(text) if re.fullmatch(r"[\d.]+", text) else text


@verb(r"region of (?P<campaign>\w+) is (?P<region>[A-Z]{2})")
def put_region(world: World, m: re.Match[str], _: Step) -> None:
    outside(world).line.call("PATCH", f"campaigns/{m['campaign']}", {"default_region": m["region"]})


@verb(r"admin uploads to (?P<campaign>\w+)(?P<options>(?:, .+)?)")
def upload(world: World, m: re.Match[str], step: Step) -> Came:
    """A lead of a file is called by the last two digits of its number; of two with the same, the second is `NAMEb`."""
    pool, others = read_options(world, m["campaign"], m["options"])
    if not re.search(r"\bduplicates\b", m["options"]):
        pool = replace(pool, check=replace(pool.check, action="skip", scope="file"))
    options = entry_options(pool)
    sheet = Sheet(step.rows)
    for option in others:
        if found := re.fullmatch(r"mapping (.+) to (\w+)", option):
            options.setdefault("mapping", {})[found[1]] = None if found[2] == "nothing" else found[2]
        elif found := re.fullmatch(r"sheet (\w+)", option):
            options["sheet"] = sheet.sheet = found[1]
        elif option == "without saying the sheet":
            del options["sheet"]
        elif option == "duplicates as the campaign has it":
            del options["duplicates"]
        else:
            sheet.set(option)
    came = _send(world, sheet.name, sheet.content(), options)
    for lead in came.leads:
        _name_by_number(world, lead)
    return entered(world, came)


def _send(world: World, name: str, content: bytes, options: dict[str, Any]) -> Entered:
    driver = outside(world)
    made = driver.line.send_file("pools", name, content, options).json()
    world.pools[options["name"]] = made["id"]
    world.files[options["name"]] = content
    return driver.came(made["id"]) if made["counts"]["valid"] < 1000 else Entered(driver.pool(made["id"]), ())


def _name_by_number(world: World, lead: LeadView) -> None:
    number = next((number for number in lead.numbers if re.fullmatch(r"\+1\d{3}55501\d\d", number)), None)
    if number is None:
        return
    name = str(int(number[-2:]))
    taken = sum(known in world.leads for known in (name, f"{name}b", f"{name}c", f"{name}d"))
    world.leads[name + ("", "b", "c", "d")[taken]] = lead.id


@verb(r"pool (?P<pool>\w+) has leads? (?P<names>\w+(?:, \w+)*)")
def name_leads(world: World, m: re.Match[str], step: Step) -> None:
    """All of the pool's leads get these names, in the order they came."""
    leads = outside(world).line.items(f"leads?pool={world.pool(m['pool'])}&limit=1000")
    names = m["names"].split(", ")
    if len(names) != len(leads):
        raise step.failed(f"{len(names)} leads", f"{len(leads)}")
    world.leads.update((name, lead["id"]) for name, lead in zip(names, leads, strict=True))


# -- large files ----------------------------------------------------------------------------------------------------


@verb(
    r"admin uploads a list of (?P<rows>\d+) to (?P<campaign>\w+), pool (?P<pool>\w+)"
    r"(?P<end>, and the daemon is killed on the way|, and drops it on the way)?"
)
def upload_large(world: World, m: re.Match[str], step: Step) -> Came | None:
    driver, rows = outside(world), int(m["rows"])
    options = {"campaign": m["campaign"], "name": m["pool"], "mapping": {"filler": None}}
    came = _send(world, "large.csv", large_list(rows), options)
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


# -- lists and buttons ----------------------------------------------------------------------------------------------


@verb(
    r"pools(?: of campaigns (?P<campaigns>\w+(?: \w+)*))?(?:, (?P<state>active|inactive))?"
    r'(?:, with "(?P<text>[^"]*)")? are (?P<pools>.+)'
)
def list_pools(world: World, m: re.Match[str], step: Step) -> None:
    query = [f"campaign={m['campaigns'].replace(' ', ',')}"] if m["campaigns"] else []
    query += [f"active={'true' if m['state'] == 'active' else 'false'}"] if m["state"] else []
    query += [f"q={m['text']}"] if m["text"] is not None else []
    came = [world.pool_name(pool["id"]) for pool in outside(world).line.items(f"pools?{'&'.join(query)}")]
    if came != ([] if m["pools"] == "nothing" else m["pools"].split(", ")):
        raise step.failed(m["pools"], ", ".join(came) or "nothing")


@verb(
    r"(?P<dry>dry run: )?admin (?P<action>activate|deactivate|confirm|shuffle|delete)s pools "
    r"(?P<pools>\w+(?:, \w+)*)(?: with seed (?P<seed>\d+))?"
)
def press(world: World, m: re.Match[str], _: Step) -> Came:
    names = m["pools"].split(", ")
    body: dict[str, Any] = {"ids": [world.pool(name) for name in names], "action": m["action"]}
    body |= {"seed": int(m["seed"])} if m["seed"] else {}
    answer = outside(world).line.call("POST", f"pools/bulk{'?dry_run=true' if m['dry'] else ''}", body).json()
    facts = {world.pool_name(item["id"]): _pressed(item) for item in answer["items"]}
    patterns: Patterns = [(rf"{name} (\d+ gone|\w+)", name, lambda f, _: f[1]) for name in names]
    return Came(facts, patterns)


def _pressed(item: dict[str, Any]) -> str:
    if not item["ok"]:
        return "refused"
    if item.get("deleted"):
        return f"{item['deleted']['deleted']} gone"
    return str(item["pool"]["state"] if item.get("pool") else item["state"])


@verb(
    r"(?P<dry>dry run: )?admin removes every lead of (?:pool (?P<pool>\w+)|campaign (?P<campaign>\w+))"
    r'(?:, (?P<status>\w+))?(?:, with "(?P<text>[^"]*)")?'
)
def remove_by_filter(world: World, m: re.Match[str], _: Step) -> Came:
    which: dict[str, Any] = {"pool": world.pool(m["pool"])} if m["pool"] else {"campaign": m["campaign"]}
    which |= {"status": m["status"]} if m["status"] else {}
    which |= {"q": m["text"]} if m["text"] else {}
    body = {"filter": which, "action": "remove"}
    answer = outside(world).line.call("POST", f"leads/bulk{'?dry_run=true' if m['dry'] else ''}", body).json()
    return bulk_came(Bulk(answer["done"], answer["refused"]))


@verb(r"(?P<dry>dry run: )?admin removes the leads of this file")
def remove_by_file(world: World, m: re.Match[str], step: Step) -> Came:
    content = "".join(f"{world.lead(name)}\n" for name in step.rows).encode()
    path = f"leads/bulk{'?dry_run=true' if m['dry'] else ''}"
    answer = outside(world).line.send_file(path, "ids.txt", content, {"action": "remove"}).json()
    return bulk_came(Bulk(answer["done"], answer["refused"]))


# -- numbers --------------------------------------------------------------------------------------------------------


@verb(r"(?P<dry>dry run: )?(?P<who>\w+) imports numbers to block(?P<everywhere> everywhere)?")
def import_numbers(world: World, m: re.Match[str], step: Step) -> Came:
    content = "".join(f"{row}\n" for row in step.rows).encode()
    path = f"do-not-call/import{'?dry_run=true' if m['dry'] else ''}"
    options = {"scope": scope_of(m), "reason": "imported"}
    answer = outside(world).line.send_file(path, "numbers.txt", content, options, who=m["who"]).json()
    return Came({key: str(answer[key]) for key in ("added", "invalid", "leads")}, BULK)


@verb(r"do-not-call list has nothing")
def empty_list(world: World, _m: re.Match[str], step: Step) -> None:
    entries = outside(world).line.items("do-not-call?scope=organisation")
    if entries:
        raise step.failed("nothing", repr(entries))


@verb(r'admin sets (?P<field>\w+) of lead (?P<lead>\w+) to "(?P<value>[^"]*)"')
def set_field(world: World, m: re.Match[str], _: Step) -> None:
    outside(world).line.call("PATCH", f"leads/{world.lead(m['lead'])}", {"data": {m["field"]: m["value"]}})


# -- downloads ------------------------------------------------------------------------------------------------------


def _download(world: World, pool: str, what: str) -> bytes:
    return outside(world).line.call("GET", f"pools/{world.pool(pool)}/{what}").content


@verb(r"(?P<what>invalid leads|duplicates) of pool (?P<pool>\w+) are(?P<nothing> nothing)?")
def rejects_are(world: World, m: re.Match[str], step: Step) -> None:
    """A row for each: its number in the file, then what must stand in it."""
    what = "invalid.csv" if m["what"] == "invalid leads" else "duplicates.csv"
    rows = list(csv.reader(io.StringIO(_download(world, m["pool"], what).decode("utf-8-sig"))))[1:]
    _compare_rows(step, [" | ".join(row) for row in rows], first_is_number=True)


@verb(r"log of pool (?P<pool>\w+) says")
def log_says(world: World, m: re.Match[str], step: Step) -> None:
    _compare_rows(step, _download(world, m["pool"], "log").decode().splitlines(), first_is_number=False)


@verb(r"log of pool (?P<pool>\w+) is blank")
def log_is_blank(world: World, m: re.Match[str], step: Step) -> None:
    if content := _download(world, m["pool"], "log"):
        raise step.failed("a blank log", repr(content))


@verb(r"statistics of pool (?P<pool>\w+) say")
def statistics_say(world: World, m: re.Match[str], step: Step) -> None:
    text = _download(world, m["pool"], "statistics.csv").decode("utf-8-sig")
    lines = [" | ".join(row) for row in csv.reader(io.StringIO(text))]
    for wanted in step.rows:
        if not any(_fits(wanted.split(" | "), line) for line in lines):
            raise step.failed(wanted, "; ".join(lines))


def _compare_rows(step: Step, came: list[str], *, first_is_number: bool) -> None:
    wanted = [row.split(" | ") for row in step.rows]
    fits = len(wanted) == len(came) and all(map(_fits, wanted, came))
    if first_is_number and fits:
        fits = all(line.split(" | ")[0] == pieces[0] for pieces, line in zip(wanted, came, strict=True))
    if not fits:
        raise step.failed("; ".join(step.rows) or "nothing", "; ".join(came) or "nothing")


def _fits(pieces: list[str], line: str) -> bool:
    return all(piece.strip().casefold() in line.casefold() for piece in pieces)


@verb(r"original of pool (?P<pool>\w+)(?P<same> is the uploaded file)?")
def original(world: World, m: re.Match[str], step: Step) -> None:
    content = _download(world, m["pool"], "original")
    if m["same"] and content != world.files[m["pool"]]:
        raise step.failed("the uploaded file, byte for byte", repr(content[:500]))


@verb(r"original of pool (?P<pool>\w+) lost (?P<rows>\d+) rows")
def original_lost(world: World, m: re.Match[str], step: Step) -> None:
    answer = outside(world).line.call("GET", f"pools/{world.pool(m['pool'])}/original")
    erased = answer.headers["nextlead-erased-rows"]
    if erased != m["rows"]:
        raise step.failed(m["rows"], erased)


@verb(r"original of pool (?P<pool>\w+) has")
def original_has(world: World, m: re.Match[str], step: Step) -> None:
    lines = _download(world, m["pool"], "original").decode().splitlines()
    if missing := [row for row in step.rows if row not in lines]:
        raise step.failed("; ".join(missing), "; ".join(lines))


@verb(r"nothing kept says (?P<text>\S+)")
def nothing_kept(world: World, m: re.Match[str], step: Step) -> None:
    """No file that the daemon keeps has the text: its store, journal, key, log."""
    found = []
    for path in sorted(outside(world).folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        if any(m["text"].encode(encoding) in content for encoding in ("utf-8", "utf-16-le")):
            found.append(path.name)
    if found:
        raise step.failed(f"no file with {m['text']}", ", ".join(found))
