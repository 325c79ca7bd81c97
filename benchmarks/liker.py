"""One process whose users like one entry: `python -m benchmarks.liker`, started by `benchmarks.feeds`.

Each user likes it once, through the action that the API and the pages call, or as the baseline by saving a row, one
statement after the other. Prints one JSON object at the end.
"""

import argparse
import json
import time

from config.environment import adopt_development_environment

adopt_development_environment()

import django  # noqa: E402  the environment comes first

django.setup()

from access.models import User  # noqa: E402
from events import wake  # noqa: E402
from feeds import actions  # noqa: E402
from feeds.models import Entry, Reaction  # noqa: E402


def like(options: argparse.Namespace) -> dict:
    """Like the entry as one user after the other until the time is over; return how long each like took."""
    entry = Entry.objects.for_viewer(User(pk=options.first)).get(pk=options.entry)
    users = list(User.objects.filter(pk__gte=options.first).order_by("pk")[: options.users])
    warm()
    time.sleep(max(0.0, options.start - time.time()))
    like_as = {
        "action": lambda entry, user: actions.like_entry(entry, by=user),
        "saved": lambda entry, user: Reaction.objects.create(entry=entry, user=user),
    }
    began, took = time.perf_counter(), []
    used = time.process_time()
    for user in users:
        if (now := time.perf_counter()) - began > options.seconds:
            break
        like_as[options.way](entry, user)
        took.append(time.perf_counter() - now)
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - used, "took": took}


def warm() -> None:
    """Give the first wake-up, which imports what later ones find, as in a server that has run for a while."""
    wake.send(wake.RELAY)


def main() -> None:
    """Like, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entry", type=int, required=True)
    parser.add_argument("--first", type=int, required=True, help="the first user's id")
    parser.add_argument("--users", type=int, default=3000, help="how many users, one like each")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--way", choices=["action", "saved"], default="action")
    parser.add_argument("--start", type=float, default=0, help="when to begin, in seconds since 1970")
    print(json.dumps(like(parser.parse_args())))


if __name__ == "__main__":
    main()
