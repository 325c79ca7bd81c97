"""One list of what the live side does, the same over WebSocket, Server-Sent Events and long poll, on both servers."""

import asyncio
import subprocess
from contextlib import asynccontextmanager

import aiohttp
import pytest

import clients.poll
from clients.live import TRANSPORTS, Closed, Refused, connect
from tests.journeys import servers
from tests.journeys.conftest import manage

STREAMS = ("websocket", "sse")
SIGNED_OUT = 4401
PEOPLE = """
from access import keys
from access.models import User
for number in range(12):
    print(keys.mint(User.objects.create_user(f"stranger{number}", password="tidewire")))
"""


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request, stack):
    """A web process beside the one that is written to; its hearts beat fast."""
    settings = {"TIDEWIRE_HEARTBEAT_SECONDS": 1}
    with servers.server(stack, getattr(servers, request.param), **settings) as server:
        server.kind = request.param
        yield server


@pytest.fixture(params=TRANSPORTS)
def transport(request, monkeypatch):
    monkeypatch.setattr(clients.poll, "WAIT_SECONDS", 2)
    return request.param


@pytest.fixture
def open_live(server, transport):
    """Connect to the server under test over the transport under test."""
    return lambda **credentials: connect(server.url, transport, **credentials)


@pytest.fixture(scope="session")
def strangers(stack):
    """Keys of people whom nothing has happened to yet."""
    return manage(stack, "shell", "-c", PEOPLE).splitlines()[-12:]


@pytest.fixture
def alice(people):
    return people("alice")


@pytest.fixture
def bob(people):
    return people("bob")


@pytest.fixture
def mallory(alice, strangers):
    return type(alice)("mallory", strangers[0], alice.url, alice.http)


class Room:
    """A feed of alice's, and what she says in it."""

    count = 0

    def __init__(self, owner, feed):
        self.owner, self.id = owner, feed["id"]
        self.topic, self.followers = f"feeds.{self.id}", f"feeds.{self.id}.followers"

    async def say(self, *texts, visibility="public"):
        """Publish entries, and return the cursor after them once they are in the log."""
        topics = f"{self.topic},{self.followers}"
        cursor = (await self.owner.call("GET", f"events/?topic={topics}"))["cursor"]
        for text in texts:
            await self.owner.call("POST", f"feeds/{self.id}/entries/", 201, text=text, visibility=visibility)
        missing = list(texts)
        while missing:
            query = f"topic={topics}&after={cursor}&wait=10&types=feeds.entry.published"
            page = await self.owner.call("GET", f"events/?{query}")
            cursor = page["cursor"]
            missing = missing[len(page["events"]) :]
        return cursor

    async def let_in(self, person):
        """Let somebody follow it."""
        user = (await person.feed())["owner"]["id"] if person.name != "mallory" else None
        await person.call("PUT", f"feeds/{self.id}/follow/")
        return user


@pytest.fixture
async def room(alice):
    """A new public feed."""
    return await new_room(alice)


async def new_room(alice, **fields):
    Room.count += 1
    name = f"room{Room.count}"
    return Room(alice, await alice.call("POST", "feeds/", 201, slug=name, title=name, **fields))


@pytest.fixture
async def closed_room(alice, bob):
    """A new feed for followers only, which bob follows."""
    room = await new_room(alice)
    room.bob = await room.let_in(bob)
    await alice.call("PATCH", f"feeds/{room.id}/", visibility="followers")
    await room.say("settled", visibility="followers")
    return room


def texts(events):
    return [event["data"]["entry"]["text"] for event in events if event["type"] == "feeds.entry.published"]


async def heard(live, *wanted):
    """Read until the last of these texts has come, and return all texts that came."""
    found = []
    while not found or found[-1] != wanted[-1]:
        found += texts((await live.next("events")).events)
    return found


async def until_reset(open_live, topic, after):
    """Return when the server knows that the cursor cannot be continued: what was pruned it asks once a second."""
    while True:
        async with open_live() as live:
            await live.subscribe([topic], after=after)
            if (await live.next()).type == "reset":
                return


async def until_the_end(live):
    """Return the messages up to the end of the connection."""
    async with asyncio.timeout(20):
        return [message async for message in live]


async def refusal(live, topics, **options):
    with pytest.raises(Refused) as refused:
        await live.subscribe(topics, **options)
    return refused.value


# -- From where on ----------------------------------------------------------------------------------------------------


async def test_it_starts_at_the_head(open_live, room, alice):
    before = await room.say("before")
    async with open_live(key=alice.key) as earlier:
        # Who goes on from there waits until this process has heard of it, too.
        await earlier.subscribe([room.topic], after=before)
    async with open_live(key=alice.key) as live:
        await live.subscribe([room.topic], types=["feeds.entry.published"])
        await room.say("after")
        assert await heard(live, "after") == ["after"]


