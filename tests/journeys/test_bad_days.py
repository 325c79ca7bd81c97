"""Parts die in the middle of things; nothing is lost, nothing is out of order, and it goes on by itself."""

import asyncio
import signal
import time
import uuid

import pytest

from tests.journeys.conftest import answering

BUSY_SECONDS = 4


def texts(events):
    return [event["data"]["entry"]["text"] for event in events if event["type"] == "feeds.entry.published"]


def positions(events):
    return [int(event["cursor"].split("-")[1]) for event in events]


async def publish_until(stop, person, prefix, slowest):
    """Publish entries one after another until told to stop; return their texts."""
    feed, done = await person.feed(), []
    while not stop.is_set():
        started = time.monotonic()
        text = f"{prefix} {len(done)}"
        await person.call("POST", f"feeds/{feed['id']}/entries/", 201, text=text)
        slowest.append(time.monotonic() - started)
        done.append(text)
        await asyncio.sleep(0.02)
    return done


async def busy(person, prefix, break_something):
    """Publish without a pause while something is broken; return the texts and how long the slowest request took."""
    stop, slowest = asyncio.Event(), []
    publishing = asyncio.create_task(publish_until(stop, person, prefix, slowest))
    await asyncio.wait([publishing], timeout=0.5)
    await break_something()
    await asyncio.wait([publishing], timeout=BUSY_SECONDS)
    stop.set()
    return await publishing, max(slowest)


async def collect(page, prefix, wanted):
    """Return the events of a socket until it has seen so many entries that begin with the prefix."""
    found = []
    async with asyncio.timeout(60):
        while sum(text.startswith(prefix) for text in texts(found)) < wanted:
            found += (await page.frame("events", 60))["events"]
    return found


async def check_all_came(page, prefix, published):
    found = await collect(page, prefix, len(published))
    assert [text for text in texts(found) if text.startswith(prefix)] == published
    assert positions(found) == sorted(set(positions(found)))


@pytest.mark.parametrize("part", ["valkey", "worker", "relay"])
async def test_killed_while_requests_come_in_costs_no_event_and_no_request(stack, people, part):
    alice, bob, prefix = people("alice"), people("bob"), uuid.uuid4().hex
    feed = await alice.feed()

    async def kill():
        stack.kill(part)

    async with bob.live() as page:
        await page.subscribe(f"feeds.{feed['id']}")
        published, slowest = await busy(alice, prefix, kill)
        assert slowest < 2
        await check_all_came(page, prefix, published)
        await answering(stack)
        await alice.publish(f"{prefix} after")
        await collect(page, f"{prefix} after", 1)


async def test_notifications_and_webhooks_made_while_valkey_was_dead_arrive_once(stack, people, receiver):
    alice, bob = people("alice"), people("bob")
    endpoint = await alice.call(
        "POST", "webhooks/endpoints/", 201, url=receiver.url, event_types=["feeds.entry.published"]
    )
    entry = await alice.publish("Before the fall")
    await receiver.wait(1)
    async with alice.live() as page:
        await page.subscribe("me", types=["notifications.*"])
        stack.kill("valkey")
        await bob.call("PUT", f"entries/{entry['id']}/like/")
        second = await alice.publish("During the fall")
        [event] = await page.events(seconds=60)
    assert event["data"]["notification"]["subject"]["id"] == str(entry["id"])
    got = await receiver.wait(2, 60)
    assert f'"id":{second["id"]},' in got[1]["body"].decode()
    inbox = await alice.call("GET", "notifications/")
    likes = [each for each in inbox["results"] if each["kind"] == "like" and each["subject"]["id"] == str(entry["id"])]
    assert len(likes) == 1
    await alice.call("DELETE", f"webhooks/endpoints/{endpoint['id']}/")


async def test_the_relays_connection_cut_again_and_again_loses_and_doubles_nothing(stack, people, database):
    alice, bob, prefix = people("alice"), people("bob"), uuid.uuid4().hex
    feed = await alice.feed()

    async def cut():
        def terminate():
            with database() as connection:
                for _ in range(40):
                    connection.execute(
                        "SELECT pg_terminate_backend(lock.pid) FROM pg_locks AS lock "
                        "WHERE lock.locktype = 'advisory' AND lock.objid = %s",
                        [0x74696465],
                    )
                    connection.execute("SELECT pg_sleep(0.02)")

        await asyncio.to_thread(terminate)

    async with bob.live() as page:
        await page.subscribe(f"feeds.{feed['id']}")
        published, _ = await busy(alice, prefix, cut)
        await check_all_came(page, prefix, published)


async def test_a_writer_that_holds_its_transaction_open_delays_its_own_event_alone(stack, people, database):
    alice, bob, prefix = people("alice"), people("bob"), uuid.uuid4().hex
    feed = await alice.feed()
    async with bob.live() as page:
        await page.subscribe(f"feeds.{feed['id']}")
        with database() as writer:
            writer.execute("BEGIN")
            writer.execute(
                "INSERT INTO events_outbox (event_id, type, topic, subject, data, time) VALUES "
                "(gen_random_uuid(), 'tests.word.said', %s, 'words/1', '{\"word\": \"late\"}', now())",
                [f"feeds.{feed['id']}"],
            )
            await alice.publish(f"{prefix} meanwhile")
            found = await collect(page, prefix, 1)
            assert all(event["type"] != "tests.word.said" for event in found)
            writer.execute("COMMIT")
            late = await page.events("tests.word.said")
    assert positions(late)[0] > positions(found)[-1]


async def test_postgresql_killed_and_back_goes_on_with_all_that_was_committed(own_postgres, people):
    stack, alice, bob, prefix = own_postgres, people("alice"), people("bob"), uuid.uuid4().hex
    feed = await alice.feed()
    before = [f"{prefix} {number}" for number in range(5)]
    async with bob.live() as page:
        await page.subscribe(f"feeds.{feed['id']}")
        for text in before:
            await alice.publish(text)
        stack.wait_restarted("postgres", stack.kill("postgres", signal.SIGKILL))
        await answering(stack)
        await alice.publish(f"{prefix} after")
        found = await collect(page, prefix, 6)
    assert [text for text in texts(found) if text.startswith(prefix)] == [*before, f"{prefix} after"]
    assert positions(found) == sorted(set(positions(found)))


async def test_a_web_process_killed_and_back_is_resumed_from_the_last_cursor(stack, people):
    alice, bob, prefix = people("alice"), people("bob"), uuid.uuid4().hex
    feed = await alice.feed()
    async with bob.live() as page:
        await page.subscribe(f"feeds.{feed['id']}")
        await alice.publish(f"{prefix} one")
        await collect(page, prefix, 1)
        cursor = page.cursor
    stack.wait_restarted("web", stack.kill("web"))
    await answering(stack)
    await alice.publish(f"{prefix} two")
    async with bob.live() as page:
        await page.subscribe(f"feeds.{feed['id']}", after=cursor)
        found = await collect(page, prefix, 1)
    assert texts(found) == [f"{prefix} two"]
