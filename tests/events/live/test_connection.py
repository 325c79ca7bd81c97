import asyncio
import json
import threading
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from access.models import User
from events import catalogue, relay
from events.cursor import Cursor
from events.live import connection as module
from events.live.connection import Connection
from events.live.frames import Frames
from events.live.outlet import SteppedOutlet
from tests.events.live.conftest import LOCKED, LOCKED_UP, MEANT, SAID, _say, words


class Person:
    """Whoever is there, as long as the test wants; at its gate a question to the database can be held up."""

    def __init__(self):
        self.user, self.topic, self.address = User(pk=7, username="dave"), "users.7", "127.0.0.1"
        self.valid, self.end = True, None
        self.asking, self.gate = threading.Event(), threading.Event()
        self.gate.set()

    def still_valid(self):
        valid = self.valid
        self.asking.set()
        self.gate.wait(5)
        return valid

    def ends_at(self):
        return self.end


class Line:
    """One connection, and what its client was sent."""

    def __init__(self, hub):
        self.hub, self.person, self.sent, self.codes = hub, Person(), asyncio.Queue(), asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.outlet = SteppedOutlet(self._send)
        self.connection = Connection(hub, self.person, self.outlet, Frames(), self.codes.put_nowait)

    async def _send(self, message):
        await self.reads.wait()
        self.sent.put_nowait(json.loads(message["text"]))

    async def frame(self, type=None):
        while True:
            frame = await asyncio.wait_for(self.sent.get(), 5)
            if type in (None, frame["type"]):
                return frame

    async def said(self, count):
        found = []
        while len(found) < count:
            found += words((await self.frame("events"))["events"])
        return found

    async def subscribe(self, *names, id=1, after=None):
        await self.connection.subscribe(id, names, (), after)
        return await self.frame("subscribed")

    async def live(self, *names, **more):
        await self.subscribe(*names, **more)
        await self.quiet()

    async def quiet(self):
        """Return when nothing is left to catch up with."""
        while (task := self.connection._catching_up) is not None:
            await asyncio.wait([task], timeout=5)


@pytest.fixture
async def line(hub):
    line = Line(hub)
    yield line
    line.person.gate.set()
    line.connection.close()


@pytest.fixture
def happen(transactional_db):
    """Let words be said, each on its topic, and relay them together."""

    def tell(facts):
        for word, topic, type in facts:
            _say([word], topic, type)
        relay.run()

    async def happen(*facts):
        await sync_to_async(tell, thread_sensitive=True)(facts)

    return happen


async def test_up_to_the_end_of_a_right_all_is_delivered_and_nothing_after_it(line, hub, happen):
    await line.live("rooms.a", "rooms.b")
    LOCKED.add("a")
    facts = ("one", "rooms.a", SAID), ("lock", "rooms.a", LOCKED_UP), ("two", "rooms.a", SAID), ("b", "rooms.b", SAID)
    await happen(*facts)
    await hub.refresh()
    assert await line.said(2) == ["one", "lock"]
    revoked = await line.frame()
    assert revoked == {"type": "revoked", "id": 1, "topics": ["rooms.a"], "cursor": f"{hub.epoch}-2"}
    assert await line.said(1) == ["b"]


async def test_rights_asked_before_they_changed_are_asked_again(line, hub, say, monkeypatch):
    authorise = catalogue.authorise

    def slow(*args, **options):
        topics = authorise(*args, **options)
        line.person.asking.set()
        line.person.gate.wait(5)
        return topics

    monkeypatch.setattr(catalogue, "authorise", slow)
    line.person.still_valid = lambda: True
    line.person.gate.clear()
    subscribing = asyncio.create_task(line.connection.subscribe(1, ["rooms.a", "rooms.b"], (), None))
    assert await asyncio.to_thread(line.person.asking.wait, 5)
    LOCKED.add("a")
    await say("lock", type=LOCKED_UP)
    await hub.refresh()
    line.person.gate.set()
    await subscribing
    await say("secret")
    await say("open", topic="rooms.b")
    await hub.refresh()
    assert (await line.frame())["topics"] == ["rooms.a", "rooms.b"]
    assert (await line.frame())["type"] == "revoked"
    assert await line.said(1) == ["open"]


