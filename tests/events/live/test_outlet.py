import asyncio

import pytest

from events.live.outlet import WIRE, SteppedOutlet, WiredOutlet, encode, outlet


class Server:
    """Sends at once, or when its client reads."""

    def __init__(self):
        self.sent, self.reads, self.error = [], asyncio.Event(), None
        self.reads.set()

    async def send(self, message):
        if not self.reads.is_set():
            await self.reads.wait()
        if self.error is not None:
            raise self.error
        self.sent.append(message["text"])


class Wire:
    """A server's short way out, under the test's hand."""

    def __init__(self):
        self.sent, self.reads, self.aborted = [], asyncio.Event(), False
        self.reads.set()

    def write(self, frame):
        if self.reads.is_set():
            self.sent.append(frame)
        return self.reads.is_set()

    async def drained(self):
        await self.reads.wait()

    def busy_seconds(self):
        return 0.0 if self.reads.is_set() else 7.0

    def abort(self):
        self.aborted = True


def said(text):
    return {"type": "websocket.send", "text": text}


@pytest.fixture
async def server():
    return Server()


@pytest.fixture
async def stepped(server):
    return SteppedOutlet(server.send)


@pytest.fixture
async def wire():
    return Wire()


async def test_a_server_that_takes_frames_is_given_frames(server, wire):
    assert isinstance(outlet({}, server.send), SteppedOutlet)
    assert isinstance(outlet({"extensions": {WIRE: wire}}, server.send), WiredOutlet)


async def test_a_send_that_does_not_wait_is_over_at_once(server, stepped):
    assert stepped.offer(said("one"))
    assert server.sent == ["one"]
    assert stepped.busy_seconds() == 0


async def test_while_a_send_waits_nothing_more_is_taken(server, stepped):
    server.reads.clear()
    assert stepped.offer(said("one"))
    assert not stepped.offer(said("two"))
    assert stepped.busy_seconds() >= 0
    server.reads.set()
    await stepped.ready()
    assert server.sent == ["one"]
    assert stepped.offer(said("three"))
    assert server.sent == ["one", "three"]


async def test_what_waits_for_its_turn_is_not_overtaken(server, stepped):
    server.reads.clear()
    stepped.offer(said("one"))
    putting = asyncio.create_task(stepped.put(said("two")))
    await asyncio.sleep(0)
    server.reads.set()
    while not putting.done():
        stepped.offer(said("newer"))
        await asyncio.sleep(0)
    assert server.sent[:2] == ["one", "two"]
    assert stepped.offer(said("three"))


async def test_who_gives_up_waiting_does_not_bar_the_way(server, stepped):
    server.reads.clear()
    stepped.offer(said("one"))
    putting = asyncio.create_task(stepped.put(said("two")))
    await asyncio.sleep(0)
    putting.cancel()
    await asyncio.wait([putting])
    server.reads.set()
    await stepped.ready()
    assert stepped.offer(said("three"))
    assert server.sent == ["one", "three"]


@pytest.mark.parametrize("waits", [False, True])
async def test_a_send_that_fails_means_that_the_client_has_gone(server, stepped, waits):
    server.error = ConnectionError("gone")
    if waits:
        server.reads.clear()
    assert stepped.offer(said("one"))
    server.reads.set()
    await stepped.ready()
    assert stepped.gone
    server.error = None
    assert stepped.offer(said("two"))
    await stepped.put(said("three"))
    assert server.sent == []


async def test_what_is_under_way_is_dropped(server, stepped):
    server.reads.clear()
    stepped.offer(said("one"))
    await asyncio.sleep(0)
    stepped.drop()
    await stepped.ready()
    server.reads.set()
    await asyncio.sleep(0)
    assert (server.sent, stepped.gone, stepped.busy_seconds()) == ([], True, 0)


async def test_a_send_that_catches_its_cancellation_is_seen_through():
    sent, reads = [], asyncio.Event()

    async def send(message):
        try:
            await reads.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            sent.append("cleaned up")
            raise

    stepped = SteppedOutlet(send)
    stepped.offer(said("one"))
    await asyncio.sleep(0)
    stepped.drop()
    await stepped.ready()
    assert sent == ["cleaned up"]


async def test_a_message_is_encoded_once_for_all_wires():
    message, wires = said("hello"), [Wire(), Wire()]
    for wire in wires:
        assert WiredOutlet(wire).offer(message)
    assert wires[0].sent[0] is wires[1].sent[0]
    assert wires[0].sent == [b"\x81\x05hello"]


async def test_a_full_wire_takes_nothing_and_what_waits_for_it_is_not_overtaken(wire):
    wired = WiredOutlet(wire)
    wire.reads.clear()
    assert not wired.offer(said("one"))
    assert wired.busy_seconds() == 7
    putting = asyncio.create_task(wired.put(said("two")))
    await asyncio.sleep(0)
    wire.reads.set()
    assert not wired.offer(said("newer"))
    await putting
    assert wired.offer(said("three"))
    assert wire.sent == [encode("two"), encode("three")]


async def test_a_dropped_wire_is_cut_only_when_something_waits_on_it(wire):
    wired = WiredOutlet(wire)
    wired.drop()
    assert not wire.aborted
    assert wired.offer(said("one"))
    assert wire.sent == []
    wire.reads.clear()
    wired.drop()
    assert wire.aborted
