"""Where a benchmark's events come from. Needs Django set up (`benchmarks.servers.engines`).

Three ways: `record`, as the application does, relayed in this process; `put`, rows and head and the group message
written by hand, so that an event has exactly the wanted bytes on the wire and nothing else limits the rate; and
`send`, to the tutorial's group.
"""

import asyncio
import json
import os
import uuid
from typing import Any

import redis
from channels.layers import get_channel_layer
from django.db import connection, transaction

from access.models import User
from benchmarks.bare import CHANNEL
from benchmarks.tutorial import GROUP
from events import channel, log, relay
from events.actions import Fact, record_many
from events.catalogue import event_type
from events.encoding import Envelope
from events.models import Event
from events.payloads import fields, text
from feeds.models import Feed

BYTES = 256
TICK = event_type("benchmarks.tick.sent", "A tick of a benchmark.", fields(text=text()))
ROOM = "all"
EVENT_ID = uuid.uuid4()

FILL_CHUNK = 10_000

FILL = """
    INSERT INTO events_event (position, event_id, type, topic, subject, data, time, previous)
    SELECT next, gen_random_uuid(), %(type)s, %(topic)s, 'ticks/1', '{}', now(), next - 1
    FROM generate_series(%(first)s, %(last)s) AS next
"""
ADVANCE = "UPDATE events_loghead SET position = position + %s WHERE id = 1 RETURNING epoch, position"
EMPTY = "DELETE FROM events_event WHERE position > (SELECT position FROM events_loghead)"


class Publisher:
    """Publishes on public topics of its own."""

    def __init__(self, topics: int = 1) -> None:
        owner = User.objects.filter(username="benchmark").first() or User.objects.create_user("benchmark")
        slugs = [f"benchmark-{number}" for number in range(topics)]
        Feed.objects.bulk_create([Feed(owner=owner, slug=slug, title=slug) for slug in slugs], ignore_conflicts=True)
        found = Feed.objects.filter(slug__in=slugs).order_by("id").values_list("id", flat=True)
        self.topics = [f"feeds.{pk}" for pk in found]
        self._runner = asyncio.Runner()
        self._layer = get_channel_layer()
        self._valkey = redis.Redis.from_url(os.environ["REDIS_URL"])
        self._execute("SET synchronous_commit = off")
        self._execute(EMPTY)
        relay.ensure_epoch()
        relay.run()
        self._filled = log.head().position

    @property
    def cursor(self) -> str:
        """Return the head of the log."""
        return str(log.head().cursor)

    def frames(self, after: str | None = None) -> tuple[str, ...]:
        """Return a subscription to each topic."""
        more = {"after": after} if after else {}
        return tuple(json.dumps({"type": "subscribe", "id": 1, "topics": [topic], **more}) for topic in self.topics)

    def record(self, count: int = 1) -> None:
        """Publish so many events on each topic: whole CloudEvents with so many bytes of data."""
        if self._filled:
            self._execute(EMPTY)
            self._filled = 0
        facts = [Fact(TICK, topic, "ticks/1", filled()) for _ in range(count) for topic in self.topics]
        with transaction.atomic():
            record_many(facts)
        relay.run()

    def put(self, count: int = 1) -> None:
        """Publish so many events on the first topic, each of so many bytes on the wire."""
        topic = self.topics[0]
        [(epoch, head)] = self._execute(ADVANCE, [count])
        if head > self._filled:
            self.fill(FILL_CHUNK, after=head - count)
        batch = [(position, small(topic, epoch, position)) for position in range(head - count + 1, head + 1)]
        channel.announce(epoch, [Envelope(position, topic, TICK.name, text) for position, text in batch])

    def fill(self, count: int, after: int | None = None) -> None:
        """Write the rows of so many events to be `put`, which nobody reads before the head is there.

        A server that finds itself behind the head looks for them in the log, as for any other.
        """
        first = max(self._filled, after or 0) + 1
        self._filled = first + count - 1
        self._execute(FILL, {"type": TICK.name, "topic": self.topics[0], "first": first, "last": self._filled})

    def positions(self, after: int) -> list[list[int]]:
        """Return the positions of what was published after this one, by topic."""
        found: dict[str, list[int]] = {topic: [] for topic in self.topics}
        later = Event.objects.filter(position__gt=after, topic__in=self.topics).order_by("position")
        for topic, position in later.values_list("topic", "position"):
            found[topic].append(position)
        return list(found.values())

    def send(self, text: str) -> None:
        """Send the tutorial's group a message."""
        self._runner.run(self._layer.group_send(f"{GROUP}.{ROOM}", {"type": "tick", "text": text}))

    def shout(self, text: str) -> None:
        """Send the bare server a message."""
        self._valkey.publish(CHANNEL, text)

    def _execute(self, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def whole(self) -> str:
        """Return the text of an event as `record` makes it."""
        self.record()
        head = log.head()
        [event] = log.page(None, after=head.position - 1, upto=head.position).events
        return log.envelope(event, head.epoch).encoded


def filled() -> dict[str, str]:
    """Return data of so many bytes."""
    empty = len(json.dumps({"text": ""}, separators=(",", ":")))
    return {"text": "x" * (BYTES - empty)}


def small(topic: str, epoch: str, position: int) -> str:
    """Return an event of so many bytes in all."""
    cursors = f'"cursor":"{epoch}-{position}","previous":"{epoch}-{position - 1}"'
    start = f'{{"specversion":"1.0","id":"{EVENT_ID}","type":"{TICK.name}","topic":"{topic}",{cursors},"data":"'
    return f'{start}{"x" * (BYTES - len(start) - 2)}"}}'