async def test_who_is_signed_out_is_sent_nothing_that_is_after_it(line, hub, happen):
    await line.live("rooms.a")
    line.person.valid = False
    await happen(("one", "rooms.a", SAID), ("out", line.person.topic, LOCKED_UP), ("two", "rooms.a", SAID))
    await hub.refresh()
    assert await asyncio.wait_for(line.codes.get(), 5) == 4401
    await line.quiet()
    line.connection.catch_up()
    await line.quiet()
    assert await line.said(1) == ["one"]
    assert line.sent.empty()


async def test_who_was_signed_out_before_anybody_told_the_connection_subscribes_to_nothing(line):
    line.person.valid = False
    with pytest.raises(catalogue.SignInFirst):
        await line.connection.subscribe(1, ["rooms.a"], (), None)


async def test_an_answer_is_for_the_subscription_it_was_asked_for(line, hub):
    await line.live("rooms.a")
    line.person.asking.clear()
    line.person.gate.clear()
    line.connection.ask_again()
    assert await asyncio.to_thread(line.person.asking.wait, 5)
    LOCKED.add("a")
    line.connection.unsubscribe(1)
    line.person.still_valid = lambda: True
    await line.subscribe("rooms.b")
    line.person.gate.set()
    await line.quiet()
    assert line.connection.subscriptions[1].topics == {"rooms.b"}
    assert line.sent.empty()


async def test_while_rights_are_asked_nothing_is_delivered(line, hub, say):
    await line.live("rooms.a")
    line.person.asking.clear()
    line.person.gate.clear()
    line.connection.ask_again()
    assert await asyncio.to_thread(line.person.asking.wait, 5)
    await say("one")
    await hub.refresh()
    hub.send_now()
    assert line.sent.empty()
    line.person.gate.set()
    assert await line.said(1) == ["one"]


async def test_what_changes_while_rights_are_asked_is_asked_after(line, hub, say):
    await line.live("rooms.a", "rooms.b")
    line.person.asking.clear()
    line.person.gate.clear()
    line.connection.ask_again()
    assert await asyncio.to_thread(line.person.asking.wait, 5)
    LOCKED.add("a")
    await say("lock", type=LOCKED_UP)
    await say("secret")
    await say("open", topic="rooms.b")
    await hub.refresh()
    line.person.gate.set()
    found = await line.said(1)
    assert found in (["lock"], ["open"])
    assert "secret" not in found + (await line.said(1) if found == ["lock"] else [])


async def test_a_right_that_ends_by_the_clock_ends_by_a_timer(line, hub):
    line.person.end = timezone.now() + timedelta(seconds=0.1)
    await line.live("rooms.a")
    LOCKED.add("a")
    line.person.end = None
    assert (await line.frame())["type"] == "revoked"
    assert line.connection._timer is None


async def test_a_timer_ends_with_its_connection(line):
    line.person.end = timezone.now() + timedelta(days=400)
    await line.live("rooms.a")
    timer = line.connection._timer
    line.connection.close()
    assert timer.cancelled()


async def test_an_alias_that_means_other_topics_is_told_with_its_cursor(line, hub, say):
    await line.live("both")
    MEANT[:] = ["rooms.b", "rooms.c"]
    await say("lock", type=LOCKED_UP)
    await hub.refresh()
    told = await line.frame("topics")
    assert told == {"type": "topics", "id": 1, "added": ["rooms.c"], "removed": ["rooms.a"], "cursor": str(hub.cursor)}
    await say("not any more")
    await say("now", topic="rooms.c")
    await hub.refresh()
    assert await line.said(1) == ["now"]


async def test_a_topic_that_was_named_and_one_of_an_alias_are_told_apart(line, hub):
    await line.live("both", "rooms.d")
    LOCKED.update({"a", "d"})
    line.connection.ask_again()
    assert (await line.frame())["topics"] == ["rooms.d"]
    assert (await line.frame())["removed"] == ["rooms.a"]


async def test_a_named_topic_that_was_revoked_does_not_come_back_by_itself(line, hub):
    await line.live("rooms.a", "rooms.b")
    LOCKED.add("a")
    line.connection.ask_again()
    await line.frame("revoked")
    LOCKED.discard("a")
    line.connection.ask_again()
    await line.quiet()
    assert line.connection.subscriptions[1].topics == {"rooms.b"}


