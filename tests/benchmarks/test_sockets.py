import asyncio
import json
import time
from array import array
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import serve

from benchmarks.sockets import Plan, Swarm, masked

SECONDS = 10


@asynccontextmanager
async def serving(handle):
    async with serve(handle, "127.0.0.1", 0, compression=None) as server:
        yield server.sockets[0].getsockname()[1]


def event(position):
    # Of odd and changing size, so that reads cut them everywhere.
    return {"specversion": "1.0", "data": "x" * (position * 37 % 5000), "cursor": f"e-{position}", "previous": "e-0"}


async def tell(socket):
    asked = json.loads(await socket.recv())
    await socket.send(json.dumps({"type": "subscribed", "id": asked["id"]}, separators=(",", ":")))
    for position in range(1, 1001):
        frame = {"type": "events", "events": [event(position)], "cursor": f"e-{position}"}
        await socket.send(json.dumps(frame, separators=(",", ":")))
    await socket.wait_closed()


def read(plan, count, expected):
    """Turn a swarm until every connection has so many events."""
    counts, totals = array("q", [0] * count), array("q", [0, 0])
    swarm = Swarm(plan, counts, totals)
    deadline = time.monotonic() + SECONDS
    while min(counts) < expected or totals[0] < count:
        assert time.monotonic() < deadline, list(counts)
        swarm.turn(0.1)
    positions = swarm.positions()
    swarm.drop()
    return counts, totals, positions


async def test_every_event_is_counted_once_however_the_bytes_are_cut():
    async with serving(tell) as port, asyncio.timeout(SECONDS):
        plan = Plan(port, "/{}", ('{"type":"subscribe","id":1}',), keep=True)
        counts, totals, positions = await asyncio.to_thread(read, plan, 5, 1000)
    assert list(counts) == [1000] * 5
    assert totals[0] == 5
    assert positions == [list(range(1, 1001))] * 5


async def test_without_frames_a_connection_only_listens():
    async def greet(socket):
        await socket.send(json.dumps(event(1), separators=(",", ":")))
        await socket.wait_closed()

    async with serving(greet) as port, asyncio.timeout(SECONDS):
        counts, _, _ = await asyncio.to_thread(read, Plan(port), 3, 1)
    assert list(counts) == [1] * 3


async def test_a_server_that_is_not_there_yet_is_asked_again():
    async with serving(tell) as port:
        pass
    plan = Plan(port, frames=('{"type":"subscribe","id":1}',))
    async with asyncio.timeout(SECONDS):
        reading = asyncio.create_task(asyncio.to_thread(read, plan, 2, 1000))
        await asyncio.sleep(0)
        async with serve(tell, "127.0.0.1", port, compression=None):
            counts, _, _ = await reading
    assert list(counts) == [1000] * 2


async def test_a_refused_subscription_ends_the_benchmark():
    async def refuse(socket):
        await socket.send('{"type":"error","code":"forbidden"}')
        await socket.wait_closed()

    async with serving(refuse) as port, asyncio.timeout(SECONDS):
        with pytest.raises(SystemExit, match="forbidden"):
            await asyncio.to_thread(read, Plan(port, frames=("{}",)), 1, 1)


@pytest.mark.parametrize("size", [0, 125, 126, 60_000])
def test_a_frame_of_any_length_is_masked(size):
    frame = masked("x" * size)
    assert frame.endswith(bytes(4) + b"x" * size)
    assert frame[0] == 0x81
    assert frame[1] == 0x80 | min(size, 126)
