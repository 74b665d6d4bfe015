"""The feed of events: one ring, many watchers."""

import asyncio

import pytest
from msgspec.structs import replace

from nextlead.core.activity_model import Logged
from nextlead.core.changes import Changes
from nextlead.core.model import Erasure, Event, Pool, Status
from nextlead.core.setup_model import Team
from nextlead.ports import Commit
from nextlead.runtime.feed import Feed, News


def commit(no: int, events: int = 1) -> Commit:
    line = Event(7, 0, no, no, "system", "leased", Status.UNPROCESSED, Status.UNPROCESSED, None, -1)
    return Commit(no, no * 10, Changes(events=[line] * events))


async def take(feed: Feed, count: int, after: int | None = None) -> list[News]:
    found = []
    async for news in feed.watch(after):
        found.append(news)
        if len(found) == count:
            break
    return found


async def test_a_watcher_gets_what_is_committed_from_now_on() -> None:
    feed = Feed()
    feed.start(3)
    feed.publish(commit(4))
    watching = asyncio.create_task(take(feed, 2))
    await asyncio.sleep(0)
    feed.publish(commit(5))
    feed.publish(commit(6, events=0))
    feed.publish(commit(7))
    assert [(news.commit_no, news.at_ms, news.lost) for news in await watching] == [(5, 50, False), (7, 70, False)]


async def test_a_watcher_resumes_behind_the_commit_it_names() -> None:
    feed = Feed()
    feed.start(0)
    for no in (1, 2, 3):
        feed.publish(commit(no))
    assert [news.commit_no for news in await take(feed, 2, after=1)] == [2, 3]


async def test_a_slow_watcher_is_told_that_it_lost_some() -> None:
    feed = Feed(keep=3)
    feed.start(0)
    for no in range(1, 7):
        feed.publish(commit(no))
    found = await take(feed, 3, after=1)
    assert [(news.commit_no, news.lost) for news in found] == [(4, True), (5, False), (6, False)]
    assert not (await take(feed, 1, after=3))[0].lost


async def test_what_came_before_the_start_is_lost() -> None:
    feed = Feed()
    feed.start(10)
    feed.publish(commit(11))
    assert (await take(feed, 1, after=9))[0].lost
    assert not (await take(feed, 1, after=10))[0].lost


async def test_a_place_that_is_not_there_yet_is_now() -> None:
    feed = Feed()
    feed.start(3)
    watching = asyncio.create_task(take(feed, 1, after=99))
    await asyncio.sleep(0)
    feed.publish(commit(4))
    assert (await watching)[0].commit_no == 4


@pytest.mark.parametrize("events", [1, 50])
async def test_the_ring_is_bounded_by_events(events: int) -> None:
    feed = Feed(keep=100)
    for no in range(1, 500):
        feed.publish(commit(no, events))
    assert sum(len(news.events) for news in feed._ring) == 100


async def test_close_ends_the_watchers() -> None:
    feed = Feed()
    watching = asyncio.create_task(take(feed, 5))
    await asyncio.sleep(0)
    feed.publish(commit(1))
    feed.close()
    assert [news.commit_no for news in await watching] == [1]


async def test_a_watcher_that_goes_leaves_nothing_behind() -> None:
    feed = Feed()
    watching = asyncio.create_task(take(feed, 1))
    await asyncio.sleep(0)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert not feed._watchers


async def test_pools_that_changed_are_news_and_other_rows_are_not() -> None:
    feed = Feed(keep=2)
    feed.start(0)
    pool = Pool(1, 1, "x", "loading", -1)
    feed.publish(Commit(1, 10, Changes(rows={("pool", 1): pool, ("pool", 2): None, ("closures", 1): None})))
    feed.publish(Commit(2, 20, Changes(rows={("team", 1): Team(1, "root", "", 0)})))
    (news,) = await take(feed, 1, after=0)
    assert (news.commit_no, dict(news.pools), list(news.events)) == (1, {1: pool, 2: None}, [])
    feed.publish(commit(3))
    (late,) = await take(feed, 1, after=0)
    assert (late.commit_no, late.lost) == (3, True)  # pools count for what the ring holds


async def test_what_is_erased_is_not_told_any_more() -> None:  # R10.6
    feed = Feed()
    feed.start(0)
    named = replace(commit(1).changes.events[0], number=14155550100, note="ask for Zoraida")
    other = replace(named, lead=8)
    feed.publish(Commit(1, 10, Changes(events=[named, other])))
    feed.publish(Commit(2, 20, Changes(rows={("erasure", 1): Erasure(1, 7, 1, 1)})))
    (news,) = await take(feed, 1, after=0)
    assert [(event.lead, event.number, event.note) for event in news.events] == [
        (7, 0, ""),
        (8, 14155550100, "ask for Zoraida"),
    ]


async def test_what_was_noted_in_the_commit_that_erases_is_never_told() -> None:  # R10.6
    feed = Feed()
    feed.start(0)
    line = commit(1).changes.events[0]
    noted = replace(line, number=14155550100, note="ask for Zoraida", logged=Logged("sms", "in", explanation="Zoraida"))
    watching = asyncio.create_task(take(feed, 1))
    await asyncio.sleep(0)
    feed.publish(Commit(1, 10, Changes(events=[noted, line], rows={("erasure", 1): Erasure(1, 7, 1, 1)})))
    for (news,) in (await watching, await take(feed, 1, after=0)):
        assert [*news.events] == [replace(line, logged=Logged("sms", "in")), line]
