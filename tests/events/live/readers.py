"""Clients without a network, quick or slow, each holding what it is told against the log."""

import asyncio
import json
from urllib.parse import urlencode

from clients.live import Message
from clients.sse import Parser
from events.live.outlet import WIRE
from events.live.sse import LiveStream
from events.live.websocket import LiveSocket
from tests.journeys.transcript import Transcript

PAUSES = [0.001, 0.01, 0.2, 3]


class Principal:
    """Who reads; `valid` until a test says otherwise."""

    def __init__(self, user, address="127.0.0.1"):
        self.user, self.address = user, address
        self.topic = f"users.{user.pk}" if user.pk else ""
        self.valid, self.ended = True, None

    def still_valid(self):
        return self.valid

    def ends_at(self):
        return None


class Reader:
    """One client; its subscriptions by id, each with its transcript."""

    def __init__(self, world, principal, slowness):
        self.world, self.principal, self.slowness = world, principal, slowness
        self.transcripts, self.asked, self.refused, self.problem = {}, {}, [], None
        self.closed = None
        self.to_server = asyncio.Queue()

    @property
    def is_open(self):
        return not self.task.done() and self.closed is None

    def hear(self, message):
        """Take a message; what is wrong with it is kept, because the server would take it for a client that left."""
        if not self.world.is_calm:
            self.world.loop.spend(self.world.dice.choice([0, 0, 0.0005, 0.02]))
        try:
            if message.id in self.transcripts and message.type != "error":
                self.transcripts[message.id].take(message)
            self.world.check_rights(self.principal, message.events)
        except Exception as error:  # noqa: BLE001
            self.problem = self.problem or error

    def is_slow_now(self):
        return not self.world.is_calm and self.world.dice.random() < self.slowness

    def pause(self):
        return self.world.dice.choice(PAUSES)

    async def leave(self):
        """Go without a word, and return when the server has noticed."""
        self.to_server.put_nowait({"type": self.GONE, "code": 1006})
        await asyncio.wait([self.task], timeout=100)
        self.task.result()

    def check(self):
        if self.problem is not None:
            raise self.problem


class SocketReader(Reader):
    """A WebSocket through the server's `send`."""

    GONE = "websocket.disconnect"

    def __init__(self, *args):
        super().__init__(*args)
        scope = {"type": "websocket", "principal": self.principal, "subprotocols": []} | self.extensions()
        self.to_server.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(LiveSocket()(scope, self.to_server.get, self.send))

    def extensions(self):
        return {}

    async def send(self, message):
        if message["type"] == "websocket.close":
            self.closed = message["code"]
        elif message["type"] == "websocket.send":
            self.take(message["text"])
            if self.is_slow_now():
                await asyncio.sleep(self.pause())

    def take(self, text):
        frame = json.loads(text)
        type, id, cursor = frame.pop("type"), frame.pop("id", None), frame.pop("cursor", None)
        if type == "subscribed":
            self.transcripts[id] = Transcript(self.world, *self.asked[id])
        elif type == "unsubscribed":
            self.transcripts.pop(id)
        elif type == "error":
            self.refused.append((id, frame["code"]))
            self.transcripts.pop(id, None)
        for name, each in frame.get("cursors", {}).items():
            self.hear(Message("heartbeat", int(name), each))
        self.hear(Message(type, id, cursor, tuple(frame.pop("events", ())), frame))

    def subscribe(self, id, names, types, after):
        """Ask for a subscription; the answer comes by itself."""
        self.asked[id] = names, types, after
        frame = {"type": "subscribe", "id": id, "topics": names, "types": types}
        self.say(frame | ({"after": after} if after else {}))

    def unsubscribe(self, id):
        self.say({"type": "unsubscribe", "id": id})

    def say(self, frame):
        self.to_server.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})


class WiredReader(SocketReader):
    """A WebSocket through a server's short way out, with its buffer."""

    paused_at = 0.0

    def extensions(self):
        self.writable = asyncio.Event()
        self.writable.set()
        return {"extensions": {WIRE: self}}

    def write(self, frame):
        if self.paused_at:
            return False
        self.take(frame[{126: 4, 127: 10}.get(frame[1], 2) :].decode())
        if self.is_slow_now():
            self.paused_at = asyncio.get_running_loop().time()
            self.writable.clear()
            asyncio.get_running_loop().call_later(self.pause(), self.resume)
        return True

    def resume(self):
        self.paused_at = 0.0
        self.writable.set()

    async def drained(self):
        while self.paused_at:
            await self.writable.wait()

    def busy_seconds(self):
        return asyncio.get_running_loop().time() - self.paused_at if self.paused_at else 0.0

    def abort(self):
        self.resume()
        self.to_server.put_nowait({"type": self.GONE, "code": 1006})


class StreamReader(Reader):
    """A stream of Server-Sent Events; it opens with its one subscription."""

    GONE = "http.disconnect"

    def __init__(self, world, principal, slowness, names, types, after):
        super().__init__(world, principal, slowness)
        self.parser = Parser()
        self.names, self.types, self.after = names, types, after
        query = {"topics": ",".join(names), "types": ",".join(types)} | ({"after": after} if after else {})
        scope = {"type": "http", "method": "GET", "headers": [], "query_string": urlencode(query).encode()}
        scope["principal"] = principal
        application = LiveStream(lambda status, detail: {"status": status, "detail": detail})
        self.task = asyncio.create_task(application(scope, self.to_server.get, self.send))

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        if self.status != 200:
            self.refused.append((0, self.status))
        else:
            for record in self.parser.feed(message["body"]):
                self.take(record)
        if not message.get("more_body"):
            self.closed = self.status
        elif self.is_slow_now():
            await asyncio.sleep(self.pause())

    def take(self, record):
        data = json.loads(record.data) if record.data else {}
        if not self.transcripts:
            self.transcripts[0] = Transcript(self.world, self.names, self.types, self.after)
            self.hear(Message("subscribed", 0, record.id))
        elif record.data is None:
            self.hear(Message("heartbeat", 0, record.id))
        elif record.event == "message":
            self.hear(Message("events", 0, record.id, (data,)))
        else:
            self.hear(Message(record.event, 0, record.id, fields=data))
