"""The real application on the test's own event loop, served by uvicorn; and a stream as a test wants it."""

import asyncio
from contextlib import nullcontext

import pytest
import uvicorn
from aiohttp import web
from asgiref.sync import sync_to_async

from access import keys
from config.asgi import application
from events import relay
from events.live.hub import current_hub
from feeds import actions


@pytest.fixture
async def url(transactional_db):
    config = uvicorn.Config(application, port=0, ws="websockets-sansio", log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # the test run keeps its own handlers
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = server.force_exit = True
    await task


@pytest.fixture
def tell(feed, url):
    """Publish entries with these texts in alice's feed, and let the live side know."""

    def publish(texts):
        entries = [actions.publish_entry(feed, by=feed.owner, text=text) for text in texts]
        relay.run()
        return entries

    async def tell(*texts):
        entries = await sync_to_async(publish)(texts)
        await (await current_hub()).refresh()
        return entries

    return tell


@pytest.fixture
def topic(feed):
    return f"feeds.{feed.pk}"


@pytest.fixture
def key(alice):
    return keys.mint(alice)


def texts(events):
    return [event["data"]["entry"]["text"] for event in events]


class Stream:
    """A server of Server-Sent Events that says what a test tells it to say."""

    def __init__(self):
        self.requests, self.pieces, self.status = [], asyncio.Queue(), 200

    async def serve(self, request):
        self.requests.append(request)
        if self.status != 200:
            return web.json_response({"code": "forbidden", "detail": "Not yours."}, status=self.status)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while (piece := await self.pieces.get()) is not None:
            await response.write(piece)
        return response

    def say(self, *pieces):
        for piece in pieces:
            self.pieces.put_nowait(piece)


@pytest.fixture
async def stream():
    stream = Stream()
    application = web.Application()
    application.router.add_get("/live/sse", stream.serve)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stream.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield stream
    stream.say(None)
    await runner.cleanup()
