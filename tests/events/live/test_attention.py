import asyncio

import pytest
from asgiref.sync import sync_to_async

from events import notices
from events.catalogue import topic_kind
from events.live import attention
from events.live.roster import current_roster

GATE = topic_kind("gates.{id}", "Gates; who stands there sees who passes.", lambda user, ids: ids, has_notices=True)


def passers(passed):
    """Tell how many have passed the gate."""
    yield "gates.a", lambda: {"passed": len(passed)}


async def read(*topics):
    return await sync_to_async(notices.read_among)(topics)


@pytest.fixture
async def shown(monkeypatch):
    """Wait until what is read was shown anew."""
    shown, show = asyncio.Queue(), notices.show_read

    def tell(topics):
        show(topics)
        loop.call_soon_threadsafe(shown.put_nowait, set(topics))

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(notices, "show_read", tell)
    return lambda: asyncio.wait_for(shown.get(), 10)


async def test_who_reads_a_topic_of_notices_is_told(connect, dave):
    reader = await connect(dave)
    await reader.subscribe("gates.a", "rooms.a")
    notices.tell(passers, [1, 2, 3])
    frame = await reader.frame("notice")
    assert frame == {"type": "notice", "topic": "gates.a", "data": {"passed": 3}}


async def test_it_is_shown_again_as_long_as_one_reads_it(connect, dave, shown, monkeypatch):
    monkeypatch.setattr(attention, "RENEW_SECONDS", 0.01)
    first, second = await connect(dave), await connect(dave)
    await first.subscribe("gates.a")
    await second.subscribe("gates.a")
    await first.leave()
    while await shown() != {"gates.a"}:
        pass
    assert await shown() == {"gates.a"}
    await second.leave()
    (await current_roster())._attention._changed.set()
    while await shown():
        pass


async def test_it_is_shown_before_the_reader_hears_that_it_is_subscribed(connect, dave, monkeypatch):
    monkeypatch.setattr(attention.Attention, "change", lambda self, before, after: None)
    reader = await connect(dave)
    await reader.subscribe("gates.a", "rooms.a")
    assert await read("gates.a", "rooms.a") == {"gates.a"}


async def test_who_is_refused_is_not_shown(connect, dave, shown):
    reader = await connect(dave)
    assert (await reader.subscribe("gates.a", "rooms.locked"))["code"] == "forbidden"
    assert await read("gates.a") == set()


async def test_a_cache_that_fails_keeps_nobody_from_reading(connect, dave, monkeypatch):
    def fail(flags, timeout):
        raise ConnectionError("dead")

    monkeypatch.setattr(notices.cache, "set_many", fail)
    reader = await connect(dave)
    assert (await reader.subscribe("gates.a"))["type"] == "subscribed"
