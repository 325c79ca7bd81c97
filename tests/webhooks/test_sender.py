import asyncio
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import standardwebhooks
from django.db import connection, transaction
from django.utils import timezone

from events import log
from events.encoding import encode
from events.models import Event
from webhooks import actions, schedule, sender
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.sender import Outcome, claim, next_due_seconds, record, run
from webhooks.transport import Response

pytestmark = pytest.mark.django_db(transaction=True)

CHECKOUT = Path(__file__).resolve().parents[2]


def make_due(**which):
    Delivery.objects.filter(**which).update(next_attempt_at=timezone.now())


def outcome(job, status=None, error=""):
    return Outcome(job, timezone.now(), {"webhook-id": str(job.event_id)}, Response(status, error=error, duration_ms=7))


def settled(delivery):
    delivery.refresh_from_db()
    return delivery.status, delivery.attempts, delivery.last_status_code


# -- Claiming ----------------------------------------------------------------------------------------------------------


def test_what_is_due_is_claimed_once_with_its_body_and_its_number(endpoint, alice, deliver):
    made = endpoint(alice)
    [delivery] = deliver("ding")
    [job] = claim(10)
    event = Event.objects.get(position=delivery.position)
    assert (job.delivery_id, job.endpoint, job.number) == (delivery.pk, made, 1)
    assert job.body.decode() == encode(log.as_cloud_event(event, log.head().epoch))
    assert claim(10) == []


def test_what_is_not_due_or_no_longer_pending_is_not_claimed(endpoint, alice, deliver):
    endpoint(alice)
    later, done = deliver("later", "done")
    Delivery.objects.filter(pk=later.pk).update(next_attempt_at=timezone.now() + timedelta(seconds=30))
    Delivery.objects.filter(pk=done.pk).update(status="succeeded")
    assert claim(10) == []


def test_a_paused_endpoints_deliveries_wait_until_it_goes_on(endpoint, alice, deliver):
    made = endpoint(alice)
    deliver("ding")
    actions.change_endpoint(made, enabled=False)
    assert claim(10) == []
    actions.change_endpoint(made, enabled=True)
    assert len(claim(10)) == 1


def test_the_oldest_are_claimed_first_and_no_more_than_there_is_room_for(endpoint, alice, deliver):
    endpoint(alice)
    first, second, third = deliver(*"abc")
    for number, delivery in enumerate((third, first, second)):
        make_due(pk=delivery.pk)
        Delivery.objects.filter(pk=delivery.pk).update(next_attempt_at=timezone.now() - timedelta(minutes=9 - number))
    assert {job.delivery_id for job in claim(2)} == {third.pk, first.pk}


def test_an_endpoint_gets_only_its_share_and_what_flies_counts(endpoint, alice, mallory, deliver, settings):
    settings.TIDEWIRE_WEBHOOKS_IN_FLIGHT = 24
    slow, other = endpoint(alice), endpoint(mallory)
    deliver(*"abcde")
    share = [job.endpoint for job in claim(24, {slow.pk: 2})]
    assert (share.count(slow), share.count(other)) == (1, 3)
    assert [job.endpoint for job in claim(24, {slow.pk: 9, other.pk: 1})] == [other, other]


def test_a_lease_outlives_the_deadline_and_one_that_has_ended_is_claimed_again(endpoint, alice, deliver, settings):
    settings.TIDEWIRE_WEBHOOKS_DEADLINE_SECONDS = 500
    endpoint(alice)
    [delivery] = deliver("ding")
    [job] = claim(10)
    delivery.refresh_from_db()
    assert delivery.lease_until - timezone.now() > timedelta(seconds=500)
    Delivery.objects.update(lease_until=timezone.now())
    [again] = claim(10)
    assert (again.delivery_id, again.number) == (job.delivery_id, 1)
    assert again.claim != job.claim


def test_two_senders_at_the_same_moment_claim_different_deliveries(
    endpoint, alice, deliver, other_connection, settings
):
    settings.TIDEWIRE_WEBHOOKS_IN_FLIGHT = 1
    endpoint(alice)
    deliveries = deliver("a", "b")
    parameters = {"lease": 60, "limit": 10, "each": 8, "busy": [], "flying": []}
    with transaction.atomic(), other_connection() as other:
        [ours] = claim(1)
        other.execute("SET lock_timeout = '5s'")
        [(theirs, _)] = other.execute(sender.CLAIM, parameters).fetchall()
    assert {theirs, ours.delivery_id} == {delivery.pk for delivery in deliveries}
    assert claim(10) == []


