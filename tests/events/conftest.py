import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction

from events import relay, subscribers
from events.actions import Fact, record_many
from events.catalogue import event_type
from events.models import Checkpoint
from events.payloads import fields, text

CHECKOUT = Path(__file__).resolve().parents[2]
HAPPENED = event_type("tests.thing.happened", "A thing happened.", fields(thing=text(1000)))
PLACE = ("dbname", "user", "password", "host", "port")


@pytest.fixture
def happened():
    """The event type that these tests record."""
    return HAPPENED


@pytest.fixture
def tell(db):
    """Record these things, and relay them into the log."""

    def make(*things, topic="tests.1"):
        with transaction.atomic():
            record_many(Fact(HAPPENED, topic, f"things/{thing}", {"thing": thing}) for thing in things)
        relay.run()

    return make


@pytest.fixture
def subscriber(db):
    """Declare a subscriber for one test, its checkpoint at the head; return how to read the checkpoint."""
    declared = []

    def make(take, name="tests", types=("tests.*",), **options):
        subscribers.subscriber(name, types=types, **options)(take)
        declared.append(name)
        subscribers.ensure_checkpoints()
        return lambda: Checkpoint.objects.get(pk=name)

    yield make
    for name in declared:
        del subscribers._subscribers[name]


@pytest.fixture
def other_connection(db):
    """Open a second connection to the test's database."""

    @contextmanager
    def make():
        known = connection.get_connection_params()
        with psycopg.connect(**{key: known[key] for key in PLACE if key in known}) as other:
            yield other

    return make


@pytest.fixture
def python(db):
    """Run lines of Python in a process of its own, set up on the test's database."""

    def run(lines):
        known = connection.get_connection_params()
        place = " ".join(f"{key}='{known[key]}'" for key in PLACE if known.get(key))
        environment = {**os.environ, "DATABASE_URL": place, "DJANGO_SETTINGS_MODULE": "config.settings"}
        command = [sys.executable, "-c", f"import django\ndjango.setup()\n{lines}"]
        return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=60)

    return run
