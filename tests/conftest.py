"""The cast, and what every test may lean on. alice owns a feed; bob and carol follow it; mallory is always refused."""

import pytest
from django.core.cache import cache
from django.db import connection, connections
from rest_framework.test import APIClient

from access import keys
from access.models import User
from events import declared, relay, subscribers, wake
from events.models import Event, Outbox
from feeds import actions
from feeds.models import Feed

PASSWORD = "tidewire"


@pytest.fixture(scope="session")
def django_db_modify_db_settings():
    # Threads of the live side must not keep a connection to a database that is about to be dropped.
    connections.settings["default"]["CONN_MAX_AGE"] = 0


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    yield
    # Threads that ran a test's queries may still hold a connection; the database could not be dropped.
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        others = "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")


@pytest.fixture(autouse=True)
def _settings(settings):
    settings.TIDEWIRE_VALIDATE_PAYLOADS = True
    settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.SERVESTATIC_USE_FINDERS = settings.SERVESTATIC_AUTOREFRESH = True
    settings.ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture(autouse=True)
def wakes(monkeypatch):
    """The wake-ups that were asked for; no broker hears of them."""
    asked = []
    monkeypatch.setattr(wake._waker, "want", lambda task, args=(), delay_seconds=0: asked.append((task, *args)))
    return asked


@pytest.fixture(autouse=True)
def announced(monkeypatch):
    """The batches that the live side was told of; no channel layer hears of them."""
    told = []
    monkeypatch.setattr("events.channel.announce", lambda epoch, events: told.append((epoch, list(events))))
    return told


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()
    # What a test declared is rolled back without a word.
    declared.forget()


def person(name):
    return User.objects.create_user(username=name, password=PASSWORD)


@pytest.fixture
def alice(db):
    return person("alice")


@pytest.fixture
def feed(alice):
    return Feed.objects.get(slug="alice")


@pytest.fixture
def bob(feed):
    bob = person("bob")
    actions.follow_feed(feed, by=bob)
    return bob


@pytest.fixture
def carol(feed):
    carol = person("carol")
    actions.follow_feed(feed, by=carol)
    return carol


@pytest.fixture
def mallory(db):
    return person("mallory")


@pytest.fixture
def api():
    """Make an API client that calls with a key of the user's; without a user, anonymously."""

    def make(user=None, **headers):
        client = APIClient()
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {keys.mint(user)}", **headers)
        return client

    return make


@pytest.fixture
def publish(feed):
    """Publish an entry in alice's feed."""

    def make(text="Hello", **fields):
        return actions.publish_entry(feed, by=feed.owner, text=text, **fields)

    return make


@pytest.fixture
def flow(db):
    """Let the events that were recorded flow: through the relay, then through every subscriber, until all is quiet."""

    def run():
        while relay.run():
            for name in subscribers.names():
                subscribers.run(name)

    return run


@pytest.fixture
def log(db):
    """Return the types of the events in the log after the relay has run."""

    def read(*fields):
        relay.run()
        events = Event.objects.order_by("position")
        return list(events.values_list(*fields)) if fields else list(events.values_list("type", flat=True))

    return read


@pytest.fixture
def outbox(db):
    """Return the types of the events in the outbox."""
    return lambda: list(Outbox.objects.order_by("id").values_list("type", flat=True))


@pytest.fixture
def query_count():
    """Return how many queries a call makes."""
    from django.test.utils import CaptureQueriesContext

    def count(call):
        with CaptureQueriesContext(connection) as captured:
            call()
        return len(captured)

    return count
