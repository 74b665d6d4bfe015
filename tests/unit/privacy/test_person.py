"""Who is forgotten with a lead, or with a number (SPEC R10.6)."""

from typing import Any

import pytest
from unit.privacy.house import ANNA, BERT, CARL, DORA, House

from nextlead.core.commands import Anonymise
from nextlead.core.errors import Conflict, Invalid, NotFound


async def test_all_leads_with_the_number_open_and_closed(house: House) -> None:  # R10.6
    sold, other = await house.load((ANNA,), (BERT,))
    await house.sell(sold)
    (again,) = await house.load((ANNA, CARL))
    report = await house.privacy.anonymise(number=ANNA, by="admin")
    assert (report.leads, report.closed, report.marked, report.numbers) == (2, 2, 0, 2)
    assert await house.closures(sold, again, other) == ["anonymized", "anonymized", None]
    assert (await house.row(sold)).former == "success"
    assert house.dialer.engine.refusal_of(ANNA) == "anonymized"
    assert house.dialer.engine.refusal_of(CARL) == "anonymized"  # the person's other number
    assert house.dialer.engine.refusal_of(BERT) is None


async def test_a_person_named_by_a_lead_has_all_its_numbers(house: House) -> None:  # R10.6
    lead, second, third = await house.load((ANNA, BERT), (BERT,), (CARL,))
    await house.privacy.anonymise(lead=lead, by="admin")
    assert await house.closures(lead, second, third) == ["anonymized", "anonymized", None]
    assert [house.dialer.engine.refusal_of(number) for number in (ANNA, BERT, CARL)] == [
        "anonymized",
        "anonymized",
        None,
    ]


async def test_numbers_of_those_who_share_one_are_not_forgotten(house: House) -> None:  # R10.6
    """The lead that shares a number goes, but its further number may be somebody else's."""
    leads = await house.load((ANNA, BERT), (BERT, CARL), (CARL,))
    report = await house.privacy.anonymise(number=ANNA, by="admin")
    assert (report.leads, report.numbers) == (2, 2)
    assert await house.closures(*leads) == ["anonymized", "anonymized", None]
    assert house.dialer.engine.refusal_of(CARL) is None


async def test_lost_numbers_are_the_persons_too(house: House) -> None:  # R10.6
    (lead,) = await house.load((ANNA, BERT))
    offer = await house.lease()
    await house.finish_unreached(offer, "invalid_number")
    assert (await house.row(lead)).dropped == (ANNA,)
    await house.privacy.anonymise(lead=lead, by="admin")
    assert house.dialer.engine.refusal_of(ANNA) == "anonymized"


async def test_clones_and_masters_are_the_same_person(house: House) -> None:  # R10.6
    (master,) = await house.load((ANNA,))
    (clone,) = await house.load((ANNA, BERT), action="clone")
    (of_both,) = await house.load((BERT,))
    (other,) = await house.load((CARL,))
    assert (await house.row(clone)).master == master
    report = await house.privacy.anonymise(lead=master, by="admin")
    assert (report.leads, report.numbers) == (3, 2)  # the clone's number is the master's person's
    assert await house.closures(master, clone, of_both, other) == ["anonymized"] * 3 + [None]


async def test_many_leads_of_one_number_go_in_slices(house: House) -> None:  # R10.6
    leads = await house.load(*[(ANNA, DORA + at) for at in range(450)])
    report = await house.privacy.anonymise(number=ANNA, by="admin")
    assert (report.leads, report.closed) == (450, 450)
    assert set(await house.closures(*leads)) == {"anonymized"}
    assert not house.dialer.engine.erasures


async def test_looking_again_forgets_no_number(house: House, monkeypatch: pytest.MonkeyPatch) -> None:  # R10.6
    """When a lead closes between two slices, those that are erased already have no numbers to be found any more."""
    monkeypatch.setattr("nextlead_adapters.privacy.closing.SLICE", 1)
    leads = await house.load((ANNA, BERT), (ANNA, CARL), (ANNA, DORA))
    real, asked = house.dialer.submit, list[Anonymise]()

    async def submit(command: Any) -> Any:
        if isinstance(command, Anonymise):
            asked.append(command)
            if len(asked) == 2:
                raise Conflict("it has closed meanwhile")
        return await real(command)

    monkeypatch.setattr(house.dialer, "submit", submit)
    report = await house.privacy.anonymise(number=ANNA, by="admin")
    assert (report.leads, report.closed, report.numbers) == (3, 3, 4)
    assert set(await house.closures(*leads)) == {"anonymized"}
    assert {house.dialer.engine.refusal_of(number) for number in (ANNA, BERT, CARL, DORA)} == {"anonymized"}


async def test_a_number_that_nobody_has_is_forgotten_too(house: House) -> None:  # R10.6
    report = await house.privacy.anonymise(number=ANNA, by="admin")
    assert (report.leads, report.numbers) == (0, 1)
    assert house.dialer.engine.refusal_of(ANNA) == "anonymized"


async def test_asked_again_it_finds_nothing_left(house: House) -> None:
    (lead,) = await house.load((ANNA,))
    await house.privacy.anonymise(lead=lead, by="admin")
    report = await house.privacy.anonymise(lead=lead, by="admin")
    assert (report.leads, report.closed, report.numbers) == (0, 0, 0)


async def test_who_is_not_there_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        await house.privacy.anonymise(lead=77, by="admin")


@pytest.mark.parametrize("wrong", [{}, {"lead": 1, "number": ANNA}, {"number": 0}, {"number": 10**15}])
async def test_exactly_one_is_named(house: House, wrong: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        await house.privacy.anonymise(by="admin", **wrong)
