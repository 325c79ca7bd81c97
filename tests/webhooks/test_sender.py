import asyncio
import os
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import standardwebhooks
from django.db import connection
from django.utils import timezone

from tests.webhooks.conftest import make_due, settled
from webhooks import flights, recorder, schedule, sender
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.sender import Sender, run
from webhooks.shares import Shares

pytestmark = pytest.mark.django_db(transaction=True)

CHECKOUT = Path(__file__).resolve().parents[2]


def test_what_is_received_is_the_cloud_event_signed_by_standard_webhooks(endpoint, alice, deliver, receiver):
    made = endpoint(alice, url=f"{receiver.url}/hook")
    [delivery] = deliver("dïng")
    assert run() == 1
    [got] = receiver.got
    headers = {name.lower(): value for name, value in got["headers"].items()}
    event = standardwebhooks.Webhook(made.secret).verify(got["body"], headers)
    assert event["id"] == headers["webhook-id"] == str(delivery.event_id)
    assert (event["type"], event["data"]) == ("tests.bell.rang", {"sound": "dïng"})
    assert headers["content-type"] == "application/cloudevents+json"
    assert headers["tidewire-attempt"] == "1"
    assert settled(delivery) == ("succeeded", 1, 204)
    attempt = Attempt.objects.get()
    assert attempt.request_headers["webhook-signature"] == headers["webhook-signature"]


class Later(datetime):
    """A clock that is a minute ahead."""

    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + timedelta(seconds=60)


def test_a_second_try_has_the_same_id_and_a_signature_of_its_own_time(endpoint, alice, deliver, receiver, monkeypatch):
    made = endpoint(alice, url=f"{receiver.url}/hook")
    [delivery] = deliver("ding")
    receiver.answers["/hook"] = 500
    run()
    receiver.answers.clear()
    make_due()
    monkeypatch.setattr(flights, "datetime", Later)
    run()
    first, second = ({name.lower(): value for name, value in got["headers"].items()} for got in receiver.got)
    assert first["webhook-id"] == second["webhook-id"] == str(delivery.event_id)
    assert int(second["webhook-timestamp"]) > int(first["webhook-timestamp"])
    assert first["webhook-signature"] != second["webhook-signature"]
    assert second["tidewire-attempt"] == "2"
    standardwebhooks.Webhook(made.secret).verify(receiver.got[1]["body"], second)


def test_many_deliveries_are_in_flight_together(endpoint, alice, deliver, receiver):
    for number in range(10):
        path = f"/{number}"
        endpoint(alice, url=receiver.url + path)
        receiver.answers[path] = when(receiver, lambda: receiver.now == 50 or len(receiver.got) == 50)
    deliver(*"abcde")
    assert run() == 50
    assert Delivery.objects.filter(status="succeeded").count() == 50


def when(receiver, is_so, status=200):
    """Return an answer that is given when something is true of what has come."""

    async def answer():
        await receiver.wait(is_so)
        return status

    return answer


def test_an_endpoint_that_hangs_holds_up_no_other_however_much_waits_for_it(
    endpoint, alice, deliver, receiver, settings
):
    settings.TIDEWIRE_WEBHOOKS_IN_FLIGHT = 8
    slow = endpoint(alice, url=f"{receiver.url}/slow")
    deliver(*(f"slow {number}" for number in range(20)))
    endpoint(alice, url=f"{receiver.url}/fast")
    receiver.answers["/slow"] = when(receiver, lambda: receiver.paths().count("/fast") == 2)
    deliver("a", "b")
    assert run() == 24
    first_of_fast = receiver.paths().index("/fast")
    assert receiver.paths()[:first_of_fast].count("/slow") <= 1
    assert Delivery.objects.filter(endpoint=slow, status="succeeded").count() == 22


def test_what_becomes_due_while_it_runs_is_sent_too(endpoint, alice, deliver, receiver):
    endpoint(alice, url=f"{receiver.url}/slow", topics=["users.*"])
    endpoint(alice, url=f"{receiver.url}/later", topics=["feeds.*"])
    [later] = deliver("later")
    Delivery.objects.update(next_attempt_at=timezone.now() + timedelta(seconds=0.3))
    deliver("first", topic=f"users.{alice.pk}")
    receiver.answers["/slow"] = when(receiver, lambda: "/later" in receiver.paths())
    assert run() == 2
    assert settled(later) == ("succeeded", 1, 204)


