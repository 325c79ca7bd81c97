import asyncio
import json

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction

from access.event_types import KEY_REVOKED
from events import relay
from events.actions import record
from events.live import roster
from events.live import websocket as module
from events.live.connection import Connection
from events.live.frames import Frames
from tests.events.live.conftest import SAID, WHISPERED
from tests.events.live.readers import Principal


async def test_the_first_frame_is_a_welcome_and_the_subprotocol_is_accepted(connect, hub):
    from tests.events.live.conftest import AnonymousUser, Client

    client = Client(AnonymousUser(), subprotocols=["other", "tidewire.v1"])
    assert await client.message() == {"type": "websocket.accept", "subprotocol": "tidewire.v1"}
    welcome = await client.frame()
    assert welcome["heartbeat_seconds"] == 25
    assert welcome["connection"]
    await client.leave()


async def test_a_subscription_says_where_it_starts(connect, hub, say):
    await say("one")
    await hub.refresh()
    client = await connect()
    answer = await client.subscribe("rooms.a")
    assert answer == {
        "type": "subscribed",
        "id": 1,
        "topics": ["rooms.a"],
        "cursor": str(hub.cursor),
        "head": str(hub.cursor),
    }


async def test_missed_events_come_first_then_live_ones(connect, hub, say):
    await say("one", "two")
    await hub.refresh()
    client = await connect()
    await client.subscribe("rooms.a", after=f"{hub.epoch}-1")
    await say("three")
    await hub.refresh()
    assert await client.said(2) == ["two", "three"]


async def test_an_event_is_the_cloud_event_of_the_log(connect, hub, say):
    client = await connect()
    await client.subscribe("rooms.a")
    await say("one")
    await hub.refresh()
    frame = await client.frame("events")
    [event] = frame["events"]
    assert frame["cursor"] == event["cursor"] == f"{hub.epoch}-1"
    assert (event["specversion"], event["type"], event["topic"]) == ("1.0", "live.word.said", "rooms.a")
    assert (event["previous"], event["data"]) == (f"{hub.epoch}-0", {"word": "one"})


async def test_resuming_with_the_last_cursor_misses_nothing_and_repeats_nothing(connect, hub, say):
    client = await connect()
    await client.subscribe("rooms.a", "rooms.b")
    await say("a1")
    await hub.refresh()
    cursor = (await client.frame("events"))["cursor"]
    await client.leave()
    await say("b1", topic="rooms.b")
    await say("a2")
    await hub.refresh()
    again = await connect()
    await again.subscribe("rooms.a", "rooms.b", after=cursor)
    assert await again.said(2) == ["b1", "a2"]


async def test_an_alias_is_resolved(connect, hub, dave):
    client = await connect(dave)
    assert (await client.subscribe("both", "me"))["topics"] == ["rooms.a", "rooms.b", f"users.{dave.pk}"]


async def test_an_alias_needs_somebody(connect):
    client = await connect()
    answer = await client.subscribe("me")
    assert (answer["type"], answer["code"]) == ("error", "unauthenticated")


@pytest.mark.parametrize("topic", ["rooms.locked", "nowhere.1", "users.1"])
async def test_one_topic_that_may_not_be_read_refuses_the_whole_subscription(connect, hub, say, topic):
    client = await connect()
    answer = await client.subscribe("rooms.a", topic)
    assert (answer["type"], answer["id"], answer["code"]) == ("error", 1, "forbidden")
    assert not hub.index


async def test_types_are_filtered(connect, hub, say):
    client = await connect()
    await client.subscribe("rooms.a", types=["live.word.whispered"])
    await say("loud")
    await say("psst", type=WHISPERED)
    await hub.refresh()
    assert await client.said(1) == ["psst"]


async def test_subscriptions_are_apart(connect, hub, say):
    client = await connect()
    await client.subscribe("rooms.a", id="a")
    await client.subscribe("rooms.b", id=2)
    await say("for b", topic="rooms.b")
    await hub.refresh()
    assert (await client.frame("events"))["id"] == 2
    assert (await client.ask(type="unsubscribe", id=2)) == {"type": "unsubscribed", "id": 2}
    await say("for nobody", topic="rooms.b")
    await say("for a")
    await hub.refresh()
    assert (await client.frame("events"))["id"] == "a"


async def test_an_id_names_one_subscription(connect):
    client = await connect()
    await client.subscribe("rooms.a")
    assert (await client.subscribe("rooms.b"))["code"] == "conflict"
    assert (await client.ask(type="unsubscribe", id=9))["code"] == "not_found"


async def test_subscriptions_are_bounded(connect, settings):
    settings.TIDEWIRE_CONNECTION_MAX_SUBSCRIPTIONS = 1
    client = await connect()
    await client.subscribe("rooms.a", id=1)
    assert (await client.subscribe("rooms.b", id=2))["code"] == "too_many"


