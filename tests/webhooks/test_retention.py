from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from events import catalogue
from webhooks import retention
from webhooks.models import Attempt, Delivery, Endpoint

OLD = timedelta(days=31)


@pytest.fixture
def old(endpoint, alice, deliver, settings):
    """Deliveries past retention, all succeeded."""
    settings.TIDEWIRE_WEBHOOKS_RETENTION_DAYS = 30
    endpoint(alice)
    deliveries = deliver(*"abcd")
    Delivery.objects.update(created_at=timezone.now() - OLD, status="succeeded", next_attempt_at=None)
    return deliveries


def test_finished_deliveries_past_retention_go_with_their_attempts(old):
    for delivery in old:
        Attempt.objects.create(delivery=delivery, number=1, started_at=timezone.now(), duration_ms=1)
    assert retention.prune() == 4
    assert not Delivery.objects.exists() and not Attempt.objects.exists()


@pytest.mark.parametrize("keep", [{"created_at": timezone.now()}, {"status": "pending"}])
def test_what_is_young_or_still_to_be_sent_stays(old, keep):
    Delivery.objects.filter(pk=old[1].pk).update(**keep)
    assert retention.prune() == 3
    assert [delivery.pk for delivery in Delivery.objects.all()] == [old[1].pk]


def test_they_go_in_chunks(old, monkeypatch):
    monkeypatch.setattr(retention, "CHUNK", 3)
    assert retention.prune() == 4


@pytest.mark.django_db(transaction=True)
def test_one_that_is_just_being_sent_again_stays(old, other_connection):
    with other_connection() as other:
        other.execute("SELECT FROM webhooks_delivery WHERE id = %s FOR UPDATE", [old[0].pk])
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '5s'")
            assert retention.prune() == 3
        other.rollback()
    assert Delivery.objects.get().pk == old[0].pk


def test_what_waits_for_an_endpoint_that_the_server_switched_off_is_cancelled(endpoint, alice, mallory, deliver):
    gone, paused = endpoint(alice), endpoint(mallory)
    deliver("ding")
    Endpoint.objects.update(enabled=False)
    Endpoint.objects.filter(pk=gone.pk).update(disabled_reason="The receiver answered 410 Gone.")
    retention.prune()
    assert Delivery.objects.get(endpoint=gone).status == "cancelled"
    assert Delivery.objects.get(endpoint=paused).status == "pending"


def test_the_log_is_kept_from_the_oldest_delivery_that_is_still_to_be_sent(endpoint, alice, deliver):
    assert Delivery.objects.lowest_pending_position() is None
    endpoint(alice)
    first, second = deliver("a", "b")
    assert catalogue.retention_floor() == first.position
    Delivery.objects.filter(pk=first.pk).update(status="succeeded")
    assert catalogue.retention_floor() == second.position
