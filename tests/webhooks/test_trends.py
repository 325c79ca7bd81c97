from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection

from webhooks import trends
from webhooks.models import Attempt, Delivery

NOW = datetime(2026, 11, 23, 10, 2, 30, tzinfo=UTC)
HOUR = trends.WINDOWS["1h"]


MANY = """
    INSERT INTO webhooks_delivery (endpoint_id, event_id, event_type, position, status, attempts, created_at)
    SELECT CASE WHEN number %% 3 = 0 THEN %s ELSE %s END, gen_random_uuid(), 'a.b.c', number, 'succeeded', 1,
           TIMESTAMPTZ '2026-11-23T10:02:30Z' - make_interval(secs => 200000 - number)
    FROM generate_series(1, 200000) AS number
"""


@pytest.fixture
def made(endpoint, alice):
    return endpoint(alice)


def add(endpoint, minutes, status="succeeded", took=(), at=NOW):
    """Add a delivery that was made so many minutes ago, with answers that took so long."""
    delivery = Delivery.objects.create(
        endpoint=endpoint,
        event_id=uuid4(),
        event_type="tests.bell.rang",
        position=1,
        status=status,
        created_at=at - timedelta(minutes=minutes),
    )
    for number, each in enumerate(took, 1):
        Attempt.objects.create(
            delivery=delivery, number=number, started_at=at, duration_ms=each or 0, status_code=each and 200
        )
    return delivery


def test_the_parts_of_a_window_stay_where_they_are(db):
    edges = HOUR.edges(NOW)
    assert (edges[0], edges[-1], len(edges)) == (
        NOW.replace(hour=9, minute=5, second=0),
        NOW.replace(minute=5, second=0),
        13,
    )
    assert HOUR.edges(NOW + timedelta(seconds=140)) == edges


def test_deliveries_are_counted_where_they_were_made(made):
    ages = {70: "failed", 50: "exhausted", 49: "succeeded", 3: "succeeded", 1: "cancelled", 0: "pending"}
    for minutes, status in ages.items():
        add(made, minutes, status)
    found = [part for part in trends.of(made.pk, HOUR, NOW) if part.count]
    assert [part.begins.strftime("%H:%M") for part in found] == ["09:10", "09:55", "10:00"]
    assert [(part.succeeded, part.waiting, part.lost) for part in found] == [(1, 0, 1), (1, 0, 0), (0, 1, 1)]


def test_a_delivery_on_the_edge_belongs_to_the_part_that_begins_there(made):
    add(made, 2.5)
    assert [part.begins.minute for part in trends.of(made.pk, HOUR, NOW) if part.count] == [0]


def test_answers_have_a_median_and_a_slow_end_and_what_did_not_answer_counts_for_neither(made):
    add(made, 1, took=[*range(1, 11), None])
    add(made, 1, took=[1000] * 10)
    part = trends.of(made.pk, HOUR, NOW)[-1]
    assert (part.median_ms, part.slow_ms) == (10, 1000)


def test_of_many_the_newest_are_looked_at_and_that_is_said(made, monkeypatch):
    monkeypatch.setattr(trends, "LOOKED_AT", 3)
    for status in ("failed", "failed", "succeeded", "succeeded", "succeeded"):
        add(made, 1, status)
    part = trends.of(made.pk, HOUR, NOW)[-1]
    assert (part.count, part.share, part.is_sample) == (3, 1.0, True)


def test_deliveries_to_others_count_for_nothing(made, endpoint, mallory):
    add(endpoint(mallory), 1)
    assert not any(part.count for part in trends.of(made.pk, HOUR, NOW))


def test_only_all_of_them_are_a_hundred_percent(db):
    def percent(succeeded, lost):
        return trends.Part(NOW, NOW, succeeded, 5, lost, None, None).percent

    assert [percent(2000, 1), percent(5, 0), percent(0, 3), percent(0, 0)] == ["99.9", "100", "0.0", ""]


def test_every_window_finds_what_any_order_of_looking_finds(made):
    """The halving agrees with a plain count, for ids with gaps between them."""
    for minutes in range(10_000, 0, -37):
        add(made, minutes, "succeeded" if minutes % 2 else "failed")
    Delivery.objects.filter(pk__in=list(Delivery.objects.values_list("pk", flat=True)[::3])).delete()
    for window in trends.WINDOWS.values():
        for part in trends.of(made.pk, window, NOW):
            rows = Delivery.objects.filter(endpoint=made, created_at__gte=part.begins, created_at__lt=part.ends)
            assert part.count == rows.count()


def test_only_the_endpoints_own_index_is_looked_into(made, endpoint, mallory):
    """Whatever is delivered to others, it is not walked through."""
    owners = [made.pk, endpoint(mallory).pk]
    asked = {"endpoint": made.pk, "edges": trends.WINDOWS["7d"].edges(NOW), "limit": trends.LOOKED_AT}
    with connection.cursor() as cursor:
        cursor.execute(MANY, owners)
        cursor.execute("ANALYZE webhooks_delivery")
        cursor.execute("EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF)" + trends._TRENDS, asked)
        scans = [line for (line,) in cursor.fetchall() if "webhooks_delivery" in line and "Scan" in line]
    assert len(scans) >= 4
    assert all("using webhooks_delivery_page" in line for line in scans)
