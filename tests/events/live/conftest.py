"""A hub on the test's event loop, over the real database and the real channel layer."""

import json

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from access.models import User
from events import channel, relay
from events.actions import Fact, record_many
from events.catalogue import alias, event_type, topic_kind
from events.live.hub import current_hub, stop_hub
from events.live.roster import stop_roster
from events.live.websocket import LiveSocket
from events.payloads import fields, text

announce = channel.announce

SAID = event_type("live.word.said", "A word was said.", fields(word=text()))
WHISPERED = event_type("live.word.whispered", "A word was whispered.", fields(word=text()))
LOCKED_UP = event_type("live.room.locked", "A room was locked.", fields(word=text()), changes_rights=True)
LOCKED = {"locked"}
MEANT = ["rooms.a", "rooms.b"]
ROOM = topic_kind("rooms.{id}", "Rooms; the locked ones are closed.", can_read=lambda user, ids: set(ids) - LOCKED)
CAFE = topic_kind(
    "cafes.{id}", "Cafés; one sees who is there.", can_read=lambda user, ids: set(ids) - {"locked"}, has_presence=True
)
BOTH = alias("both", "Two rooms.", resolve=lambda user: list(MEANT))


@pytest.fixture(autouse=True)
def _as_declared():
    yield
    LOCKED.intersection_update({"locked"})
    MEANT[:] = ["rooms.a", "rooms.b"]


@pytest.fixture
def telling(monkeypatch):
    """Let the relay tell the real channel layer."""
    monkeypatch.setattr(channel, "announce", announce)


def _say(words, topic, type):
    with transaction.atomic():
        record_many(Fact(type, topic, "words/1", {"word": word}) for word in words)


def _say_and_relay(words, topic, type):
    _say(words, topic, type)
    relay.run()


@pytest.fixture
def say(transactional_db):
    """Say words in a room and relay them."""

    async def say(*words, topic="rooms.a", type=SAID):
        await sync_to_async(_say_and_relay, thread_sensitive=True)(words, topic, type)

    return say


@pytest.fixture
async def hub(transactional_db):
    hub = await current_hub()
    yield hub
    await stop_roster()
    await stop_hub()


def words(events):
    return [(json.loads(event.encoded) if hasattr(event, "encoded") else event)["data"]["word"] for event in events]


class Client:
    """Speaks to a live socket without a network, and is its own principal."""

    def __init__(self, user, subprotocols=(), address="127.0.0.1", publish=None):
        import asyncio

        self.to_server, self.to_client = asyncio.Queue(), asyncio.Queue()
        self.valid = True
        self.writable = asyncio.Event()
        self.writable.set()
        self.user, self.address = user, address
        self.topic = f"users.{user.pk}" if user.pk else ""
        self.end = None
        scope = {"type": "websocket", "principal": self, "subprotocols": subprotocols}
        self.task = asyncio.create_task(LiveSocket(publish)(scope, self.to_server.get, self._take))
        self.to_server.put_nowait({"type": "websocket.connect"})

    def still_valid(self):
        return self.valid

    def ends_at(self):
        return self.end

    async def _take(self, message):
        await self.writable.wait()
        self.to_client.put_nowait(message)

    async def message(self, seconds=5):
        import asyncio

        return await asyncio.wait_for(self.to_client.get(), seconds)

    async def frame(self, type=None):
        """Return the next frame, or the next one of a type."""
        while True:
            message = await self.message()
            frame = json.loads(message["text"]) if message["type"] == "websocket.send" else message
            if type is None or frame["type"] == type:
                return frame

    async def send(self, text=None, **frame):
        await self.to_server.put({"type": "websocket.receive", "text": text or json.dumps(frame)})

    async def ask(self, **frame):
        """Send a frame and return what comes next."""
        await self.send(**frame)
        return await self.frame()

    async def subscribe(self, *topics, id=1, **more):
        return await self.ask(type="subscribe", id=id, topics=list(topics), **more)

    async def said(self, count):
        """Return the next words, however they are split into frames."""
        found = []
        while len(found) < count:
            found += words((await self.frame("events"))["events"])
        return found

    async def leave(self):
        import asyncio

        self.writable.set()
        self.to_server.put_nowait({"type": "websocket.disconnect"})
        await asyncio.wait_for(self.task, 5)


@pytest.fixture
async def connect(hub):
    """Open live sockets; they are closed at the end."""
    clients = []

    async def connect(user=None, **options):
        client = Client(user or AnonymousUser(), **options)
        clients.append(client)
        assert (await client.message())["type"] == "websocket.accept"
        assert (await client.frame())["type"] == "welcome"
        return client

    yield connect
    for client in clients:
        if not client.task.done():
            await client.leave()


@pytest.fixture
async def dave(transactional_db):
    return await sync_to_async(User.objects.create_user)("dave")
