"""Bad input to the pure engine: refused with the field and the rule named, and nothing changed."""

import pytest
from msgspec.structs import replace

from nextlead.core.commands import (
    ActOnPool,
    ClosePool,
    Command,
    EditLead,
    EditPool,
    IntakeRow,
    LoadRows,
    MakeUrgent,
    OpenPool,
    PutAgent,
    PutCampaign,
    PutSettings,
    PutTeam,
    RedialEdit,
)
from nextlead.core.engine import Engine
from nextlead.core.errors import Conflict, Invalid, NextleadError
from nextlead.core.order import LAST_MS
from nextlead.core.row import DAY_MS
from nextlead.core.setup_model import Dialer, Template, TemplateField, TemplateResult
from nextlead.core.verify import rows_of

NOW_MS = 1_772_442_000_000


def dialer(**settings: object) -> PutCampaign:
    return PutCampaign(code="c1", dialer=replace(Dialer(), **settings))


BAD = [
    (dialer(new_every=0), "dialer.new_every"),
    (dialer(max_attempts=0), "dialer.max_attempts"),
    (dialer(weight=0.0), "dialer.weight"),
    (dialer(priority=1001), "dialer.priority"),
    (dialer(lease_timeout_ms=0), "dialer.lease_timeout"),
    (dialer(release_private_ms=-1), "dialer.release_private"),
    (dialer(retry={"rain": (1,)}), "dialer.retry.rain"),
    (dialer(retry={"busy": ()}), "dialer.retry.busy"),
    (
        PutCampaign(code="c2", template=Template(results=(TemplateResult("a", "A", "odd"),))),
        "template.results.category",
    ),
    (PutCampaign(code="c2", template=Template(fields=(TemplateField("A"), TemplateField(" a ")))), "template.fields"),
    (PutAgent(code="ann", may_set=("secret",)), "may_set"),
    (PutTeam(code="sales", parent="sub"), "parent"),
    (PutTeam(code="root", parent="sub"), "parent"),
    (PutSettings(leases_per_agent=0), "leases_per_agent"),
    (PutSettings(abandon_after_ms=-1), "abandon_after"),
    (OpenPool(campaign="c1", priority=-1), "priority"),
    (OpenPool(campaign="c1", active_from_ms=2, active_until_ms=2), "active_until"),
    (OpenPool(campaign="c1", owner="ann"), "owner"),
    (EditPool(pool=1, priority=5000), "priority"),
    (EditLead(lead=1, priority=1001), "priority"),
    (EditLead(lead=1, owner="team:nobody"), "owner"),
    (EditLead(lead=1, due_ms=LAST_MS), "due"),
    (EditLead(lead=1, redial=RedialEdit("private", NOW_MS + DAY_MS)), "redial.agent"),
    (EditLead(lead=1, redial=RedialEdit("common", NOW_MS)), "at"),
    (EditLead(lead=1, redial=RedialEdit("common", NOW_MS + 181 * DAY_MS)), "at"),
    (MakeUrgent(lead=1, reason="whim", expires_ms=NOW_MS + 1), "reason"),
    (MakeUrgent(lead=1, reason="hot_lead", expires_ms=NOW_MS), "expires"),
]


def small_engine() -> Engine:
    engine = Engine()
    engine.start(NOW_MS)
    for command in (
        PutTeam(code="sales"),
        PutTeam(code="sub", parent="sales"),
        PutCampaign(code="c1"),
        PutAgent(code="ann", campaigns=("c1",)),
        OpenPool(campaign="c1"),
        LoadRows(pool=1, rows=(IntakeRow(1, (14155550100,)), IntakeRow(2, (14155550101,)))),
        ClosePool(pool=1),
    ):
        engine.apply(command, NOW_MS)
    return engine


@pytest.mark.parametrize(("command", "field"), BAD, ids=[f"{type(c).__name__}-{field}" for c, field in BAD])
def test_refused_by_field_and_nothing_changed(command: Command, field: str) -> None:
    engine = small_engine()
    before = list(rows_of(engine.state)), [engine.lead(1), engine.lead(2)]
    with pytest.raises(Invalid) as refused:
        engine.apply(command, NOW_MS)
    assert refused.value.field == field
    assert refused.value.outcome is not None
    assert not refused.value.outcome.changes
    assert (list(rows_of(engine.state)), [engine.lead(1), engine.lead(2)]) == before
    assert engine.verify() == []


def test_a_row_that_can_not_be_loaded_is_a_reject_and_stops_no_other() -> None:  # R9.5
    engine = small_engine()
    pool = engine.apply(OpenPool(campaign="c1", source="api"), NOW_MS).reply
    rows = (
        IntakeRow(1, ()),
        IntakeRow(2, (14155550102, 14155550102)),
        IntakeRow(3, (14155550103,), priority=5000),
        IntakeRow(4, (14155550104,), owner="agent:gone"),
        IntakeRow(5, (14155550100,)),
        IntakeRow(6, (14155550106,), owner="agent:ann"),
    )
    outcome = engine.apply(LoadRows(pool=pool.id, rows=rows), NOW_MS)
    assert (len(outcome.reply.leads), outcome.reply.duplicates, outcome.reply.invalid) == (1, 1, 4)
    assert [(reject.row, reject.kind) for reject in outcome.changes.rejects] == [
        (1, "invalid"),
        (2, "invalid"),
        (3, "invalid"),
        (4, "invalid"),
        (5, "duplicate"),
    ]
    found = engine.pools[pool.id]
    assert (found.valid, found.invalid, found.duplicate) == (1, 4, 1)


@pytest.mark.parametrize(
    "command",
    [
        LoadRows(pool=1, rows=(IntakeRow(9, (14155550109,)),)),
        ClosePool(pool=1),
        ActOnPool(pool=1, action="confirm"),
        ActOnPool(pool=1, action="reject"),
    ],
)
def test_a_pool_refuses_what_its_state_does_not_allow(command: Command) -> None:  # R9.1, R9.3
    engine = small_engine()
    with pytest.raises(Conflict):
        engine.apply(command, NOW_MS)


def test_what_is_not_there_is_not_found() -> None:
    engine = small_engine()
    for command in (ActOnPool(pool=9, action="activate"), EditLead(lead=99), OpenPool(campaign="c9")):
        with pytest.raises(NextleadError) as refused:
            engine.apply(command, NOW_MS)
        assert refused.value.code == "not_found"