@pytest.mark.parametrize(("after", "reason"), [("other1-0", "epoch"), ("{epoch}-99", "ahead")])
async def test_a_cursor_that_cannot_go_on_is_answered_by_a_reset(connect, hub, say, monkeypatch, after, reason):
    monkeypatch.setattr("events.live.subscription.AHEAD_PATIENCE_SECONDS", 0.05)
    client = await connect()
    assert (await client.subscribe("rooms.a", after=after.format(epoch=hub.epoch)))["type"] == "subscribed"
    reset = await client.frame()
    assert reset == {"type": "reset", "id": 1, "reason": reason, "cursor": str(hub.cursor)}
    await say("goes on")
    await hub.refresh()
    assert await client.said(1) == ["goes on"]


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[1]", '{"type":"dance"}', '{"type":"subscribe"}', '{"type":"subscribe","id":1,"topics":"x"}'],
)
async def test_a_bad_frame_gets_an_error_and_the_connection_lives(connect, text):
    client = await connect()
    await client.to_server.put({"type": "websocket.receive", "text": text})
    answer = await client.frame()
    assert (answer["type"], answer["code"]) == ("error", "invalid")
    assert answer["message"]
    assert await client.ask(type="ping") == {"type": "pong"}


async def test_bytes_are_refused(connect):
    client = await connect()
    await client.to_server.put({"type": "websocket.receive", "bytes": b"\x00"})
    assert (await client.frame())["code"] == "invalid"


async def test_ten_bad_frames_in_a_row_close_the_connection(connect):
    client = await connect()
    for _ in range(9):
        await client.ask(text="nonsense")
    await client.ask(type="ping")
    for _ in range(10):
        await client.ask(text="nonsense")
    assert await client.message() == {"type": "websocket.close", "code": 4400}
    await asyncio.wait_for(client.task, 5)


async def test_heartbeats_carry_cursors_that_stay_fresh(connect, hub, say, settings):
    settings.TIDEWIRE_HEARTBEAT_SECONDS = 0.05
    client = await connect()
    await client.subscribe("rooms.b", id="quiet")
    await say("elsewhere")
    await hub.refresh()
    while (await client.frame("heartbeat"))["cursors"] != {"quiet": str(hub.cursor)}:
        pass


async def test_a_slow_reader_is_kept_and_catches_up_and_slows_nobody(connect, hub, say):
    slow, quick = await connect(), await connect()
    await slow.subscribe("rooms.a")
    await quick.subscribe("rooms.a")
    slow.writable.clear()
    for number in range(20):
        await say(*(f"{number}.{word}" for word in range(10)))
        await hub.refresh()
    expected = [f"{number}.{word}" for number in range(20) for word in range(10)]
    assert await quick.said(200) == expected
    slow.writable.set()
    assert await slow.said(200) == expected


async def test_who_is_signed_out_is_closed_at_the_next_look(connect, dave, monkeypatch, settings):
    monkeypatch.setattr(roster, "RECHECK_SECONDS", 0)
    settings.TIDEWIRE_HEARTBEAT_SECONDS = 0.05
    client = await connect(dave)
    client.valid = False
    while (message := await client.message())["type"] == "websocket.send":
        pass
    assert message == {"type": "websocket.close", "code": 4401}


def revoke_and_say(user):
    with transaction.atomic():
        key = {"key": {"id": 1, "name": ""}}
        record(KEY_REVOKED, topic=f"users.{user.pk}", subject="keys/1", data=key)
        record(SAID, topic="rooms.a", subject="words/1", data={"word": "after"})
    relay.run()


async def test_who_is_signed_out_is_told_nothing_that_came_after(connect, hub, dave):
    client = await connect(dave)
    await client.subscribe("rooms.a")
    client.valid = False
    await sync_to_async(revoke_and_say)(dave)
    await hub.refresh()
    assert await client.message() == {"type": "websocket.close", "code": 4401}


class Door:
    """An outlet that can be shut."""

    gone = False

    def __init__(self):
        self.passed, self.opened = [], asyncio.Event()
        self.opened.set()

    def offer(self, message):
        self.passed.append(json.loads(message["text"])["type"])
        return True

    async def put(self, message):
        await self.opened.wait()
        self.offer(message)

    async def ready(self):
        """Nothing is under way."""

    def drop(self):
        """Nothing is under way."""


async def test_no_heartbeat_passes_what_still_waits_to_be_sent(hub, say, dave):
    door = Door()
    connection = Connection(hub, Principal(dave), door, Frames(), lambda code: None)
    await say("one")
    await hub.refresh()
    await connection.subscribe(1, ["rooms.a"], (), None)
    await asyncio.sleep(0.01)
    door.opened.clear()
    connection.subscriptions[1].fall_behind(0)
    connection.subscriptions[1]._position = 0
    await asyncio.sleep(0.01)
    connection.beat()
    door.opened.set()
    await asyncio.sleep(0.01)
    connection.beat()
    connection.close()
    assert door.passed == ["subscribed", "events", "heartbeat"]


