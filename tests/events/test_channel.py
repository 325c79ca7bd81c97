import asyncio

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


def test_a_dead_channel_layer_raises_nothing(settings, caplog):
    dead = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]}}
    settings.CHANNEL_LAYERS = {"default": dead}
    announce("k3x9", batch("{}"))
    assert "The live side was not told of k3x9-1" in caplog.text
