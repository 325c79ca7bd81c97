from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tests.webhooks.conftest import answered, make_due, settled
from webhooks import actions, notices, schedule
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.results import give_back, record

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("status", [200, 204, 299])
def test_any_2xx_is_success(endpoint, alice, deliver, status, claim):
    endpoint(alice)
    [delivery] = deliver("ding")
    record([answered(job, status) for job in claim(10)])
    assert settled(delivery) == ("succeeded", 1, status)
    assert (delivery.next_attempt_at, delivery.claim, delivery.lease_until) == (None, None, None)


@pytest.mark.parametrize("status", [500, 404, 301, 199, 429, None])
def test_anything_else_is_tried_again_after_five_seconds_within_twenty_percent(endpoint, alice, deliver, status, claim):
    endpoint(alice)
    [delivery] = deliver("ding")
    before = timezone.now()
    record([answered(job, status, error="" if status else "timed out") for job in claim(10)])
    assert settled(delivery) == ("pending", 1, status)
    assert timedelta(seconds=4) < delivery.next_attempt_at - before < timedelta(seconds=6)
    assert (delivery.claim, delivery.lease_until) == (None, None)


def test_each_try_is_written_down(endpoint, alice, deliver, claim):
    endpoint(alice)
    [delivery] = deliver("ding")
    for error in ("refused", "timed out"):
        make_due()
        record([answered(job, error=error) for job in claim(10)])
    tries = Attempt.objects.filter(delivery=delivery).values_list("number", "error", "duration_ms", "status_code")
    assert list(tries) == [(1, "refused", 7, None), (2, "timed out", 7, None)]


def test_after_the_last_try_the_delivery_is_exhausted(endpoint, alice, deliver, claim):
    endpoint(alice)
    [delivery] = deliver("ding")
    for number in range(1, len(schedule.DELAYS) + 2):
        assert delivery.status == "pending"
        make_due()
        Endpoint.objects.update(postponed_until=None)
        [job] = claim(10)
        assert job.number == number
        record([answered(job, 500)])
        delivery.refresh_from_db()
    assert settled(delivery) == ("exhausted", len(schedule.DELAYS) + 1, 500)
    assert delivery.next_attempt_at is None


def test_410_switches_the_endpoint_off_and_cancels_what_still_waits_for_it(endpoint, alice, mallory, deliver, claim):
    made, other = endpoint(alice), endpoint(mallory, topics=["*"])
    first, *_ = deliver("a", "b")
    [job, flying] = [job for job in claim(10) if job.endpoint == made]
    record([answered(job, 410)])
    made.refresh_from_db()
    assert (made.enabled, made.disabled_reason) == (False, "The receiver answered 410 Gone.")
    record([answered(flying, 500)])
    mine = Delivery.objects.filter(endpoint=made).order_by("pk").values_list("status", "next_attempt_at")
    assert list(mine) == [("failed", None), ("cancelled", None)]
    assert Delivery.objects.filter(endpoint=other, status="pending").count() == 2
    assert first.position is not None


def test_only_the_holder_of_the_claim_records(endpoint, alice, deliver, claim):
    endpoint(alice)
    [delivery] = deliver("ding")
    [late] = claim(10)
    Delivery.objects.update(lease_until=timezone.now())
    [holder] = claim(10)
    record([answered(late, 500)])
    assert settled(delivery) == ("pending", 0, None)
    record([answered(holder, 200), answered(late, 500)])
    assert settled(delivery) == ("succeeded", 1, 200)
    assert Attempt.objects.count() == 1


def test_what_was_deleted_meanwhile_records_nothing(endpoint, alice, deliver, claim):
    made = endpoint(alice)
    deliver("ding")
    jobs = claim(10)
    made.delete()
    record([answered(job, 200) for job in jobs])
    assert not Attempt.objects.exists()


def test_what_is_given_back_is_due_as_before_and_counts_as_no_try(endpoint, alice, deliver, claim):
    endpoint(alice)
    [delivery] = deliver("ding")
    [job] = claim()
    give_back([job.row])
    assert settled(delivery) == ("pending", 0, None)
    [again] = claim()
    give_back([job.row])
    record([answered(again, 204)])
    assert settled(delivery) == ("succeeded", 1, 204)


def test_many_are_written_down_by_one_statement(endpoint, alice, deliver, claim, django_assert_num_queries):
    endpoint(alice)
    deliver(*"abcdefgh")
    jobs = claim()
    with django_assert_num_queries(0):  # but the one statement, which is not sent through Django
        record([answered(job, 204) for job in jobs])
    assert Delivery.objects.filter(status="succeeded").count() == Attempt.objects.count() == 8


