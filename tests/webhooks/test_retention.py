from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from events import catalogue
from webhooks import retention
from webhooks.models import Attempt, Delivery, Endpoint, Replay

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


def test_they_go_in_chunks_each_in_a_transaction_of_its_own(old, monkeypatch):
    monkeypatch.setattr(retention, "CHUNK", 3)
    chunks, prune_chunk = [], retention._prune_chunk
    monkeypatch.setattr(retention, "_prune_chunk", lambda *chunk: chunks.append(prune_chunk(*chunk)) or chunks[-1])
    assert retention.prune() == 4
    assert chunks == [3, 1]


def test_a_run_ends_after_a_while_and_the_next_goes_on(old, monkeypatch):
    monkeypatch.setattr(retention, "CHUNK", 2)
    monkeypatch.setattr(retention, "RUN_SECONDS", -1)
    assert [retention.prune() for _ in range(3)] == [2, 2, 0]


def test_the_walk_ends_where_the_young_ones_begin_and_reads_no_more_of_them(old, monkeypatch, query_count):
    monkeypatch.setattr(retention, "CHUNK", 10)
    Delivery.objects.exclude(pk=old[0].pk).update(created_at=timezone.now())
    sql = (
        "INSERT INTO webhooks_delivery (endpoint_id, event_id, event_type, position, status, attempts, created_at) "
        "SELECT %s, gen_random_uuid(), 't.a.b', n, 'succeeded', 1, now() FROM generate_series(1, 1000) AS n"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [old[0].endpoint_id])
    # Of 1,004 rows in ten at a time two looks, and one deletion in its savepoint.
    assert query_count(retention.prune) <= 12
    assert Delivery.objects.count() == 1003


def test_rows_that_still_wait_hide_no_finished_ones_behind_them(old, monkeypatch):
    monkeypatch.setattr(retention, "CHUNK", 1)
    Delivery.objects.filter(pk__in=[old[0].pk, old[1].pk]).update(status="pending")
    assert retention.prune() == 2


def test_a_chunk_is_found_by_its_ids(old):
    sql = (
        "INSERT INTO webhooks_delivery (endpoint_id, event_id, event_type, position, status, attempts, created_at) "
        "SELECT %s, gen_random_uuid(), 't.a.b', n, 'succeeded', 1, now() FROM generate_series(1, 20000) AS n"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [old[0].endpoint_id])
        cursor.execute("ANALYZE webhooks_delivery")
    plans = []
    with connection.execute_wrapper(partial(explain, plans)):
        assert retention.prune() == 4
    assert plans and all("Seq Scan on webhooks_delivery" not in plan for plan in plans)


def explain(plans, execute, sql, params, many, context):
    if 'FROM "webhooks_delivery"' in sql or "DELETE FROM webhooks_delivery" in sql:
        execute(f"EXPLAIN {sql}", params, many, context)
        plans.append("\n".join(line for (line,) in context["cursor"].fetchall()))
    return execute(sql, params, many, context)


def test_ended_replays_past_retention_go_and_running_ones_stay(old):
    window = {"endpoint": old[0].endpoint, "only": "all", "after": 0, "upto": 9, "position": 0}
    ended = {"status": "done", "created_at": timezone.now() - OLD}
    Replay.objects.create(**window | ended)
    young = Replay.objects.create(**window | ended | {"created_at": timezone.now()})
    running = Replay.objects.create(**window | {"created_at": timezone.now() - OLD})
    retention.prune()
    assert set(Replay.objects.all()) == {young, running}


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
