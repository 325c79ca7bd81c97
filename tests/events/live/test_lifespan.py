import asyncio

from events.live import lifespan as module
from events.live.hub import current_hub, stop_hub


async def run(*messages):
    incoming, sent = asyncio.Queue(), []
    for type in messages:
        incoming.put_nowait({"type": type})

    async def send(message):
        sent.append(message["type"])

    await asyncio.wait_for(module.lifespan({}, incoming.get, send), 5)
    return sent


async def test_it_starts_and_stops_with_the_process(transactional_db):
    sent = await run("lifespan.startup", "lifespan.shutdown")
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_database_that_is_away_does_not_keep_the_process_from_starting(transactional_db, monkeypatch):
    async def away():
        raise ConnectionError("no database")

    monkeypatch.setattr(module, "current_hub", away)
    assert "lifespan.startup.complete" in await run("lifespan.startup", "lifespan.shutdown")


async def test_a_stopped_hub_is_started_anew(transactional_db):
    first = await current_hub()
    await stop_hub()
    assert await current_hub() is not first
    await stop_hub()
