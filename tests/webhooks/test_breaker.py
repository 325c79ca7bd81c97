from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tests.webhooks.conftest import answered, make_due, settled
from webhooks import breaker, signals
from webhooks.models import Delivery, Endpoint, EndpointRevision
from webhooks.results import record
from webhooks.verdict import Verdict

pytestmark = pytest.mark.django_db(transaction=True)

FAILED, SUCCEEDED = Verdict("pending", "It failed.", 5.0), Verdict("succeeded")


@pytest.fixture
def told():
    """The facts that were stated, as (name, endpoint)."""
    told = []

    def failing(sender, endpoint, **kwargs):
        told.append(("failing", endpoint.pk))

    def disabled(sender, endpoint, **kwargs):
        told.append(("disabled", endpoint.pk))

    signals.endpoint_failing.connect(failing)
    signals.endpoint_disabled.connect(disabled)
    yield told
    signals.endpoint_failing.disconnect(failing)
    signals.endpoint_disabled.disconnect(disabled)


@pytest.fixture
def feel(endpoint, alice):
    """Let an endpoint of alice's, in some state, feel verdicts; return it as it is saved."""
    made = endpoint(alice)

    def make(*verdicts, now=None, **state):
        Endpoint.objects.filter(pk=made.pk).update(**state)
        with transaction.atomic():
            row = Endpoint.objects.select_for_update().get(pk=made.pk)
            breaker.feel(row, verdicts, now or timezone.now())
        return Endpoint.objects.get(pk=made.pk)

    return make


def test_failures_in_a_row_open_it_and_the_rest_grows_with_the_time_of_failing(feel, settings):
    now = timezone.now()
    made = feel(*[FAILED] * (settings.TIDEWIRE_WEBHOOKS_BREAKER_FAILURES - 1), now=now)
    assert (made.postponed_until, made.failing_since) == (None, now)
    made = feel(FAILED, now=now + timedelta(seconds=1))
    assert 4 < (made.postponed_until - now).total_seconds() - 1 < 6
    later = now + timedelta(seconds=400)
    made = feel(FAILED, now=later)
    assert 80 < (made.postponed_until - later).total_seconds() < 120
    much_later = now + timedelta(hours=10)
    made = feel(FAILED, now=much_later)
    assert 200 < (made.postponed_until - much_later).total_seconds() < 360


def test_a_success_closes_it(feel):
    now = timezone.now()
    made = feel(FAILED, SUCCEEDED, failures_in_row=9, failing_since=now, failing_told_at=now, postponed_until=now)
    assert (made.failures_in_row, made.failing_since, made.failing_told_at, made.postponed_until) == (
        0,
        None,
        None,
        None,
    )
    made = feel(SUCCEEDED, FAILED, failures_in_row=9)
    assert (made.failures_in_row, made.postponed_until) == (1, None)


def test_a_slow_receiver_is_postponed_at_once_and_never_to_an_earlier_moment(feel):
    now = timezone.now()
    slow = Verdict("pending", "The receiver answered 429.", 60.0, slow_seconds=60.0)
    assert feel(slow, FAILED, now=now).postponed_until == now + timedelta(seconds=60)
    assert feel(Verdict("pending", "", 5.0, slow_seconds=5.0), now=now).postponed_until == now + timedelta(seconds=60)


@pytest.mark.parametrize(("hours", "failures", "expected"), [(61, 5, True), (59, 5, False), (61, 3, False)])
def test_the_owner_is_told_once_at_half_time(feel, told, hours, failures, expected):
    since = timezone.now() - timedelta(hours=hours)
    made = feel(FAILED, failing_since=since, failures_in_row=failures - 1)
    assert told == ([("failing", made.pk)] if expected else [])
    assert made.enabled
    if expected:
        feel(FAILED)
        assert len(told) == 1