async def test_what_was_missed_comes_first_and_in_order_over_all_topics(open_live, room, alice):
    other = await new_room(alice)
    start = await other.say("start")
    await room.say("one")
    await other.say("two")
    await room.say("three", visibility="followers")
    async with open_live(key=alice.key) as live:
        topics = [room.topic, other.topic, room.followers]
        assert (await live.subscribe(topics, after=start)).cursor == start
        await other.say("four")
        assert await heard(live, "four") == ["one", "two", "three", "four"]


async def test_who_comes_back_with_the_last_cursor_misses_and_repeats_nothing(open_live, room, alice):
    async with open_live(key=alice.key) as live:
        await live.subscribe([room.topic])
        said = []
        for number in range(4):
            said.append(f"here {number}")
            await room.say(said[-1])
            assert (await heard(live, said[-1]))[-1:] == said[-1:]
            await live.abort()
            said.append(f"away {number}")
            await room.say(said[-1])
            await live.resume()
            assert await heard(live, said[-1]) == [said[-1]]


async def test_only_the_types_asked_for_come(open_live, room, alice):
    async with open_live(key=alice.key) as live:
        await live.subscribe([room.topic], types=["feeds.entry.counted", "feeds.comment.*"])
        entry = await alice.call("POST", f"feeds/{room.id}/entries/", 201, text="liked")
        await alice.call("PUT", f"entries/{entry['id']}/like/")
        await alice.call("POST", f"entries/{entry['id']}/comments/", 201, text="Well")
        types = [event["type"] for event in await live.events(3)]
    assert types == ["feeds.entry.counted", "feeds.comment.published", "feeds.entry.counted"]


async def test_a_quiet_subscription_has_a_fresh_cursor(open_live, room, alice):
    async with open_live(key=alice.key) as live:
        await live.subscribe([room.topic], types=["feeds.feed.deleted"])
        said = await room.say("something else")
        while position(live.cursors[1]) < position(said):
            assert (await live.next()).type == "heartbeat"


def position(cursor):
    return int(cursor.split("-")[1])


async def test_a_cursor_that_is_none_is_invalid(open_live, room):
    async with open_live() as live:
        assert (await refusal(live, [room.topic], after="yesterday")).code == "invalid"


@pytest.mark.parametrize("reason", ["epoch", "ahead", "retention"])
async def test_a_cursor_that_cannot_be_continued_is_reset_and_goes_on(open_live, room, database, reason):
    epoch, head = (await room.say("before")).split("-")
    with database() as connection:
        connection.execute("UPDATE events_loghead SET pruned = greatest(pruned, 1)")
        connection.execute("DELETE FROM events_event WHERE position <= 1")
    after = {"epoch": f"{epoch}x-5", "ahead": f"{epoch}-{int(head) + 10**6}", "retention": f"{epoch}-0"}[reason]
    await until_reset(open_live, room.topic, after)
    async with open_live() as live:
        assert (await live.subscribe([room.topic], after=after)).cursor == after
        reset = await live.next("reset")
        assert reset.fields["reason"] == reason
        assert position(reset.cursor) >= int(head) and reset.cursor.startswith(f"{epoch}-")
        await room.say("after")
        assert await heard(live, "after") == ["after"]


async def test_last_event_id_wins_over_after_and_curl_can_read_it(server, room):
    first = await room.say("one")
    second = await room.say("two")
    await room.say("three")

    def curl():
        address = f"{server.url}/live/sse?topics={room.topic}&after={first}&types=feeds.entry.published"
        command = ["curl", "-sN", "--max-time", "2", "-H", f"Last-Event-ID: {second}", address]
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout

    stream = await asyncio.to_thread(curl)
    assert stream.startswith("retry: 2000\nid: " + second + "\n\n")
    assert "three" in stream and "two" not in stream


# -- Who reads what ---------------------------------------------------------------------------------------------------


async def test_everybody_reads_a_public_feed(open_live, room):
    async with open_live() as live:
        await live.subscribe([room.topic])
        await room.say("for all")
        assert await heard(live, "for all") == ["for all"]


@pytest.mark.parametrize(("names", "status"), [(["me"], 401), (["home"], 401), (["users.1"], 403)])
async def test_who_is_not_known_has_no_names_of_their_own(open_live, room, names, status):
    async with open_live() as live:
        refused = await refusal(live, [room.topic, *names])
    assert (
        refused.code
        in {
            401: ("unauthenticated", "not_authenticated"),
            403: ("forbidden", "permission_denied", "not_authenticated", "unauthenticated"),
        }[status]
    )


