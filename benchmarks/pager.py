"""One process that reads timelines and pushes entries: `python -m benchmarks.pager`, started by `benchmarks.feeds`.

The requests go through the whole application (middleware, key, view, serializer) without a network. Prints one JSON
object at the end, durations in milliseconds.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Iterable
from typing import Any

from config.environment import adopt_development_environment

adopt_development_environment()

import django  # noqa: E402  the environment comes first

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Max  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from rest_framework.test import APIClient  # noqa: E402

from access import keys  # noqa: E402
from access.models import User  # noqa: E402
from feeds import fanout, materialisation, timeline  # noqa: E402
from feeds.models import Entry, Fanout, Feed, TimelineReader  # noqa: E402

PAGE = 20


def timed(calls: Iterable[Callable[[], Any]]) -> list[float]:
    """Return how long each call takes."""
    took = []
    for call in calls:
        began = time.perf_counter()
        call()
        took.append(1000 * (time.perf_counter() - began))
    return took


def clients(readers: list[User]) -> list[APIClient]:
    """Return a client for each reader, with a key."""
    made = [APIClient(HTTP_AUTHORIZATION=f"Bearer {keys.mint(reader)}") for reader in readers]
    for client in made:
        client.get("/api/v1/feeds/?page_size=1", headers={"host": "localhost"})
    return made


def get(client: APIClient) -> None:
    """Read the first page of a timeline."""
    response = client.get(f"/api/v1/timeline/?page_size={PAGE}", headers={"host": "localhost"})
    assert response.status_code == 200, response.content


def joined(reader: User) -> list[Entry]:
    """Read it as a tutorial does: by a join."""
    return list(Entry.objects.filter(feed__follows__follower=reader).order_by("-id")[:PAGE])


def within(reader: User) -> list[Entry]:
    """Read it as a tutorial does that has heard of subqueries."""
    followed = Feed.objects.filter(follows__follower=reader)
    return list(Entry.objects.filter(feed__in=followed).order_by("-id")[:PAGE])


def read(options: argparse.Namespace) -> dict[str, Any]:
    """Read the timelines of some readers: built for the first time, then again and again, and by the plain queries."""
    dice = random.Random(options.seed)
    readers = list(User.objects.filter(pk__in=dice.sample(range(3, options.users), options.readers)))
    TimelineReader.objects.filter(pk__in=[reader.pk for reader in readers]).update(is_built=False)
    found = {"built": timed(lambda reader=reader: materialisation.welcome(reader.pk) for reader in readers)}
    connection.cursor().execute("ANALYZE feeds_timelineentry, feeds_follow")
    asking = clients(readers)
    for client in asking[:20]:
        get(client)
    found["page"] = timed(lambda client=client: get(client) for _ in range(options.rounds) for client in asking)
    with CaptureQueriesContext(connection) as queries:
        get(asking[0])
    found["queries"] = len(queries)
    propose = timeline._proposal
    found["sql"] = timed(lambda reader=reader: propose(reader.pk, timeline.END, PAGE + 1) for reader in readers)
    some = readers[: options.baseline]
    found["join"] = timed(lambda reader=reader: joined(reader) for reader in some)
    found["subquery"] = timed(lambda reader=reader: within(reader) for reader in some)
    assert [row.pk for row in joined(some[0])] == [row.pk for row in within(some[0])]
    return found


def push(options: argparse.Namespace) -> dict[str, Any]:
    """Push a new entry of each of the two great feeds to all their followers."""
    settings.TIDEWIRE_TIMELINE_PUSH_MAX_FOLLOWERS = 10**9
    found = {}
    for pk in (1, 2):
        feed = Feed.objects.select_related("owner").get(pk=pk)
        entry = Entry.objects.create(feed=feed, author=feed.owner, text="Something new")
        last = Fanout.objects.aggregate(last=Max("position"))["last"] or 0
        Fanout.objects.filter(pk=entry.pk).update(position=last + 1)
        began = time.perf_counter()
        pushed = fanout.run()
        found[str(pk)] = {"followers": feed.follower_count, "pushed": pushed, "seconds": time.perf_counter() - began}
    return found


def main() -> None:
    """Do one of the two, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["read", "push"])
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--readers", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--baseline", type=int, default=40, help="of how many readers the plain queries are measured")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(json.dumps({"read": read, "push": push}[options.what](options)))


if __name__ == "__main__":
    main()
