"""What every store keeps beside leads: originals, rejected rows by page and number, clones, when leads closed."""

from typing import Any

from contract.build import NOON, closed, commit, event, fresh, lead, load, pool, reject

from nextlead.core.model import Blocked, Clones, Erasure, File, FilePart, Forgotten, Job, Lead, Reject, Status


async def reopen(home: Any, store: Any) -> Any:
    await store.close()
    store = home.again()
    await store.open()
    await store.claim()
    return store


async def pages(store: Any, limit: int, **more: Any) -> list[list[Reject]]:
    found: list[list[Reject]] = []
    cursor: int | None = 0
    while cursor is not None:
        page, cursor = await store.rejects_after(1, "invalid", cursor, limit, **more)
        found.append(page)
    return found


async def test_rows_of_every_table_load_as_they_were_written(home: Any, store: Any) -> None:
    rows = {
        ("global_blocked", 12025550101): Blocked(12025550101, "asked", NOON, "operator"),
        ("forgotten", "ab12"): Forgotten("ab12", NOON, "user:M"),
        ("clones", 4): Clones(4, 2),
        ("file", 3): File(3, 2),
        ("job", 7): Job(7, "delete", 1, "user:M", NOON),
        ("erasure", 8): Erasure(8, 4, 1, 1, (1,), (2,), (3,)),
    }
    await commit(store, 1, rows=rows)
    for _ in range(2):
        assert {(table, row) for table, row in (await load(store)).rows} == {(k[0], row) for k, row in rows.items()}
        store = await reopen(home, store)
    await store.close()


# -- originals ------------------------------------------------------------------------------------------------------


async def test_a_kept_file_is_given_back_byte_for_byte_in_its_parts(home: Any, store: Any) -> None:
    # R9.12
    bodies = [bytes(range(256)) * 1_024, b"", b"\xff\xfe last"]
    await commit(store, 1, File(3, 2), parts=[FilePart(3, no, body) for no, body in enumerate(bodies[:2])])
    await commit(store, 2, File(3, 3), parts=[FilePart(3, 2, bodies[2]), FilePart(4, 0, b"another")])
    for _ in range(2):
        assert [await store.file_part(3, no) for no in range(4)] == [*bodies, None]
        assert await store.file_part(4, 0) == b"another"
        assert await store.file_part(5, 0) is None
        store = await reopen(home, store)
    await store.close()


async def test_a_file_that_goes_takes_its_parts_along_at_once(home: Any, store: Any) -> None:
    parts = [FilePart(3, no, b"x" * 1_000) for no in range(20)]
    await commit(store, 1, File(3, 20), File(4, 1), parts=[*parts, FilePart(4, 0, b"stays")])
    await commit(store, 2, rows={("file", 3): None})
    for _ in range(2):
        assert [await store.file_part(3, no) for no in (0, 19)] == [None, None]
        assert await store.file_part(4, 0) == b"stays"
        store = await reopen(home, store)
    await store.close()


# -- rejected rows --------------------------------------------------------------------------------------------------


async def test_pages_of_rejects_join_in_row_order(store: Any) -> None:
    # R9.12
    await commit(store, 1, pool(), rejects=[reject(row) for row in (9, 2, 4, 4)])
    await commit(store, 2, rejects=[reject(row) for row in (1, 4, 7)] + [reject(3, "duplicate"), reject(5, pool_=2)])
    assert [[found.row for found in page] for page in await pages(store, 3)] == [[1, 2, 4], [4, 4, 7], [9]]
    assert [len(page) for page in await pages(store, 7)] == [7]
    assert [found for page in await pages(store, 2) for found in page] == await store.rejects(1, "invalid")
    assert await store.rejects_after(9, "invalid", 0, 5) == ([], None)


async def test_a_cursor_outlives_the_row_that_it_was_taken_at(store: Any) -> None:
    await commit(store, 1, pool(), rejects=[reject(1), reject(2, "invalid", 1, 12025550101), reject(3), reject(4)])
    page, cursor = await store.rejects_after(1, "invalid", 0, 2)
    assert [found.row for found in page] == [1, 2]
    await commit(store, 2, Erasure(1, 0, 0, 0, forget=(12025550101,)))
    await store.erase([Erasure(1, 0, 0, 0, forget=(12025550101,))])
    page, cursor = await store.rejects_after(1, "invalid", cursor, 2)
    assert ([found.row for found in page], cursor) == ([3, 4], None)


