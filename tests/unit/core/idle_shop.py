"""A call centre in which everything that can keep a lead from an agent happens, as dice say; for tests of explanations.

Two agents of a team of two levels, three campaigns, few numbers, so that leads share them.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from random import Random

from unit.core.centre import MINUTE_MS, Centre

from nextlead.core import commands as c
from nextlead.core.engine import Engine
from nextlead.core.errors import NextleadError
from nextlead.core.model import URGENT_REASONS
from nextlead.core.replies import Offer
from nextlead.core.row import DAY_MS, HOUR_MS
from nextlead.core.setup_model import CallingHours, ContactLimit, Dialer, Duplicates
from nextlead.core.tokens import token_text

MONDAY_MS = int(datetime(2026, 3, 2, 8, 30, tzinfo=UTC).timestamp()) * 1000
AGENTS = ("a", "b")
CAMPAIGNS = ("c1", "c2", "c3")
OWNERS = (None, "team:t1", "team:t2", "agent:a", "agent:b")
HOURS = CallingHours(windows=(((540, 720), (780, 1020)),) * 5 + ((),) * 2)
ZONES = {0: ("America/New_York",), 1: ("America/Chicago", "America/New_York"), 2: ("Asia/Kolkata",)}
LIMITS = (ContactLimit("max", 4 * HOUR_MS, 1, "number"), ContactLimit("min_gap", 30 * MINUTE_MS, promised=True))


class Zoned:
    """Numbers tell their zones by their last digit."""

    def zones_of(self, number: int) -> tuple[str, ...]:
        return ZONES.get(number % 5, ())

    def knows_holidays(self, _place: str) -> bool:
        return False

    def holidays(self, _place: str, _year: int) -> tuple[()]:
        return ()


class Shop(Centre):
    """See above. `limited`: there are contact limits."""

    def __init__(self, seed: int, *, limited: bool) -> None:
        self.random = Random(seed)
        self.now_ms = MONDAY_MS
        self.tokens = 0
        self.limits = LIMITS if limited else ()
        self.found()
        self(c.PutSettings(restart_grace_ms=0))
        self(c.PutTeam(code="t1"))
        self(c.PutTeam(code="t2", parent="t1"))
        self.pools: list[int] = []
        for code in CAMPAIGNS:
            self(c.PutCampaign(code=code))
        for code, team in zip(AGENTS, ("t2", "t1"), strict=True):
            self(c.PutAgent(code=code, team=team, campaigns=CAMPAIGNS))
            self(c.PutSession(agent=code, campaigns=self.some(CAMPAIGNS), cross=self.random.random() < 0.7))
        for code in CAMPAIGNS:
            self.put_campaign(code)

    def found(self) -> None:
        self.engine = Engine(almanac=Zoned())
        self.engine.state.slice_leads = 2
        self.engine.start(self.now_ms)

    def __call__(self, command: c.Command) -> object:
        return self.engine.apply(command, self.now_ms).reply

    def some(self, of: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(each for each in of if self.random.random() < 0.7) or of[:1]

    def at(self, now_ms: int) -> Engine:
        """Another engine with the same rows, at a later time, if nothing else happened."""
        mine, self.engine = self.engine, self.engine
        before = self.now_ms
        self.restart()
        other, self.engine, self.now_ms = self.engine, mine, before
        other.apply(c.Tick(), now_ms)
        return other

    # -- what happens -----------------------------------------------------------------------------------------------

    def happen(self) -> None:
        """One thing, or nothing if it is refused."""
        moves = (
            (self.load, 6),
            (self.call, 14),
            (self.wait, 10),
            (self.edit, 4),
            (self.press, 4),
            (self.dates, 2),
            (self.hurry, 3),
            (self.block, 1),
            (self.drop, 1),
            (self.choose, 2),
            (self.set_up, 2),
            (self.take, 2),
            (self.end, 2),
            (self.work, 2),
        )
        move: Callable[[], object] = self.random.choices([move for move, _ in moves], [often for _, often in moves])[0]
        with suppress(NextleadError):
            move()

    def put_campaign(self, code: str) -> None:
        dice = self.random.random
        dialer = Dialer(
            calling_hours=HOURS if dice() < 0.6 else None,
            contact_limits=self.limits if dice() < 0.6 else (),
            max_unresolved=1 if dice() < 0.5 else None,
            reserve_owner_ms=20 * MINUTE_MS if dice() < 0.4 else 0,
            dial_promised_when_inactive=dice() < 0.7,
            expire_after_ms=3 * DAY_MS if dice() < 0.2 else None,
            expire_promised=dice() < 0.3,
            new_every=2 if dice() < 0.2 else None,
            weight=2.0 if dice() < 0.2 else None,
            release_private_ms=HOUR_MS if dice() < 0.7 else None,
        )
        self(c.PutCampaign(code=code, dialer=dialer, active=dice() < 0.8))

    def set_up(self) -> None:
        if self.random.random() < 0.5:
            self.put_campaign(self.random.choice(CAMPAIGNS))
        else:
            limits = self.limits[:1] if self.random.random() < 0.5 else ()
            self(c.PutSettings(redial_restrictions=self.random.random() < 0.3, contact_limits=limits))

    def load(self, *_: object, **__: object) -> list[int]:
        dice = self.random
        pool = self(
            c.OpenPool(campaign=dice.choice(CAMPAIGNS), duplicates=Duplicates(action=dice.choice(["load", "clone"])))
        )
        assert hasattr(pool, "id")
        rows = tuple(
            c.IntakeRow(
                at,
                tuple({14155550100 + dice.randrange(12) for _ in range(dice.choice([1, 1, 2]))}),
                owner=dice.choice(OWNERS),
                priority=dice.choice([0, 0, 3]),
            )
            for at in range(dice.randrange(1, 5))
        )
        self(c.LoadRows(pool=pool.id, rows=rows))
        self(c.ClosePool(pool=pool.id))
        self.pools.append(pool.id)
        return []

    def call(self) -> None:
        agent, dice = self.random.choice(AGENTS), self.random
        offer = self.ask(agent)
        if isinstance(offer, Offer) and dice.random() < 0.85:
            self.hang_up(offer)

    def hang_up(self, offer: Offer) -> None:
        dice = self.random
        assert offer.lead.lease is not None
        outcome = dice.choice(["resolved", "redial", "redial", "unreached", "unreached", "unresolved", "cancelled"])
        rest: dict[str, object] = {}
        if outcome == "redial":
            at_ms = self.now_ms + dice.choice([1, 10, 30, 60, 300, 1500]) * MINUTE_MS
            rest = {
                "kind": dice.choice(["common", "private", "private", "vip"]),
                "at_ms": at_ms,
                "force": dice.random() < 0.7,
            }
        elif outcome == "unreached":
            rest = {"cause": dice.choice(["no_answer", "busy", "dropped", "invalid_number"])}
        elif outcome == "resolved":
            rest = {"result": "success"}
        self(c.Finish(token=token_text(offer.lead.id, offer.lead.lease.token), outcome=outcome, **rest))  # type: ignore[arg-type]

    def end(self) -> None:
        for agent in AGENTS:
            for offer in self.engine.leases_of(agent):
                self.hang_up(offer)

    def wait(self) -> None:
        self.now_ms += self.random.choice([1, 5, 20, 60, 180, 600, 1440]) * MINUTE_MS
        self(c.Tick())

    def lead(self) -> int:
        return self.random.randrange(1, max(2, self.engine.sequences.lead))

    def edit(self) -> None:
        dice = self.random
        at_ms = self.now_ms + dice.choice([1, 60, 400]) * MINUTE_MS
        redial = c.RedialEdit(dice.choice(["common", "private", "vip"]), at_ms, dice.choice(AGENTS), force=True)
        edits = (
            c.EditLead(lead=self.lead(), due_ms=at_ms),
            c.EditLead(lead=self.lead(), owner=dice.choice(OWNERS[1:])),  # type: ignore[arg-type]
            c.EditLead(lead=self.lead(), redial=redial),
            c.EditLead(lead=self.lead(), zone=dice.choice(["Europe/London", None])),
        )
        self(dice.choice(edits))

    def press(self) -> None:
        buttons = ("activate", "deactivate", "deactivate", "shuffle", "delete")
        self(c.ActOnPool(pool=self.random.choice(self.pools or [1]), action=self.random.choice(buttons)))  # type: ignore[arg-type]

    def dates(self) -> None:
        from_ms = self.now_ms + self.random.choice([-60, 30, 600]) * MINUTE_MS
        until_ms = from_ms + self.random.choice([30, 90, 2000]) * MINUTE_MS
        self(c.EditPool(pool=self.random.choice(self.pools or [1]), active_from_ms=from_ms, active_until_ms=until_ms))

    def hurry(self) -> None:
        expires_ms = self.now_ms + self.random.choice([5, 100, 1000]) * MINUTE_MS
        self(c.MakeUrgent(lead=self.lead(), reason=self.random.choice(URGENT_REASONS), expires_ms=expires_ms))

    def block(self) -> None:
        dice = self.random
        number = 14155550100 + dice.randrange(12)
        self(c.Block(numbers=(number,), drop_number=dice.random() < 0.5))
        if dice.random() < 0.5:
            self(c.Unblock(number=number))

    def drop(self) -> None:
        self(c.Remove(lead=self.lead()))

    def choose(self) -> None:
        agent = self.random.choice(AGENTS)
        if self.random.random() < 0.3:
            self(c.PutAgent(code=agent, campaigns=self.some(CAMPAIGNS)))
        self(c.PutSession(agent=agent, campaigns=self.some(CAMPAIGNS), cross=self.random.random() < 0.7))

    def take(self) -> None:
        self.tokens += 1
        self(c.Take(agent=self.random.choice(AGENTS), lead=self.lead(), token=self.tokens.to_bytes(16, "big")))