def test_a_claim_reads_what_is_due_by_its_index_however_much_waits_for_paused_endpoints(endpoint, alice, mallory):
    paused, other = endpoint(alice), endpoint(mallory)
    actions.change_endpoint(paused, enabled=False)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO webhooks_delivery "
            "(endpoint_id, event_id, event_type, position, status, attempts, next_attempt_at, created_at) "
            "SELECT CASE WHEN n %% 100 = 0 THEN %s ELSE %s END, gen_random_uuid(), 't.a.b', n, 'pending', 0, "
            "now() - make_interval(secs => 1 / n::float), now() FROM generate_series(1, 20000) AS n",
            [other.pk, paused.pk],
        )
        cursor.execute("ANALYZE webhooks_delivery, webhooks_endpoint")
        parameters = {"lease": 60, "limit": 64, "each": 8, "busy": [], "flying": []}
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sender.CLAIM}", parameters)
        plan = cursor.fetchone()[0]
    plan = plan if isinstance(plan, str) else json.dumps(plan)
    assert "webhooks_delivery_due" in plan
    read = [node for node in nodes(json.loads(plan)[0]["Plan"]) if node.get("Relation Name") == "webhooks_delivery"]
    assert max(node["Actual Rows"] * node["Actual Loops"] for node in read) <= 64


def nodes(plan):
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def test_a_delivery_whose_event_is_gone_is_cancelled(endpoint, alice, deliver):
    endpoint(alice)
    gone, there = deliver("gone", "there")
    Event.objects.filter(position=gone.position).delete()
    assert [job.delivery_id for job in claim(10)] == [there.pk]
    gone.refresh_from_db()
    assert (gone.status, gone.next_attempt_at, gone.claim) == ("cancelled", None, None)


# -- Recording ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 204, 299])
def test_any_2xx_is_success(endpoint, alice, deliver, status):
    endpoint(alice)
    [delivery] = deliver("ding")
    record([outcome(job, status) for job in claim(10)])
    assert settled(delivery) == ("succeeded", 1, status)
    assert (delivery.next_attempt_at, delivery.claim, delivery.lease_until) == (None, None, None)


@pytest.mark.parametrize("status", [500, 404, 301, 199, 429, None])
def test_anything_else_is_tried_again_after_five_seconds_within_twenty_percent(endpoint, alice, deliver, status):
    endpoint(alice)
    [delivery] = deliver("ding")
    before = timezone.now()
    record([outcome(job, status, error="" if status else "timed out") for job in claim(10)])
    assert settled(delivery) == ("pending", 1, status)
    assert timedelta(seconds=4) < delivery.next_attempt_at - before < timedelta(seconds=6)
    assert (delivery.claim, delivery.lease_until) == (None, None)


def test_each_try_is_written_down(endpoint, alice, deliver):
    endpoint(alice)
    [delivery] = deliver("ding")
    for error in ("refused", "timed out"):
        make_due()
        record([outcome(job, error=error) for job in claim(10)])
    tries = Attempt.objects.filter(delivery=delivery).values_list("number", "error", "duration_ms", "status_code")
    assert list(tries) == [(1, "refused", 7, None), (2, "timed out", 7, None)]


def test_after_the_last_try_the_delivery_is_exhausted(endpoint, alice, deliver):
    endpoint(alice)
    [delivery] = deliver("ding")
    for number in range(1, len(schedule.DELAYS) + 2):
        assert delivery.status == "pending"
        make_due()
        [job] = claim(10)
        assert job.number == number
        record([outcome(job, 500)])
        delivery.refresh_from_db()
    assert settled(delivery) == ("exhausted", len(schedule.DELAYS) + 1, 500)
    assert delivery.next_attempt_at is None


def test_410_switches_the_endpoint_off_and_cancels_what_still_waits_for_it(endpoint, alice, mallory, deliver):
    made, other = endpoint(alice), endpoint(mallory, topics=["*"])
    first, *_ = deliver("a", "b")
    [job, flying] = [job for job in claim(10) if job.endpoint == made]
    record([outcome(job, 410)])
    made.refresh_from_db()
    assert (made.enabled, made.disabled_reason) == (False, "The receiver answered 410 Gone.")
    record([outcome(flying, 500)])
    mine = Delivery.objects.filter(endpoint=made).order_by("pk").values_list("status", "next_attempt_at")
    assert list(mine) == [("failed", None), ("cancelled", None)]
    assert Delivery.objects.filter(endpoint=other, status="pending").count() == 2
    assert first.position is not None


def test_only_the_holder_of_the_claim_records(endpoint, alice, deliver):
    endpoint(alice)
    [delivery] = deliver("ding")
    [late] = claim(10)
    Delivery.objects.update(lease_until=timezone.now())
    [holder] = claim(10)
    record([outcome(late, 500)])
    assert settled(delivery) == ("pending", 0, None)
    record([outcome(holder, 200), outcome(late, 500)])
    assert settled(delivery) == ("succeeded", 1, 200)
    assert Attempt.objects.count() == 1


