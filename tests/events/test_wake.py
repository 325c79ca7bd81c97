import json
import threading

import pytest
from celery import current_app
from django.core.cache import cache
from redis.exceptions import ConnectionError as NoConnection

from events import wake
from events.wake import Waker

DEAD = "redis://127.0.0.1:1/0"


@pytest.fixture
def queue():
    """Return the names of the tasks that wait in the real broker; the fixture that empties the cache empties it too."""
    client = cache._cache.get_client(write=True)
    return lambda: [json.loads(message)["headers"]["task"] for message in client.lrange("celery", 0, -1)][::-1]


@pytest.fixture
def sent(monkeypatch):
    """What wakers have given to the broker, and an event that tells of it."""
    sent = []
    sent_event = threading.Event()
    monkeypatch.setattr(wake, "send", lambda *wanted: (sent.append(wanted), sent_event.set()))
    return sent, sent_event


@pytest.fixture
def hanging(monkeypatch):
    """A broker that accepts and never answers; what was given to it, and how to let it go on."""
    given, entered, go_on = [], threading.Event(), threading.Event()

    def send(*wanted):
        given.append(wanted)
        entered.set()
        go_on.wait(30)

    monkeypatch.setattr(wake, "send", send)
    yield given, entered, go_on
    go_on.set()


def test_asking_never_waits_for_a_broker_that_hangs(hanging):
    given, entered, go_on = hanging
    waker = Waker()
    waker.want("tests.first")
    assert entered.wait(10)
    asking = threading.Thread(target=waker.want, args=("tests.second",), daemon=True)
    asking.start()
    asking.join(10)
    assert not asking.is_alive()
    assert given == [("tests.first", (), 0)]
    # What waits is not left to be given to the next test's broker.
    go_on.set()
    waker.flush(10)


def test_what_is_asked_for_again_before_it_was_sent_is_sent_once_at_the_soonest(hanging):
    given, entered, go_on = hanging
    waker = Waker()
    waker.want("tests.first")
    assert entered.wait(10)
    for delay in (15, 0, 5):
        waker.want("tests.again", (), delay)
    waker.want("tests.again", ("other",))
    go_on.set()
    waker.flush(10)
    assert given[1:] == [("tests.again", (), 0), ("tests.again", ("other",), 0)]


def test_what_waits_is_bounded(hanging, monkeypatch):
    monkeypatch.setattr(wake, "QUEUE_LIMIT", 3)
    given, entered, go_on = hanging
    waker = Waker()
    waker.want("tests.first")
    assert entered.wait(10)
    for number in range(10):
        waker.want("tests.many", (number,))
    go_on.set()
    waker.flush(10)
    assert given[1:] == [("tests.many", (number,), 0) for number in range(3)]


def test_after_trouble_the_next_wake_up_is_sent(monkeypatch, sent, caplog):
    monkeypatch.setattr(wake, "BREAKER_SECONDS", 0)
    (sent, told), send, refused = sent, wake.send, threading.Event()

    def refuse(*wanted):
        monkeypatch.setattr(wake, "send", send)
        refused.set()
        raise ConnectionError("refused")

    monkeypatch.setattr(wake, "send", refuse)
    waker = Waker()
    waker.want("tests.lost")
    assert refused.wait(10)
    waker.want("tests.next")
    assert told.wait(10)
    assert sent == [("tests.next", (), 0)]
    assert "No wake-up was sent (refused)" in caplog.text


def test_flush_waits_until_all_was_given(hanging):
    given, entered, go_on = hanging
    waker = Waker()
    waker.want("tests.first")
    assert entered.wait(10)
    waker.want("tests.second")
    threading.Timer(0.05, go_on.set).start()
    waker.flush(10)
    assert len(given) == 2


def test_flush_gives_up_on_a_broker_that_hangs(hanging):
    _, entered, go_on = hanging
    waker = Waker()
    waker.want("tests.first")
    assert entered.wait(10)
    waker.flush(0.01)
    assert not go_on.is_set()


@pytest.fixture
def calls(monkeypatch):
    """The calls to resident relays, of which this process knows nothing yet."""
    calls = []
    monkeypatch.setattr("events.channel.call", calls.append)
    monkeypatch.setattr(wake, "_residents", {})
    return calls


def test_a_resident_relay_that_lives_is_called_and_no_worker(queue, calls):
    wake.show_resident()
    wake.send(wake.RELAY)
    wake.send("tests.wake")
    assert calls == ["relay"]
    assert queue() == ["tests.wake"]


@pytest.fixture
def other_resident(monkeypatch):
    """Another app's resident process, to which a task and a subscriber are left."""
    monkeypatch.setattr(wake, "_left_to", {})
    monkeypatch.setattr(wake, "_followed_by", {})
    wake.leave_to("night", "tests.wake")
    wake.follow_with("night", "owls")


def test_what_is_left_to_another_apps_resident_process_calls_that_one_while_it_lives(queue, calls, other_resident):
    wake.show_resident("night")
    wake.send("tests.wake")
    wake.send("tests.wake", delay_seconds=5)
    assert (queue(), calls) == (["tests.wake"], ["night"])


