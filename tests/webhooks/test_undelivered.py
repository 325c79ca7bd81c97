from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from webhooks import undelivered
from webhooks.models import Delivery


@pytest.fixture
def rows(endpoint, alice, deliver):
    """The endpoint and its deliveries a to e, of which b has succeeded."""
    made = endpoint(alice)
    deliveries = deliver(*"abcde")
    for delivery, status in zip(deliveries, ["failed", "succeeded", "exhausted", "cancelled", "pending"], strict=True):
        Delivery.objects.filter(pk=delivery.pk).update(status=status)
    return made, [delivery.pk for delivery in deliveries]


def test_all_that_has_not_succeeded_is_found_newest_first(rows):
    made, (a, _, c, d, e) = rows
    assert undelivered.ids([made.pk], limit=10) == [e, d, c, a]
    assert undelivered.ids([made.pk], limit=2) == [e, d]
    assert undelivered.ids([made.pk], limit=10, edge=d) == [c, a]
    assert undelivered.ids([made.pk], limit=10, edge=c, oldest_first=True) == [d, e]
    assert undelivered.ids([made.pk], limit=1, oldest_first=True) == [a]
    assert undelivered.ids([], limit=10) == []


def test_it_is_found_by_type_and_time(rows):
    made, (*_, c, d, e) = rows
    Delivery.objects.filter(pk=c).update(event_type="tests.other.rang")
    assert undelivered.ids([made.pk], limit=10, type="tests.other.rang") == [c]
    Delivery.objects.filter(pk__lte=c).update(created_at=timezone.now() - timedelta(days=1))
    assert undelivered.ids([made.pk], limit=10, since=timezone.now() - timedelta(hours=1)) == [e, d]


def test_what_succeeded_is_not_walked_over(rows):
    made, _ = rows
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO webhooks_delivery (endpoint_id, event_id, event_type, position, status, attempts, created_at) "
            "SELECT %s, gen_random_uuid(), 't.a.b', n, 'succeeded', 1, now() FROM generate_series(1, 20000) AS n",
            [made.pk],
        )
        cursor.execute("ANALYZE webhooks_delivery")
    plans = []
    with connection.execute_wrapper(partial(explain, plans)):
        assert len(undelivered.ids([made.pk], limit=51)) == 4
    assert "webhooks_delivery_by_status" in plans[0] and "Seq Scan on webhooks_delivery" not in plans[0]


def explain(plans, execute, sql, params, many, context):
    execute(f"EXPLAIN {sql}", params, many, context)
    plans.append("\n".join(line for (line,) in context["cursor"].fetchall()))
    return execute(sql, params, many, context)
