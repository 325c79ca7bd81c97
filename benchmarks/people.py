"""Whoever a benchmark needs: `python -m benchmarks.people 10` makes ten feeds and prints a key and their topics."""

import json
import sys

from config.environment import adopt_development_environment

adopt_development_environment()

import django  # noqa: E402  the environment comes first

django.setup()

from access import keys  # noqa: E402
from access.models import User  # noqa: E402
from feeds.models import Feed  # noqa: E402


def main() -> None:
    """Make them and print."""
    names = [f"benchmark-{number}" for number in range(int(sys.argv[1]))]
    users = [User.objects.filter(username=name).first() or User.objects.create_user(name) for name in names]
    feeds = dict(Feed.objects.filter(slug__in=names).values_list("slug", "pk"))
    print(json.dumps({"key": keys.mint(users[0]), "topics": [f"feeds.{feeds[name]}" for name in names]}))


if __name__ == "__main__":
    main()