def test_a_subscriber_that_a_resident_process_follows_for_needs_no_waking_while_it_lives(queue, calls, other_resident):
    wake.show_resident("night")
    wake.send(wake.SUBSCRIBER, ("owls",))
    wake.send(wake.SUBSCRIBER, ("larks",))
    assert (queue(), calls) == ([wake.SUBSCRIBER], [])


@pytest.mark.parametrize(("task", "args"), [("tests.wake", ()), (wake.SUBSCRIBER, ("owls",))])
def test_without_that_process_workers_are_woken(queue, calls, other_resident, task, args):
    wake.send(task, args)
    assert (queue(), calls) == ([task], [])


def test_calls_are_one_until_the_flag_is_cleared(calls):
    wake.show_resident()
    wake.send(wake.RELAY)
    wake.send(wake.RELAY)
    assert calls == ["relay"]
    wake.clear(wake.RELAY)
    wake.send(wake.RELAY)
    assert calls == ["relay", "relay"]


def test_without_a_resident_relay_a_worker_is_woken(queue, calls):
    wake.send(wake.RELAY)
    assert (queue(), calls) == ([wake.RELAY], [])


def test_a_resident_relay_that_has_ended_is_called_no_more(queue, calls):
    wake.show_resident()
    wake.show_resident(lives=False)
    wake.send(wake.RELAY)
    assert (queue(), calls) == ([wake.RELAY], [])


def test_a_resident_relay_that_was_killed_is_forgotten_within_seconds():
    wake.show_resident()
    assert 0 < cache._cache.get_client().pttl(cache.make_key(wake._life("relay"))) <= 3000


def test_while_one_is_on_its_way_no_other_is_sent_until_its_flag_is_cleared(queue):
    wake.send("tests.wake")
    wake.send("tests.wake")
    assert queue() == ["tests.wake"]
    wake.clear("tests.wake")
    wake.send("tests.wake")
    assert queue() == ["tests.wake", "tests.wake"]


def test_the_flag_is_that_of_the_task_with_its_arguments(queue):
    wake.send("tests.wake", ("a",))
    wake.send("tests.wake", ("b",))
    wake.clear("tests.wake", "b")
    wake.send("tests.wake", ("a",))
    wake.send("tests.wake", ("b",))
    assert len(queue()) == 3


def test_a_flag_falls_by_itself_within_a_second():
    wake.send("tests.wake")
    assert 0 < cache._cache.get_client().pttl(cache.make_key(wake._flag("tests.wake", ()))) <= 1000


def test_later_wake_ups_for_one_moment_are_one_and_expire_after_it(monkeypatch):
    given = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **options: given.append(options))
    monkeypatch.setattr("events.wake.time.time", lambda: 1_000_000.04)
    for delay in (5, 5.001, 60):
        wake.send("tests.wake", (), delay)
    wake.send("tests.wake")
    assert [options["countdown"] for options in given] == [5, 60, None]
    assert all(options["expires"] > (options["countdown"] or 0) for options in given)


def test_a_dead_cache_clears_nothing_and_raises_nothing(settings):
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": DEAD}}
    with pytest.raises(NoConnection):
        wake.send("tests.wake")
    wake.clear("tests.wake")
    wake.show_resident()
    assert not wake.resident_lives()


def test_a_process_that_ends_has_its_wake_up_sent_first(python, queue):
    done = python("from events import wake\nwake.task('tests.of_a_command')")
    assert done.returncode == 0, done.stderr
    assert queue() == ["tests.of_a_command"]


def test_a_change_is_committed_though_cache_and_broker_are_dead(python, monkeypatch):
    monkeypatch.setenv("REDIS_URL", DEAD)
    done = python(
        "from django.db import transaction\n"
        "from events import wake\n"
        "with transaction.atomic():\n"
        "    transaction.on_commit(wake.relay)\n"
        "wake._waker.flush(5)\n"
        "print('committed')"
    )
    assert done.stdout == "committed\n", done.stderr
    assert "No wake-up was sent" in done.stderr


def test_a_forked_child_sends_its_own_though_its_parent_was_sending(python, queue):
    done = python(
        "import os, signal, threading\n"
        "from events import wake\n"
        "wake.task('tests.of_the_parent')\n"
        "wake._waker.flush(5)\n"
        "held = threading.Event()\n"
        "threading.Thread(target=lambda: (wake._waker._changed.acquire(), held.set()), daemon=True).start()\n"
        "held.wait()\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    signal.alarm(10)\n"
        "    wake.task('tests.of_the_child')\n"
        "    wake._waker.flush(5)\n"
        "    os._exit(0)\n"
        "print(os.waitpid(child, 0)[1], flush=True)\n"
        "os._exit(0)"
    )
    assert done.stdout == "0\n", done.stderr
    assert queue() == ["tests.of_the_parent", "tests.of_the_child"]
