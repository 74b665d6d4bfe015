"""The engine: commands in, changes out. No I/O, no clock; time is an argument.

    outcome = engine.apply(Next(agent="ann", token=token), now_ms)

`apply` is synchronous and whole: nobody sees a half-done command. It first computes and then takes in; a refusal has
changed nothing. The caller owes two things: make `outcome.changes` durable, in order, before it acts on the reply;
and call again at `next_deadline_ms`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from . import (
    activities,
    blocking,
    bulk_edits,
    commands,
    explaining,
    idle,
    intake,
    jobs,
    kept_files,
    lead_edits,
    pool_buttons,
    pools,
    privacy,
    saved_filters,
    setup,
    work,
)
from .almanac import NO_ALMANAC, Almanac
from .changes import Changes
from .errors import NextleadError
from .firing import catch_up, fire_due
from .model import FreshLead, Lead
from .order import NEVER
from .reads import Reads
from .recovery import Recovery
from .replies import Finished, Outcome
from .resuming import resume_jobs
from .row import Row
from .schemes import NO_SCHEMES, Scheme
from .state import State

Handler = Callable[[Any, Any], Any]


def _finish(state: State, command: commands.Finish) -> Finished:
    """A finish, and the next lead with it (SPEC R5.8); what the finish set off, and those who wait, come between.

    What waited for the end of the lease (a release, SPEC R4.5) acts at once, and the answer shows the lead after it.
    """
    agent = None if command.next_token is None else work.holder(state, command.token)
    finished = work.finish(state, command)
    if state.timers.bound <= state.now_ms and not finished.commit_no:
        fire_due(state)
        finished = replace(finished, lead=state.changes.leads[finished.lead.id])
    if agent is None or command.next_token is None:
        return finished
    catch_up(state)
    return replace(finished, next=work.following(state, agent, command.next_token))


_HANDLERS: Final[dict[type[commands.Command], Handler]] = {
    commands.PutTeam: setup.put_team,
    commands.PutAgent: setup.put_agent,
    commands.PutProject: setup.put_project,
    commands.PutCampaign: setup.put_campaign,
    commands.PutSettings: setup.put_settings,
    commands.Delete: setup.delete,
    commands.PutToken: setup.put_token,
    commands.DeleteToken: setup.delete_token,
    commands.PutSession: setup.put_session,
    commands.EndSession: setup.end_session,
    commands.ReleaseAll: setup.release_all,
    commands.Next: work.next_lead,
    commands.Finish: _finish,
    commands.StopWaiting: work.stop_waiting,
    commands.Take: work.take,
    commands.Heartbeat: work.heartbeat,
    commands.EndLease: work.end_by_hand,
    commands.Resolve: work.resolve,
    commands.LogActivity: activities.log_activity,
    commands.EditLead: lead_edits.edit_lead,
    commands.EditLeads: bulk_edits.edit_leads,
    commands.Release: lead_edits.release_one,
    commands.MakeUrgent: lead_edits.make_urgent,
    commands.Validate: lead_edits.validate,
    commands.Reopen: lead_edits.reopen,
    commands.Remove: blocking.remove,
    commands.Block: blocking.block,
    commands.Unblock: blocking.unblock,
    commands.Anonymise: privacy.anonymise,
    commands.Forget: privacy.forget,
    commands.Erased: privacy.erased,
    commands.OpenPool: pools.open_pool,
    commands.LoadRows: intake.load_rows,
    commands.AddFile: kept_files.add_file,
    commands.AddFilePart: kept_files.add_file_part,
    commands.SwapFile: kept_files.swap_file,
    commands.DropFile: kept_files.drop_file,
    commands.ClosePool: pools.close_pool,
    commands.EditPool: pools.edit_pool,
    commands.ActOnPool: pool_buttons.act_on_pool,
    commands.PutFilter: saved_filters.put_filter,
    commands.DeleteFilter: saved_filters.delete_filter,
    commands.KeepAnswer: setup.keep_answer,
    commands.Explain: explaining.explain,
    commands.WhyIdle: idle.why_idle,
    commands.WhyAllIdle: idle.why_all_idle,
    commands.Work: jobs.work,
    commands.Tick: lambda _state, _command: None,
}


class Engine(Reads):
    """One organisation's leads in order. What can be read of it is in `Reads`."""

    def __init__(
        self, secret: bytes = b"", almanac: Almanac = NO_ALMANAC, schemes: Mapping[str, Scheme] = NO_SCHEMES
    ) -> None:
        """`secret` is the key of the hashes of forgotten numbers (SPEC R10.6), at most 64 bytes, the same for ever.

        `almanac` knows zones of numbers and public holidays (SPEC R11.1); by default nothing is known of them.
        `schemes` are the status schemes by name (SPEC 13); by default `hero` alone, which says codes as they are.
        """
        super().__init__()
        self.state.secret = secret
        self.state.zones.almanac = almanac
        self.state.schemes = schemes
        self._recovery = Recovery(self.state)

    @property
    def commit_no(self) -> int:
        """The number of the commit that coming changes will be part of; the runtime sets it."""
        return self.state.commit_no

    @commit_no.setter
    def commit_no(self, value: int) -> None:
        self.state.commit_no = value

    def apply(self, command: commands.Command, now_ms: int) -> Outcome:
        """Carry out one command at a time that is never before the last one's.

        Raises `NextleadError` when it is refused; what time alone had changed by then is in the error's `outcome`.
        `next` costs O(queues the agent sees + log n), whatever number of leads is blocked; see docs/architecture.md
        for the rest.
        """
        state = self._begin(now_ms)
        timers, waiters = state.timers, state.waiting.by_agent
        try:
            if timers.bound <= state.now_ms or waiters:
                catch_up(state)
            state.previous_ms = state.now_ms
            reply = _HANDLERS[type(command)](state, command)
        except NextleadError as error:
            error.outcome = self._end(None)
            raise
        if timers.bound <= state.now_ms or waiters or state.done or state.faults_new:
            return self._end(reply)
        return Outcome(reply, state.changes, state.served)  # what `_end` would say, without asking again

    def clock_slipped(self, by_ms: int, now_ms: int) -> Outcome:
        """Engine time has run `by_ms` ahead of the time that passed (less than 0: behind), so leases move along.

        Whoever owns a real clock calls it before anything else is applied at the new time. O(leases).
        """
        state = self._begin(now_ms)
        work.shift_leases(state, by_ms)
        return self._end(None)

    def _begin(self, now_ms: int) -> State:
        state = self.state
        state.previous_ms = state.now_ms
        if now_ms > state.now_ms:
            state.now_ms = now_ms
        state.changes = Changes()
        state.served = []
        if state.done:
            state.done = []
        if state.faults_new:
            state.faults_new = []
        return state

    def _end(self, reply: Any) -> Outcome:
        state = self.state
        catch_up(state)
        return Outcome(reply, state.changes, state.served, tuple(state.done), tuple(state.faults_new))

    def next_deadline_ms(self) -> int | None:
        """When to call `Tick`: never later than the next thing to do; None while there is nothing.

        It may be too early, when what was to be done has been undone since; `Tick` then finds out the next time. O(1).
        """
        waiting_ms = self.state.waiting.next_ms()
        found_ms = self.state.timers.bound if waiting_ms is None else min(self.state.timers.bound, waiting_ms)
        return None if found_ms == NEVER else found_ms

    @property
    def working(self) -> bool:
        """Whether something goes on in slices: `Work` is then to be applied until it is done."""
        return bool(self.state.tasks)

    # -- recovery ---------------------------------------------------------------------------------------------------

    def restore_row(self, table: str, row: Row) -> None:
        """A row of a table other than leads; these come first."""
        self._recovery.row(table, row)

    def restore_lead(self, lead: Lead) -> None:
        """A touched, open lead."""
        self._recovery.lead(lead)

    def restore_fresh(self, leads: Sequence[FreshLead]) -> None:
        """Untouched leads of any pools."""
        self._recovery.fresh(leads)

    def build(self, last_ms: int = 0) -> Iterator[None]:
        """Build the order from what was restored, as of `last_ms`; a few milliseconds between two of what it gives.

        For who has others to serve meanwhile: `start` does what is left of it. O(n log n).
        """
        self.state.now_ms = last_ms
        return self._recovery.pieces()

    def start(self, now_ms: int, last_ms: int = 0) -> Outcome:
        """Build the order from what was restored, then run what came due since `last_ms`, in due order (SPEC R5.7).

        Also for a new organisation, which gets its root team and project. O(n log n).
        """
        state = self.state
        state.now_ms = last_ms
        self._recovery.build(now_ms)
        state.previous_ms, state.now_ms = state.now_ms, max(now_ms, state.now_ms)
        zone_sets = {key: row for key, row in state.changes.rows.items() if key[0] == "zone_set"}
        state.changes, state.served, state.done = Changes(rows=zone_sets), [], []
        setup.found_organisation(state)
        kept_files.drop_unnamed(state)
        resume_jobs(state)
        fire_due(state)
        return Outcome(None, state.changes, state.served)
