from datetime import UTC, datetime

import pytest
from django.db import connection
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
