import json
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from events import log
from events.encoding import encode
from events.models import Event
from tests.webhooks.conftest import answered, make_due, settled
from webhooks import actions
from webhooks.claims import AHEAD, CLAIM, Claims, Lane
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.results import record
from webhooks.shares import ALL, part_of

pytestmark = pytest.mark.django_db(transaction=True)

# No lanes, the breaker's failures, places, all parts, a limit, a lease.
PARAMETERS = [[], [], [], [], [], 5, 4, 16, list(ALL), 64, 60]


def test_what_is_due_is_claimed_once_with_its_body_and_its_number(endpoint, alice, deliver, claim):
    made = endpoint(alice)
    [delivery] = deliver("ding")
    [job] = claim(10)
    event = Event.objects.get(position=delivery.position)
    assert (job.delivery_id, job.endpoint, job.number) == (delivery.pk, made, 1)
    assert job.body.decode() == encode(log.as_cloud_event(event, log.head().epoch))
    assert claim(10) == []


def test_what_is_not_due_or_no_longer_pending_is_not_claimed(endpoint, alice, deliver, claim):
    endpoint(alice)
    later, done = deliver("later", "done")
    Delivery.objects.filter(pk=later.pk).update(next_attempt_at=timezone.now() + timedelta(seconds=30))
    Delivery.objects.filter(pk=done.pk).update(status="succeeded")
    assert claim(10) == []


def test_a_paused_endpoints_deliveries_wait_until_it_goes_on(endpoint, alice, deliver, claim):
    made = endpoint(alice)
    deliver("ding")
    actions.change_endpoint(made, enabled=False)
    assert claim(10) == []
    actions.change_endpoint(made, enabled=True)
    assert len(claim(10)) == 1


def test_the_oldest_are_claimed_first_and_no_more_than_there_is_room_for(endpoint, alice, deliver, claim):
    endpoint(alice)
    first, second, third = deliver(*"abc")
    for number, delivery in enumerate((third, first, second)):
        make_due(pk=delivery.pk)
        Delivery.objects.filter(pk=delivery.pk).update(next_attempt_at=timezone.now() - timedelta(minutes=9 - number))
    assert {job.delivery_id for job in claim(2)} == {third.pk, first.pk}


def test_an_endpoint_gets_a_few_times_its_places_and_what_is_under_way_counts(
    endpoint, alice, mallory, deliver, settings, claim
):
    settings.TIDEWIRE_WEBHOOKS_ENDPOINT_IN_FLIGHT = 1
    first, other, limited = endpoint(alice), endpoint(mallory), endpoint(alice, max_in_flight=2)
    deliver(*map(str, range(20)))
    got = Counter(job.endpoint for job in claim(100, Lane(first.pk, places=3, under_way=1)))
    assert got == {first: 3, other: AHEAD, limited: 2 * AHEAD}
    assert claim(100, Lane(first.pk, 0, 4), Lane(other.pk, 0, 4), Lane(limited.pk, 0, 8)) == []


def test_an_endpoint_of_a_rate_gets_at_first_no_more_than_a_seconds_worth(endpoint, alice, deliver, claim):
    endpoint(alice, rate_per_second=3)
    deliver(*"abcde")
    assert len(claim()) == 3


def test_a_lease_is_kept_by_the_databases_clock_and_one_that_has_ended_is_claimed_again(
    endpoint, alice, deliver, settings, claim
):
    settings.TIDEWIRE_WEBHOOKS_LEASE_SECONDS = 500
    endpoint(alice)
    [delivery] = deliver("ding")
    [job] = claim(10)
    delivery.refresh_from_db()
    assert timedelta(seconds=490) < delivery.lease_until - timezone.now() < timedelta(seconds=510)
    Delivery.objects.update(lease_until=timezone.now())
    [again] = claim(10)
    assert (again.delivery_id, again.number) == (job.delivery_id, 1)
    assert again.claim != job.claim