def test_an_endpoint_that_never_answers_is_given_up_and_tried_again(endpoint, alice, deliver, receiver, settings):
    settings.TIDEWIRE_WEBHOOKS_DEADLINE_SECONDS = 0.2
    endpoint(alice, url=f"{receiver.url}/hook")
    receiver.answers["/hook"] = when(receiver, lambda: False)
    [delivery] = deliver("ding")
    run()
    assert settled(delivery) == ("pending", 1, None)
    assert Attempt.objects.get().error == "The endpoint did not finish its answer in time."


def test_an_address_that_is_closed_by_now_gets_nothing(endpoint, alice, deliver, receiver, settings):
    endpoint(alice, url=f"{receiver.url}/hook")
    deliver("ding")
    settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE = False
    run()
    assert receiver.got == []
    assert "loopback" in Attempt.objects.get().error


def test_a_secret_that_cannot_be_read_fails_its_own_delivery_alone(endpoint, alice, mallory, deliver, receiver):
    lost = endpoint(alice, url=f"{receiver.url}/lost")
    endpoint(mallory, url=f"{receiver.url}/hook")
    deliver("ding")
    Endpoint.objects.filter(pk=lost.pk).update(encrypted_secret="of another key")
    assert run() == 2
    assert receiver.paths() == ["/hook"]
    failed = Delivery.objects.get(endpoint=lost)
    assert (failed.status, failed.attempts) == ("pending", 1)
    assert "could not be signed" in Attempt.objects.get(delivery=failed).error


def test_a_run_comes_to_an_end_and_leaves_the_rest_to_the_next(endpoint, alice, deliver, receiver, monkeypatch):
    monkeypatch.setattr(sender, "RUN_SECONDS", 0)
    endpoint(alice, url=f"{receiver.url}/hook")
    deliver("ding")
    assert not run()
    monkeypatch.undo()
    assert Delivery.objects.get().claim is None


KILLED = """
import os, signal, sys
import django
django.setup()
from django.db import transaction
from webhooks import claims, recorder, results, sender

def die(*values):
    os.kill(os.getpid(), signal.SIGKILL)

def then_die(work):
    return lambda *values: (work(*values), die())

@transaction.atomic
def record(done, troubled):
    real(done, troubled)
    die()

real, step = results.record, sys.argv[1]
if step == "after the claim":
    claims.Claims.take = then_die(claims.Claims.take)
elif step == "after the send":
    recorder.Recorder.finish = die
elif step == "before the record":
    results.record = die
elif step == "within the record":
    results.record = record
elif step == "after the record":
    results.record = then_die(real)
sender.run()
"""


@pytest.mark.parametrize(
    ("step", "sent", "is_written"),
    [
        ("after the claim", 0, False),
        ("after the send", 1, False),
        ("before the record", 1, False),
        ("within the record", 1, False),
        ("after the record", 1, True),
    ],
)
def test_killed_at_any_step_a_sender_loses_nothing_and_at_most_one_try_is_made_again(
    endpoint, alice, deliver, receiver, step, sent, is_written, claim
):
    endpoint(alice, url=f"{receiver.url}/hook")
    [delivery] = deliver("ding")
    process = subprocess.run([sys.executable, "-c", KILLED, step], cwd=CHECKOUT, env=environment(), timeout=60)
    assert process.returncode == -9
    assert len(receiver.got) == sent
    assert settled(delivery) == (("succeeded", 1, 204) if is_written else ("pending", 0, None))
    assert claim() == []

    Delivery.objects.update(lease_until=timezone.now())
    run_until(lambda: settled(delivery)[0] == "succeeded")
    assert settled(delivery) == ("succeeded", 1, 204)
    assert len(receiver.got) == sent + (not is_written)
    assert {got["headers"]["webhook-id"] for got in receiver.got} == {str(delivery.event_id)}
    assert Attempt.objects.count() == 1


