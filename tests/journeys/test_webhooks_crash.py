"""Webhooks while senders are killed, stopped or doubled: every event comes, with the same id, and nothing for long."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import uuid
from contextlib import asynccontextmanager

import psycopg
import pytest

from script.development.rooms import CHECKOUT

LEASES_END = "UPDATE webhooks_delivery SET lease_until = now() WHERE lease_until IS NOT NULL"
LEFT = """
    SELECT count(*) FROM webhooks_delivery JOIN webhooks_endpoint AS endpoint ON endpoint.id = endpoint_id
    WHERE url = %s AND status = 'pending'
"""
TRIES = """
    SELECT event_id::text, count(*)
    FROM webhooks_attempt JOIN webhooks_delivery AS delivery ON delivery.id = delivery_id
    JOIN webhooks_endpoint AS endpoint ON endpoint.id = endpoint_id WHERE endpoint.url = %s GROUP BY event_id
"""


@pytest.fixture
async def alice(people, receiver):
    """Alice, with an endpoint that gets what is published in her feed."""
    alice = people("alice")
    made = await alice.call("POST", "webhooks/endpoints/", 201, url=receiver.url, event_types=["feeds.entry.published"])
    yield alice
    await alice.call("DELETE", f"webhooks/endpoints/{made['id']}/")


def came(receiver):
    """Return the ids of what came, by text, each as often as it came."""
    found = {}
    for got in receiver.got:
        event = json.loads(got["body"])
        found.setdefault(event["data"]["entry"]["text"], []).append(got["headers"]["webhook-id"])
    return found


async def all_recorded(database, receiver, seconds=20):
    """Wait until nothing is left to be sent."""
    async with asyncio.timeout(seconds):
        with database() as connection:
            while connection.execute(LEFT, [receiver.url]).fetchone()[0]:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def another_sender(stack):
    """Run one more resident sender."""
    command = [sys.executable, "manage.py", "webhooks", "deliver"]
    place = {"cwd": CHECKOUT, "env": os.environ | stack.environment}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **place)
    try:
        assert "Delivering" in await asyncio.to_thread(process.stdout.readline)
        yield process
        assert process.poll() is None
        process.terminate()
        assert await asyncio.to_thread(process.wait, 20) == 0
    finally:
        process.kill()
        process.communicate()


async def test_a_sender_killed_by_what_it_sends_sends_it_again_with_the_same_id(stack, alice, receiver, database):
    killed = []

    def kill_first():
        if not killed:
            killed.append(stack.kill("deliver"))

    receiver.before = kill_first
    text = uuid.uuid4().hex
    await alice.publish(text)
    await receiver.wait(1)
    stack.wait_restarted("deliver", killed[0])
    with database() as connection:
        connection.execute(LEASES_END)
    await receiver.wait(2)
    await all_recorded(database, receiver)
    [first, second] = came(receiver)[text]
    assert first == second
    with database() as connection:
        assert connection.execute(TRIES, [receiver.url]).fetchall() == [(first, 1)]


async def test_killed_again_and_again_under_load_everything_comes(stack, alice, receiver, database):
    prefix = uuid.uuid4().hex
    texts = [f"{prefix} {number}" for number in range(60)]
    for number, text in enumerate(texts):
        await alice.publish(text)
        if number % 20 == 10:
            stack.wait_restarted("deliver", stack.kill("deliver"))
            with database() as connection:
                connection.execute(LEASES_END)
    async with asyncio.timeout(30):
        while set(texts) - set(came(receiver)):
            await asyncio.sleep(0.05)
            with database() as connection:
                connection.execute(LEASES_END)
    await all_recorded(database, receiver)
    assert all(len(set(ids)) == 1 for ids in came(receiver).values())


async def test_two_senders_send_each_event_once(stack, alice, receiver, database):
    prefix = uuid.uuid4().hex
    async with another_sender(stack):
        for number in range(40):
            await alice.publish(f"{prefix} {number}")
        await receiver.wait(40)
        await all_recorded(database, receiver)
    found = came(receiver)
    assert len(found) == 40
    assert all(len(ids) == 1 for ids in found.values())


async def test_a_frozen_sender_is_followed_by_another_within_seconds(stack, alice, receiver, database):
    async with another_sender(stack):
        pid = stack.kill("deliver", signal.SIGSTOP)
        try:
            text = uuid.uuid4().hex
            await alice.publish(text)
            await receiver.wait(1)
        finally:
            os.kill(pid, signal.SIGCONT)
        await all_recorded(database, receiver)
    assert [len(ids) for ids in came(receiver).values()] == [1]


async def test_a_snapshot_that_is_held_open_stops_nothing(stack, alice, receiver, database):
    with psycopg.connect(stack.environment["DATABASE_URL"]) as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT count(*) FROM webhooks_delivery")
        prefix = uuid.uuid4().hex
        for number in range(30):
            await alice.publish(f"{prefix} {number}")
        await receiver.wait(30)
        await all_recorded(database, receiver)


async def test_without_a_resident_sender_the_workers_send(stack, alice, receiver, database):
    pid = stack.kill("deliver", signal.SIGSTOP)
    try:
        text = uuid.uuid4().hex
        await alice.publish(text)
        await receiver.wait(1, seconds=40)
    finally:
        os.kill(pid, signal.SIGCONT)
    await all_recorded(database, receiver)
    assert [len(ids) for ids in came(receiver).values()] == [1]
