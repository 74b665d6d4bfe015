"""Facts: what stands after the arrow, and what an answer is described as. Both become text under the same keys.

`lead 1, private_redial, rank 5` reads as {lead: 1, class: private_redial, rank: 5}. An expectation holds when each of its
facts is in the description of what came.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from .driver import Finish, LeadView, Nothing, Offered, PoolView
from .language import BadStep
from .times import TIME, show_ms
from .world import World

Facts = dict[str, str]
Reader = Callable[[re.Match[str], World], str]
Patterns = Sequence[tuple[str, str, Reader]]


def _text(match: re.Match[str], _: World) -> str:
    return match[1].strip()


def _second(match: re.Match[str], _: World) -> str:
    return match[2].strip()


def _empty(_match: re.Match[str], _: World) -> str:
    return ""


def _time(match: re.Match[str], world: World) -> str:
    return show_ms(world.time(match[1]))


def _digits(match: re.Match[str], _: World) -> str:
    return match[1].replace(" ", "")


def _count(match: re.Match[str], _: World) -> str:
    return str(float(match[1])).removesuffix(".0")


_LATER: Final = rf"({TIME})"
OFFER: Final[Patterns] = (
    (r"lead (\w+)", "lead", _text),
    (r"((?:vip|private|common|automatic)_redial|unprocessed|urgent)", "class", _text),
    (r"rank (\d+)", "rank", _text),
    (r"(overdue|on schedule)", "when", _text),
    (r"number (\+[\d ]+)", "number", _digits),
    (r"priority (\d+)", "priority", _text),
    (rf"until {_LATER}", "until", _time),
    (r"((?:not )?blocked)", "blocked", _text),
    (r"((?:the same|a new) lease)", "lease", _text),
    (r"(nothing)", "lead", _text),
    (r"nothing \((\w+)\)", "reason", _text),
    (r"one of leads ([\w ]+)", "among", _text),
    (r"(some lead)", "some", _text),
    (r"chosen from (\d+)", "chosen from", _text),
)
LEAD: Final[Patterns] = (
    (r"(closed): \w+", "status", _text),
    (r"(\w+_redial|unprocessed|unresolved|pending_validation|closed)", "status", _text),
    (r"original owner ((?:agent|team) \w+)", "original owner", _text),
    (r"owner ((?:agent|team) \w+)", "owner", _text),
    (r"priority (\d+)", "priority", _text),
    (r"attempts (\d+)", "attempts", _text),
    (rf"due {_LATER}", "due", _time),
    (rf"promised {_LATER}", "promised", _time),
    (r"((?:not )?released)", "released", _text),
    (r"leased by (\w+)", "leased", _text),
    (r"(not leased)", "leased", _text),
    (r"nearby (\d+)", "nearby", _text),
    (r"(the same answer)", "answer", _text),
    (r"master (\w+)", "master", _text),
    (r"numbers (\+[\d +/]+)", "numbers", _digits),
    (r"shows as (.+)", "shows as", _text),
    (r"because (.+)", "because", _text),
    (r'labelled "([^"]*)"', "labelled", _text),
    (r"last activity (\w+)", "last activity", _text),
    (rf"last activity at {_LATER}", "last activity at", _time),
    (r"last activity by (\w+)", "last activity by", _text),
    (r"broke ([\w.]+)", "broke", _text),
    (r"no (last activity|last activity by|because|broke)", "{0}", _empty),
    (r"no reason", "because", _empty),
    (r"zone from (lead|number|campaign)", "zone from", _text),
    (r"zones? ([\w/+-]+(?: [\w/+-]+)*)", "zones", _text),
    (r'(\w+) "([^"]*)"', "data {0}", _second),
    (r"no (master|numbers)", "{0}", _empty),
    (r"no data", "data", _empty),
    (r"no ([\w ]+)", "data {0}", _empty),
)
POOL: Final[Patterns] = (
    (r"(loading|awaiting_confirmation|active|inactive|failed|rejected)", "state", _text),
    (r"(\d+) (valid|invalid|duplicates)", "{1}", _text),
    (r"(valid|invalid|duplicates|ready|open|leased|source|campaign|project) (\w+)", "{0}", _second),
    (r'(name|description|campaign name) "([^"]*)"', "{0}", _second),
    (r"closed (\w+) (\d+)", "closed {0}", _second),
    (r"(.+) shown as (.+)", "shown as {1}", _text),
    (r"percent closed ([\d.]+)", "percent closed", _count),
    (r"percent used ([\d.]+)", "percent used", _count),
    (r"priority (\d+)", "priority", _text),
    (r"duplicate check (.+)", "duplicate check", _text),
    (r"duplicate processing (\w+)", "duplicate processing", _text),
    (r"unmatched (.+)", "unmatched", _text),
    (r"uploaded by (\S+)", "uploaded by", _text),
    (rf"(from|until|created|modified) ({TIME})", "{0}", lambda m, world: show_ms(world.time(m[2]))),
    (r"no (from|until)", "{0}", _empty),
    (r"(?:new )?pool (\w+)", "pool", _text),
    (r"(with its id and its campaign's id)", "ids", _text),
)
BULK: Final[Patterns] = (
    (r"(\d+) (done|gone|kept|leads|added|invalid|now|later)", "{1}", _text),
    (r"(refused|kept) (\w+) (\d+)", "{0} {1}", lambda m, _: m[3]),
)


_PART: Final = re.compile(r'(?:[^,"]|"[^"]*")+')
"""What stands between commas, but for those in quotes."""


def read_facts(text: str, patterns: Patterns, world: World) -> Facts:
    facts: Facts = {}
    for part in (part.strip() for part in _PART.findall(text)):
        for pattern, key, read in patterns:
            match = re.fullmatch(pattern, part)
            if match:
                facts[key.format(*match.groups())] = read(match, world)
                break
        else:
            raise BadStep(f"not a fact: {part}")
        if part.startswith("closed: "):
            facts["closure"] = part.removeprefix("closed: ")
        if part.startswith("nothing ("):
            facts["lead"] = "nothing"
    return facts


def offer_facts(answer: Offered | Nothing, world: World, *, known: bool) -> Facts:
    if isinstance(answer, Nothing):
        return {"lead": "nothing", "reason": answer.reason}
    return {
        "lead": world.name_of(answer.lead),
        "some": "some lead",
        "class": answer.family,
        "rank": str(answer.rank),
        "when": "overdue" if answer.overdue else "on schedule",
        "number": answer.number,
        "priority": str(answer.priority),
        "until": show_ms(answer.expires_ms),
        "blocked": "blocked" if answer.blocked else "not blocked",
        "chosen from": "" if answer.among is None else str(answer.among),
        "lease": "the same lease" if known else "a new lease",
    }


def lead_facts(view: LeadView, world: World) -> Facts:
    facts = {
        "status": view.status,
        "owner": view.owner,
        "original owner": view.original_owner,
        "priority": str(view.priority),
        "attempts": str(view.attempts),
        "released": "released" if view.released else "not released",
        "leased": view.leased_by or "not leased",
        "master": "" if view.master is None else world.name_of(view.master),
        "numbers": "/".join(view.numbers),
        "zones": " ".join(view.zones),
        "zone from": view.zone_source,
        "data": "some" if any(view.data.values()) else "",
        **{f"data {name}": value for name, value in view.data.items()},
        "shows as": view.shown.status,
        "because": view.shown.reason or "",
        "labelled": view.shown.label,
        "broke": view.broke,
    }
    if view.closure is not None:
        facts["closure"] = view.closure
    if view.activity is not None:
        facts["last activity"] = view.activity.kind
        facts["last activity at"] = show_ms(view.activity.at_ms)
        facts["last activity by"] = view.activity.agent
    if view.due_ms is not None:
        facts["due"] = show_ms(view.due_ms)
    if view.promised_ms is not None:
        facts["promised"] = show_ms(view.promised_ms)
    return facts


def pool_facts(pool: PoolView) -> Facts:
    check = pool.check
    return {
        "state": pool.state,
        **{name: str(getattr(pool, name)) for name in _PLAIN},
        **{f"closed {closure}": str(count) for closure, count in pool.closed.items()},
        **{f"shown as {shown}": str(count) for shown, count in pool.public.items()},
        "campaign name": pool.campaign_name,
        "ids": "with its id and its campaign's id" if pool.id > 0 and pool.campaign_id > 0 else "",
        "percent closed": str(pool.percent_closed).removesuffix(".0"),
        "percent used": str(pool.percent_used).removesuffix(".0"),
        "duplicate check": f"{' or '.join(check.match)} in {check.scope} among {check.among}",
        "duplicate processing": check.action,
        "unmatched": " / ".join(pool.unmatched),
        "uploaded by": pool.uploaded_by,
        "from": "" if pool.from_ms is None else show_ms(pool.from_ms),
        "until": "" if pool.until_ms is None else show_ms(pool.until_ms),
        "created": show_ms(pool.created_ms),
        "modified": show_ms(pool.modified_ms),
    }


_PLAIN: Final = (
    *("valid", "invalid", "duplicates", "ready", "open", "leased", "priority"),
    *("source", "campaign", "project", "name", "description"),
)


def finish_facts(answer: Finish, first: Finish | None, world: World) -> Facts:
    facts = lead_facts(answer.lead, world)
    facts["answer"] = "the same answer" if answer == first else "a new answer"
    if answer.nearby is not None:
        facts["nearby"] = str(answer.nearby)
    return facts


def agrees(expected: Facts, came: Facts) -> bool:
    wanted = {key: value for key, value in expected.items() if key != "among"}
    among = expected.get("among")
    fits = all(came.get(key, "") == value for key, value in wanted.items())
    return fits and (among is None or came.get("lead") in among.split())


def show(facts: Facts) -> str:
    """`lead 1, class private_redial, rank 5`."""
    if facts.get("lead") == "nothing":
        return f"nothing ({facts['reason']})"
    plain = {"when", "blocked", "lease", "released", "answer", "some"}
    return ", ".join(value if key in plain else f"{key} {value}" for key, value in facts.items())
