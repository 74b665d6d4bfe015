"""A small call centre under random commands; at any moment another engine is built from what its store has, and must be
the same in everything it holds, and answer the same from then on."""

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from nextlead.core import activity_model, verify
from nextlead.core import commands as c
from nextlead.core.changes import Changes
from nextlead.core.conditions import FRESH, Condition, condition_of
from nextlead.core.engine import Engine
from nextlead.core.errors import NextleadError
from nextlead.core.model import CAUSES, URGENT_REASONS, Lead, Status
from nextlead.core.replies import Offer, Outcome
from nextlead.core.setup_model import CallingHours, ContactLimit, Dialer, Duplicates
from nextlead.core.tokens import token_text
from nextlead.ports import Commit, Store
from nextlead.runtime.recovery import load
from nextlead.testing import MemoryStore
from nextlead.testing.clock import MONDAY_MS
from nextlead_adapters.sqlite import SqliteStore

OUTCOMES: tuple[Any, ...] = activity_model.OUTCOMES
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
AGENTS, CAMPAIGNS = ("ann", "bob", "cyd"), ("c1", "c2")
NUMBERS = tuple(14155550100 + at for at in range(9))
ZONES = ("America/New_York", "Europe/London", "Australia/Lord_Howe")
SECRET = b"the key of these tests"
WEEK = (((9 * 60, 12 * 60), (13 * 60, 20 * 60)),) * 5 + (((10 * 60, 12 * 60),), ())
LIMITS = (
    ContactLimit("max", DAY, most=1),
    ContactLimit("max", 2 * DAY, most=2, promised=True),
    ContactLimit("max", 3 * DAY, most=2, scope="lead"),
    ContactLimit("min_gap", 2 * HOUR),
    ContactLimit("pause_after_conversation", DAY, promised=True),
)
LATER = (0, 1, MINUTE, 10 * MINUTE, HOUR, 3 * HOUR, 9 * HOUR, DAY, 3 * DAY)


class World:
    """An `Almanac`: numbers in one zone, in two, in none."""

    def zones_of(self, number: int) -> tuple[str, ...]:
        return ((), ZONES[:1], ZONES[1:2], ZONES[:2], ZONES[2:])[number % 5]

    def knows_holidays(self, place: str) -> bool:
        return place == "US"

    def holidays(self, _place: str, year: int) -> Collection[date]:
        return [date(year, 3, 4)]


