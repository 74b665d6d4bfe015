"""Status schemes over the engine alone: what leads are shown as, and counts made by going through every history.

The daemon counts in other ways; a scenario's numbers are those that a supervisor would count by hand.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from nextlead.core import commands as c
from nextlead.core.conditions import Condition, condition_after, condition_before, condition_of
from nextlead.core.model import Event, Lead, Status
from nextlead.core.schemes import Scheme, norm, shown_as
from nextlead.core.setup_model import Campaign

from .core_entry import to_number
from .core_host import CoreHost
from .driver import Body, Refused
from .shown import Counts, LastActivity, Shown, Which

_FORGOTTEN: Final = "anonymized"


class CoreSchemes:
    def __init__(self, host: CoreHost) -> None:
        self._host = host

    def _campaign(self, no: int) -> Campaign:
        return self._host.engine.campaigns.by_no[no]

    def _scheme(self, name: str, campaign: Campaign) -> Scheme:
        found = self._host.engine.schemes.get(name or campaign.scheme)
        if found is None:
            raise Refused("not_found", f"there is no scheme {name}")
        return found

    def shown(self, campaign_no: int, condition: Condition, scheme: str = "") -> Shown:
        campaign = self._campaign(campaign_no)
        came = shown_as(self._scheme(scheme, campaign), campaign.template, condition)
        return Shown(came.status, came.reason, came.label)

    def of_lead(self, lead: Lead, scheme: str = "") -> Shown:
        return self.shown(lead.campaign, condition_of(lead).shown, scheme)

    def activity(self, lead: Lead) -> LastActivity | None:
        if lead.latest is None:
            return None
        agent = self._host.engine.agents.by_no.get(lead.latest.agent)
        return LastActivity(lead.latest.kind.code, lead.latest.at_ms, agent.code if agent else "")

    # -- lists and counts

    def leads(self, which: Which) -> list[int]:
        """Those that are shown so, by id."""
        return [lead.id for lead in self._asked_for(which) if self._fits(which, lead, self.of_lead(lead, which.scheme))]

    def counts(self, which: Which) -> Counts:
        found = Counter(text for lead in self._asked_for(which) if (text := self._counted_as(which, lead)) is not None)
        if which.from_ms is None and which.until_ms is None:
            assert found == self._counted_by_engine(which), "the engine counts otherwise"
        return found

    def _counted_by_engine(self, which: Which) -> Counter[str]:
        engine = self._host.engine
        found: Counter[str] = Counter()
        for (code, condition), count in engine.conditions(which.campaign or None, which.pool or None).items():
            found[self.shown(engine.campaigns.by_code[code].no, condition, which.scheme).text] += count
        return found

    def _asked_for(self, which: Which) -> Iterator[Lead]:
        for id_ in self._host.record.leads_after(0):
            lead: Lead | None = self._host.engine.lead(id_) or self._host.record.lead(id_)
            assert lead is not None
            campaign = self._campaign(lead.campaign).code
            if which.campaign in ("", campaign) and which.pool in (0, lead.pool):
                yield lead

    def _fits(self, which: Which, lead: Lead, shown: Shown) -> bool:
        last = self.activity(lead)
        return (
            norm(which.status) in ("", norm(shown.status), norm(shown.label))
            and norm(which.reason) in ("", norm(shown.reason or ""))
            and which.last_by in ("", last.agent if last else "")
        )

    def _counted_as(self, which: Which, lead: Lead) -> str | None:
        """What the lead counts as, None if it does not count in the range."""
        from_ms, until_ms = which.from_ms or 0, which.until_ms
        if which.by == "created" or (which.from_ms is None and until_ms is None):
            came_in = from_ms <= lead.created_ms and (until_ms is None or lead.created_ms < until_ms)
            return self.shown(lead.campaign, condition_of(lead), which.scheme).text if came_in else None
        was: tuple[int, str] | None = None
        for at_ms, condition in self._conditions(lead):
            if until_ms is not None and at_ms >= until_ms:
                break
            text = self.shown(lead.campaign, condition, which.scheme).text
            if was is None or was[1] != text:
                was = at_ms, text
        return was[1] if was is not None and was[0] >= from_ms else None

    def _conditions(self, lead: Lead) -> Iterator[tuple[int, Condition]]:
        """What the lead came to, and when, as counted: being forgotten changes nothing for one that was closed."""
        events = self._host.record.history(lead.id)
        yield lead.created_ms, condition_before(events[0]) if _had_a_past(events) else _first(lead, events)
        for event in events:
            if event.closure != _FORGOTTEN or event.closure_before is None:
                yield event.at_ms, condition_after(event)

    # -- commands

    def log(self, lead: int, who: str, *, is_agent: bool, body: Body) -> c.LogActivity:
        fields: dict[str, Any] = {key: value for key, value in body.items() if key not in ("redial", "number")}
        if "redial" in body:
            fields["redial"] = c.RedialEdit(**body["redial"])
        if "number" in body:
            fields["number"] = to_number(body["number"])
        if is_agent:
            fields["agent"] = who
        row = self._host.record.lead(lead)
        closed = row if row is not None and row.status is Status.CLOSED else None
        return c.LogActivity(lead=lead, row=closed, by=f"agent:{who}" if is_agent else who, **fields)


def _had_a_past(events: list[Event]) -> bool:
    return bool(events) and events[0].kind != "loaded"


def _first(lead: Lead, events: list[Event]) -> Condition:
    return condition_after(events[0]) if events else condition_of(lead)
