import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db.models.functions import Now

from access.models import User
from events.live import presence as module
from events.live.presence import Presence
from events.live.roster import current_roster
from events.models import PresenceLease


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(module, "TELL_SECONDS", 0.02)
    monkeypatch.setattr(module, "LINGER_SECONDS", 0.05)


@pytest.fixture
async def erin(transactional_db):
    return await sync_to_async(User.objects.create_user)("erin")


async def notice(client):
    return (await client.frame("notice"))["data"]


def person(user):
    return {"id": user.pk, "username": user.username}


async def test_those_who_come_and_go_are_told_of(connect, dave, erin):
    watcher, reader = await connect(dave), await connect(erin)
    await watcher.subscribe("presence.cafes.a")
    await reader.subscribe("cafes.a")
    assert await notice(watcher) == {"joined": [person(erin)], "left": [], "count": 1}
    await reader.leave()
    assert await notice(watcher) == {"joined": [], "left": [person(erin)], "count": 0}


async def test_a_notice_names_its_topic_and_has_no_cursor(connect, dave, erin):
    watcher, reader = await connect(dave), await connect(erin)
    await watcher.subscribe("presence.cafes.a")
    await reader.subscribe("cafes.a")
    frame = await watcher.frame("notice")
    assert sorted(frame) == ["data", "topic", "type"]
    assert frame["topic"] == "presence.cafes.a"


async def test_two_connections_of_one_user_are_one_and_the_last_to_leave_counts(connect, dave, erin):
    watcher, first, second = await connect(dave), await connect(erin), await connect(erin)
    await watcher.subscribe("presence.cafes.a")
    await first.subscribe("cafes.a")
    assert (await notice(watcher))["count"] == 1
    await second.subscribe("cafes.a")
    await first.leave()
    await second.leave()
    assert await notice(watcher) == {"joined": [], "left": [person(erin)], "count": 0}


async def test_who_comes_back_soon_has_not_left(connect, dave, erin, monkeypatch):
    monkeypatch.setattr(module, "LINGER_SECONDS", 3600)
    watcher, reader = await connect(dave), await connect(erin)
    await watcher.subscribe("presence.cafes.a")
    await reader.subscribe("cafes.a")
    await notice(watcher)
    await reader.leave()
    again = await connect(erin)
    await again.subscribe("cafes.a")
    await watcher.subscribe("cafes.a", id=2)
    assert await notice(watcher) == {"joined": [person(dave)], "left": [], "count": 2}


async def test_joins_of_one_moment_are_told_together(connect, dave, monkeypatch):
    monkeypatch.setattr(module, "TELL_SECONDS", 0.3)
    people = [await sync_to_async(User.objects.create_user)(f"guest{number}") for number in range(5)]
    watcher = await connect(dave)
    await watcher.subscribe("presence.cafes.a")
    await asyncio.sleep(0)
    (await current_roster()).presence._task.cancel()
    clients = [await connect(user) for user in people]
    for client in clients:
        await client.subscribe("cafes.a")
    roster = await current_roster()
    roster.presence._task = asyncio.create_task(roster.presence._run())
    told = await notice(watcher)
    assert [each["username"] for each in told["joined"]] == [user.username for user in people]


async def test_a_topic_whose_kind_did_not_opt_in_shows_nobody(connect, dave, erin):
    watcher = await connect(dave)
    assert (await watcher.subscribe("presence.rooms.a"))["code"] == "forbidden"
    reader = await connect(erin)
    await reader.subscribe("rooms.a")
    assert await sync_to_async(PresenceLease.objects.count)() == 0


async def test_who_may_not_read_the_topic_is_not_shown_who_does(connect, dave):
    watcher = await connect(dave)
    assert (await watcher.subscribe("presence.cafes.locked"))["code"] == "forbidden"


async def test_nobody_in_particular_is_not_here(connect, dave, erin):
    watcher, nobody, reader = await connect(dave), await connect(), await connect(erin)
    await watcher.subscribe("presence.cafes.a")
    await nobody.subscribe("cafes.a")
    await reader.subscribe("cafes.a")
    assert await notice(watcher) == {"joined": [person(erin)], "left": [], "count": 1}


async def test_the_leases_of_a_process_that_died_expire(connect, dave, monkeypatch):
    lease = PresenceLease(topic="cafes.a", user_id=99, username="ghost", process=uuid4())
    lease.expires_at = Now() - timedelta(seconds=1)
    watcher = await connect(dave)
    await watcher.subscribe("presence.cafes.a")
    await sync_to_async(lease.save)()
    monkeypatch.setattr(module, "RENEW_SECONDS", 0)
    assert await notice(watcher) == {"joined": [], "left": [{"id": 99, "username": "ghost"}], "count": 0}
    assert await sync_to_async(PresenceLease.objects.count)() == 0


async def test_somebody_who_is_here_through_another_process_has_not_left(hub, dave):
    one, other = Presence(), Presence()
    for each in (one, other):
        each.change(dave, (), ["cafes.a"])
        await each._tell(set(), False)
    one.change(dave, ["cafes.a"], ())
    told = await module.ask(module._write, one._process, set(), set(one._left), False)
    assert told == {}
    last = await module.ask(module._write, other._process, set(), set(one._left), False)
    assert last["cafes.a"]["left"] == [person(dave)]
    for each in (one, other):
        await each.stop()


async def test_at_the_end_of_a_process_its_leases_are_given_back(hub, dave):
    presence = Presence()
    presence.change(dave, (), ["cafes.a"])
    await presence._tell(set(), False)
    assert await sync_to_async(PresenceLease.objects.count)() == 1
    await presence.stop()
    assert await sync_to_async(PresenceLease.objects.count)() == 0
