import asyncio

import pytest
from asgiref.sync import sync_to_async

from clients.live import Closed, Refused, connect
from feeds import actions
from tests.clients.conftest import texts

BOTH = pytest.mark.parametrize("transport", ["websocket", "poll"])


@BOTH
async def test_what_happens_after_the_subscription_comes_in_order(transport, url, topic, tell):
    async with connect(url, transport) as live:
        subscribed = await live.subscribe([topic])
        await tell("one", "two")
        events = await live.events(2)
        assert subscribed.type == "subscribed"
        assert texts(events) == ["one", "two"]
        assert live.cursors[1] == events[-1]["cursor"]


@BOTH
async def test_what_was_missed_comes_first(transport, url, topic, tell):
    async with connect(url, transport) as live:
        start = (await live.subscribe([topic])).cursor
    await tell("one")
    async with connect(url, transport) as live:
        assert (await live.subscribe([topic], after=start)).cursor == start
        await tell("two")
        assert texts(await live.events(2)) == ["one", "two"]


@BOTH
async def test_a_resumed_connection_goes_on_from_what_was_handed_out(transport, url, topic, tell):
    async with connect(url, transport) as live:
        await live.subscribe([topic])
        await tell("one")
        await live.events(1)
        await live.abort()
        await tell("two", "three")
        await live.resume()
        assert texts(await live.events(2)) == ["two", "three"]


@BOTH
async def test_a_connection_that_was_broken_off_says_so_and_ends(transport, url, topic):
    async with connect(url, transport) as live:
        await live.subscribe([topic])
        await live.abort()
        assert [(message.type, message.fields["code"]) async for message in live] == [("closed", 1006)]


@BOTH
async def test_only_the_types_asked_for_come(transport, url, topic, tell, feed, alice):
    async with connect(url, transport) as live:
        await live.subscribe([topic], types=["feeds.entry.published"])
        [entry] = await tell("one")
        await sync_to_async(actions.like_entry)(entry, by=alice)
        await tell("two")
        assert texts(await live.events(2)) == ["one", "two"]


@BOTH
async def test_a_cursor_of_another_epoch_is_reset(transport, url, topic, tell):
    await tell("one")
    async with connect(url, transport) as live:
        assert (await live.subscribe([topic], after="other-1")).cursor == "other-1"
        reset = await live.next("reset")
        assert reset.fields["reason"] == "epoch"
        await tell("two")
        assert texts(await live.events(1)) == ["two"]


@BOTH
async def test_a_refusal_names_its_code(transport, url):
    async with connect(url, transport) as live:
        with pytest.raises(Refused) as refused:
            await live.subscribe(["users.1"])
    assert refused.value.code in ("forbidden", "unauthenticated", "not_authenticated")


@BOTH
async def test_a_key_opens_what_is_ones_own(transport, url, alice, key):
    async with connect(url, transport, key=key) as live:
        assert (await live.subscribe(["me"])).type == "subscribed"


async def test_a_key_that_is_not_valid_closes_the_socket(url, topic):
    async with connect(url, key="tw_wrong") as live:
        assert [message.fields["code"] async for message in live] == [4401]
        with pytest.raises(Closed):
            await live.next()


async def test_a_key_that_is_not_valid_refuses_the_poll(url, topic):
    async with connect(url, "poll", key="tw_wrong") as live:
        with pytest.raises(Refused) as refused:
            await live.subscribe([topic])
    assert refused.value.status == 401


async def test_a_socket_carries_several_subscriptions(url, topic, tell):
    async with connect(url) as live:
        await live.subscribe([topic], id="all")
        await live.subscribe([topic], id=2, types=["feeds.entry.deleted"])
        await tell("one")
        assert (await live.next("events")).id == "all"
        await live.unsubscribe("all")
        assert set(live.cursors) == {2}


async def test_frames_that_make_no_sense_are_answered_and_at_last_close(url):
    async with connect(url) as live:
        for _ in range(10):
            await live.send(type="nonsense")
        messages = [message async for message in live]
    assert [message.type for message in messages] == ["error"] * 10 + ["closed"]
    assert messages[-1].fields == {"code": 4400}


async def test_heartbeats_keep_the_cursor_fresh(url, topic, tell, settings):
    settings.TIDEWIRE_HEARTBEAT_SECONDS = 0.05
    async with connect(url) as live:
        await live.subscribe([topic], types=["feeds.entry.deleted"])
        start = live.cursors[1]
        await tell("one")
        while (await live.next("heartbeat")).cursor == start:
            pass
        assert live.cursors[1] != start


async def test_an_unknown_transport_is_refused():
    with pytest.raises(ValueError, match="is not one of"):
        async with connect("http://localhost", "pigeon"):
            pass


async def test_a_server_that_goes_amid_the_handshake_has_closed_the_connection():
    async def hang_up(reader, writer):
        await reader.readline()
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Closed):
            async with connect(f"http://127.0.0.1:{port}", "websocket"):
                pass