def test_a_failed_try_says_why_and_the_last_one_that_there_is_no_other(endpoint, alice, deliver, claim):
    endpoint(alice)
    [delivery] = deliver("ding")
    record([answered(job, 301) for job in claim()])
    delivery.refresh_from_db()
    assert delivery.reason == "The receiver answered 301; redirects are not followed."
    Delivery.objects.update(attempts=len(schedule.DELAYS))
    make_due()
    record([answered(job, error="The connection broke.") for job in claim()])
    delivery.refresh_from_db()
    assert delivery.reason == "The connection broke. It was the last of 10 tries."
    actions.resend(delivery)
    record([answered(job, 200) for job in claim()])
    delivery.refresh_from_db()
    assert (delivery.status, delivery.reason) == ("succeeded", "")


def test_due_times_are_of_the_databases_clock(endpoint, alice, deliver, claim, monkeypatch):
    endpoint(alice)
    [delivery] = deliver("ding")
    jobs = claim()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [now] = cursor.fetchone()
    monkeypatch.setattr(timezone, "now", lambda: now - timedelta(days=1))
    record([answered(job, 500) for job in jobs])
    delivery.refresh_from_db()
    assert timedelta(seconds=4) < delivery.next_attempt_at - now < timedelta(seconds=7)


def test_tries_that_were_written_down_are_told_with_their_deliveries(
    endpoint, alice, deliver, claim, monkeypatch, django_assert_num_queries
):
    told = []
    monkeypatch.setattr(notices, "tell", told.append)
    made = endpoint(alice)
    first, second = deliver("a", "b")
    jobs = claim()
    first.delete()
    record([answered(job, status) for job, status in zip(jobs, (200, 500), strict=True)])
    [tries] = told
    with django_assert_num_queries(0):
        [attempt] = tries
        about = attempt.delivery
        assert (about.pk, about.endpoint, about.status, about.attempts) == (second.pk, made, "pending", 1)
        assert (attempt.number, attempt.status_code, attempt.delivery_id) == (1, 500, second.pk)
        assert about.next_attempt_at > timezone.now()
    assert attempt.pk == Attempt.objects.get().pk
    assert [each.pk for each in tries[:1]] == [attempt.pk]


def test_a_turn_that_rolls_back_tells_nothing(endpoint, alice, deliver, claim, monkeypatch):
    told = []
    monkeypatch.setattr(notices, "tell", told.append)
    endpoint(alice)
    deliver("ding")
    jobs = claim()
    with pytest.raises(RuntimeError), transaction.atomic():
        record([answered(job, 500) for job in jobs])
        raise RuntimeError
    assert told == []


def test_a_row_that_somebody_holds_is_for_later_and_holds_up_no_other(
    endpoint, alice, deliver, claim, other_connection
):
    endpoint(alice)
    held, free = deliver("held", "free")
    jobs = {job.delivery_id: job for job in claim()}
    outcomes = [answered(jobs[held.pk], 204), answered(jobs[free.pk], 204)]
    with other_connection() as other:
        other.execute("SELECT 1 FROM webhooks_delivery WHERE id = %s FOR UPDATE", [held.pk])
        give_back([jobs[held.pk].row])
        turn = record(outcomes)
    assert turn.later == outcomes[:1]
    assert settled(free) == ("succeeded", 1, 204)
    assert record(turn.later).later == []
    assert settled(held) == ("succeeded", 1, 204)


def test_what_an_endpoint_that_somebody_holds_answered_is_for_later(
    endpoint, alice, mallory, deliver, claim, other_connection
):
    made, other_made = endpoint(alice), endpoint(mallory)
    deliver("ding")
    outcomes = [answered(job, 410) for job in claim()]
    with other_connection() as other:
        other.execute("SELECT 1 FROM webhooks_endpoint WHERE id = %s FOR UPDATE", [made.pk])
        turn = record(outcomes)
        assert [one.job.endpoint for one in turn.later] == [made]
        assert list(turn.changed) == [other_made.pk]
    record(turn.later)
    assert not Endpoint.objects.filter(enabled=True).exists()
    assert set(Delivery.objects.values_list("status", flat=True)) == {"failed"}


def test_what_was_deleted_or_taken_over_is_not_for_later(endpoint, alice, deliver, claim):
    made = endpoint(alice)
    deliver("a", "b")
    outcomes = [answered(job, 500) for job in claim()]
    Delivery.objects.filter(pk=outcomes[0].job.delivery_id).update(claim=None)
    assert record(outcomes[:1]).later == []
    made.delete()
    assert record(outcomes).later == []
