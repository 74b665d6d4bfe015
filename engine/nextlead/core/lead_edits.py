"""What admins and supervisors do to one lead (SPEC R1.4, R1.5, R2.6, R4.6)."""

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from .activity_model import Activity
from .blocking import need_free_numbers, refusal_of_numbers
from .commands import EditLead, MakeUrgent, Release, Reopen, Validate
from .errors import Conflict, Invalid, NotAllowed, VersionConflict, WrongStatus
from .fresh import follow_shuffle
from .model import DIALABLE, PROMISED, URGENT_REASONS, Lead, Status, Urgent
from .order import LAST_MS
from .outcomes import close, later, said_by_result
from .places import is_own
from .privacy import awaits_erasure
from .redials import admin_redial, forced_in_words, must_release, release, release_owner, set_redial, settle
from .settings_check import PRIORITY_LAST, check_zone
from .state import State
from .transitions import need_status, need_unleased


def edit_lead(state: State, command: EditLead) -> Lead:
    """An admin's edit: all of it, or nothing."""
    lead = state.open_lead(command.lead)
    if command.version is not None and command.version != lead.version:
        raise VersionConflict(f"lead {lead.id} is at version {lead.version} now", version=lead.version)
    if (command.owner, command.due_ms, command.redial) != (UNSET, UNSET, UNSET):
        need_unleased(lead)
    need_confirmed(state, lead)
    need_free_numbers(state, set(lead.numbers).difference(lead.dropping))
    if command.data is not UNSET and awaits_erasure(lead):
        raise Conflict(f"lead {lead.id} is being anonymised", status=lead.status.code)
    new = _edited(state, lead, command)
    _need_unexpired(state, new)
    if command.data is not UNSET:
        state.keep_data(lead.id, command.data)
    forced = "" if command.redial is UNSET else forced_in_words(lead, new)
    detail = f"{_what(command)}, {forced}" if forced else _what(command)
    return state.put(lead, new, "edited", command.by, detail=detail)


def need_confirmed(state: State, lead: Lead) -> None:
    """Raises `Conflict` unless the lead's pool was loaded, and confirmed if need be: nothing makes it dialable (R9.3).

    Of a pool that failed or was rejected there may be leads that came in closed.
    """
    pool = state.pools[lead.pool]
    if pool.state not in ("active", "inactive"):
        raise Conflict(f"pool {pool.id} is {pool.state}", state=pool.state)


def _need_unexpired(state: State, lead: Lead) -> None:
    """Raises `Conflict` for a row that would have expired with its pool (SPEC R8.2)."""
    if lead.lease is None and not state.stays_open(lead):
        raise Conflict(f"the leads of pool {lead.pool} have expired", state=state.pools[lead.pool].state)


def check_own_priority(priority: int) -> None:
    """A lead's own; raises `Invalid`."""
    if not 0 <= priority <= PRIORITY_LAST:
        raise Invalid("priority", "must be from 1 (first) to 1000, or 0 for the pool's")


def _edited(state: State, lead: Lead, command: EditLead) -> Lead:
    new = lead
    if not isinstance(command.zone, UnsetType):
        new = _with_zone(state, new, command.zone)
    if not isinstance(command.priority, UnsetType):
        check_own_priority(command.priority)
        new = replace(new, priority=command.priority)
    if not isinstance(command.redial, UnsetType):
        new = admin_redial(state, new, command.redial, command.by)
    if not isinstance(command.owner, UnsetType):
        new = _with_owner(state, new, owner_of(state, command.owner))
    if not isinstance(command.due_ms, UnsetType):
        if not 0 < command.due_ms < LAST_MS:
            raise Invalid("due", "must be a time after 1970 and before 2248")
        new = _with_due(new, command.due_ms)
    return new


def _with_due(lead: Lead, due_ms: int) -> Lead:
    """With another due time. Another one than was promised was forced by nobody: it waits for the hours (SPEC R4.2)."""
    promise = lead.promise
    if promise is not None and promise.forced_by and due_ms != promise.at_ms:
        promise = replace(promise, forced_by="")
    return replace(lead, due_ms=due_ms, promise=promise)


def _with_zone(state: State, lead: Lead, zone: str | None) -> Lead:
    """With a zone of its own, or that of its number (SPEC R11.1)."""
    if zone is not None:
        check_zone(zone, "timezone")
        return replace(lead, zones=state.zones.of_zone(zone))
    return replace(lead, zones=state.zones.of_number(lead.numbers[lead.number_at]))


def _what(command: EditLead) -> str:
    names = ("priority", "owner", "due_ms", "redial", "data", "zone")
    return " ".join(name.removesuffix("_ms") for name in names if getattr(command, name) is not UNSET)


def find_owner(state: State, text: str) -> int | None:
    """`agent:CODE` or `team:CODE` as an owner; None when there is none of that name."""
    kind, _, code = text.partition(":")
    if kind == "agent" and code in state.agents.by_code:
        return state.agents.by_code[code].no
    if kind == "team" and code in state.teams.by_code:
        return -state.teams.by_code[code].no
    return None


