"""Facts: what stands after the arrow, and what an answer is described as. Both become text under the same keys.

`lead 1, private_redial, rank 5` reads as {lead: 1, class: private_redial, rank: 5}. An expectation holds when each of its
facts is in the description of what came.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from .driver import Finish, LeadView, Nothing, Offered
from .language import BadStep
from .times import TIME, show_ms
from .world import World

Facts = dict[str, str]
Reader = Callable[[re.Match[str], World], str]
Patterns = Sequence[tuple[str, str, Reader]]


def _text(match: re.Match[str], _: World) -> str:
    return match[1].strip()


def _time(match: re.Match[str], world: World) -> str:
    return show_ms(world.time(match[1]))


def _digits(match: re.Match[str], _: World) -> str:
    return match[1].replace(" ", "")


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
)


def read_facts(text: str, patterns: Patterns, world: World) -> Facts:
    facts: Facts = {}
    for part in (part.strip() for part in text.split(",")):
        for pattern, key, read in patterns:
            match = re.fullmatch(pattern, part)
            if match:
                facts[key] = read(match, world)
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
        "class": answer.family,
        "rank": str(answer.rank),
        "when": "overdue" if answer.overdue else "on schedule",
        "number": answer.number,
        "priority": str(answer.priority),
        "until": show_ms(answer.expires_ms),
        "blocked": "blocked" if answer.blocked else "not blocked",
        "lease": "the same lease" if known else "a new lease",
    }


def lead_facts(view: LeadView) -> Facts:
    facts = {
        "status": view.status,
        "owner": view.owner,
        "original owner": view.original_owner,
        "priority": str(view.priority),
        "attempts": str(view.attempts),
        "released": "released" if view.released else "not released",
        "leased": view.leased_by or "not leased",
    }
    if view.closure is not None:
        facts["closure"] = view.closure
    if view.due_ms is not None:
        facts["due"] = show_ms(view.due_ms)
    if view.promised_ms is not None:
        facts["promised"] = show_ms(view.promised_ms)
    return facts


def finish_facts(answer: Finish, first: Finish | None) -> Facts:
    facts = lead_facts(answer.lead)
    facts["answer"] = "the same answer" if answer == first else "a new answer"
    if answer.nearby is not None:
        facts["nearby"] = str(answer.nearby)
    return facts


def agrees(expected: Facts, came: Facts) -> bool:
    wanted = {key: value for key, value in expected.items() if key != "among"}
    among = expected.get("among")
    return (among is None or came.get("lead") in among.split()) and wanted.items() <= came.items()


def show(facts: Facts) -> str:
    """`lead 1, class private_redial, rank 5`."""
    if facts.get("lead") == "nothing":
        return f"nothing ({facts['reason']})"
    plain = {"when", "blocked", "lease", "released", "answer"}
    return ", ".join(value if key in plain else f"{key} {value}" for key, value in facts.items())
