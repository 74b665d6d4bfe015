"""What people log of leads (SPEC R13.3, R13.5), and what they ask by: saved filters, schemes, templates."""

from typing import Any

from hypothesis import strategies as st
from model import moves
from model.moves import HOUR, MINUTE, Draw, mostly, some, some_lead, sometimes
from model.schemes import ORDERS, SCHEMES
from model.shop import Shop
from msgspec import structs

from nextlead.core import commands as c
from nextlead.core.activity_model import DIRECTIONS, INTERACTIONS, OUTCOMES
from nextlead.core.model import Status
from nextlead.core.setup_model import DEFAULT_RESULTS, Duplicates, Template, TemplateResult, UploadRules
from nextlead.testing.reference import Offered

OF_CALLS = ("no_answer", "left_a_voicemail", "wrong_number")
OPEN: tuple[Any, ...] = (
    lambda lead: lead.open and not lead.lease,
    lambda lead: lead.lease,
    lambda lead: lead.lease,
    lambda lead: lead.unresolved,
    lambda lead: lead.unresolved,
    lambda lead: lead.promise and lead.open and not lead.lease,
    lambda lead: lead.status is Status.AUTOMATIC_REDIAL,
)
ALL = (
    *OPEN,
    lambda lead: not lead.open,
    lambda lead: lead.latest,
    lambda lead: lead.status is Status.PENDING_VALIDATION,
)


def log_text(shop: Shop, draw: Draw) -> None:
    """To any lead, in any state; a text takes nothing else."""
    lead, by, agent = who_logs(shop, draw, ALL)
    direction = draw(st.sampled_from(DIRECTIONS))
    shop.do(
        c.LogActivity(lead=lead, interaction="sms", direction=direction, at_ms=when(shop, draw), agent=agent, by=by)
    )


def log_outcome(shop: Shop, draw: Draw) -> None:
    """A valid pair, on a lead that is open, mostly."""
    lead, by, agent = who_logs(shop, draw, OPEN if mostly(draw) else ALL)
    log(shop, draw, lead, by, agent)


def log_call(shop: Shop, draw: Draw) -> None:
    """R13.5: a whole call, of which an activity is logged instead of a finish."""
    agent = draw(moves.agents)
    offered = shop.do(c.Next(agent=agent, token=shop.token(), by=f"agent:{agent}"))
    if isinstance(offered, Offered):
        shop.both.now_ms += draw(st.sampled_from((0, 0, 1, 30_000)))
        log(shop, draw, offered.lead, f"agent:{agent}", agent if draw(st.booleans()) else None)


def log(shop: Shop, draw: Draw, lead: int, by: str, agent: str | None) -> None:
    """An outcome."""
    outcome = draw(st.sampled_from(OUTCOMES))
    interaction = "call" if outcome in OF_CALLS else draw(st.sampled_from(("call", "call", *INTERACTIONS)))
    fields: dict[str, Any] = {"interaction": interaction, "outcome": outcome}
    if outcome == "sale_in_progress" and draw(st.booleans()):
        fields["redial"] = redial(shop, draw)
    if outcome == "no_sale":
        fields["explanation"] = draw(st.sampled_from(("", "Satisfied ", "too dear")))
    if interaction == "call" and sometimes(draw):
        known = shop.world.leads.get(lead)
        fields["number"] = draw(st.sampled_from([*(known.given if known else ()), moves.PHONES[0]]))
    direction = draw(st.sampled_from(("out", "out", "in")))
    shop.do(c.LogActivity(lead=lead, direction=direction, at_ms=when(shop, draw), agent=agent, by=by, **fields))


def log_nonsense(shop: Shop, draw: Draw) -> None:
    """R13.3: pairs of which most are none."""
    lead, by, agent = who_logs(shop, draw, ALL)
    shop.do(
        c.LogActivity(
            lead=lead,
            interaction=draw(st.sampled_from(INTERACTIONS)),
            direction=draw(st.sampled_from(DIRECTIONS)),
            outcome=draw(st.sampled_from((None, *OUTCOMES))),
            explanation=draw(st.sampled_from(("", "satisfied", "late"))),
            redial=draw(st.sampled_from((None, None, c.RedialEdit("vip", shop.both.now_ms + HOUR, "ann")))),
            number=draw(st.sampled_from((None, None, moves.PHONES[1]))),
            at_ms=draw(st.sampled_from((None, shop.both.now_ms + 1))),
            agent=agent,
            by=by,
        )
    )