def test_what_was_deleted_meanwhile_records_nothing(endpoint, alice, deliver):
    made = endpoint(alice)
    deliver("ding")
    jobs = claim(10)
    made.delete()
    record([outcome(job, 200) for job in jobs])
    assert not Attempt.objects.exists()


# -- Running -----------------------------------------------------------------------------------------------------------


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


def test_a_second_try_has_the_same_id_and_a_signature_of_its_own_time(endpoint, alice, deliver, receiver, monkeypatch):
    made = endpoint(alice, url=f"{receiver.url}/hook")
    [delivery] = deliver("ding")
    receiver.answers["/hook"] = 500
    run()
    receiver.answers.clear()
    make_due()
    monkeypatch.setattr(sender.timezone, "now", lambda: real_now() + timedelta(seconds=60))
    real_now = timezone.datetime.now().astimezone
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


def test_only_one_sender_runs_at_a_time_and_the_lock_is_free_afterwards(
    endpoint, alice, deliver, receiver, other_connection
):
    endpoint(alice, url=f"{receiver.url}/hook")
    deliver("ding")
    with other_connection() as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [sender.LOCK_KEY])
        assert run() is None
        other.rollback()
    assert run() == 1
    with other_connection() as other:
        assert other.execute("SELECT pg_try_advisory_lock(%s)", [sender.LOCK_KEY]).fetchone()[0]


def test_a_run_that_fails_frees_the_lock(monkeypatch, other_connection):
    def fail(*about):
        raise RuntimeError("broken")

    monkeypatch.setattr(sender, "claim", fail)
    with pytest.raises(RuntimeError):
        run()
    with other_connection() as other:
        assert other.execute("SELECT pg_try_advisory_lock(%s)", [sender.LOCK_KEY]).fetchone()[0]


def test_a_run_comes_to_an_end_and_leaves_the_rest_to_the_next(endpoint, alice, deliver, receiver, monkeypatch):
    monkeypatch.setattr(sender, "RUN_SECONDS", 0)
    endpoint(alice, url=f"{receiver.url}/hook")
    deliver("ding")
    assert run() == 0
    monkeypatch.undo()
    assert Delivery.objects.get().claim is None


SEND = """
import django
django.setup()
from webhooks import sender
sender.run()
"""


def test_a_sender_that_is_killed_loses_nothing_and_it_is_sent_again_after_the_lease(endpoint, alice, deliver, receiver):
    endpoint(alice, url=f"{receiver.url}/hook")
    [delivery] = deliver("ding")
    receiver.answers["/hook"] = when(receiver, lambda: False)
    process = subprocess.Popen([sys.executable, "-c", SEND], cwd=CHECKOUT, env=environment())
    asyncio.run_coroutine_threadsafe(receiver.wait(lambda: receiver.got), receiver.loop).result(30)
    process.kill()
    assert process.wait(10) == -9
    assert settled(delivery) == ("pending", 0, None)
    assert claim(10) == []

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


# -- When to come back -------------------------------------------------------------------------------------------------


def test_without_anything_due_soon_nobody_comes_back(endpoint, alice, deliver):
    assert next_due_seconds() is None
    endpoint(alice)
    deliver("ding")
    Delivery.objects.update(next_attempt_at=timezone.now() + timedelta(seconds=sender.SOON_SECONDS + 5))
    assert next_due_seconds() is None


def test_the_next_that_is_due_soon_says_when(endpoint, alice, deliver):
    endpoint(alice)
    first, second = deliver("a", "b")
    Delivery.objects.filter(pk=first.pk).update(next_attempt_at=timezone.now() + timedelta(seconds=9))
    Delivery.objects.filter(pk=second.pk).update(next_attempt_at=timezone.now() + timedelta(seconds=5))
    assert 3 < next_due_seconds() <= 5
    make_due(pk=first.pk)
    assert next_due_seconds() == 0


@pytest.mark.parametrize("state", ["leased", "paused", "done", "long overdue"])
def test_what_nobody_should_come_back_for_is_left_out(endpoint, alice, deliver, state):
    endpoint(alice)
    deliver("ding")
    now = timezone.now()
    changes = {
        "leased": {"lease_until": now, "claim": uuid4()},
        "done": {"status": "succeeded"},
        "long overdue": {"next_attempt_at": now - timedelta(seconds=10)},
    }
    Endpoint.objects.update(enabled=state != "paused")
    Delivery.objects.update(**{"next_attempt_at": now} | changes.get(state, {}))
    assert next_due_seconds() is None
