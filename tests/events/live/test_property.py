"""Whatever happens in whatever order, every client is told exactly what it may be told, in order, once.

Schedules are made at random from a seed: things happen on open and closed topics, rights come and go, messages are
lost, doubled, late and out of order, the database fails, the log is cut and restored, clients are slow, leave and come
back with a cursor. `TIDEWIRE_SCHEDULES` says how many schedules, `TIDEWIRE_SEED` with which seed the first one is made.
"""

import asyncio
import os
import random

import pytest
from django.db import OperationalError, transaction

from events import channel
from events.live import batch, hub, subscription
from events.live.hub import current_hub, stop_hub
from events.live.roster import stop_roster
from tests.events.live.clock import IdleClockLoop, beside_the_loop
from tests.events.live.readers import Principal, SocketReader, StreamReader, WiredReader
from tests.events.live.world import PATTERNS, World

SCHEDULES = int(os.environ.get("TIDEWIRE_SCHEDULES", "200"))
FIRST_SEED = int(os.environ.get("TIDEWIRE_SEED", "1"))
STEPS = 60
CALM_SECONDS = 8


class Schedule:
    """One run of random things from a seed."""

    def __init__(self, dice, world):
        self.dice, self.world = dice, world
        self.readers = []
        # What clients who left may come back with: names, types and a cursor.
        self.memories = []

    async def run(self):
        """Start with a calm hub, do everything, and let it come to rest."""
        channel.announce = self.world.announce
        self.world.is_calm = True
        await current_hub()
        self.world.is_calm = False
        try:
            for _ in range(STEPS):
                self.act()
                await asyncio.sleep(self.dice.choice([0, 0, 0, 0.001, 0.01, 0.1, 1.5]))
                self.check()
            await self.come_to_rest()
        finally:
            self.world.is_calm = True
            for reader in self.readers:
                if not reader.task.done():
                    await reader.leave()
            await stop_roster()
            await stop_hub()

    def check(self):
        for reader in self.readers:
            reader.check()

    async def come_to_rest(self):
        """Let everybody catch up, and see that they have."""
        self.world.is_calm = True
        self.world.relay()
        await asyncio.sleep(CALM_SECONDS)
        self.check()
        head = self.world.head()
        for reader in self.readers:
            if reader.is_open:
                for transcript in reader.transcripts.values():
                    assert transcript.cursor == head, f"at {transcript.cursor} of {head}: {transcript.names}"

    async def ask(self, question, *args, **kwargs):
        """Stand in for a thread that asks the database: it takes a while, and may fail."""
        for _ in range(self.dice.choice([0, 1, 1, 4])):
            await asyncio.sleep(self.dice.choice([0, 0, 0.001, 0.05]))
        if not self.world.is_calm and self.dice.random() < 0.02:
            raise OperationalError("The database is away.")
        answer = beside_the_loop(question)(*args, **kwargs)
        for _ in range(self.dice.choice([0, 1, 1, 4])):
            await asyncio.sleep(self.dice.choice([0, 0, 0.001, 0.05]))
        return answer

    # -- What happens -------------------------------------------------------------------------------------------------

    WAYS = (
        ["publish"] * 14
        + ["relay"] * 8
        + ["publish_and_relay"] * 8
        + ["follow", "follow", "follow", "open_or_close", "open_or_close", "revoke", "prune", "break_channel"]
        + ["connect"] * 7
        + ["subscribe"] * 6
        + ["unsubscribe"] * 3
        + ["leave"] * 4
    )

    def act(self):
        """Do one thing."""
        way = "restore" if self.dice.random() < 0.004 else self.dice.choice(self.WAYS)
        getattr(self, f"do_{way}")()

    def do_publish(self):
        self.world.publish()

    def do_relay(self):
        self.world.relay()

    def do_publish_and_relay(self):
        self.world.publish()
        self.world.relay()

    def do_follow(self):
        self.world.follow()
        self.perhaps_relay()

    def do_open_or_close(self):
        self.world.open_or_close()
        self.perhaps_relay()

    def perhaps_relay(self):
        if self.dice.random() < 0.5:
            self.world.publish()
            self.world.relay()

    def do_revoke(self):
        open = [each for each in self.readers if each.is_open and each.principal.topic and each.principal.valid]
        if open:
            self.world.revoke(self.dice.choice(open).principal)
            self.perhaps_relay()

    def do_prune(self):
        self.world.prune()

    def do_restore(self):
        self.world.restore()

    def do_break_channel(self):
        self.world.channel.put_nowait(None)

    def do_connect(self):
        user = self.dice.choice(self.world.readers)
        kind = self.dice.choice([SocketReader, SocketReader, WiredReader, WiredReader, StreamReader])
        args = self.world, Principal(user), self.dice.choice([0, 0, 0.1, 0.5, 0.9])
        if kind is StreamReader:
            # A stream does not say what an alias means.
            args += self.something_to_read(user, aliases=[])
        self.readers.append(kind(*args))
        if kind is not StreamReader:
            self.subscribe(self.readers[-1])

    def do_subscribe(self):
        if sockets := self.sockets():
            self.subscribe(self.dice.choice(sockets))

    def subscribe(self, reader):
        reader.subscribe(len(reader.asked), *self.something_to_read(reader.principal.user, aliases=["me", "home"]))

    def something_to_read(self, user, aliases):
        mine = [
            each[1:] for each in self.memories if each[0] == user.pk and (aliases or not {"me", "home"} & {*each[1]})
        ]
        if mine and self.dice.random() < 0.6:
            return self.dice.choice(mine[-5:])
        may = sorted(topic for who, topic in self.world.may if who == user.pk)
        names = self.dice.sample(may, min(len(may), self.dice.randint(1, 4)))
        if user.pk and aliases and self.dice.random() < 0.4:
            names.append(self.dice.choice(aliases))
        return list(dict.fromkeys(names)) or ["feeds.0"], self.dice.choice(PATTERNS), None

    def do_unsubscribe(self):
        sockets = [each for each in self.sockets() if each.transcripts]
        if sockets:
            reader = self.dice.choice(sockets)
            id = self.dice.choice(list(reader.transcripts))
            self.remember(reader, id)
            reader.unsubscribe(id)

    def do_leave(self):
        if open := [each for each in self.readers if each.is_open]:
            reader = self.dice.choice(open)
            for id in reader.transcripts:
                self.remember(reader, id)
            reader.to_server.put_nowait({"type": reader.GONE, "code": 1006})

    def remember(self, reader, id):
        transcript = reader.transcripts[id]
        # What came last may have been lost on its way.
        cursor = self.dice.choice(transcript.cursors[-3:]) if transcript.cursors else None
        self.memories.append((reader.principal.user.pk, transcript.names, transcript.types, cursor))

    def sockets(self):
        return [each for each in self.readers if isinstance(each, SocketReader) and each.is_open]