@pytest.mark.parametrize(("hours", "failures", "expected"), [(121, 10, True), (119, 10, False), (121, 8, False)])
def test_after_days_of_only_failures_it_is_switched_off_and_the_owner_is_told(feel, told, hours, failures, expected):
    now = timezone.now()
    made = feel(FAILED, failing_since=now - timedelta(hours=hours), failures_in_row=failures - 1, failing_told_at=now)
    assert made.enabled is not expected
    assert told == ([("disabled", made.pk)] if expected else [])
    assert made.disabled_reason == ("Every try for 120 hours has failed, 10 in all." if expected else "")


def test_what_switches_it_off_ends_what_waits_some_at_once_and_the_rest_by_and_by(
    endpoint, alice, mallory, deliver, claim, monkeypatch
):
    monkeypatch.setattr(breaker, "CANCELLED_AT_ONCE", 2)
    made, other = endpoint(alice), endpoint(mallory)
    deliver(*"abcdef")
    [job, *_] = [job for job in claim() if job.endpoint == made]
    record([answered(job, 410)])
    mine = Delivery.objects.filter(endpoint=made)
    assert mine.filter(status="cancelled").count() == 2
    assert breaker.end_some_in_vain(2) == 2
    assert breaker.end_some_in_vain(2) == 1
    assert breaker.end_some_in_vain(2) == 0
    reason = "The endpoint was switched off: The receiver answered 410 Gone."
    assert set(mine.exclude(pk=job.delivery_id).values_list("status", "reason")) == {("cancelled", reason)}
    assert Delivery.objects.filter(endpoint=other, status="pending").count() == 6


def test_what_waits_for_a_paused_endpoint_stays(endpoint, alice, deliver):
    endpoint(alice)
    deliver("ding")
    Endpoint.objects.update(enabled=False)
    assert breaker.end_some_in_vain(10) == 0


def test_what_was_switched_off_already_is_not_told_again(endpoint, alice, deliver, claim, told):
    endpoint(alice)
    deliver("a", "b")
    first, second = claim()
    record([answered(first, 410), answered(second, 410)])
    assert len(told) == 1


def test_while_it_is_open_nothing_is_dropped_and_no_try_is_used_up(endpoint, alice, deliver, claim, settings):
    made = endpoint(alice)
    deliveries = deliver(*"abcdefgh")
    jobs = claim()
    failures = settings.TIDEWIRE_WEBHOOKS_BREAKER_FAILURES
    record([answered(job, 500) for job in jobs[:failures]])
    Delivery.objects.update(lease_until=None, claim=None)
    make_due()
    assert claim() == []
    assert {settled(delivery)[1] for delivery in deliveries[failures:]} == {0}
    Endpoint.objects.update(postponed_until=timezone.now())
    [probe] = claim()
    record([answered(probe, 204)])
    made.refresh_from_db()
    assert (made.failures_in_row, made.postponed_until) == (0, None)
    assert len(claim()) == len(deliveries) - 1


def test_a_try_that_failed_by_our_own_fault_says_nothing_about_the_endpoint(endpoint, alice, deliver, claim):
    made = endpoint(alice)
    deliver("ding")
    [job] = claim()
    outcome = answered(job, error="The request could not be signed.")
    record([type(outcome)(job, outcome.started_at, {}, type(outcome.response)(None, error="x", is_ours=True))])
    made.refresh_from_db()
    assert (made.failures_in_row, made.failing_since) == (0, None)
    assert Delivery.objects.get().attempts == 1


def test_successes_of_an_endpoint_in_order_touch_no_endpoint(endpoint, alice, deliver, claim):
    endpoint(alice)
    deliver("ding")
    version = xmin()
    record([answered(job, 204) for job in claim()])
    assert xmin() == version


def test_a_failure_is_no_change_for_those_who_hold_in_memory_who_listens(endpoint, alice, deliver, claim):
    endpoint(alice)
    deliver("ding")
    revision = EndpointRevision.objects.get().revision
    record([answered(job, 500) for job in claim()])
    assert Endpoint.objects.get().failures_in_row == 1
    assert EndpointRevision.objects.get().revision == revision


def xmin():
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin FROM webhooks_endpoint")
        return cursor.fetchone()
