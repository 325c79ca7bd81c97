"""Where a benchmark's events come from. Needs Django set up (`benchmarks.servers.engines`).

Three ways: `record`, as the application does, relayed in this process; `put`, rows and head and the group message
written by hand, so that an event has exactly the wanted bytes on the wire and nothing else limits the rate; and
`send`, to the tutorial's group.
"""

import asyncio
import json
import uuid

from channels.layers import get_channel_layer
from django.db import connection, transaction

from access.models import User
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

ADVANCE = """
    WITH added AS (
        INSERT INTO events_event (position, event_id, type, topic, subject, data, time, previous)
        SELECT position, gen_random_uuid(), %(type)s, %(topic)s, 'ticks/1', '{}', now(), position - 1
        FROM generate_series(%(first)s, %(last)s) AS position
    )
    UPDATE events_loghead SET position = %(last)s WHERE id = 1
"""


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
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")
        relay.ensure_epoch()

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
        facts = [Fact(TICK, topic, "ticks/1", filled()) for _ in range(count) for topic in self.topics]
        with transaction.atomic():
            record_many(facts)
        relay.run()

    def put(self, count: int = 1) -> None:
        """Publish so many events on the first topic, each of so many bytes on the wire."""
        head, topic = log.head(), self.topics[0]
        first, last = head.position + 1, head.position + count
        with connection.cursor() as cursor:
            cursor.execute(ADVANCE, {"type": TICK.name, "topic": topic, "first": first, "last": last})
        texts = [(position, small(topic, head.epoch, position)) for position in range(first, last + 1)]
        channel.announce(head.epoch, [Envelope(position, topic, TICK.name, text) for position, text in texts])

    def positions(self, after: int) -> dict[str, list[int]]:
        """Return the positions of what was published after this one, by topic."""
        found = Event.objects.filter(position__gt=after).order_by("position").values_list("topic", "position")
        positions: dict[str, list[int]] = {topic: [] for topic in self.topics}
        for topic, position in found:
            positions.setdefault(topic, []).append(position)
        return positions

    def send(self, text: str) -> None:
        """Send the tutorial's group a message."""
        self._runner.run(self._layer.group_send(f"{GROUP}.{ROOM}", {"type": "tick", "text": text}))

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
    event = {"specversion": "1.0", "id": str(uuid.uuid4()), "type": TICK.name, "data": "", "topic": topic}
    event |= {"cursor": f"{epoch}-{position}", "previous": f"{epoch}-{position - 1}"}
    event["data"] = "x" * (BYTES - len(json.dumps(event, separators=(",", ":"))))
    return json.dumps(event, separators=(",", ":"))