async def test_an_alias_that_grows_too_large_ends_its_subscription(line, hub, settings):
    settings.TIDEWIRE_SUBSCRIPTION_MAX_TOPICS = 2
    await line.live("both")
    MEANT.append("rooms.c")
    line.connection.ask_again()
    error = await line.frame()
    assert (error["type"], error["id"], error["code"]) == ("error", 1, "too_many")
    assert line.connection.subscriptions == {}
    assert not hub.index


async def test_subscriptions_that_catch_up_take_turns(line, hub, say, monkeypatch):
    monkeypatch.setattr("events.live.hub.READER_PAGE", 1)
    await say("a1", "a2", "a3")
    await say("b1", "b2", "b3", topic="rooms.b")
    await hub.refresh()
    hub.ring.clear(hub.position)
    line.reads.clear()
    for id, room in ((1, "rooms.a"), (2, "rooms.b")):
        line.connection.subscriptions[id] = module.Subscription(
            hub, line.connection, id, [room], (), Frames().events(id)
        )
        await line.connection.subscriptions[id].locate(Cursor(hub.epoch, 0))
        line.connection.subscriptions[id].read([room])
    line.reads.set()
    assert [(await line.frame("events"))["id"] for _ in range(6)] == [1, 2, 1, 2, 1, 2]


async def test_with_the_database_away_for_a_moment_rights_are_still_asked_first(line, hub, say, monkeypatch):
    monkeypatch.setattr(module, "RETRY_SECONDS", 0)
    await line.live("rooms.a", "rooms.b")
    meaning, failures = catalogue.meaning, [DatabaseError("away"), DatabaseError("still away")]

    def flaky(user, names):
        if failures:
            raise failures.pop()
        return meaning(user, names)

    monkeypatch.setattr(catalogue, "meaning", flaky)
    LOCKED.add("a")
    line.connection.ask_again()
    await say("secret")
    await say("open", topic="rooms.b")
    await hub.refresh()
    assert (await line.frame())["type"] == "revoked"
    assert await line.said(1) == ["open"]
    assert failures == []


async def test_with_the_database_away_while_it_reads_the_log_it_goes_on_where_it_was(line, hub, say, monkeypatch):
    monkeypatch.setattr(module, "RETRY_SECONDS", 0)
    monkeypatch.setattr("events.live.hub.READER_PAGE", 1)
    await say("one", "two", "three")
    await hub.refresh()
    hub.ring.clear(hub.position)
    page, calls = module.Subscription._take_from_log, []

    async def flaky(self):
        calls.append(True)
        if len(calls) == 2:
            raise DatabaseError("away")
        return await page(self)

    monkeypatch.setattr(module.Subscription, "_take_from_log", flaky)
    await line.subscribe("rooms.a", after=Cursor(hub.epoch, 0))
    assert await line.said(3) == ["one", "two", "three"]


async def test_a_notice_is_told_once_however_many_subscriptions_read_its_topic(line, hub):
    await line.live("rooms.a")
    await line.live("rooms.a", "rooms.b", id=2)
    hub._notice("rooms.a", {"n": 1})
    hub._notice("rooms.a", {"n": 2})
    assert [(await line.frame())["data"]["n"] for _ in range(2)] == [1, 2]
    assert line.sent.empty()


async def test_a_heartbeat_promises_nothing_that_is_still_to_be_sent(line, hub, say):
    await say("one")
    await hub.refresh()
    hub.ring.clear(hub.position)
    line.reads.clear()
    line.connection.beat()
    subscription = module.Subscription(hub, line.connection, 1, ["rooms.a"], (), Frames().events(1))
    await subscription.locate(Cursor(hub.epoch, 0))
    subscription.read(["rooms.a"])
    line.connection.subscriptions[1] = subscription
    found = await subscription.next()
    putting = asyncio.create_task(line.outlet.put(subscription.say(found)))
    await asyncio.sleep(0)
    line.reads.set()
    while not putting.done():
        line.connection.beat()
        await asyncio.sleep(0)
    assert [(await line.frame())["type"] for _ in range(2)] == ["heartbeat", "events"]


async def test_when_it_closes_nothing_of_it_stays(line, hub):
    await line.live("rooms.a")
    told = []
    line.connection.on_topics(lambda user, before, after: told.append((before, after)))
    line.connection._tell_topics()
    line.connection.close()
    assert told[-1] == ({"rooms.a"}, frozenset())
    assert not hub.index
    assert not hub.index._own
    assert list(hub.index.everyone()) == []
    line.connection.ask_again()
    assert line.connection._catching_up is None
