"""What people log of a lead (SPEC R13.3, R13.5): a text is noted, an outcome does what a finish or a resolve does."""

from typing import Final, Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from .activity_model import Activity, Logged, kind_of
from .commands import Finish, LogActivity, Resolve
from .errors import Conflict, Invalid, Leased, NotAllowed, WrongStatus
from .lead_edits import need_confirmed
from .leases import need_worker
from .model import DIALABLE, Lead, Status
from .outcomes import Verdict, later, redial, resolved, unforced, unreached, unresolved, with_conversation
from .privacy import awaits_erasure
from .setup_model import Agent, Campaign, TemplateResult
from .state import State
from .work import Said, apply_verdict, finish_lease, number_dialled

_CATEGORY: Final = {"sold": "success", "no_sale": "negative"}
_CAUSE: Final = {"no_answer": "no_answer", "left_a_voicemail": "voicemail", "wrong_number": "invalid_number"}
_SETTLED: Final = DIALABLE | {Status.UNRESOLVED}


class _Log(Struct, frozen=True):
    """A command that was found well-formed: what it says of the lead, when, and by whom."""

    command: LogActivity
    kind: Activity
    at_ms: int
    agent: Agent | None

    def logged(self, agent: int = 0) -> Logged:
        """For the history. `agent` did it if nobody is named."""
        command = self.command
        said = (command.outcome or "", command.explanation.strip())
        return Logged(command.interaction, command.direction, *said, self.at_ms, self._named(agent))

    @property
    def is_call_out(self) -> bool:
        """Whether it was a call to the lead, which counts as an attempt (SPEC R6.1)."""
        return self.command.interaction == "call" and self.command.direction == "out"

    def on(self, lead: Lead, agent: int = 0, result: TemplateResult | None = None) -> Lead:
        """The row with it: whoever logs it has the lead before them, so it was shown.

        As with a finish, what waits for validation is not sold yet (`said_by`).
        """
        waits = result is not None and result.validation and lead.mark is None
        kind = Activity.SALE_IN_PROGRESS if waits else self.kind
        return replace(lead, latest=later(lead, kind, self.at_ms, self._named(agent)), shown=True)

    def _named(self, agent: int) -> int:
        return self.agent.no if self.agent is not None else agent


def log_activity(state: State, command: LogActivity) -> Lead:
    """Note it, or act on it; the lead. Raises `Invalid`, and `Conflict` when the lead's state does not allow it."""
    log = _read(state, command)
    if state.leads.get(command.lead) is None and command.row is not None:
        return _note_closed(state, log, command.row)
    lead = state.open_lead(command.lead)
    if command.outcome is None:
        return _note(state, log, lead)
    if lead.lease is not None:
        return _finish(state, log, lead)
    return _settle(state, log, lead)


def _read(state: State, command: LogActivity) -> _Log:
    kind = kind_of(command.interaction, command.direction, command.outcome, command.explanation)
    at_ms = state.now_ms if command.at_ms is None else command.at_ms
    if not 0 < at_ms <= state.now_ms:
        raise Invalid("at", "must be after 1970, and not in the future")
    if command.redial is not None:
        if command.outcome != "sale_in_progress":
            raise Invalid("redial", "goes with sale_in_progress only")
        if command.redial.agent is not None:
            raise Invalid("redial.agent", "is the agent of the activity")
    if command.number is not None and command.interaction != "call":
        raise Invalid("number", "goes with a call only")
    agent = None if command.agent is None else state.agents.need(command.agent)
    if agent is not None and command.outcome is not None:
        need_worker(agent, session=False)
    return _Log(command, kind, at_ms, agent)


# -- texts: noted, nothing else changes -----------------------------------------------------------------------------


def _note(state: State, log: _Log, lead: Lead) -> Lead:
    erasing = awaits_erasure(lead)
    if log.command.data is not None:
        if erasing:
            raise Conflict(f"lead {lead.id} is being anonymised", status=lead.status.code)
        state.keep_data(lead.id, log.command.data)
    return _put(state, log, lead, "" if erasing else log.command.note)


def _note_closed(state: State, log: _Log, row: Lead) -> Lead:
    """People write after a sale, too. Everything else wants the lead reopened."""
    if row.status is not Status.CLOSED or log.command.outcome is not None or log.command.data is not None:
        why = f"lead {row.id} is closed; only a text without outcome and data can be logged"
        raise WrongStatus(why, status="closed")
    if row.erased:
        raise WrongStatus(f"lead {row.id} was erased", status="closed")
    return _put(state, log, row, log.command.note)


def _put(state: State, log: _Log, lead: Lead, note: str) -> Lead:
    return state.put(lead, log.on(lead), "activity", log.command.by, note=note, logged=log.logged())


# -- outcomes -------------------------------------------------------------------------------------------------------