def run_until(is_so):
    """Run the sender; the server may need a moment to see that a killed one's locks are free."""
    while not is_so():
        run()


def environment():
    known = connection.get_connection_params()
    place = {key: known[key] for key in ("dbname", "user", "password", "host", "port") if known.get(key)}
    url = " ".join(f"{key}='{value}'" for key, value in place.items())
    own = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings", "TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE": "1"}
    return os.environ | own


def test_after_a_first_failure_it_looks_when_the_next_try_is_due_and_a_run_lets_itself_be_woken(
    endpoint, alice, deliver, receiver, wakes, monkeypatch
):
    asked = []
    monkeypatch.setattr(schedule, "wake_sender", asked.append)
    endpoint(alice, url=f"{receiver.url}/hook")
    receiver.answers["/hook"] = 500
    deliver("ding")
    run()
    [seconds] = asked
    assert 0 < seconds < 6


def test_a_sender_that_lasts_makes_the_next_try_when_it_is_due(
    endpoint, alice, deliver, receiver, senders, monkeypatch
):
    monkeypatch.setattr(schedule, "DELAYS", (0.05, 60))
    endpoint(alice, url=f"{receiver.url}/hook")
    receiver.answers["/hook"] = 500
    deliver("ding")
    running = senders(look_seconds=600)
    wait_for(receiver, lambda: len(receiver.got) == 2)
    running.end()


# -- Several senders ---------------------------------------------------------------------------------------------------


class Running:
    """A sender in a thread of its own."""

    def __init__(self, look_seconds=0.05):
        self.sender = Sender(look_seconds=look_seconds)
        self.thread = threading.Thread(target=lambda: asyncio.run(self.sender.run()))
        self.thread.start()

    def end(self):
        self.sender.stop()
        self.thread.join(30)
        assert not self.thread.is_alive()


@pytest.fixture
def senders():
    """Start senders; they are ended with the test."""
    started = []

    def start(**options):
        started.append(Running(**options))
        return started[-1]

    yield start
    for running in started:
        running.end()


def wait_for(receiver, is_so):
    asyncio.run_coroutine_threadsafe(receiver.wait(is_so), receiver.loop).result(30)


def test_where_others_serve_all_endpoints_a_run_sends_nothing(endpoint, alice, deliver, receiver, other_connection):
    endpoint(alice, url=f"{receiver.url}/hook")
    deliver("ding")
    with other_connection() as other:
        other.autocommit = True
        Shares().balance(other, set())
        assert run() is None
    assert receiver.got == []
    assert run() == 1


def test_two_senders_share_the_endpoints_and_no_try_is_made_twice(endpoint, alice, deliver, receiver, senders):
    for number in range(8):
        endpoint(alice, url=f"{receiver.url}/{number}")
    first, second = senders(), senders()
    for _ in range(5):
        deliver(*"abcd")
        first.sender.call(), second.sender.call()
    wait_for(receiver, lambda: len(receiver.got) >= 160)
    first.end(), second.end()
    assert len({(got["path"], got["headers"]["webhook-id"]) for got in receiver.got}) == len(receiver.got) == 160
    assert first.sender.count + second.sender.count == 160
    assert Delivery.objects.filter(status="succeeded", attempts=1).count() == 160


def test_in_order_one_follows_the_other_also_with_two_senders_and_failures(
    endpoint, alice, deliver, receiver, senders, monkeypatch
):
    monkeypatch.setattr(schedule, "DELAYS", (0.05,) * 9)
    endpoint(alice, url=f"{receiver.url}/hook", ordering="fifo")
    at_once, failed = [], set()

    async def answer():
        at_once.append(receiver.now)
        sound = receiver.sounds()[-1]
        if sound in ("2", "5") and sound not in failed:
            failed.add(sound)
            return 500
        return 204

    receiver.answers["/hook"] = answer
    senders(), senders()
    deliver(*"0123")
    deliver(*"4567")
    wait_for(receiver, lambda: "7" in receiver.sounds())
    assert receiver.sounds() == list("0122345567")
    assert set(at_once) == {1}


