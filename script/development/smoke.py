"""Walk the path of an event through a running server: python -m script.development.smoke URL."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from standardwebhooks.webhooks import Webhook
from websockets.asyncio.client import ClientConnection, connect

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 20

Received = asyncio.Queue[tuple[bytes, dict[str, str]]]


class Person:
    """Somebody who uses the server with a key of their own."""

    def __init__(self, name: str, url: str, http: aiohttp.ClientSession) -> None:
        self.name = name
        self._url = url
        self._http = http
        self._headers = {"Authorization": f"Bearer {new_key(name)}"}

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """The answer to a request, which must be a good one."""
        target = f"{self._url}/api/v1/{path}"
        async with self._http.request(method, target, json=body, headers=self._headers) as answer:
            text = await answer.text()
            if answer.status >= 300:
                raise SystemExit(f"{self.name}: {method} {path} was answered by {answer.status}: {text}")
            return json.loads(text) if text else None

    @asynccontextmanager
    async def listen(self, topics: list[str], after: str | None = None) -> AsyncIterator["Listener"]:
        """A socket that is subscribed to these topics."""
        address = self._url.replace("http", "ws", 1) + "/live/ws"
        async with connect(address, additional_headers=self._headers, proxy=None) as socket:
            listener = Listener(self.name, socket)
            await listener.wait_for(lambda frame: frame["type"] == "welcome")
            wanted = {"type": "subscribe", "id": 1, "topics": topics}
            await socket.send(json.dumps(wanted | ({"after": after} if after else {})))
            await listener.wait_for(lambda frame: frame["type"] == "subscribed")
            yield listener


class Listener:
    """What a socket has shown so far."""

    def __init__(self, name: str, socket: ClientConnection) -> None:
        self.cursor: str | None = None
        self.events: list[dict[str, Any]] = []
        self._name = name
        self._socket = socket

    async def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first frame that is wanted."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                frame: dict[str, Any] = json.loads(await self._socket.recv())
                if frame["type"] == "error":
                    raise SystemExit(f"{self._name}'s socket was told: {frame}")
                self.cursor = frame.get("cursor", self.cursor)
                self.events += frame.get("events", [])
                if wanted(frame):
                    return frame

    async def wait_event(self, kind: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first event of this type whose data are wanted."""

        def found() -> dict[str, Any] | None:
            return next((e for e in self.events if e["type"] == kind and wanted(e["data"])), None)

        while (event := found()) is None:
            await self.wait_for(lambda frame: frame["type"] == "events")
        return event


def new_key(name: str) -> str:
    """A new key for one of the demo's people."""
    command = [sys.executable, "manage.py", "apikey", "create", "--user", name]
    made = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    return made.stdout.strip()


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[str, Received]]:
    """A webhook receiver on this machine: its address, and what it gets."""
    received: Received = asyncio.Queue()

    async def receive(request: web.Request) -> web.Response:
        await received.put((await request.read(), dict(request.headers)))
        return web.Response(status=204)

    application = web.Application()
    application.router.add_post("/hook", receive)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", received
    finally:
        await runner.cleanup()


async def walk(url: str) -> None:
    """See one entry arrive everywhere, and a missed one after reconnecting."""
    async with aiohttp.ClientSession() as http, receiver() as (hook, received):
        alice, bob = Person("alice", url, http), Person("bob", url, http)
        feed = (await alice.call("GET", "feeds/?slug=alice"))["results"][0]["id"]
        wanted = {"url": hook, "event_types": ["feeds.entry.published"]}
        endpoint = await alice.call("POST", "webhooks/endpoints/", wanted)
        try:
            cursor = await see_it_live(alice, bob, feed, endpoint["secret"], received)
            await see_what_was_missed(alice, bob, feed, cursor)
        finally:
            await alice.call("DELETE", f"webhooks/endpoints/{endpoint['id']}/")


async def see_it_live(alice: Person, bob: Person, feed: object, secret: str, received: Received) -> str:
    """An entry reaches a socket and a webhook, and a like its author; the cursor after it."""
    async with alice.listen(["me"]) as hers, bob.listen([f"feeds.{feed}", "me"]) as his:
        began = time.monotonic()
        entry = await alice.call("POST", f"feeds/{feed}/entries/", {"text": "A first wave"})
        shown = await his.wait_event("feeds.entry.published", about(entry))
        passed("bob's socket shows alice's entry", began)
        await delivered(received, secret, shown["id"])
        passed("the webhook brought it, signed", began)
        began = time.monotonic()
        await bob.call("PUT", f"entries/{entry['id']}/like/")
        told = await hers.wait_event("notifications.notification.created", lambda data: True)
        if told["data"]["unread_count"] < 1:
            raise SystemExit(f"alice was told of no unread notification: {told}")
        passed("alice is told that bob likes it", began)
        if his.cursor is None:
            raise SystemExit("bob's socket has got no cursor.")
        return his.cursor


async def see_what_was_missed(alice: Person, bob: Person, feed: object, cursor: str) -> None:
    """What was published while nobody listened comes on reconnecting, and nothing before it."""
    entry = await alice.call("POST", f"feeds/{feed}/entries/", {"text": "A wave nobody saw"})
    began = time.monotonic()
    async with bob.listen([f"feeds.{feed}", "me"], after=cursor) as his:
        await his.wait_event("feeds.entry.published", about(entry))
    published = [event for event in his.events if event["type"] == "feeds.entry.published"]
    if len(published) != 1:
        raise SystemExit(f"After reconnecting bob should have got one entry, not {published}.")
    passed("reconnecting shows what was missed, and nothing twice", began)


def about(entry: dict[str, Any]) -> Callable[[dict[str, Any]], bool]:
    """Whether an event's data are about this entry."""
    return lambda data: bool(data["entry"]["id"] == entry["id"])


async def delivered(received: Received, secret: str, event_id: str) -> None:
    """Wait for the delivery of one event; its signature must be right."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            body, headers = await received.get()
            event = Webhook(secret).verify(body, headers)
            if event["id"] == event_id:
                return


def passed(what: str, began: float) -> None:
    """Report a step."""
    print(f"ok  {what} ({(time.monotonic() - began) * 1000:.0f} ms)", flush=True)


if __name__ == "__main__":
    asyncio.run(walk(sys.argv[1].rstrip("/")))
