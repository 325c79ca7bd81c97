import asyncio
import threading
from concurrent.futures import Future
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from redis import asyncio as aioredis

from events import channel
from events.encoding import Envelope

announce = channel.announce


def batch(*encoded, start=1):
    return [Envelope(start + number, "t.1", "t.x.y", text) for number, text in enumerate(encoded)]


async def hear(tell):
    """Join the group, let something be told, and return the message."""
    messages = channel.messages()
    heard = asyncio.ensure_future(anext(messages))
    while not heard.done():
        await asyncio.to_thread(tell)
        await asyncio.wait([heard], timeout=0.2)
    message = await heard
    await messages.aclose()
    return message


async def test_a_batch_is_one_message_with_its_events_encoded():
    message = await hear(lambda: announce("k3x9", batch('{"a":1}', '{"b":"é"}', start=7)))
    assert (message["epoch"], message["first"], message["last"]) == ("k3x9", 7, 8)
    assert [Envelope(*event) for event in message["events"]] == batch('{"a":1}', '{"b":"é"}', start=7)


async def test_a_large_batch_is_a_bare_hint(monkeypatch):
    monkeypatch.setattr(channel, "MESSAGE_MAX_BYTES", 10)
    message = await hear(lambda: announce("k3x9", batch("x" * 11)))
    assert message["events"] is None
    assert message["last"] == 1


@pytest.fixture
def announcer(monkeypatch):
    """An announcer of the test's own, for trouble makes one rest for a moment."""
    monkeypatch.setattr(channel, "_announcer", channel._Announcer())


def test_a_dead_channel_layer_raises_nothing_and_is_left_alone_for_a_moment(settings, caplog, announcer):
    dead = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]}}
    settings.CHANNEL_LAYERS = {"default": dead}
    announce("k3x9", batch("{}"))
    channel.flush()
    assert "The live side was not told of k3x9-1" in caplog.text
    announce("k3x9", batch("{}", start=2))
    channel.flush()
    assert caplog.text.count("was not told") == 1


class Wire:
    """The way to the real Valkey, which can be cut, and silenced: what is open stays open and carries nothing."""

    def __init__(self):
        self.silent, self.pairs, self.carried = set(), [], b""

    async def take(self, reader, writer):
        target = urlsplit(settings.REDIS_URL)
        if target.scheme == "unix":
            far = await asyncio.open_unix_connection(target.path)
        else:
            far = await asyncio.open_connection(target.hostname, target.port or 6379)
        pair = (writer, far[1])
        self.pairs.append(pair)
        await asyncio.gather(self.carry(reader, far[1], pair), self.carry(far[0], writer, pair))

    async def carry(self, reader, writer, pair):
        with suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(65536):
                self.carried += data
                if pair not in self.silent:
                    writer.write(data)
            writer.close()

    def silence(self):
        self.silent.update(self.pairs)

    def cut(self):
        for pair in self.pairs:
            for writer in pair:
                writer.close()


@pytest.fixture
async def wire(settings):
    wire = Wire()
    server = await asyncio.start_server(wire.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    layer = settings.CHANNEL_LAYERS["default"]
    host = layer["CONFIG"]["hosts"][0] | {"address": f"redis://127.0.0.1:{port}/0"}
    settings.CHANNEL_LAYERS = {"default": layer | {"CONFIG": {"hosts": [host]}}}
    yield wire
    wire.cut()
    server.close()


@pytest.fixture
async def tell():
    """Tell the group of a batch by another way than the listener's."""
    layer = RedisPubSubChannelLayer(hosts=[settings.REDIS_URL])
    yield lambda: layer.group_send(channel.GROUP, {"type": "log.grew", "first": 1})
    await layer.flush()


async def told(messages, tell):
    """Tell until it is heard."""
    heard = asyncio.ensure_future(anext(messages))
    async with asyncio.timeout(20):
        while not heard.done():
            await tell()
            await asyncio.wait([heard], timeout=0.05)
    return await heard


async def test_a_listener_hears_nothing_of_its_own_probes_and_is_not_silent(wire, tell):
    messages = channel.messages(silence_seconds=2)
    assert (await told(messages, tell))["first"] == 1
    heard = asyncio.ensure_future(anext(messages))
    async with asyncio.timeout(20):
        while wire.carried.count(b"log.probe") < 4:
            await asyncio.sleep(0.01)
    assert not heard.done()
    heard.cancel()
    await asyncio.wait([heard])


async def test_a_subscription_that_was_silenced_is_noticed_and_another_hears_again(wire, tell):
    messages = channel.messages(silence_seconds=2)
    await told(messages, tell)
    wire.silence()
    with pytest.raises(channel.Silent, match=r"tidewire\.log was silent"):
        async with asyncio.timeout(20):
            # What was told more than once before is heard first.
            while True:
                await told(messages, tell)
    messages = channel.messages(silence_seconds=2)
    assert (await told(messages, tell))["first"] == 1
    await messages.aclose()


async def test_a_connection_that_was_cut_is_made_anew(wire, tell):
    messages = channel.messages()
    await told(messages, tell)
    wire.cut()
    assert (await told(messages, tell))["first"] == 1
    await messages.aclose()


async def test_a_subscription_that_valkey_kills_is_made_anew(tell):
    messages = channel.messages()
    await told(messages, tell)
    killer = aioredis.from_url(settings.REDIS_URL)
    assert await killer.client_kill_filter(_type="pubsub")
    await killer.aclose()
    assert (await told(messages, tell))["first"] == 1
    await messages.aclose()


async def test_a_listener_that_ends_leaves_no_connection_and_no_other_listener_deaf(wire, tell):
    first, second = channel.messages(), channel.messages()
    await told(first, tell)
    await told(second, tell)
    await first.aclose()
    assert (await told(second, tell))["first"] == 1
    await second.aclose()
    async with asyncio.timeout(10):
        while not all(writer.is_closing() for pair in wire.pairs for writer in pair):
            await asyncio.sleep(0.01)


def test_no_more_than_a_bound_is_under_way(announcer, monkeypatch):
    given = []
    monkeypatch.setattr(channel._loop, "start", lambda work: (given.append(work.close()), Future())[1])
    for number in range(channel.PENDING_LIMIT + 5):
        announce("k3x9", batch("{}", start=number))
    assert len(given) == channel.PENDING_LIMIT


async def test_a_call_is_heard(wire):
    heard = threading.Event()
    listening = channel.on_call(heard.set)
    async with asyncio.timeout(20):
        while not heard.is_set():
            await asyncio.to_thread(channel.call, "relay")
            await asyncio.to_thread(heard.wait, 0.1)
    listening.cancel()


async def test_growth_of_the_log_is_heard_and_a_notice_is_none(wire):
    heard = threading.Event()
    listening = channel.on_growth(heard.set)
    async with asyncio.timeout(20):
        while not heard.is_set():
            await channel.notify("tests.1", {})
            announce("k3x9", batch("{}"))
            await asyncio.to_thread(heard.wait, 0.1)
    listening.cancel()
