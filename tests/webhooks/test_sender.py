import asyncio
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import standardwebhooks
from django.db import connection
from django.utils import timezone

from tests.webhooks.conftest import make_due, settled
from webhooks import sender
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.sender import run

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
    monkeypatch.setattr(sender, "datetime", Later)
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


SEND = """
import django
django.setup()
from webhooks import sender
sender.run()
"""


def test_a_sender_that_is_killed_loses_nothing_and_it_is_sent_again_after_the_lease(
    endpoint, alice, deliver, receiver, claim
):
    endpoint(alice, url=f"{receiver.url}/hook")
    [delivery] = deliver("ding")
    receiver.answers["/hook"] = when(receiver, lambda: False)
    process = subprocess.Popen([sys.executable, "-c", SEND], cwd=CHECKOUT, env=environment())
    asyncio.run_coroutine_threadsafe(receiver.wait(lambda: receiver.got), receiver.loop).result(30)
    process.kill()
    assert process.wait(10) == -9
    assert settled(delivery) == ("pending", 0, None)
    assert claim() == []

    receiver.answers.clear()
    Delivery.objects.update(lease_until=timezone.now())
    assert run_once_free() == 1
    assert settled(delivery) == ("succeeded", 1, 204)
    first, second = receiver.got
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"]


def run_once_free():
    """Run the sender; the server may need a moment to see that a killed one's lock is free."""
    while (sent := run()) is None:
        pass
    return sent


def environment():
    known = connection.get_connection_params()
    place = {key: known[key] for key in ("dbname", "user", "password", "host", "port") if known.get(key)}
    url = " ".join(f"{key}='{value}'" for key, value in place.items())
    own = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings", "TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE": "1"}
    return os.environ | own
