"""Makes endpoints to send to: `python -m benchmarks.receivers COUNT`; prints their owners' topics as JSON."""

import json
import sys

from config.environment import adopt_development_environment

adopt_development_environment()

import django  # noqa: E402  the environment comes first

django.setup()

from access.models import User  # noqa: E402
from webhooks import actions  # noqa: E402


def main() -> None:
    """Make an owner for each."""
    names = [f"receiver-{number}" for number in range(int(sys.argv[1]))]
    User.objects.bulk_create(User(username=name) for name in names)
    topics = []
    for owner in User.objects.filter(username__in=names).order_by("pk"):
        topics.append(f"users.{owner.pk}")
        actions.create_endpoint(owner, url="http://127.0.0.1:1/ok/", topics=topics[-1:])
    print(json.dumps(topics))


if __name__ == "__main__":
    main()
