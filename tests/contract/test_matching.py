"""What every store promises of duplicate rules other than phone (SPEC R9.6)."""

import asyncio
from typing import Any

import msgspec
from contract.build import closed, commit, fresh, lead, load, pool

from nextlead.core.matching import keys_of
from nextlead.core.model import LeadData
from nextlead.ports import KeyUse

RULE = "last_name+postcode"
BY_PHONE = "phone+last_name"


def data(last_name: str = "Lovelace", postcode: object = "W1") -> bytes:
    return msgspec.json.encode({"last_name": last_name, "postcode": postcode, "note": "x"})


def key(rule: str = RULE, *numbers: int, last_name: str = "Lovelace", postcode: object = "W1") -> bytes:
    (made,) = keys_of(rule, numbers, {"last_name": last_name, "postcode": postcode})
    return made


async def matching(store: Any, key_: bytes, rule: str = RULE) -> list[int]:
    return [use.lead for use in await store.matches(rule, [key_])]


async def reopen(home: Any, store: Any) -> Any:
    await store.close()
    store = home.again()
    await store.open()
    await store.claim()
    return store


async def test_matches_tell_pool_campaign_and_whether_it_is_open(store: Any) -> None:
    made = [fresh(1, data=data()), fresh(2, 2, data=data()), fresh(3, data=data("Noether", 7))]
    await commit(store, 1, pool(), pool(2, 20), fresh=made)
    await commit(store, 2, closed(1))
    await store.match_rule(RULE)
    first, second = sorted([key(), key(last_name="Noether", postcode=7)])
    uses = {key(): [KeyUse(key(), 1, 1, 10, True), KeyUse(key(), 2, 2, 20, False)]}
    uses[key(last_name="Noether", postcode=7)] = [KeyUse(key(last_name="Noether", postcode=7), 3, 1, 10, False)]
    assert await store.matches(RULE, [second, first, first, b"none"]) == uses[first] + uses[second]


async def test_case_and_space_in_a_rule_do_not_count(store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1, data=data())])
    await store.match_rule(RULE)
    await store.match_rule("Last_Name + POSTCODE")
    assert await matching(store, key(), " last_NAME+postcode ") == [1]


async def test_what_comes_after_the_rule_was_prepared_is_matched_too(home: Any, store: Any) -> None:
    await store.match_rule(RULE)
    await commit(store, 1, pool(), fresh=[fresh(1, data=data())])
    assert await matching(store, key()) == [1]
    store = await reopen(home, store)
    await commit(store, 2, fresh=[fresh(2, data=data())])
    await store.match_rule(RULE)
    assert await matching(store, key()) == [1, 2]
    await store.close()


async def test_edited_data_move_a_lead_to_another_key(home: Any, store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(i, data=data()) for i in (1, 2, 3)])
    await commit(store, 2, LeadData(1, data("Noether")))  # before the rule, and perhaps not folded
    await store.match_rule(RULE)
    await commit(store, 3, LeadData(2, data("Noether")), lead(2))
    await commit(store, 4, LeadData(3, data("")))
    for _ in range(2):
        assert await matching(store, key()) == []
        assert await matching(store, key(last_name="Noether")) == [1, 2]
        store = await reopen(home, store)
    await store.close()


async def test_a_rule_that_joins_the_phone_has_a_key_for_every_number_ever(store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1, numbers=(5, 6), data=data()), fresh(2, numbers=(7,), data=data())])
    await commit(store, 2, lead(1, numbers=(6,), dropped=(5,)))
    await store.match_rule(BY_PHONE)
    assert [await matching(store, key(BY_PHONE, n), BY_PHONE) for n in (5, 6, 7)] == [[1], [1], [2]]
    await commit(store, 3, LeadData(1, data("Noether")), LeadData(2, data("Noether")))
    found = [await matching(store, key(BY_PHONE, n, last_name="Noether"), BY_PHONE) for n in (5, 6, 7)]
    assert found == [[1], [1], [2]]
    assert await matching(store, key(BY_PHONE, 5), BY_PHONE) == []


async def test_deleted_and_erased_leads_match_nothing(home: Any, store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(i, data=data()) for i in range(1, 6)])
    await commit(store, 2, closed(1, erased=True, numbers=()), gone=[2])
    await store.match_rule(RULE)
    assert await matching(store, key()) == [3, 4, 5]
    await commit(
        store, 3, closed(3, erased=True, numbers=()), LeadData(4, data()), fresh=[fresh(6, data=data())], gone=[4, 6]
    )
    for _ in range(2):
        assert await matching(store, key()) == [5]
        store = await reopen(home, store)
    await store.close()


async def test_many_leads_are_filled_in_by_slices_while_commits_go_on(home: Any, store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(i, data=data(f"name {i % 100}")) for i in range(1, 2_001)])
    await commit(store, 2, LeadData(1_500, data()))
    filling = asyncio.create_task(store.match_rule(RULE))
    for no in range(3, 20):
        await commit(store, no, LeadData(no * 100, data()), fresh=[fresh(3_000 + no, data=data())])
    await filling
    edited = sorted([1_500, *[no * 100 for no in range(3, 20)]])
    assert await matching(store, key()) == sorted({*edited, *[3_000 + no for no in range(3, 20)]})
    same = [i for i in range(1, 2_001) if i % 100 == 7]
    assert await matching(store, key(last_name="name 7")) == same
    assert len((await load(store)).fresh) == 2_017
    store = await reopen(home, store)
    assert await matching(store, key(last_name="name 7")) == same
    await store.close()
