"""How long from the commit of one event until a WebSocket has it, one at a time: `python -m benchmarks.latency`.

Beside script/server. Publishes entries one at a time in this process, and reads them on a socket in this process, so
that both moments are of one clock. The baseline is a ping over the same socket: what the machine, the loop and the
server cost alone. Many events at once: `python -m benchmarks.load`.
"""

import argparse
import asyncio
import json
import os
import time
from urllib.parse import urlsplit

from config.environment import adopt_development_environment

adopt_development_environment()

import django  # noqa: E402  the environment comes first

django.setup()

from asgiref.sync import sync_to_async  # noqa: E402
from django.conf import settings  # noqa: E402
from websockets.asyncio.client import connect  # noqa: E402

from access import keys  # noqa: E402
from access.models import ApiKey, User  # noqa: E402
from benchmarks.conditions import describe, line  # noqa: E402
from feeds import actions  # noqa: E402
from feeds.models import Feed  # noqa: E402


def prepare() -> tuple[Feed, str, str]:
    """Return a feed of its own, its topic, and a key of its owner's."""
    owner = User.objects.filter(username="latency").first() or User.objects.create_user("latency")
    feed = Feed.objects.select_related("owner").get(slug="latency")
    return feed, f"feeds.{feed.pk}", keys.mint(owner, name="benchmark")


def publish(feed: Feed) -> float:
    """Publish one entry; return the moment after the commit."""
    actions.publish_entry(feed, by=feed.owner, text="tick")
    return time.perf_counter()


async def measure(url: str, count: int, pause: float) -> tuple[list[float], list[float]]:
    """Return the milliseconds of so many pings and of so many events."""
    feed, topic, key = await sync_to_async(prepare)()
    socket = urlsplit(url)._replace(scheme="ws", path="/live/ws").geturl()
    async with connect(socket, additional_headers={"Authorization": f"Bearer {key}"}) as client:
        await client.send(json.dumps({"type": "subscribe", "id": 1, "topics": [topic]}))
        await until(client, "subscribed")
        pings = [await ping(client) for _ in range(count)]
        # The first one opens connections and loads what is needed for ever after.
        events = [await event(client, feed, pause) for _ in range(count + 1)][1:]
    await sync_to_async(ApiKey.objects.filter(name="benchmark").delete)()
    return pings, events


async def until(client, type: str) -> None:
    """Read frames until one of this type."""
    while json.loads(await asyncio.wait_for(client.recv(), 10))["type"] != type:
        pass


async def ping(client) -> float:
    """Return how long a ping takes."""
    start = time.perf_counter()
    await client.send('{"type":"ping"}')
    await until(client, "pong")
    return 1000 * (time.perf_counter() - start)


async def event(client, feed: Feed, pause: float) -> float:
    """Return how long an event takes from its commit."""
    await asyncio.sleep(pause)
    arrival = asyncio.create_task(until(client, "events"))
    committed = await sync_to_async(publish)(feed)
    await arrival
    return 1000 * (time.perf_counter() - committed)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default=settings.TIDEWIRE_SOURCE.rstrip("/"))
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between events")
    options = parser.parse_args()
    pings, events = asyncio.run(measure(options.url, options.count, options.pause))
    describe(os.environ["DATABASE_URL"])
    print(f"One event at a time, {options.pause * 1000:g} ms apart, {options.url}")
    print(line("baseline: ping and pong", pings))
    print(line("commit to WebSocket", events))


if __name__ == "__main__":
    main()
