import asyncio
import json

import pytest
from django.contrib.auth.models import AnonymousUser

from config.rest import problem_body
from events.live import roster as roster_module
from events.live import sse as module
from events.live.roster import current_roster, drain_roster
from events.live.sse import LiveStream
from tests.events.live.conftest import LOCKED, LOCKED_UP, MEANT


class Browser:
    """Reads a stream without a network, and is its own principal."""

    def __init__(self, query, user=None, method="GET", headers=(), response_headers=()):
        self.user, self.address = user or AnonymousUser(), "127.0.0.1"
        self.topic = f"users.{self.user.pk}" if self.user.pk else ""
        self.valid, self.end, self.status, self.headers = True, None, None, {}
        self.to_server, self.to_client, self.text = asyncio.Queue(), asyncio.Queue(), ""
        self.writable = asyncio.Event()
        self.writable.set()
        scope = {"type": "http", "method": method, "query_string": query.encode(), "headers": list(headers)}
        scope |= {"principal": self, "response_headers": response_headers}
        self.task = asyncio.create_task(LiveStream(problem_body)(scope, self.to_server.get, self._take))
        self.to_server.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    def still_valid(self):
        return self.valid

    def ends_at(self):
        return self.end

    async def _take(self, message):
        await self.writable.wait()
        if message["type"] == "http.response.start":
            assert self.status is None
            self.status, self.headers = message["status"], dict(message["headers"])
        else:
            self.to_client.put_nowait(message)

    async def block(self, *fields):
        """Return the next block of lines, or the next with such a field."""
        while True:
            while "\n\n" not in self.text:
                message = await asyncio.wait_for(self.to_client.get(), 5)
                self.text += message["body"].decode()
                if not message.get("more_body"):
                    return None
            block, _, self.text = self.text.partition("\n\n")
            found = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if all(field in found for field in fields):
                return found

    async def words(self, count):
        return [json.loads((await self.block("data"))["data"])["data"]["word"] for _ in range(count)]

    async def problem(self):
        await asyncio.wait_for(self.task, 5)
        return json.loads(self.to_client.get_nowait()["body"])

    async def end_of_stream(self):
        while await self.block() is not None:
            pass
        await asyncio.wait_for(self.task, 5)

    async def leave(self):
        self.writable.set()
        self.to_server.put_nowait({"type": "http.disconnect"})
        await asyncio.wait_for(self.task, 5)


@pytest.fixture
async def browse(hub):
    browsers = []

    def browse(query, *args, **options):
        browsers.append(Browser(query, *args, **options))
        return browsers[-1]

    yield browse
    for browser in browsers:
        if not browser.task.done():
            await browser.leave()


async def test_the_first_thing_sent_is_when_to_come_back_and_where_one_is(browse, hub, say):
    await say("one")
    await hub.refresh()
    browser = browse("topics=rooms.a")
    assert await browser.block() == {"retry": "2000", "id": str(hub.cursor)}
    assert browser.status == 200
    assert browser.headers[b"content-type"] == b"text/event-stream"
    assert (browser.headers[b"cache-control"], browser.headers[b"x-accel-buffering"]) == (b"no-store", b"no")


async def test_the_id_of_an_event_is_its_cursor(browse, hub, say):
    await say("one", "two", "three")
    await hub.refresh()
    browser = browse(f"topics=rooms.a&after={hub.epoch}-1")
    assert await browser.block() == {"retry": "2000", "id": f"{hub.epoch}-1"}
    for position, word in ((2, "two"), (3, "three")):
        block = await browser.block()
        assert block["id"] == json.loads(block["data"])["cursor"] == f"{hub.epoch}-{position}"
        assert json.loads(block["data"])["data"] == {"word": word}
    await say("four")
    await hub.refresh()
    assert await browser.words(1) == ["four"]


async def test_the_last_event_id_wins_over_after(browse, hub, say):
    await say("one", "two")
    await hub.refresh()
    headers = [(b"last-event-id", f"{hub.epoch}-1".encode())]
    browser = browse(f"topics=rooms.a&after={hub.epoch}-0", headers=headers)
    await browser.block()
    assert await browser.words(1) == ["two"]


