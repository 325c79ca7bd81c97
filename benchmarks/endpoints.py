"""How many events a second become deliveries: `python -m benchmarks.endpoints`.

Starts PostgreSQL of its own, durable as in production, writes events of twenty public feeds into the log, and lets the
subscriber `webhooks` take them in this process while so many endpoints listen. Nothing is sent.
"""

import argparse
import os
import time

from benchmarks.conditions import describe
from benchmarks.stacks import server

FEEDS = 20
CASES = {
    "nobody listens": (0, "{feed}"),
    "1 endpoint, for everything": (1, "*"),
    "100 endpoints, each for one of 20 feeds (5 deliveries an event)": (100, "{feed}"),
    "10000 endpoints, each for a topic on which nothing happens": (10_000, "feeds.{other}"),
}

FILL = """
    INSERT INTO events_event (position, event_id, type, topic, subject, data, time, previous)
    SELECT %(after)s + row, gen_random_uuid(), 'feeds.entry.counted', 'feeds.' || %(feed)s + row %% 20, 'entries/1',
           jsonb_build_object('entry', jsonb_build_object('id', row, 'text', repeat('x', 500))), now(), 0
    FROM generate_series(1, %(count)s::int) AS row
"""


def fill(count: int, first_feed: int) -> None:
    """Write events behind the head, as the relay leaves them."""
    from django.db import connection, transaction

    from events import log

    after = log.head().position
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(FILL, {"after": after, "count": count, "feed": first_feed})
        cursor.execute("UPDATE events_loghead SET position = %s", [after + count])


def listen(owner, count: int, topic: str, first_feed: int) -> None:
    """Make so many endpoints and no others."""
    from events import log
    from webhooks.models import Delivery, Endpoint

    Delivery.objects.all().delete()
    Endpoint.objects.all().delete()
    named = [topic.format(feed=f"feeds.{first_feed + n % FEEDS}", other=first_feed + FEEDS + n) for n in range(count)]
    rows = [
        Endpoint(owner=owner, url="https://example.com/", topics=[name], created_position=log.head().position)
        for name in named
    ]
    Endpoint.objects.bulk_create(rows, batch_size=1000)


def measure(count: int) -> float:
    """Return how many of the events a second the subscriber takes."""
    from events import subscribers

    began = time.perf_counter()
    taken = subscribers.run("webhooks")
    assert taken >= count, taken
    return taken / (time.perf_counter() - began)


def main() -> None:
    """Measure each case and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    options = parser.parse_args()
    with server() as stack:
        os.environ.update(stack.environment)
        describe(stack.environment["DATABASE_URL"])
        import django

        from config import environment  # noqa: F401  names the settings module

        django.setup()
        run(options.events)


def run(count: int) -> None:
    """Measure with a database at hand."""
    from access.models import User
    from feeds.models import Feed
    from webhooks.models import Delivery

    owner = User.objects.create_user(username="owner", password="x")
    feeds = [Feed.objects.create(owner=owner, slug=f"feed-{n}", title="A feed") for n in range(FEEDS)]
    for name, (endpoints, topic) in CASES.items():
        listen(owner, endpoints, topic, feeds[0].pk)
        fill(count, feeds[0].pk)
        rate = measure(count)
        print(f"{name}: {rate:.0f} events/s, {Delivery.objects.count()} deliveries")


if __name__ == "__main__":
    main()