def test_two_senders_at_the_same_moment_claim_different_deliveries(endpoint, alice, deliver, other_connection, claim):
    endpoint(alice)
    deliveries = deliver("a", "b")
    with transaction.atomic(), other_connection() as other:
        [ours] = claim(1)
        other.execute("SET lock_timeout = '5s'")
        [theirs] = other.execute(CLAIM, PARAMETERS).fetchall()
    assert {theirs[0], ours.delivery_id} == {delivery.pk for delivery in deliveries}
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
    plan = explain(PARAMETERS)
    read = [node for node in nodes(plan) if node.get("Relation Name") == "webhooks_delivery"]
    assert {"webhooks_delivery_new", "webhooks_delivery_again"} <= {node.get("Index Name") for node in read}
    assert max(node["Actual Rows"] * node["Actual Loops"] for node in read) <= 64


def explain(values):
    """Run a claim and return its plan."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {CLAIM}", values)
        plan = cursor.fetchone()[0]
    return (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]


def nodes(plan):
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def test_a_delivery_whose_event_is_gone_is_not_sent(endpoint, alice, deliver):
    endpoint(alice)
    gone, there = deliver("gone", "there")
    Event.objects.filter(position=gone.position).delete()
    taken = Claims().take(10)
    assert [job.delivery_id for job in taken.jobs] == [there.pk]
    [unsent] = taken.unsent
    record([unsent])
    gone.refresh_from_db()
    assert (gone.status, gone.next_attempt_at, gone.claim) == ("cancelled", None, None)
    assert gone.reason == "The event is no longer in the log."
    assert (gone.attempts, Attempt.objects.count()) == (0, 0)


def test_a_message_that_is_too_large_is_never_sent_and_a_large_one_is_warned_of(
    endpoint, alice, deliver, settings, caplog
):
    endpoint(alice)
    settings.TIDEWIRE_WEBHOOKS_BODY_WARN_BYTES, settings.TIDEWIRE_WEBHOOKS_BODY_MAX_BYTES = 500, 600
    [small, large] = deliver("x", "x" * 99)
    settings.TIDEWIRE_WEBHOOKS_BODY_MAX_BYTES = len(Claims().take(1).jobs[0].body)
    Delivery.objects.update(lease_until=None)
    settings.TIDEWIRE_WEBHOOKS_BODY_WARN_BYTES = settings.TIDEWIRE_WEBHOOKS_BODY_MAX_BYTES - 1
    taken = Claims().take(10)
    assert [job.delivery_id for job in taken.jobs] == [small.pk]
    assert f"The event at {small.position} makes a message of" in caplog.text
    record(taken.unsent)
    assert settled(large) == ("failed", 0, None)
    assert "bytes; more than" in large.reason


# -- Order -------------------------------------------------------------------------------------------------------------


def test_first_tries_come_before_those_of_what_failed_before(endpoint, alice, deliver, claim):
    endpoint(alice, max_in_flight=1)
    tried = deliver(*"abcdef")
    Delivery.objects.update(attempts=1, next_attempt_at=timezone.now() - timedelta(hours=1))
    [new] = deliver("new")
    assert [job.delivery_id for job in claim()] == [new.pk, *(delivery.pk for delivery in tried[: AHEAD - 1])]


def test_no_endpoint_is_before_the_others_when_there_is_little_room(endpoint, alice, mallory, deliver, claim):
    first, second = endpoint(alice), endpoint(mallory)
    deliver(*"abcdef")
    assert Counter(job.endpoint for job in claim(4)) == {first: 2, second: 2}


def test_in_order_only_the_first_is_claimed_until_it_has_ended(endpoint, alice, deliver, claim):
    endpoint(alice, ordering="fifo")
    first, second, third = deliver(*"abc")
    Delivery.objects.filter(pk=first.pk).update(next_attempt_at=timezone.now() + timedelta(minutes=1))
    assert claim() == []
    make_due(pk=first.pk)
    [job] = claim()
    assert job.delivery_id == first.pk
    assert claim() == []
    record([answered(job, 500)])
    assert claim() == []
    Delivery.objects.filter(pk=first.pk).update(status="exhausted")
    [job] = claim()
    assert job.delivery_id == second.pk
    record([answered(job, 204)])
    assert [job.delivery_id for job in claim()] == [third.pk]


def test_in_order_two_senders_at_the_same_moment_claim_one(endpoint, alice, deliver, other_connection, claim):
    endpoint(alice, ordering="fifo")
    first, _ = deliver("a", "b")
    with other_connection() as other:
        with transaction.atomic():
            [ours] = claim()
            assert other.execute(CLAIM, PARAMETERS).fetchall() == []
        assert ours.delivery_id == first.pk
        assert other.execute(CLAIM, PARAMETERS).fetchall() == []


# -- What an endpoint's state allows -----------------------------------------------------------------------------------


def test_a_postponed_endpoint_gets_nothing_until_then(endpoint, alice, deliver, claim):
    made = endpoint(alice)
    deliver("ding")
    Endpoint.objects.filter(pk=made.pk).update(postponed_until=timezone.now() + timedelta(seconds=60))
    assert claim() == []
    Endpoint.objects.filter(pk=made.pk).update(postponed_until=timezone.now())
    assert len(claim()) == 1


@pytest.mark.parametrize("under_way", [0, 1])
def test_an_endpoint_whose_breaker_was_open_gets_one_try_alone(endpoint, alice, deliver, claim, settings, under_way):
    made = endpoint(alice)
    deliver(*"abc")
    Endpoint.objects.filter(pk=made.pk).update(failures_in_row=settings.TIDEWIRE_WEBHOOKS_BREAKER_FAILURES)
    assert len(claim(100, Lane(made.pk, 8, under_way))) == 1 - under_way


def test_a_sender_claims_for_endpoints_of_its_parts_alone(endpoint, alice, deliver, claim):
    made = endpoint(alice)
    deliver("ding")
    assert claim(parts=[part for part in ALL if part != part_of(made.pk)]) == []
    assert len(claim(parts=[part_of(made.pk)])) == 1


# -- What is known -----------------------------------------------------------------------------------------------------


def test_an_endpoint_is_read_once_and_again_when_it_was_changed(endpoint, alice, deliver, django_assert_num_queries):
    made = endpoint(alice)
    claims = Claims()
    deliver("a")
    claims.take(10)
    deliver("b")
    with django_assert_num_queries(1):  # events; the claim itself is not counted
        [job] = claims.take(10).jobs
    actions.change_endpoint(made, url="https://example.com/other")
    deliver("c")
    [job] = claims.take(10).jobs
    assert job.endpoint.url == "https://example.com/other"


def test_a_claim_begins_at_the_floor_and_a_whole_look_before_it(endpoint, alice, deliver, claim):
    made = endpoint(alice)
    early, late = deliver("early", "late")
    Delivery.objects.filter(pk=early.pk).update(next_attempt_at=timezone.now() - timedelta(minutes=5))
    floor = timezone.now() - timedelta(minutes=1)
    assert [job.delivery_id for job in claim(100, Lane(made.pk, 8, 0, floor))] == [late.pk]
    assert [job.delivery_id for job in claim(100, Lane(made.pk, 8, 0, None))] == [early.pk]


def test_a_snapshot_held_open_makes_no_claim_step_over_what_was_finished(endpoint, alice, other_connection):
    made = endpoint(alice)
    with other_connection() as other:
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT count(*) FROM webhooks_delivery")
        fill(made, 5000)
        Delivery.objects.update(status="succeeded", next_attempt_at=None)
        fill(made, 10, offset=5000)
        floor = timezone.now() - timedelta(seconds=1)
        values = [[made.pk], [64], [0], [floor], [None]]
        plan = explain([*values, *PARAMETERS[5:]])
    scans = [node for node in nodes(plan) if node.get("Index Name") == "webhooks_delivery_new"]
    assert [node["Actual Rows"] for node in scans] == [10]
    assert sum(node["Shared Hit Blocks"] for node in scans) < 50


def fill(endpoint, count, offset=0):
    """Make deliveries that are due, by plain SQL."""
    age = "interval '1 hour'" if not offset else "interval '0'"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO webhooks_delivery "
            "(endpoint_id, event_id, event_type, position, status, attempts, next_attempt_at, created_at) "
            f"SELECT %s, gen_random_uuid(), 't.a.b', n + %s, 'pending', 0, clock_timestamp() - {age}, now() "
            "FROM generate_series(1, %s) AS n",
            [endpoint.pk, offset, count],
        )
