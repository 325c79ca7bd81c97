import asyncio

import pytest
from django.contrib.auth.models import AnonymousUser

from events.live import roster as module
from events.live import websocket
from events.live.roster import current_roster, drain_roster
from tests.events.live.conftest import Client


async def closed(client):
    """Return the code the client is closed with, and the frames before it."""
    frames = []
    while (message := await client.frame())["type"] != "websocket.close":
        frames.append(message)
    await asyncio.wait_for(client.task, 5)
    return message["code"], frames


async def refused(user=None, **options):
    client = Client(user or AnonymousUser(), **options)
    assert (await client.message())["type"] == "websocket.accept"
    return (await closed(client))[0]


async def test_an_address_has_so_many_connections_and_no_more(connect, settings):
    settings.TIDEWIRE_ADDRESS_MAX_CONNECTIONS = 2
    first = await connect()
    await connect()
    await connect(address="192.0.2.1")
    assert await refused() == 4429
    await first.leave()
    await connect()


async def test_a_user_has_so_many_connections_wherever_they_come_from(connect, dave, settings):
    settings.TIDEWIRE_USER_MAX_CONNECTIONS = 1
    first = await connect(dave)
    assert await refused(dave, address="192.0.2.1") == 4429
    await connect()
    await first.leave()
    await connect(dave)


async def test_who_is_refused_leaves_nothing_behind(connect, hub, dave, settings):
    settings.TIDEWIRE_USER_MAX_CONNECTIONS = 1
    client = await connect(dave)
    await refused(dave)
    await client.leave()
    roster = await current_roster()
    assert len(roster) == 0
    assert not roster._count
    assert not hub.index._own


async def test_hearts_beat_of_those_who_read_nothing_too(connect, settings):
    settings.TIDEWIRE_HEARTBEAT_SECONDS = 0.05
    client = await connect()
    assert await client.frame() == {"type": "heartbeat", "cursors": {}}


async def test_at_the_end_of_its_life_a_connection_is_sent_away_and_closed(connect, settings):
    settings.TIDEWIRE_CONNECTION_MAX_SECONDS = 0.001
    settings.TIDEWIRE_HEARTBEAT_SECONDS = 0.05
    code, frames = await closed(await connect())
    assert code == 1012
    asked = [frame for frame in frames if frame["type"] == "reconnect"]
    assert len(asked) == 1
    assert 0 <= asked[0]["after_ms"] <= 50


async def test_lives_that_began_together_do_not_end_together(connect):
    for _ in range(5):
        await connect()
    assert len({round(connection.retire_at) for connection in await current_roster()}) > 1


async def test_a_drain_sends_everyone_away_at_different_moments_and_is_over_in_time(connect):
    clients = [await connect() for _ in range(8)]
    roster = await current_roster()
    draining = asyncio.create_task(drain_roster(0.5))
    pauses = [(await client.frame("reconnect"))["after_ms"] for client in clients]
    assert len(set(pauses)) > 1
    assert max(pauses) <= 400
    assert [await closed(client) for client in clients] == [(1012, [])] * 8
    await asyncio.wait_for(draining, 5)
    assert len(roster) == 0


async def test_a_drain_without_anybody_is_over_at_once(hub):
    await current_roster()
    await asyncio.wait_for(drain_roster(3600), 5)


async def test_until_its_moment_a_client_is_served(connect, hub, say, monkeypatch):
    monkeypatch.setattr(module.random, "uniform", lambda low, high: high)
    client = await connect()
    await client.subscribe("rooms.a")
    draining = asyncio.create_task(drain_roster(3600))
    await client.frame("reconnect")
    await say("one")
    await hub.refresh()
    assert await client.said(1) == ["one"]
    draining.cancel()


async def test_who_comes_while_it_drains_is_welcomed_and_sent_elsewhere_not_back_at_once(hub, monkeypatch, settings):
    settings.TIDEWIRE_DRAIN_SECONDS = 20
    monkeypatch.setattr(module.random, "uniform", lambda low, high: high)
    (await current_roster()).is_draining = True
    client = Client(AnonymousUser())
    await client.message()
    code, frames = await closed(client)
    assert code == 1012
    assert [frame["type"] for frame in frames] == ["welcome", "reconnect"]
    assert frames[1]["after_ms"] == 20_000


async def test_only_who_takes_nothing_for_long_is_dropped(connect, hub, say, settings, monkeypatch):
    monkeypatch.setattr(websocket, "CLOSING_SECONDS", 0.05)
    settings.TIDEWIRE_STALLED_SECONDS = 0
    settings.TIDEWIRE_HEARTBEAT_SECONDS = 0.05
    stalled, other = await connect(), await connect()
    await stalled.subscribe("rooms.a")
    stalled.writable.clear()
    await say("one")
    await hub.refresh()
    await asyncio.wait_for(stalled.task, 5)
    assert len(await current_roster()) == 1
    assert await other.ask(type="ping")


async def test_a_connection_that_fails_does_not_stop_the_hearts_of_others(connect, settings):
    settings.TIDEWIRE_HEARTBEAT_SECONDS = 0.05
    broken, client = await connect(), await connect()

    def fail():
        raise ValueError("broken")

    for connection in await current_roster():
        if connection.principal is broken:
            connection.outlet = type("Broken", (), {"busy_seconds": staticmethod(fail), "drop": lambda self: None})()
    for _ in range(2):
        await client.frame("heartbeat")


@pytest.mark.parametrize("ends", ["leave", "cancel"])
async def test_who_leaves_is_counted_no_more(connect, ends):
    client = await connect()
    roster = await current_roster()
    assert len(roster) == 1
    if ends == "leave":
        await client.leave()
    else:
        client.task.cancel()
        await asyncio.wait([client.task])
    assert len(roster) == 0
    assert not roster._count