async def test_one_topic_that_may_not_be_read_refuses_them_all(open_live, closed_room, room, mallory):
    async with open_live(key=mallory.key) as live:
        for topic in (closed_room.topic, closed_room.followers, room.followers, "users.1"):
            assert (await refusal(live, [room.topic, topic])).code in ("forbidden", "permission_denied")
        await live.subscribe([room.topic])


async def test_me_and_home_are_ones_own(open_live, closed_room, bob):
    start = await closed_room.say("before", visibility="followers")
    async with open_live(key=bob.key) as live:
        await live.subscribe(["me", "home"], after=start)
        await closed_room.say("for followers", visibility="followers")
        assert "for followers" in await heard(live, "for followers")
        own = (await bob.feed())["id"]
        await bob.call("PATCH", f"feeds/{own}/", title=f"Feed of bob {closed_room.id}")
        topics = set()
        while f"feeds.{own}" not in topics:
            topics |= {event["topic"] for event in (await live.next("events")).events}


async def test_a_session_opens_what_is_ones_own(open_live, room, http_session):
    await http_session.sign_in("alice")
    async with open_live(cookie=f"sessionid={http_session.cookie('sessionid')}") as live:
        await live.subscribe([room.followers, "me"])
        await room.say("by session", visibility="followers")
        assert "by session" in await heard(live, "by session")


@pytest.mark.parametrize("transport", STREAMS, indirect=True)
async def test_a_ticket_opens_one_connection(open_live, room, alice):
    ticket = (await alice.call("POST", "live/ticket/", 201))["ticket"]
    async with open_live(ticket=ticket) as live:
        await live.subscribe([room.followers])
        await room.say("by ticket", visibility="followers")
        assert await heard(live, "by ticket") == ["by ticket"]
    async with open_live(ticket=ticket) as live:
        assert await ended_at_once(live, room) in (401, SIGNED_OUT)


async def test_a_key_that_opens_nothing_is_refused(open_live, room):
    async with open_live(key="tw_wrong") as live:
        assert await ended_at_once(live, room) in (401, SIGNED_OUT)


async def ended_at_once(live, room):
    try:
        await live.subscribe([room.topic])
    except Refused as refused:
        return refused.status
    except Closed as closed:
        return closed.code


# -- Rights that end, and begin ---------------------------------------------------------------------------------------


async def test_home_follows_who_is_followed_while_connected(open_live, transport, room, alice, mallory):
    other = await new_room(alice)
    await mallory.call("PUT", f"feeds/{other.id}/follow/")
    async with open_live(key=mallory.key) as live:
        await live.subscribe(["home"], types=["feeds.entry.published"])
        await other.say("here")
        await heard(live, "here")
        await room.say("not yet")
        await mallory.call("PUT", f"feeds/{room.id}/follow/")
        if transport in STREAMS:
            assert (await live.next("topics")).fields == {"added": [room.topic, room.followers], "removed": []}
        else:
            await followed(live, room)
        await room.say("followed")
        assert await heard(live, "followed") == ["followed"]
        await mallory.call("DELETE", f"feeds/{room.id}/follow/")
        if transport in STREAMS:
            assert (await live.next("topics")).fields["removed"] == [room.topic, room.followers]
        await room.say("not any more")
        await other.say("still")
        assert await heard(live, "still") == ["still"]


async def followed(live, room):
    # A poll says nothing of what a name means; the next one asks anew.
    await live.next("heartbeat")


async def test_a_removed_follower_is_told_so_and_nothing_more(open_live, transport, closed_room, alice, bob):
    async with open_live(key=bob.key) as live:
        await live.subscribe([closed_room.followers])
        await closed_room.say("before", visibility="followers")
        assert await heard(live, "before") == ["before"]
        await alice.call("DELETE", f"feeds/{closed_room.id}/followers/{closed_room.bob}/", 204)
        await closed_room.say("after", visibility="followers")
        assert await no_more(live, transport, [closed_room.followers], await closed_room.say("x")) == []
        await live.abort()
        with pytest.raises(Refused):
            await live.resume()


async def no_more(live, transport, topics, until):
    """Read on until the end of the right was told, and to this cursor; return the texts that came."""
    found, was_told = [], False
    while True:
        message = await live.next()
        found += texts(message.events)
        if message.type == "revoked":
            assert message.fields["topics"] == topics
        if message.type in ("revoked", "closed"):
            was_told = True
            assert (message.type == "revoked") == (transport in STREAMS)
        if was_told and (message.type == "closed" or position(live.cursors[1]) >= position(until)):
            break
    assert was_told
    return found