def who_logs(shop: Shop, draw: Draw, states: tuple[Any, ...]) -> tuple[int, str, str | None]:
    """A lead, and who logs something of it: its holder, another agent, a supervisor for somebody or nobody."""
    lead = some_lead(draw, shop.both, wanted=draw(st.sampled_from(states)))
    known = shop.world.leads.get(lead)
    agent = draw(st.sampled_from((*moves.AGENTS, None, None)))
    if known is not None and known.lease is not None and mostly(draw):
        agent = draw(st.sampled_from((known.lease.agent, None)))
    if known is not None and known.unresolved is not None and draw(st.booleans()):
        agent = draw(st.sampled_from((known.unresolved.agent, None)))
    by = "supervisor:eve" if agent is None or draw(st.booleans()) else f"agent:{agent}"
    return lead, by, agent


def when(shop: Shop, draw: Draw) -> int | None:
    """Now, mostly; a while ago, at times just when or around when something else was."""
    if not sometimes(draw):
        return None
    known = sorted({lead.latest.at_ms for lead in shop.world.leads.values() if lead.latest})
    if known and draw(st.booleans()):
        at_ms = draw(st.sampled_from(known)) + draw(st.sampled_from((0, -1, 1)))
        return int(min(at_ms, shop.both.now_ms))
    return shop.both.now_ms - int(draw(st.sampled_from((0, 1, MINUTE, HOUR))))


def redial(shop: Shop, draw: Draw) -> c.RedialEdit:
    at_ms = moves.promised_at(draw, shop.both)
    return c.RedialEdit(kind=draw(moves.kinds), at_ms=at_ms, force=draw(st.booleans()))


# -- vocabularies ---------------------------------------------------------------------------------------------------

TEMPLATES = (
    moves.TEMPLATE,
    moves.TEMPLATE,
    Template(),
    Template(results=ORDERS.results),
    Template(results=DEFAULT_RESULTS[:1]),
    Template(results=(TemplateResult("maybe", "Maybe", "success", validation=True), *DEFAULT_RESULTS[1:])),
    Template(results=(TemplateResult("stop", "Stop calling", "negative", do_not_call=True),)),
)
RULES = (UploadRules(), UploadRules(on_invalid="close"), UploadRules(duplicates=Duplicates(action="load")))


def put_scheme(shop: Shop, draw: Draw) -> None:
    """R13.1: another scheme, at times with a template or rules at once, or one that there is not."""
    code = draw(st.sampled_from(sorted(shop.world.campaigns)))
    scheme = draw(st.sampled_from((*SCHEMES, *SCHEMES, "nonsense")))
    change = some(draw, template=st.sampled_from(TEMPLATES), upload_rules=st.sampled_from(RULES))
    shop.do(c.PutCampaign(code=code, scheme=scheme, by="admin", **(change if sometimes(draw) else {})))


def put_template(shop: Shop, draw: Draw) -> None:
    """Results come, go and come back; leads have them meanwhile."""
    code = draw(st.sampled_from(sorted(shop.world.campaigns)))
    change = some(draw, template=st.sampled_from(TEMPLATES), upload_rules=st.sampled_from(RULES))
    shop.do(c.PutCampaign(code=code, by="admin", **change))


def put_filter(shop: Shop, draw: Draw) -> None:
    name, body = draw(names), draw(st.sampled_from((b"{}", b'{"status":"closed"}')))
    shop.do(c.PutFilter(name=name, body=body, description=draw(st.sampled_from(("", "mine"))), by="admin"))


def delete_filter(shop: Shop, draw: Draw) -> None:
    shop.do(c.DeleteFilter(name=draw(names), by="admin"))


def text_twice(shop: Shop, draw: Draw) -> None:
    """R13.3: they flip with each text, whatever became of the lead meanwhile."""
    lead, by, agent = who_logs(shop, draw, ALL)
    text = c.LogActivity(lead=lead, interaction="sms", agent=agent, by=by)
    for direction in draw(st.permutations(DIRECTIONS)):
        shop.do(structs.replace(text, direction=direction))


names = st.sampled_from(("open", "closed", "mine"))

ACTIVITY_MOVES = (*(log_outcome,) * 4, *(log_call,) * 4, log_text, text_twice, log_nonsense)
SCHEME_MOVES = (put_scheme, put_scheme, put_template, put_template, put_filter, put_filter, delete_filter)
