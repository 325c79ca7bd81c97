import threading

import pytest
from django.db import connection

from events import follower, subscribers, wake
from events.follower import Follower

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def runs(monkeypatch):
    """How often the subscriber was run, by name."""
    runs = []
    monkeypatch.setattr(subscribers, "run", runs.append)
    return runs


@pytest.fixture
def hearing(monkeypatch):
    """What the channel calls when the log grows; ended is whether it still does."""

    class Hearing:
        called, ended = None, False

        def cancel(self):
            self.ended = True

    hearing = Hearing()
    monkeypatch.setattr("events.channel.on_growth", lambda called: setattr(hearing, "called", called) or hearing)
    return hearing


def test_it_runs_its_subscriber_shows_that_it_lives_and_ends_when_told(monkeypatch, runs, hearing):
    one, seen = Follower("owls", "night"), []

    def wait():
        seen.append(wake.resident_lives("night"))
        one.stop()

    monkeypatch.setattr(one, "_wait", wait)
    one.run()
    assert runs == ["owls"]
    assert seen == [True]
    assert hearing.called == one._call
    assert hearing.ended


def test_a_call_ends_the_wait_and_many_are_one(monkeypatch):
    monkeypatch.setattr(follower, "LOOK_SECONDS", 30)
    one = Follower("owls", "night")
    for _ in range(3):
        one._call()
    one._wait()
    assert one._calls.empty()


def test_without_a_call_it_looks_again_by_the_clock(monkeypatch):
    monkeypatch.setattr(follower, "LOOK_SECONDS", 0.01)
    Follower("owls", "night")._wait()


def test_it_outlives_its_connection(monkeypatch):
    pauses, tried = [], []
    monkeypatch.setattr(follower.time, "sleep", pauses.append)

    def run(name):
        tried.append(name)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())" if len(tried) == 1 else "SELECT 1")

    monkeypatch.setattr(subscribers, "run", run)
    one = Follower("owls", "night")
    one._try()
    assert pauses == [follower.RETRY_SECONDS]
    one._try()
    assert tried == ["owls", "owls"]


def test_a_resident_process_is_called_by_its_name_until_that_is_ended(monkeypatch):
    asked, ended = [], threading.Event()

    class Hearing:
        def cancel(self):
            ended.set()

    monkeypatch.setattr("events.channel.on_call", lambda called, name: asked.append((called, name)) or Hearing())
    end = follower.on_call(print, "night")
    assert asked == [(print, "night")]
    end()
    assert ended.is_set()