def owner_of(state: State, text: str) -> int:
    """The same; raises `Invalid` when there is none."""
    owner = find_owner(state, text)
    if owner is None:
        raise Invalid("owner", "must be agent:CODE or team:CODE of one that exists")
    return owner


def _with_owner(state: State, lead: Lead, owner: int) -> Lead:
    new = replace(lead, owner=owner)
    if not is_own(new):
        return new
    assert new.promise is not None
    if owner < 0:
        return replace(new, promise=replace(new.promise, released_ms=state.now_ms))
    cause = must_release(state, new)
    if cause is not None:
        raise NotAllowed(f"that agent could not be offered it: {cause}", cause=cause)
    return new


def release_one(state: State, command: Release) -> Lead:
    """Release a private or VIP redial by hand."""
    lead = state.open_lead(command.lead)
    need_unleased(lead)
    need_status(lead, PROMISED)
    if not is_own(lead):
        raise WrongStatus(f"lead {lead.id} is released already", status=lead.status.code)
    return release(state, lead, "by_hand", command.by)


def make_urgent(state: State, command: MakeUrgent) -> Lead:
    """SPEC R2.6."""
    lead = state.open_lead(command.lead)
    need_unleased(lead)
    need_status(lead, DIALABLE)
    need_confirmed(state, lead)
    need_free_numbers(state, lead.numbers)
    if command.reason not in URGENT_REASONS:
        raise Invalid("reason", f"must be one of {', '.join(URGENT_REASONS)}")
    if command.expires_ms <= state.now_ms:
        raise Invalid("expires", "must be in the future")
    urgent = Urgent(URGENT_REASONS.index(command.reason), state.now_ms, command.expires_ms)
    return state.put(lead, replace(lead, urgent=urgent), "urgent", command.by, cause=command.reason)


def validate(state: State, command: Validate) -> Lead:
    """SPEC R1.4: passed closes with the result, failed gives it back to the agent who sold."""
    lead = state.open_lead(command.lead)
    need_unleased(lead)
    need_status(lead, frozenset({Status.PENDING_VALIDATION}))
    assert lead.validating is not None
    refusal = refusal_of_numbers(state, lead.numbers)
    told = replace(lead, latest=later(lead, _validated(state, lead, passed=command.passed), state.now_ms, lead.seller))
    if command.passed:
        new = close(told, lead.validating)
    elif refusal is not None:
        new = close(told, refusal)
    else:
        new = settle(state, set_redial(told, Status.PRIVATE_REDIAL, state.now_ms, lead.seller))
        if not state.stays_open(new):
            new = close(new, "expired")
    new = replace(new, validating=None, seller=0)
    return state.put(lead, new, "validated", command.by, cause="passed" if command.passed else "failed")


def _validated(state: State, lead: Lead, *, passed: bool) -> Activity:
    """What the lead is said to be from now on (SPEC R13.5): its result, or a sale that goes on."""
    template = state.campaigns.by_no[lead.campaign].template
    results = (result for result in (*template.results, *template.past) if result.code == lead.validating)
    result = next(results, None)
    return Activity.SALE_IN_PROGRESS if result is None or not passed else said_by_result(result, validated=True)


_NEVER_REOPENED = frozenset({"anonymized", "do_not_call", "global_do_not_call"})


def reopen(state: State, command: Reopen) -> Lead:
    """SPEC R1.4: a closed lead starts again, its attempts at zero."""
    row = command.row
    if state.leads.get(command.lead) is not None or row is None or row.status is not Status.CLOSED:
        found = state.need_lead(command.lead)
        raise WrongStatus(f"lead {found.id} is {found.status.code}", status=found.status.code)
    need_confirmed(state, row)
    if row.closure in _NEVER_REOPENED or row.erased:
        how = "was erased" if row.erased else f"closed as {row.closure}"
        raise WrongStatus(f"lead {row.id} {how} and is never reopened", status=row.status.code)
    numbers = row.numbers or row.dropped
    if not numbers:  # it came in closed (SPEC R9.4)
        raise WrongStatus(f"lead {row.id} has no number to be called at", status=row.status.code)
    owner = release_owner(state, replace(row, owner=0))
    exists = -row.original_owner in state.teams.by_no or row.original_owner in state.agents.by_no
    need_free_numbers(state, numbers)
    new = replace(
        row,
        status=Status.UNPROCESSED,
        closure=None,
        numbers=numbers,
        dropped=row.dropped if row.numbers else (),
        dialled=(),
        number_at=0,
        owner=owner,
        original_owner=row.original_owner if exists else owner,
        attempts=0,
        retries=(),
        due_ms=0,
        pauses=(),
        latest=None,
    )
    new = state.zones.follow(new)  # its number is another one now, or its zones were not known when it closed
    if not isinstance(command.redial, UnsetType):
        new = admin_redial(state, new, command.redial, command.by)
    _need_unexpired(state, new)
    new = follow_shuffle(new, state.pools[new.pool])
    return state.put(row, new, "reopened", command.by, detail=forced_in_words(row, new))