async def test_a_feed_that_becomes_followers_only_is_closed_to_others(open_live, transport, room, alice):
    async with open_live() as live:
        await live.subscribe([room.topic], types=["feeds.entry.*"])
        await room.say("before")
        assert await heard(live, "before") == ["before"]
        await alice.call("PATCH", f"feeds/{room.id}/", visibility="followers")
        until = await room.say("after")
        assert await no_more(live, transport, [room.topic], until) == []


async def test_a_revoked_key_ends_the_connection(open_live, transport, room, alice):
    made = await alice.call("POST", "access/keys/", 201)
    async with open_live(key=made["key"]) as live:
        await live.subscribe([room.topic])
        await alice.call("DELETE", f"access/keys/{made['id']}/", 204)
        await room.say("after")
        check_signed_out(await until_the_end(live), transport)


def check_signed_out(messages, transport):
    assert not [each for each in messages if texts(each.events)]
    assert messages[-1].fields["code"] == (1000 if transport == "sse" else SIGNED_OUT)
    assert ("revoked" in [each.type for each in messages]) == (transport == "sse")


async def test_signing_out_ends_the_connection(open_live, transport, room, http_session):
    await http_session.sign_in("alice")
    async with open_live(cookie=f"sessionid={http_session.cookie('sessionid')}") as live:
        await live.subscribe([room.topic, "me"])
        token = {"csrfmiddlewaretoken": http_session.cookie("csrftoken")}
        async with http_session.http.post(f"{http_session.url}/accounts/logout/", data=token) as response:
            assert response.ok
        messages = await until_the_end(live)
        if transport == "poll":
            # Without a session it is nobody who asks.
            assert messages[-1].fields["code"] in (SIGNED_OUT, 403)
        else:
            check_signed_out(messages, transport)


async def test_a_deactivated_user_is_let_go(open_live, transport, stack, room, strangers, server):
    number = 1 + TRANSPORTS.index(transport) + 3 * (server.kind == "daphne")
    change = f"from access.models import User; u = User.objects.get(username='stranger{number}'); u.is_active = False"
    async with open_live(key=strangers[number]) as live:
        await live.subscribe([room.topic])
        await asyncio.to_thread(manage, stack, "shell", "-c", f"{change}; u.save()")
        await room.say("after")
        check_signed_out(await until_the_end(live), transport)


# -- Many and slow ----------------------------------------------------------------------------------------------------


@pytest.fixture
def only_on_uvicorn(server):
    """Skip on daphne, which takes whatever it is given into its own memory and tells of no slow client."""
    if server.kind == "daphne":
        pytest.skip("daphne has no write backpressure")


async def test_who_does_not_read_for_a_while_gets_everything_and_slows_nobody(
    only_on_uvicorn, open_live, room, alice, database
):
    async with open_live(key=alice.key) as slow, open_live(key=alice.key) as quick:
        for live in (slow, quick):
            await live.subscribe([room.topic], types=["tests.*"])
        with database() as connection:
            connection.execute(
                "INSERT INTO events_outbox (event_id, type, topic, subject, data, time) "
                "SELECT gen_random_uuid(), 'tests.blob.told', %s, 'blobs/1', "
                "jsonb_build_object('number', number, 'blob', repeat('x', 100000)), now() "
                "FROM generate_series(1, 250) AS number",
                [room.topic],
            )
        await room.say("wake up")
        for live in (quick, slow):
            numbers = [event["data"]["number"] for event in await live.events(250, seconds=30)]
            assert numbers == list(range(1, 251))


@asynccontextmanager
async def several(open_live, count):
    """Open so many connections, each with a subscription; yield what refused the last."""
    async with asyncio.timeout(20):
        if not count:
            yield None
            return
        async with open_live() as live:
            try:
                await live.subscribe(["feeds.1"])
            except (Refused, Closed) as error:
                yield error
                return
            async with several(open_live, count - 1) as error:
                yield error


async def test_too_many_connections_are_refused(stack, transport):
    limits = {
        "TIDEWIRE_LIMITS": "real",
        "TIDEWIRE_ADDRESS_MAX_CONNECTIONS": 2,
        "TIDEWIRE_ANONYMOUS_REQUESTS_RATE": "2/min",
    }
    with servers.server(stack, **limits) as tight:
        async with several(lambda: connect(tight.url, transport), 4) as error:
            assert (getattr(error, "status", None) or error.code) in (4429, 429)


async def test_what_is_not_a_stream_is_refused_in_the_one_shape(server, room):
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{server.url}/live/sse?topics=%20") as response:
            problem = await response.json(content_type=None)
        assert (response.status, problem["status"], problem["code"]) == (400, 400, problem["code"])
        async with http.post(f"{server.url}/live/sse") as response:
            assert response.status == 405
