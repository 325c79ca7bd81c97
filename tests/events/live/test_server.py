"""The server's short way out, over real sockets and read by a real client."""

import asyncio
from contextlib import asynccontextmanager, nullcontext

import pytest
import uvicorn
from websockets.asyncio.client import connect

from events.live.outlet import WiredOutlet, outlet
from events.live.server import LiveProtocol


class Application:
    """Accepts one client, says what the test wants, and waits for its end."""

    def __init__(self):
        self.ways, self.ended = asyncio.Queue(), asyncio.Event()

    async def __call__(self, scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        self.ways.put_nowait((outlet(scope, send), scope, send))
        while (await receive())["type"] != "websocket.disconnect":
            pass
        self.ended.set()

    async def way(self):
        return (await asyncio.wait_for(self.ways.get(), 5))[0]


@pytest.fixture
async def application():
    return Application()


@pytest.fixture
async def address(application):
    config = uvicorn.Config(application, port=0, ws=LiveProtocol, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # the test run keeps its own handlers
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()
    server.should_exit = server.force_exit = True
    await task


@pytest.fixture
async def client(address):
    async with connect(f"ws://127.0.0.1:{address[1]}", max_size=None) as client:
        yield client


@asynccontextmanager
async def deaf(address):
    """A client that opens a socket and reads nothing until it is told to."""
    reader, writer = await asyncio.open_connection("127.0.0.1", address[1], limit=2**16)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    try:
        yield reader
    finally:
        writer.transport.abort()


def said(text):
    return {"type": "websocket.send", "text": text}


async def fill(way):
    """Offer until nothing more is taken; return how much was."""
    count = 0
    while way.offer(said("x" * 100_000)):
        count += 1
        await asyncio.sleep(0)
    return count


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 300_000])
async def test_a_frame_of_any_size_is_read_as_it_was_said(application, client, size):
    way = await application.way()
    assert isinstance(way, WiredOutlet)
    text = ("é" + "x" * size)[: size and size - 1] if size > 1 else "x" * size
    assert len(text.encode()) == size
    assert way.offer(said(text))
    await way.put(said("next"))
    assert [await client.recv(), await client.recv()] == [text, "next"]


async def test_frames_of_both_ways_keep_their_order(application, client):
    way, _, send = await asyncio.wait_for(application.ways.get(), 5)
    way.offer(said("one"))
    await send(said("two"))
    way.offer(said("three"))
    assert [await client.recv() for _ in range(3)] == ["one", "two", "three"]


async def test_to_who_does_not_read_a_bounded_amount_is_written_and_the_rest_waits(application, address):
    async with deaf(address) as reader:
        way = await application.way()
        taken = await fill(way)
        assert taken < 200
        assert not way.offer(said("more"))
        putting = asyncio.create_task(way.put(said("last")))
        await asyncio.sleep(0)
        assert not putting.done()
        frame = 10 + 100_000
        await asyncio.wait_for(reader.readexactly(taken * frame), 10)
        await asyncio.wait_for(putting, 5)
        assert await asyncio.wait_for(reader.readexactly(6), 5) == b"\x81\x04last"
        assert way.busy_seconds() == 0
        assert way.offer(said("again"))


async def test_who_reads_slowly_is_not_taken_for_one_who_reads_nothing(application, address):
    async with deaf(address) as reader:
        way = await application.way()
        wire = way._wire
        wire.transport.set_write_buffer_limits(high=4_000_000, low=1000)
        await fill(way)
        wire.paused_at -= 1000
        assert way.busy_seconds() >= 1000
        while way.busy_seconds() >= 1000:
            await asyncio.wait_for(reader.readexactly(50_000), 5)
            await asyncio.sleep(0)
        assert not way.offer(said("still full"))


async def test_a_client_that_is_given_up_is_cut_off_and_its_waiters_go_on(application, address):
    async with deaf(address):
        way = await application.way()
        await fill(way)
        putting = asyncio.create_task(way.put(said("never")))
        await asyncio.sleep(0.01)
        way.drop()
        await asyncio.wait_for(application.ended.wait(), 5)
        await asyncio.wait_for(putting, 5)
        assert way.offer(said("to nobody"))
        assert way.busy_seconds() == 0


async def test_after_a_client_has_left_nothing_is_written_and_nothing_fails(application, client):
    way = await application.way()
    await client.close()
    await asyncio.wait_for(application.ended.wait(), 5)
    assert way.offer(said("to nobody"))
    await way.put(said("to nobody"))
    await way.ready()


async def test_after_the_close_frame_comes_no_other(application, address):
    async with deaf(address) as reader:
        way, _, send = await asyncio.wait_for(application.ways.get(), 5)
        await send({"type": "websocket.close", "code": 4401})
        assert way.offer(said("too late"))
        way._wire.transport.close()
        assert await asyncio.wait_for(reader.read(), 5) == b"\x88\x02" + (4401).to_bytes(2, "big")


async def test_a_client_that_is_refused_by_the_protocol_is_not_offered_to_the_application(application, address):
    reader, writer = await asyncio.open_connection("127.0.0.1", address[1])
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    assert b"400" in await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    assert application.ways.empty()