async def test_types_are_filtered(browse, hub, say):
    browser = browse("topics=rooms.a,rooms.b&types=live.word.whispered,live.room.*")
    await browser.block()
    await say("loud")
    await say("lock", topic="rooms.b", type=LOCKED_UP)
    await hub.refresh()
    assert await browser.words(1) == ["lock"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("topics=", 400),
        ("topics=not%20one", 400),
        ("topics=rooms.a&after=nonsense", 400),
        ("topics=rooms.a&types=a.*.b", 400),
        ("topics=rooms.a&types=" + ",".join(["a.b.c"] * 101), 400),
        ("topics=both", 401),
        ("topics=rooms.a,rooms.locked", 403),
        ("topics=nowhere.1", 403),
    ],
)
async def test_what_cannot_be_streamed_is_a_problem(browse, hub, query, status):
    browser = browse(query, response_headers=[(b"access-control-allow-origin", b"*")])
    problem = await browser.problem()
    assert (browser.status, problem["status"]) == (status, status)
    assert problem["detail"]
    assert browser.headers[b"content-type"] == b"application/problem+json"
    assert browser.headers[b"access-control-allow-origin"] == b"*"
    assert (b"www-authenticate" in browser.headers) == (status == 401)
    assert not hub.index


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS"])
async def test_streams_are_read_with_get(browse, method):
    browser = browse("topics=rooms.a", method=method)
    assert (await browser.problem())["status"] == 405
    assert browser.headers[b"allow"] == b"GET"


async def test_an_alias_with_too_many_topics_is_a_problem(browse, dave, settings):
    settings.TIDEWIRE_SUBSCRIPTION_MAX_TOPICS = 1
    assert (await browse("topics=both", dave).problem())["status"] == 400


async def test_a_stream_whose_alias_grows_too_large_says_so_and_ends(browse, dave, hub, settings):
    settings.TIDEWIRE_SUBSCRIPTION_MAX_TOPICS = 2
    browser = browse("topics=both", dave)
    await browser.block()
    MEANT.append("rooms.c")
    for reader in list(hub.index.readers()):
        reader.ask_again()
    assert json.loads((await browser.block("event"))["data"])["code"] == "too_many"
    await browser.end_of_stream()


async def test_too_many_connections_are_told_to_come_later(browse, settings):
    settings.TIDEWIRE_ADDRESS_MAX_CONNECTIONS = 1
    await browse("topics=rooms.a").block()
    browser = browse("topics=rooms.a")
    assert (await browser.problem())["status"] == 429
    assert browser.headers[b"retry-after"]


async def test_who_was_signed_out_is_told_to_sign_in(browse, dave):
    browser = browse("topics=rooms.a", dave)
    browser.valid = False
    assert (await browser.problem())["status"] == 401


async def test_without_its_database_it_is_a_problem_to_come_back_from(browse, monkeypatch):
    def away(*args, **options):
        raise ConnectionError("no database")

    monkeypatch.setattr("events.catalogue.authorise", away)
    browser = browse("topics=rooms.a")
    assert (await browser.problem())["status"] == 503
    assert browser.headers[b"retry-after"]


async def test_without_a_hub_it_is_a_problem_to_come_back_from(browse, monkeypatch):
    async def away():
        raise ConnectionError("no database")

    monkeypatch.setattr(module, "current_roster", away)
    assert (await browse("topics=rooms.a").problem())["status"] == 503


async def test_a_cursor_of_another_log_is_a_reset_with_an_id(browse, hub, say):
    await say("one")
    await hub.refresh()
    browser = browse("topics=rooms.a&after=other1-0")
    block = await browser.block("event")
    assert (block["event"], block["id"]) == ("reset", str(hub.cursor))
    assert json.loads(block["data"]) == {"reason": "epoch", "cursor": str(hub.cursor)}


async def test_other_topics_and_ended_rights_are_told_with_an_id(browse, hub, say, dave):
    # What was told of dave before he comes is past.
    await say("before")
    await hub.refresh()
    browser = browse("topics=both,rooms.d", dave)
    await browser.block()
    while not hub.index:
        await asyncio.sleep(0)
    MEANT.append("rooms.c")
    LOCKED.add("d")
    await say("lock", topic="rooms.d", type=LOCKED_UP)
    await hub.refresh()
    cursor = str(hub.cursor)
    assert await browser.words(1) == ["lock"]
    assert await browser.block() == {
        "id": cursor,
        "event": "revoked",
        "data": json.dumps({"topics": ["rooms.d"], "cursor": cursor}, separators=(",", ":")),
    }
    changed = await browser.block()
    assert (changed["event"], changed["id"]) == ("topics", cursor)
    assert json.loads(changed["data"]) == {"added": ["rooms.c"], "removed": [], "cursor": cursor}