def _finish(state: State, log: _Log, lead: Lead) -> Lead:
    """The lease ends as a finish would end it (SPEC R13.5)."""
    command, lease = log.command, lead.lease
    assert lease is not None
    if log.agent is not None and log.agent.no != lease.agent:
        raise Leased(f"lead {lead.id} is leased to another agent", status=lead.status.code)
    result = _result(state.campaigns.by_no[lead.campaign], command)
    latest = log.on(lead, lease.agent, result).latest
    assert latest is not None
    finish = Finish(
        by=command.by,
        token="",
        outcome=_outcome(command),
        result=None if result is None else result.code,
        kind=command.redial.kind if command.redial else None,
        at_ms=command.redial.at_ms if command.redial else None,
        force=command.redial.force if command.redial else False,
        cause=_CAUSE.get(command.outcome or ""),
        note=command.note,
        data=command.data,
        number=command.number,
    )
    return finish_lease(state, lead, lease, finish, Said(latest, log.logged(lease.agent), log.is_call_out)).lead


def _settle(state: State, log: _Log, lead: Lead) -> Lead:
    """Of a lead that nobody has on screen: it closes, or what comes next is set. No attempt is counted."""
    command = log.command
    if lead.status not in _SETTLED:
        raise WrongStatus(f"lead {lead.id} is {lead.status.code}", status=lead.status.code)
    need_confirmed(state, lead)
    locked = lead.unresolved
    if locked is not None and command.by.startswith("agent:") and (log.agent is None or log.agent.no != locked.agent):
        raise NotAllowed(f"lead {lead.id} is unresolved by another agent")
    number = number_dialled(lead, command.number, lead.numbers[lead.number_at])
    verdict = _verdict(state, log, lead, number)
    called = number if command.interaction == "call" else 0
    logged = log.logged(0 if locked is None else locked.agent)
    new = apply_verdict(state, lead, verdict, "activity", command.by, called, command.note, logged)
    if command.data is not None:
        state.keep_data(lead.id, command.data)
    return new


def _verdict(state: State, log: _Log, lead: Lead, number: int) -> Verdict:
    command = log.command
    campaign = state.campaigns.by_no[lead.campaign]
    result = _result(campaign, command)
    row = log.on(lead, lead.unresolved.agent if lead.unresolved else 0, result)
    row = replace(row, urgent=None, number_at=lead.numbers.index(number))
    called = with_conversation(row) if lead.unresolved is not None and command.interaction == "call" else row
    agent = log.agent or _agent_of(state, lead)
    outcome = _outcome(command)
    match outcome:
        case "resolved":
            assert result is not None
            resolve = Resolve(by=command.by, lead=lead.id, outcome="resolved", result=result.code)
            seller = agent.no if agent is not None else 0
            verdict = resolved(campaign, called, resolve, seller, number)
            if verdict.lead.validating is not None and not seller:
                raise Invalid("agent", "is needed: the sale is validated, and goes back to who sold if that fails")
            return verdict
        case "redial":
            assert command.redial is not None
            resolve = Resolve(
                by=command.by,
                lead=lead.id,
                outcome="redial",
                agent=command.agent if command.by.startswith("agent:") else None,
                kind=command.redial.kind,
                at_ms=command.redial.at_ms,
                force=command.redial.force,
            )
            caller = _need(agent, "who calls again")
            return redial(state, campaign, called, resolve, caller)
        case "unreached":
            return _unreached(state, campaign, row, _CAUSE[command.outcome or ""], number)
        case "unresolved":
            if lead.unresolved is not None:  # the lock stays, and so does its clock
                return Verdict(row)
            return unresolved(row, _need(agent, "who works on the sale").no, state.now_ms)
    assert_never(outcome)


def _unreached(state: State, campaign: Campaign, row: Lead, cause: str, number: int) -> Verdict:
    """As a retry (SPEC R7.5); but a call on the side neither moves nor ends what was promised for later (SPEC R6.5)."""
    if row.promise is None or row.promise.at_ms <= state.now_ms:
        return unreached(state, campaign, unforced(row), cause, number)
    verdict = unreached(state, campaign, row, cause, number, limited=False)
    if verdict.lead.status is Status.CLOSED:
        return verdict
    return replace(verdict, lead=replace(verdict.lead, due_ms=row.due_ms))


def _agent_of(state: State, lead: Lead) -> Agent | None:
    """Whose the lead is, when nobody was named: the agent it is locked to, else its owner."""
    return state.agents.by_no.get(lead.unresolved.agent if lead.unresolved else lead.owner)


def _need(agent: Agent | None, why: str) -> Agent:
    if agent is None:
        raise Invalid("agent", f"is needed: {why}")
    return agent


def _outcome(command: LogActivity) -> Literal["resolved", "redial", "unreached", "unresolved"]:
    """The finish that the outcome is."""
    if command.outcome == "sale_in_progress":
        return "unresolved" if command.redial is None else "redial"
    return "resolved" if command.outcome in _CATEGORY else "unreached"


def _result(campaign: Campaign, command: LogActivity) -> TemplateResult | None:
    """The campaign's first result of the outcome's category; one that blocks the number is picked by people only."""
    category = _CATEGORY.get(command.outcome or "")
    if category is None:
        return None
    results: tuple[TemplateResult, ...] = campaign.template.results
    found = next((result for result in results if result.category == category and not result.do_not_call), None)
    if found is None:
        raise Invalid("outcome", f"the campaign has no result of category {category}")
    return found