async def test_a_pool_that_goes_takes_its_rejects_along_at_once(home: Any, store: Any) -> None:
    number = 12025550101
    rows = [reject(row, kind, 1, number) for row in range(300) for kind in ("invalid", "duplicate")]
    await commit(store, 1, pool(1), pool(2), rejects=[*rows, reject(1, "invalid", 2, number)])
    assert await store.pools_with_number(number) == [1, 2]
    await commit(store, 2, rows={("pool", 1): None})
    for _ in range(2):
        assert await store.rejects(1, "invalid") == []
        assert await store.rejects_after(1, "duplicate", 0, 10) == ([], None)
        assert len(await store.rejects(2, "invalid")) == 1
        assert await store.pools_with_number(number) == [2]
        store = await reopen(home, store)
    await store.close()


async def test_the_pools_of_a_number_are_those_of_leads_and_rejects_deleted_leads_included(store: Any) -> None:
    # R10.6: the originals of these pools have it
    number = 12025550101
    made = [fresh(1, 1, numbers=(number, 5)), fresh(2, 2, numbers=(6, number)), fresh(3, 3, numbers=(7,))]
    await commit(store, 1, *[pool(i) for i in range(1, 5)], fresh=made, rejects=[reject(1, "invalid", 4, 8, number)])
    await commit(store, 2, lead(1, numbers=(number, 5)), gone=[1, 2])
    assert await store.pools_with_number(number) == [1, 2, 4]
    assert await store.pools_with_number(7) == [3]
    assert await store.pools_with_number(99) == []
    assert await store.numbers([number]) == []


# -- leads ----------------------------------------------------------------------------------------------------------


async def test_a_lead_that_comes_in_closed(home: Any, store: Any) -> None:
    # R9.4: `on_invalid: close`; it may have no number
    row = closed(1, "invalid_phone_number", numbers=(), last_commit=1, closed_ms=NOON)
    await commit(store, 1, pool(), row, events=[event(1, "loaded")], fresh=[fresh(1, numbers=()), fresh(2)])
    for _ in range(2):
        whole = await load(store)
        assert (whole.leads, [found.id for found in whole.fresh]) == ([], [2])
        stored = await store.lead(1)
        assert (stored.lead, stored.data) == (row, b'{"name":"Ada"}')
        assert [found.kind for found in await store.history(1)] == ["loaded"]
        store = await reopen(home, store)
    await store.close()


async def test_clones_of_a_lead_open_and_closed(home: Any, store: Any) -> None:
    # R9.11
    made = [fresh(1), *[fresh(i, master=1) for i in (5, 2, 3, 4)], fresh(6, master=2)]
    await commit(store, 1, pool(), fresh=made)
    await commit(store, 2, closed(3, master=1), lead(4, master=1))
    await commit(store, 3, gone=[4])
    for _ in range(2):
        assert await store.clones(1) == [2, 3, 5]
        assert await store.clones(2) == [6]
        assert await store.clones(3) == []
        store = await reopen(home, store)
    await store.close()


async def test_leads_that_closed_before_a_time_the_oldest_first(home: Any, store: Any) -> None:
    # R10.7
    def row(id_: int, closed_ms: int, closure: str = "success", **more: Any) -> Lead:
        return closed(id_, closure, closed_ms=closed_ms, **more)

    await commit(store, 1, pool(), fresh=[fresh(i) for i in range(1, 12)])
    await commit(store, 2, row(1, 50), row(2, 30), row(3, 30), row(4, 99), row(5, 100), row(6, 20, erased=True))
    await commit(store, 3, row(7, 10, "removed"), row(8, 10, campaign=11), row(9, 0), row(10, 40), lead(11))
    for _ in range(2):
        found = await store.closed_before(10, "success", 100, 10)
        assert [lead.id for lead in found] == [2, 3, 10, 1, 4]
        assert found[0] == row(2, 30)
        assert [lead.id for lead in await store.closed_before(10, "success", 50, 2)] == [2, 3]
        assert [lead.id for lead in await store.closed_before(11, "success", 100, 10)] == [8]
        store = await reopen(home, store)
    await commit(store, 4, row(2, 30, erased=True), lead(3, Status.COMMON_REDIAL), lead(1))
    assert [lead.id for lead in await store.closed_before(10, "success", 100, 1)] == [10]
    await store.close()