async def test_a_topic_that_may_no_longer_be_read_is_revoked(connect, hub, say, monkeypatch, settings):
    monkeypatch.setattr(roster, "RECHECK_SECONDS", 0)
    settings.TIDEWIRE_HEARTBEAT_SECONDS = 0.05
    client = await connect()
    await client.subscribe("rooms.a", "rooms.b")
    monkeypatch.setattr("events.catalogue.meaning", lambda user, names: set(names) - {"rooms.a"})
    revoked = await client.frame("revoked")
    assert (revoked["id"], revoked["topics"], revoked["cursor"]) == (1, ["rooms.a"], str(hub.cursor))
    await say("secret")
    await say("open", topic="rooms.b")
    await hub.refresh()
    assert await client.said(1) == ["open"]


async def test_a_client_that_leaves_is_forgotten(connect, hub):
    client = await connect()
    await client.subscribe("rooms.a")
    await client.leave()
    assert not hub.index


async def test_a_process_without_its_database_sends_clients_elsewhere(transactional_db, monkeypatch):
    from tests.events.live.conftest import AnonymousUser, Client

    async def away():
        raise ConnectionError("no database")

    monkeypatch.setattr(module, "current_roster", away)
    client = Client(AnonymousUser())
    assert (await client.message())["type"] == "websocket.accept"
    assert await client.message() == {"type": "websocket.close", "code": 1013}


async def test_a_frame_larger_than_allowed_is_told_so(connect, settings):
    client = await connect()
    await client.send(json.dumps({"type": "ping", "pad": "x" * settings.TIDEWIRE_FRAME_MAX_BYTES}))
    assert (await client.frame())["code"] == "too_large"


class Unpublished(Exception):
    """Why an event is not published."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


async def test_an_event_is_published_for_its_principal_and_answered_with_what_became_of_it(connect, dave):
    asked = []

    def publish(principal, event, key):
        asked.append((principal.user, event, key))
        return {"id": "e1", **event}

    client = await connect(dave, publish=publish)
    event = {"type": "orders.order.placed", "topic": "orders.1", "data": {"n": 1}}
    answer = await client.ask(type="publish", id="p1", event=event, idempotency_key="k")
    assert answer == {"type": "published", "id": "p1", "event": {"id": "e1", **event}}
    await client.ask(type="publish", id=2, event=event)
    assert asked == [(dave, event, "k"), (dave, event, None)]


CODES = ["invalid", "unauthenticated", "forbidden", "not_found", "too_many", "rate_limited", "too_large", "conflict"]


@pytest.mark.parametrize("code", CODES)
async def test_an_event_that_is_refused_is_answered_with_the_code_and_the_sentence(connect, code):
    def publish(principal, event, key):
        raise Unpublished(code, "Not this one.")

    client = await connect(publish=publish)
    answer = await client.ask(type="publish", id="p1", event={})
    assert answer == {"type": "error", "id": "p1", "code": code, "message": "Not this one."}


@pytest.mark.parametrize(
    "fields",
    [
        {"id": None, "event": {}},
        {"id": 1},
        {"id": 1, "event": []},
        {"id": 1, "event": {}, "idempotency_key": ""},
        {"id": 1, "event": {}, "idempotency_key": 5},
        {"id": 1, "event": {}, "surprise": 1},
    ],
)
async def test_a_malformed_publication_is_invalid_and_asks_nobody(connect, fields):
    client = await connect(publish=lambda *asked: pytest.fail("asked"))
    assert (await client.ask(type="publish", **fields))["code"] == "invalid"


async def test_without_a_publisher_nothing_is_published(connect):
    client = await connect()
    assert (await client.ask(type="publish", id="p1", event={}))["code"] == "not_found"


async def test_a_publisher_that_fails_closes_the_connection_for_another_try(connect):
    def publish(principal, event, key):
        raise ConnectionError("no database")

    client = await connect(publish=publish)
    assert await client.ask(type="publish", id="p1", event={}) == {"type": "websocket.close", "code": 1011}


async def test_who_is_told_to_wait_is_not_closed_for_bad_frames(connect):
    def publish(principal, event, key):
        raise Unpublished("rate_limited", "Slower.")

    client = await connect(publish=publish)
    for _ in range(12):
        assert (await client.ask(type="publish", id="p1", event={}))["code"] == "rate_limited"


async def test_half_a_character_is_no_part_of_an_id(connect):
    client = await connect()
    await client.send('{"type":"subscribe","id":"\\ud800","topics":["rooms.a"]}')
    assert (await client.frame())["code"] == "invalid"
    assert await client.ask(type="ping") == {"type": "pong"}


async def test_a_notice_comes_once_to_a_connection_with_many_subscriptions(connect, hub):
    client = await connect()
    await client.subscribe("rooms.a", id=1)
    await client.subscribe("rooms.a", "rooms.b", id=2)
    while not all(len(hub.index.on(topic)) == count for topic, count in (("rooms.a", 2), ("rooms.b", 1))):
        await asyncio.sleep(0)
    hub._notice("rooms.a", {"n": 1})
    assert await client.frame() == {"type": "notice", "topic": "rooms.a", "data": {"n": 1}}
    assert await client.ask(type="ping") == {"type": "pong"}