@pytest.fixture
def in_one_thread(db, monkeypatch, settings):
    """Let the live side ask the database without threads, so that a seed says nearly everything."""
    settings.TIDEWIRE_VALIDATE_PAYLOADS = False
    for name in ("hub", "websocket", "sse"):
        monkeypatch.setattr(f"events.live.{name}.logger.disabled", True)
    return monkeypatch


def small_or_large(dice, monkeypatch, settings):
    """Set the bounds in whose neighbourhood things go wrong."""
    monkeypatch.setattr(hub, "JUMP", dice.choice([10, 40, 5000]))
    monkeypatch.setattr(hub, "PAGE", dice.choice([3, 500]))
    monkeypatch.setattr(hub, "READER_PAGE", dice.choice([2, 7, 200]))
    monkeypatch.setattr(subscription, "STRIDE", dice.choice([3, 20, 2000]))
    size = dice.choice([500, 3000, 256 * 1024])
    monkeypatch.setattr(batch, "BATCH_BYTES", size)
    monkeypatch.setattr(subscription, "BATCH_BYTES", size)
    monkeypatch.setattr(hub, "BATCH_BYTES", size)
    monkeypatch.setattr(hub, "REMEMBERED", dice.choice([0, 5, 5000]))
    settings.TIDEWIRE_HEARTBEAT_SECONDS = dice.choice([0.25, 2])
    settings.TIDEWIRE_RING_BYTES = dice.choice([1, 2000, 20_000, 16 * 1024 * 1024])


def run(seed, monkeypatch, settings):
    """Run one schedule; all that it did in the database is undone."""
    dice = random.Random(seed)
    random.seed(seed)
    small_or_large(dice, monkeypatch, settings)
    monkeypatch.setattr(channel, "announce", lambda epoch, events: None)
    with transaction.atomic():
        with asyncio.Runner(loop_factory=IdleClockLoop) as runner:
            schedule = Schedule(dice, World(dice, runner.get_loop()))
            for module in ("hub", "connection", "presence", "websocket"):
                monkeypatch.setattr(f"events.live.{module}.ask", schedule.ask)
            monkeypatch.setattr(channel, "messages", schedule.world.messages)
            runner.run(schedule.run())
        transaction.set_rollback(True)
    return schedule


def test_every_transcript_is_the_permitted_log(in_one_thread, settings):
    told = resets = 0
    for seed in range(FIRST_SEED, FIRST_SEED + SCHEDULES):
        try:
            schedule = run(seed, in_one_thread, settings)
        except Exception as error:
            raise AssertionError(
                f"The schedule of TIDEWIRE_SEED={seed} TIDEWIRE_SCHEDULES=1 failed: {error}"
            ) from error
        transcripts = [each for reader in schedule.readers for each in reader.transcripts.values()]
        told += sum(len(each.events) for each in transcripts)
        resets += sum(len(each.resets) for each in transcripts)
    assert told > SCHEDULES * 20
    assert resets or SCHEDULES < 50
    print(f"{SCHEDULES} schedules: {told} events told, {resets} resets.")
