from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection
from django.db.backends.postgresql import base
from django.utils import timezone

from config.postgresql.base import COMPILED, Moments

pytestmark = pytest.mark.django_db

MOMENTS = ["2026-01-02 03:04:05.678901+00", "1969-12-31 23:59:59+05:30", "2400-02-29 00:00:00.5-08"]


def read(connection, text):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("text", MOMENTS)
def test_a_moment_is_read_as_django_would_read_it(text):
    plain = base.DatabaseWrapper(connection.settings_dict, "plain")
    try:
        expected = read(plain, text)
    finally:
        plain.close()
    assert (read(connection, text), read(connection, text).tzinfo) == (expected, expected.tzinfo)
    assert expected.tzinfo is UTC


def test_it_is_read_by_compiled_code():
    assert isinstance(Moments(0), COMPILED)
    assert COMPILED.__module__.startswith("psycopg_binary")


def test_in_another_zone_django_reads_it_itself():
    other = connection.copy()
    other.settings_dict = connection.settings_dict | {"TIME_ZONE": "Europe/Berlin"}
    try:
        assert read(other, "2026-07-01 00:00:00+00").utcoffset().total_seconds() == 7200
    finally:
        other.close()


def test_a_moment_survives_the_way_there_and_back():
    moment = datetime(2026, 7, 1, 12, 30, 15, 123456, tzinfo=timezone.get_fixed_timezone(90))
    assert read(connection, moment) == moment


def test_a_statement_that_comes_again_is_planned_once():
    statement = "SELECT %s::int + 1"
    for number in range(4):
        with connection.prepared() as cursor:
            cursor.execute(statement, [number])
            assert cursor.fetchone() == (number + 1,)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement LIKE %s", ["%+ 1"]
        )
        assert cursor.fetchone() == (2,)


def test_what_it_refuses_is_an_error_of_django(django_assert_num_queries):
    with pytest.raises(IntegrityError), django_assert_num_queries(1), connection.prepared() as cursor:
        cursor.execute("INSERT INTO events_outbox (event_id) VALUES (%s)", [None])


def test_a_connection_that_died_is_replaced_as_by_any_other_cursor():
    other = connection.copy()
    try:
        with other.prepared() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            [died] = cursor.fetchone()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [died])
        other.health_check_enabled, other.health_check_done = True, False
        with other.prepared() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            assert cursor.fetchone() != (died,)
    finally:
        other.close()