class Centre:
    """The engine that works; `pending` is what is not committed yet, as in a group commit."""

    def __init__(self, seed: int, path: Path | None = None, numbers: tuple[int, ...] = NUMBERS) -> None:
        """With a path the store is a file, which is read by another store."""
        self.numbers = numbers
        self.dice = random.Random(seed)
        self.now_ms = MONDAY_MS + 15 * HOUR
        self.path = path
        self.store: Store = MemoryStore() if path is None else SqliteStore(path)
        self.commits = 0
        self.pending = Changes()
        self.engine = Engine(SECRET)  # it knows no zones: leads may have come before they were known
        self.almanac = World()
        self.rows: dict[int, Lead] = {}
        self.fresh: dict[int, int] = {}  # pools of the leads that came, by id
        self.tokens = 0
        self.refused = 0

    # -- commands and commits ---------------------------------------------------------------------------------------

    async def begin(self) -> None:
        await self.store.open()
        await self.store.claim()
        self.take(self.engine.start(self.now_ms))
        await self.do(c.PutSettings(restart_grace_ms=0))
        for code in CAMPAIGNS:
            await self.do(c.PutCampaign(code=code, dialer=Dialer(retry=dict.fromkeys(CAUSES, (MINUTE, HOUR)))))
        await self.do(c.PutTeam(code="north"))
        await self.hire()
        for _ in range(3):
            await self.add_leads()

    async def hire(self) -> None:
        """All agents are there, and at work."""
        for agent, team in zip(AGENTS, (None, "north", "north"), strict=True):
            await self.do(c.PutAgent(code=agent, team=team, campaigns=CAMPAIGNS, enabled=True))
            await self.do(c.PutSession(agent=agent, campaigns=CAMPAIGNS))

    async def do(self, command: c.Command) -> Any:
        """The reply; None when it was refused. Sometimes several commands share a commit."""
        self.engine.commit_no = self.commits + 1
        try:
            outcome = self.engine.apply(command, self.now_ms)
        except NextleadError as error:
            self.refused += 1
            if error.outcome is not None:
                self.take(error.outcome)
            return None
        self.take(outcome)
        if self.dice.random() < 0.5:
            await self.commit()
        return outcome.reply

    def take(self, outcome: Outcome) -> None:
        self.pending.merge(outcome.changes)
        self.rows.update(outcome.changes.leads)
        self.fresh.update((lead.id, lead.pool) for lead in outcome.changes.fresh)
        for lead in outcome.changes.gone:
            self.rows.pop(lead, None)
            self.fresh.pop(lead, None)

    async def commit(self) -> None:
        if self.pending:
            self.commits += 1
            await self.store.commit(Commit(self.commits, self.now_ms, self.pending))
            self.pending = Changes()

    async def settle(self) -> None:
        """Nothing is due, all is durable. Something may go on in slices."""
        await self.do(c.Tick())
        await self.commit()
        self.engine.commit_no = self.commits + 1

    async def work_off(self) -> None:
        """Nothing goes on in slices either."""
        await self.settle()
        while self.engine.working:
            await self.do(c.Work())
        await self.settle()

    async def twin(self, last_ms: int | None = None) -> tuple[Engine, Outcome]:
        """Another engine from what is durable, and what its start did; it was down since `last_ms`."""
        engine = Engine(SECRET, self.almanac)
        engine.state.slice_leads = self.dice.choice((1, 3, 100))
        store = self.store if self.path is None else SqliteStore(self.path, read_only=True)
        if store is not self.store:
            await store.open()
        await load(store, engine)
        if store is not self.store:
            await store.close()
        engine.commit_no = self.commits + 1
        return engine, engine.start(self.now_ms, self.now_ms if last_ms is None else last_ms)

    # -- what happens -----------------------------------------------------------------------------------------------

    async def happen(self) -> None:
        """Some random thing."""
        moves: tuple[tuple[int, Callable[[], Any]], ...] = (
            (12, self.call),
            (4, self.finish),
            (2, self.next),
            (5, self.pass_time),
            (2, self.take_lead),
            (2, self.add_leads),
            (3, self.edit),
            (2, self.resolve),
            (3, self.limit),
            (3, self.open_hours),
            (2, self.pool),
            (1, self.block),
            (2, self.reopen),
            (4, self.log),
            (1, self.forget),
            (1, self.save),
            (1, self.staff),
            (3, self.work),
        )
        (move,) = self.dice.choices([move for _, move in moves], [weight for weight, _ in moves])
        await move()

    async def next(self) -> Offer | None:
        self.tokens += 1
        reply = await self.do(c.Next(agent=self.dice.choice(AGENTS), token=self.tokens.to_bytes(16, "big")))
        return reply if isinstance(reply, Offer) else None

    async def call(self) -> None:
        if (offer := await self.next()) is not None:
            self.now_ms += self.dice.choice((0, 1, MINUTE))
            await self.end(offer.lead)

    async def finish(self) -> None:
        if leased := [lead for lead in self.open_leads() if lead.lease is not None]:
            await self.end(self.dice.choice(leased))

    async def end(self, lead: Lead) -> None:
        row = self.engine.lead(lead.id)
        if row is None or row.lease is None:
            return
        number = self.dice.choice(row.numbers) if self.dice.random() < 0.3 else None
        more = {"number": number} | ({"next_token": b"next" * 4} if self.dice.random() < 0.1 else {})
        command = c.Finish(token=token_text(row.id, row.lease.token), **more, **self.ending())
        if await self.do(command) is None:
            await self.do(c.Finish(token=command.token, outcome="unreached", cause="busy"))

    def ending(self) -> dict[str, Any]:
        kind = self.dice.choice(("common", "private", "vip"))
        at_ms = self.now_ms + self.dice.choice((MINUTE, HOUR, 5 * HOUR, DAY))
        return self.dice.choice(
            (
                {"outcome": "unreached", "cause": self.dice.choice(CAUSES)},
                {"outcome": "unreached", "cause": self.dice.choice(CAUSES)},
                {"outcome": "resolved", "result": self.dice.choice(("success", "not_interested"))},
                {"outcome": "redial", "kind": kind, "at_ms": at_ms, "force": self.dice.random() < 0.5},
                {"outcome": "unresolved"},
                {"outcome": "cancelled"},
            )
        )

    async def pass_time(self) -> None:
        self.now_ms += self.dice.choice(LATER)
        if self.dice.random() < 0.7:
            await self.do(c.Tick())

    async def take_lead(self) -> None:
        self.tokens += 1
        token, override = self.tokens.to_bytes(16, "big"), self.dice.random() < 0.5
        lead = self.dice.choice(self.open_leads() or [None])
        if lead is not None:
            await self.do(c.Take(agent=self.dice.choice(AGENTS), lead=lead.id, token=token, override=override))

    async def add_leads(self) -> None:
        campaign, load = self.dice.choice(CAMPAIGNS), Duplicates(action="load")
        pool = await self.do(c.OpenPool(campaign=campaign, duplicates=load, on_invalid="close"))
        zones = ("", "", *ZONES)
        rows = tuple(
            c.IntakeRow(
                row,
                tuple(self.dice.sample(self.numbers, self.dice.choice((1, 1, 2)))),
                zone=self.dice.choice(zones),
                owner=self.dice.choice((None, None, "team:north", "agent:ann")),
            )
            for row in range(self.dice.randint(1, 6))
        )
        rejects = (
            c.IntakeReject(
                9, ("no",), numbers=rows[0].numbers, rule=self.dice.choice(("countries", "fields.a/b.type"))
            ),
        )
        await self.do(c.LoadRows(pool=pool.id, rows=rows, rejects=self.dice.choice(((), rejects))))
        await self.do(c.ClosePool(pool=pool.id))

    async def edit(self) -> None:
        lead = self.dice.choice(self.open_leads() or [None])
        if lead is None:
            return
        at_ms = self.now_ms + self.dice.choice(LATER[1:])
        redial = c.RedialEdit(self.dice.choice(("private", "vip")), at_ms, self.dice.choice(AGENTS), force=True)
        await self.do(
            self.dice.choice(
                (
                    c.EditLead(lead=lead.id, zone=self.dice.choice((None, *ZONES))),
                    c.EditLead(lead=lead.id, zone=self.dice.choice((None, *ZONES))),
                    c.EditLead(lead=lead.id, due_ms=at_ms),
                    c.EditLead(lead=lead.id, redial=redial),
                    c.EditLead(lead=lead.id, priority=self.dice.choice((0, 1, 9))),
                    c.MakeUrgent(lead=lead.id, reason=self.dice.choice(URGENT_REASONS), expires_ms=at_ms),
                    c.Remove(lead=lead.id),
                    c.Release(lead=lead.id),
                )
            )
        )

    async def resolve(self) -> None:
        for lead in self.open_leads():
            if lead.status is Status.UNRESOLVED:
                ending = self.ending()
                if ending["outcome"] in ("resolved", "redial", "unreached"):
                    await self.do(c.Resolve(lead=lead.id, by="user:m", **ending))
                return

    async def limit(self) -> None:
        limits = tuple(self.dice.sample(LIMITS, self.dice.choice((0, 1, 1, 2))))
        if self.dice.random() < 0.4:
            await self.do(c.PutSettings(contact_limits=limits))
        else:
            await self.set_dialer(contact_limits=limits)

    async def open_hours(self) -> None:
        hours = CallingHours(
            zone=self.dice.choice(("lead", "lead", "lead", ZONES[0])),
            campaign_zone=self.dice.choice(("UTC", ZONES[1])),
            windows=self.dice.choice((None, WEEK, WEEK)),
            days_off=self.dice.choice(((), ("2026-03-03",))),
            holidays=self.dice.choice(("", "US")),
        )
        await self.set_dialer(calling_hours=self.dice.choice((None, hours, hours)))

    async def set_dialer(self, **changed: Any) -> None:
        code = self.dice.choice(CAMPAIGNS)
        (campaign,) = (campaign for campaign in self.engine.campaigns if campaign.code == code)
        known = {name: getattr(campaign.dialer, name) for name in Dialer.__struct_fields__}
        await self.do(c.PutCampaign(code=code, dialer=Dialer(**(known | changed))))

    async def pool(self) -> None:
        pools = list(self.engine.pools)
        action = self.dice.choice(("activate", "activate", "deactivate", "shuffle", "delete"))
        await self.do(c.ActOnPool(pool=self.dice.choice(pools), action=action, seed=self.dice.randrange(99)))
        while action == "shuffle" and self.engine.working:  # one that was not answered yet is not begun again
            await self.do(c.Work())

    async def block(self) -> None:
        number = self.dice.choice(self.numbers)
        await self.do(c.Block(numbers=(number,), drop_number=self.dice.random() < 0.7))
        await self.do(c.Unblock(number=number))

    async def reopen(self) -> None:
        if (lead := self.closed_lead()) is not None:
            await self.do(c.Reopen(lead=lead.id, row=lead))

    async def log(self) -> None:
        """An activity of a lead that is free, on a screen or closed."""
        closed = self.closed_lead() if self.dice.random() < 0.2 else None
        lead = closed or self.dice.choice(self.open_leads() or [None])
        if lead is None:
            return
        outcome = None if closed else self.dice.choice((None, *OUTCOMES))
        redial = c.RedialEdit("private", self.now_ms + HOUR, force=True) if self.dice.random() < 0.5 else None
        await self.do(
            c.LogActivity(
                lead=lead.id,
                interaction="call" if outcome else "sms",
                direction=self.dice.choice(("in", "out")),
                outcome=outcome,
                agent=self.dice.choice((None, *AGENTS)),
                at_ms=self.now_ms - self.dice.choice((0, 0, HOUR)),
                redial=redial if outcome == "sale_in_progress" else None,
                row=closed,
            )
        )

    async def forget(self) -> None:
        if (lead := self.closed_lead()) is not None and self.dice.random() < 0.8:
            whole = c.Anonymise(leads=(lead.id,), rows=(lead,))
            await self.do(self.dice.choice((whole, c.Forget(rows=(lead,)))))
        elif open_leads := self.open_leads():
            await self.do(c.Anonymise(leads=(self.dice.choice(open_leads).id,)))

    async def save(self) -> None:
        """A filter, new or changed, or one that goes."""
        name = self.dice.choice("pqr")
        await self.do(self.dice.choice((c.PutFilter(name=name, body=b"{}", by="m"), c.DeleteFilter(name=name))))

    async def work(self) -> None:
        """One slice of what goes on."""
        await self.do(c.Work())

    async def staff(self) -> None:
        agent = self.dice.choice(AGENTS)
        await self.do(c.PutAgent(code=agent, enabled=self.dice.random() < 0.3))
        await self.do(c.PutAgent(code=agent, enabled=True))
        await self.do(c.PutSession(agent=agent, campaigns=CAMPAIGNS))

    # -- who there is -----------------------------------------------------------------------------------------------

    def counted(self) -> dict[tuple[str, Condition], int]:
        """All leads by campaign and condition, from what was made durable."""
        found: Counter[tuple[str, Condition]] = Counter()
        for lead, pool in self.fresh.items():
            row = self.rows.get(lead)
            code = self.engine.campaigns.by_no[self.engine.pools[pool].campaign].code
            found[code, FRESH if row is None else condition_of(row)] += 1
        return dict(found)

    def open_leads(self) -> list[Lead]:
        state = self.engine.state
        found = (state.leads.get(lead) for lead in (*self.ids(),))
        return [lead for lead in found if lead is not None]

    def ids(self) -> Iterator[int]:
        yield from range(1, self.engine.sequences.lead)

    def closed_lead(self) -> Lead | None:
        gone = [
            row for row in self.rows.values() if self.engine.lead(row.id) is None and row.closure and not row.erased
        ]
        return self.dice.choice(gone) if gone else None


def differences(one: Engine, other: Engine) -> list[str]:
    """What two engines hold otherwise."""
    ours, theirs = one.state, other.state
    found = verify.differences(ours, theirs)
    rows = [dict(_keyed(state)) for state in (ours, theirs)]
    found += [f"rows: {text}" for text in verify._differences(*rows)]
    for lead in range(1, max(one.sequences.lead, other.sequences.lead)):
        if ours.leads.get(lead) != theirs.leads.get(lead):
            found.append(f"lead {lead}: {ours.leads.get(lead)}, {theirs.leads.get(lead)}")
    for key in theirs.gates.keys() | ours.gates.keys():
        spans = [state.gates[key].span for state in (ours, theirs) if key in state.gates]
        if len({(span.open, span.until_ms) for span in spans}) > 1:
            found.append(f"hours of {key}: {spans}")
    return found


def _keyed(state: Any) -> Iterator[tuple[object, object]]:
    for at, (table, row) in enumerate(sorted(verify.rows_of(state), key=lambda found: (found[0], repr(found[1])))):
        yield (table, at), row