async def test_a_notice_has_no_id(browse, hub):
    browser = browse("topics=rooms.a")
    await browser.block()
    while not hub.index:
        await asyncio.sleep(0)
    hub._notice("rooms.a", {"n": 1})
    assert await browser.block() == {"event": "notice", "data": '{"topic":"rooms.a","data":{"n":1}}'}


async def test_a_heartbeat_is_an_id_that_stays_fresh(browse, hub, say, settings):
    settings.TIDEWIRE_HEARTBEAT_SECONDS = 0.05
    browser = browse("topics=rooms.a")
    await browser.block()
    await say("elsewhere", topic="rooms.b")
    await hub.refresh()
    while (await browser.block()) != {"id": str(hub.cursor)}:
        pass


async def test_a_drained_stream_is_told_when_to_come_back_and_ends(browse, hub, monkeypatch):
    monkeypatch.setattr(roster_module.random, "uniform", lambda low, high: 0.01)
    browser = browse("topics=rooms.a")
    await browser.block()
    draining = asyncio.create_task(drain_roster(5))
    assert await browser.block() == {
        "id": str(hub.cursor),
        "retry": "10",
        "event": "reconnect",
        "data": '{"after_ms": 10}',
    }
    await browser.end_of_stream()
    await asyncio.wait_for(draining, 5)


async def test_who_is_signed_out_is_told_and_the_stream_ends(browse, hub, dave, say):
    browser = browse("topics=rooms.a", dave)
    await browser.block()
    browser.valid = False
    await say("out", topic=browser.topic, type=LOCKED_UP)
    await say("secret")
    await hub.refresh()
    block = await browser.block()
    assert (block["event"], json.loads(block["data"])["topics"]) == ("revoked", ["rooms.a"])
    assert await browser.block() is None
    await asyncio.wait_for(browser.task, 5)
    assert not hub.index


async def test_who_is_signed_out_while_it_begins_is_not_served(browse, hub, dave, say, monkeypatch):
    from events.live.subscription import Subscription

    browser, reached, go_on, locate = (
        browse("topics=rooms.a", dave),
        asyncio.Event(),
        asyncio.Event(),
        Subscription.locate,
    )

    async def slow(self, after):
        reached.set()
        await go_on.wait()
        return await locate(self, after)

    monkeypatch.setattr(Subscription, "locate", slow)
    await asyncio.wait_for(reached.wait(), 5)
    browser.valid = False
    await say("out", topic=browser.topic, type=LOCKED_UP)
    await hub.refresh()
    [connection] = await current_roster()
    while connection._catching_up is not None:
        await asyncio.wait([connection._catching_up])
    go_on.set()
    await browser.end_of_stream()


async def test_a_stream_that_was_told_something_is_ended_not_refused(browse, hub, monkeypatch):
    from events.live.subscription import Subscription

    async def fail(self, after):
        [connection] = await current_roster()
        connection.beat()
        raise ConnectionError("no database")

    monkeypatch.setattr(Subscription, "locate", fail)
    browser = browse("topics=rooms.a")
    await browser.end_of_stream()
    assert browser.status == 200


async def test_a_stalled_stream_is_let_go(browse, hub, say, settings, monkeypatch):
    monkeypatch.setattr(module, "CLOSING_SECONDS", 0.05)
    browser = browse("topics=rooms.a")
    await browser.block()
    browser.writable.clear()
    while not hub.index:
        await asyncio.sleep(0)
    settings.TIDEWIRE_STALLED_SECONDS = 0
    settings.TIDEWIRE_HEARTBEAT_SECONDS = 0.05
    [connection] = await current_roster()
    await say("one")
    await hub.refresh()
    while connection.outlet.busy_seconds() == 0:
        await asyncio.sleep(0)
    (await current_roster())._look_at(connection, 0)
    await asyncio.wait_for(browser.task, 5)
    assert len(await current_roster()) == 0


async def test_a_browser_that_leaves_is_forgotten(browse, hub):
    browser = browse("topics=rooms.a")
    await browser.block()
    await browser.leave()
    assert not hub.index
    assert len(await current_roster()) == 0
