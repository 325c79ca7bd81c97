import asyncio

from events.cursor import Cursor
from events.encoding import Envelope
from events.live.wait import dismiss_waiters, wait_for_event
from tests.events.live.conftest import WHISPERED


def waiting(hub, after=0, topics=("rooms.a",), types=(), seconds=30, epoch=None):
    return asyncio.create_task(wait_for_event(topics, types, Cursor(epoch or hub.epoch, after), seconds))


async def test_it_ends_when_an_event_comes(hub, say):
    task = waiting(hub)
    await asyncio.sleep(0)
    await say("one")
    await hub.refresh()
    await asyncio.wait_for(task, 5)
    assert not hub.index


async def test_it_ends_at_once_when_the_event_is_in_memory_already(hub, say):
    await say("one")
    await hub.refresh()
    await asyncio.wait_for(waiting(hub), 5)


async def test_it_ends_at_once_when_memory_does_not_reach_back(hub, say):
    await say("one")
    await hub.refresh()
    hub.ring.clear(hub.position)
    await asyncio.wait_for(waiting(hub), 5)


async def test_it_ends_at_once_for_another_epoch(hub):
    await asyncio.wait_for(waiting(hub, epoch="other1"), 5)


async def test_other_topics_and_types_do_not_end_it(hub, say):
    task = waiting(hub, types=["live.word.said"])
    await asyncio.sleep(0)
    await say("elsewhere", topic="rooms.b")
    await say("psst", type=WHISPERED)
    await hub.refresh()
    assert not task.done()
    await say("one")
    await hub.refresh()
    await asyncio.wait_for(task, 5)


async def test_it_ends_when_the_process_does_and_who_comes_then_waits_no_longer(hub):
    task = waiting(hub)
    await asyncio.sleep(0)
    dismiss_waiters(hub, 0.05)
    await asyncio.wait_for(task, 5)
    await asyncio.wait_for(waiting(hub), 5)
    assert not hub.index


async def test_it_ends_after_its_time(hub):
    await asyncio.wait_for(waiting(hub, seconds=0.01), 5)


async def test_it_ends_when_rights_change_on_ones_own_topic(hub):
    task = asyncio.create_task(wait_for_event(["rooms.a"], (), Cursor(hub.epoch, 0), 30, "users.7"))
    await asyncio.sleep(0)
    hub._advance([Envelope(1, "users.7", "access.key.revoked", "{}")])
    await asyncio.wait_for(task, 5)
    assert list(hub.index.concerned("users.7")) == []