# -- Limits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limits", "most"), [({}, 16), ({"max_in_flight": 3}, 3), ({"ordering": "fifo"}, 1)])
def test_no_more_is_in_flight_to_an_endpoint_than_it_may_get(endpoint, alice, deliver, receiver, limits, most):
    endpoint(alice, url=f"{receiver.url}/hook", **limits)
    seen = []

    async def answer():
        seen.append(receiver.now)
        await receiver.wait(lambda: receiver.now >= most or len(receiver.got) == 40)
        return 204

    receiver.answers["/hook"] = answer
    deliver(*map(str, range(40)))
    assert run() == 40
    assert max(seen) == most


def test_an_endpoint_gets_no_more_a_second_than_its_rate(endpoint, alice, deliver, receiver):
    endpoint(alice, url=f"{receiver.url}/hook", rate_per_second=20)
    deliver(*map(str, range(30)))
    assert run() == 30
    began = sorted(Attempt.objects.values_list("started_at", flat=True))
    # Nominally 1.45 s; a busy machine may begin the first one late.
    assert began[-1] - began[0] > timedelta(seconds=0.7)


def test_after_some_failures_an_endpoint_is_left_in_peace_and_loses_nothing(
    endpoint, alice, deliver, receiver, settings
):
    made = endpoint(alice, url=f"{receiver.url}/hook", max_in_flight=1)
    receiver.answers["/hook"] = 500
    deliver(*map(str, range(30)))
    run()
    made.refresh_from_db()
    # What was in flight when the breaker opened may have come besides.
    assert settings.TIDEWIRE_WEBHOOKS_BREAKER_FAILURES <= len(receiver.got) < 30
    assert made.postponed_until > timezone.now()
    tried = len(receiver.got)
    assert Delivery.objects.filter(status="pending", attempts=0, lease_until=None).count() == 30 - tried
    assert Delivery.objects.filter(status="pending", attempts=1).count() == tried


# -- The end -----------------------------------------------------------------------------------------------------------


def test_stopped_it_lets_what_flies_land_and_gives_back_the_rest(endpoint, alice, deliver, receiver, senders):
    endpoint(alice, url=f"{receiver.url}/hook", max_in_flight=1)
    go_on = []
    receiver.answers["/hook"] = when(receiver, lambda: go_on)
    running = senders()
    deliver("a", "b", "c")
    running.sender.call()
    wait_for(receiver, lambda: receiver.got)
    running.sender.stop()

    async def let_go():
        async with receiver.news:
            go_on.append(True)
            receiver.news.notify_all()

    asyncio.run_coroutine_threadsafe(let_go(), receiver.loop).result(10)
    running.end()
    assert len(receiver.got) == 1
    assert Delivery.objects.filter(status="succeeded").count() == 1
    assert Delivery.objects.filter(status="pending", attempts=0, lease_until=None, claim=None).count() == 2


def test_what_has_not_landed_within_the_grace_is_given_back(endpoint, alice, deliver, receiver, senders, settings):
    settings.TIDEWIRE_WEBHOOKS_GRACE_SECONDS = 0.1
    endpoint(alice, url=f"{receiver.url}/hook")
    receiver.answers["/hook"] = when(receiver, lambda: False)
    running = senders()
    deliver("ding")
    running.sender.call()
    wait_for(receiver, lambda: receiver.got)
    running.end()
    assert Delivery.objects.filter(status="pending", attempts=0, lease_until=None, claim=None).count() == 1


def test_it_outlives_its_sessions_with_the_database(endpoint, alice, deliver, receiver, senders, monkeypatch):
    monkeypatch.setattr(sender, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(recorder, "RETRY_SECONDS", 0.05)
    endpoint(alice, url=f"{receiver.url}/hook")
    running = senders()
    deliver("before")
    running.sender.call()
    wait_for(receiver, lambda: receiver.got)
    with connection.cursor() as cursor:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    deliver("after")
    running.sender.call()
    wait_for(receiver, lambda: "after" in receiver.sounds())
    running.end()
    assert "after" in receiver.sounds()
    assert not Delivery.objects.filter(event_id=receiver.got[-1]["headers"]["webhook-id"]).exclude(attempts=1).exists()
