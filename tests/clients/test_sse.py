import json

import pytest

from clients.live import Closed, Refused, connect
from clients.sse import Parser, Record


def records(*pieces):
    parser = Parser()
    return [record for piece in pieces for record in parser.feed(piece)]


def test_a_record_may_come_in_any_pieces():
    whole = 'id: e-1\nevent: reset\ndata: {"a":"ä"}\n\n'.encode()
    expected = [Record("reset", '{"a":"ä"}', "e-1")]
    assert records(whole) == expected
    assert records(*(whole[at : at + 1] for at in range(len(whole)))) == expected


def test_lines_of_data_are_joined_and_comments_are_nothing():
    assert records(b":hello\r\ndata:one\r\ndata: two\r\n\r\n\r\n") == [Record("message", "one\ntwo", None)]


def test_an_id_without_data_is_a_record_too():
    assert records(b"id: e-1\n\n") == [Record("message", None, "e-1")]


def test_the_pause_before_coming_back_is_kept():
    parser = Parser()
    assert list(parser.feed(b"retry: 3000\nid: e-1\n\n")) == [Record("message", None, "e-1")]
    assert parser.retry_ms == 3000


async def test_the_first_id_says_where_the_subscription_starts(stream):
    stream.say(b"retry: 2000\nid: e-1\n\n", b'id: e-2\ndata: {"type":"x"}\n\n', b"id: e-5\n\n")
    async with connect(stream.url, "sse", ticket="t1") as live:
        subscribed = await live.subscribe(["home", "me"], after="e-1", types=["a.*"])
        event, beat = await live.next(), await live.next()
    assert (subscribed.type, subscribed.cursor, live.retry_ms) == ("subscribed", "e-1", 2000)
    assert (event.type, event.cursor, event.events) == ("events", "e-2", ({"type": "x"},))
    assert (beat.type, beat.cursor) == ("heartbeat", "e-5")
    assert live.cursors == {1: "e-5"}
    asked = {"topics": "home,me", "ticket": "t1", "after": "e-1", "types": "a.*"}
    assert dict(stream.requests[0].query) == asked


async def test_what_is_not_an_event_has_its_own_type(stream):
    stream.say(b"id: e-1\n\n")
    said = [("reset", {"reason": "epoch"}), ("revoked", {"topics": ["t"]}), ("reconnect", {"after_ms": 5})]
    for type, fields in said:
        stream.say(f"id: e-2\nevent: {type}\ndata: {json.dumps(fields)}\n\n".encode())
    async with connect(stream.url, "sse") as live:
        await live.subscribe(["t"])
        got = [await live.next() for _ in range(3)]
    assert [(message.type, message.fields) for message in got] == said


async def test_a_resumed_stream_asks_by_last_event_id(stream):
    stream.say(b"id: e-1\n\n", b"id: e-7\n\n", None, b"id: e-7\n\n")
    async with connect(stream.url, "sse", key="tw_k") as live:
        await live.subscribe(["t"])
        ended = [(message.type, message.cursor, message.fields) async for message in live]
        await live.resume()
    assert ended == [("heartbeat", "e-7", {}), ("closed", None, {"code": 1000})]
    assert stream.requests[1].headers["Last-Event-ID"] == "e-7"
    assert stream.requests[1].headers["Authorization"] == "Bearer tw_k"


async def test_a_refused_stream_names_its_code(stream):
    stream.status = 403
    async with connect(stream.url, "sse") as live:
        with pytest.raises(Refused) as refused:
            await live.subscribe(["t"])
    assert (refused.value.code, refused.value.status) == ("forbidden", 403)


async def test_a_stream_that_ends_before_it_begins_is_closed(stream):
    stream.say(None)
    async with connect(stream.url, "sse") as live:
        with pytest.raises(Closed):
            await live.subscribe(["t"])
