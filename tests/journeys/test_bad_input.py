"""Whatever strangers send: a clear error, nothing written, and the process alive."""

import json

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.journeys.conftest import live


async def test_bad_frames_get_errors_and_the_socket_lives(stack, people):
    async with people("bob").live() as page:
        for text in ("nonsense", "[]", '{"type":"dance"}', '{"type":"subscribe","id":1,"topics":["a b"]}'):
            await page.socket.send(text)
            assert (await page.frame())["code"] == "invalid"
        await page.socket.send(b"\x00\x01")
        assert (await page.frame())["code"] == "invalid"
        await page.socket.send(json.dumps({"type": "ping", "pad": "x" * 100_000}))
        assert (await page.frame())["code"] == "too_large"
        await page.send(type="ping")
        assert (await page.frame())["type"] == "pong"


async def test_a_frame_beyond_all_bounds_closes_that_socket_alone(stack, people):
    bob = people("bob")
    async with bob.live() as other, bob.live() as page:
        with pytest.raises(ConnectionClosed):
            await page.socket.send("x" * 3_000_000)
            await page.frame()
        await other.send(type="ping")
        assert (await other.frame())["type"] == "pong"


async def test_topics_that_may_not_be_read_are_refused(people):
    alice, bob = people("alice"), people("bob")
    own = (await alice.call("GET", "events/?topic=me"))["cursor"]
    async with alice.live() as page:
        hers = (await page.subscribe("me"))["topics"]
    async with bob.live() as page:
        for topics in (hers, ["feeds.999999"], ["nowhere"], ["feeds.1.followers.x"]):
            await page.send(type="subscribe", id=1, topics=topics, after=own)
            assert (await page.frame())["code"] == "forbidden"


async def test_strangers_read_public_feeds_and_nothing_else(stack, people):
    feed = await people("alice").feed()
    async with live(stack.url) as page:
        await page.subscribe(f"feeds.{feed['id']}")
        await page.send(type="subscribe", id=2, topics=["me"])
        assert (await page.frame("error"))["code"] == "unauthenticated"
        await people("alice").publish("For everyone")
        [event] = await page.events("feeds.entry.published")
        assert event["data"]["entry"]["text"] == "For everyone"


async def test_a_bad_key_is_told_so_and_not_to_come_back(stack):
    address = stack.url.replace("http", "ws") + "/live/ws"
    async with connect(address, additional_headers={"Authorization": "Bearer tw_wrong"}) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd.code == 4401


async def test_a_foreign_page_cannot_use_somebodys_cookie(stack, http_session):
    await http_session.sign_in("bob")
    session = http_session.cookie("sessionid")
    address = stack.url.replace("http", "ws") + "/live/ws"
    headers = {"Cookie": f"sessionid={session}"}
    with pytest.raises(InvalidStatus) as refused:
        async with connect(address, additional_headers=headers, origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403
    async with connect(address, additional_headers=headers, origin=stack.url) as socket:
        assert json.loads(await socket.recv())["type"] == "welcome"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "events/?topic=a%20b", None, 400),
        ("GET", "events/?topic=feeds.1&after=nonsense", None, 400),
        ("GET", "events/?topic=feeds.1&wait=31", None, 400),
        ("GET", "events/?topic=feeds.1&limit=0", None, 400),
        ("GET", "events/?topic=feeds.1&limit=1001", None, 400),
        ("GET", "events/", None, 400),
        ("GET", "feeds/99999999999999999999999/", None, 404),
        ("GET", "nothing/here/", None, 404),
        ("GET", "feeds/?page=nonsense", None, 400),
        ("POST", "feeds/1/entries/", b"{", 400),
        ("POST", "feeds/1/entries/", b"[]", 400),
        ("POST", "feeds/1/entries/", b'{"text":"x","surprise":1}', 400),
        ("POST", "feeds/1/entries/", b'{"text":"a\\u0000b"}', 400),
        ("POST", "webhooks/endpoints/", b'{"url":"http://169.254.169.254/"}', 400),
        ("POST", "webhooks/endpoints/", b'{"url":"ftp://example.com/"}', 400),
        ("PUT", "feeds/", b"{}", 405),
    ],
)
async def test_bad_requests_get_the_one_error_shape(stack, people, method, path, body, status):
    headers = people("alice").headers | {"Content-Type": "application/json"}
    path = path.replace("feeds/1/", f"feeds/{(await people('alice').feed())['id']}/")
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, f"{stack.url}/api/v1/{path}", data=body, headers=headers) as response,
    ):
        problem = await response.json(content_type="application/problem+json")
        assert (response.status, problem["status"]) == (status, status)
        assert {"type", "title", "detail", "code", "errors"} <= set(problem)
        assert problem["errors"] or status != 400 or body in (b"{", b"[]")
