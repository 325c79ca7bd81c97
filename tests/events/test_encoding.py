import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from events.encoding import cloud_event, encode, timestamp

EVENT = {
    "source": "https://host/",
    "epoch": "k3x9",
    "position": 1234,
    "previous": 1200,
    "event_id": UUID("0199c1e2-0000-7000-8000-000000000000"),
    "type": "feeds.entry.published",
    "topic": "feeds.42",
    "subject": "entries/99",
    "time": datetime(2026, 11, 23, 10, 0, 0, 123456, UTC),
    "data": {"entry": {}},
}


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 23, 10, 0, tzinfo=UTC), "2026-11-23T10:00:00.000000Z"),
        (datetime(2026, 11, 23, 1, 0, 0, 5, timezone(timedelta(hours=2))), "2026-11-22T23:00:00.000005Z"),
    ],
)
def test_a_moment_is_rfc_3339_in_utc_with_microseconds(moment, text):
    assert timestamp(moment) == text


def test_an_event_is_the_object_of_the_wire():
    assert cloud_event(**EVENT) == {
        "specversion": "1.0",
        "id": "0199c1e2-0000-7000-8000-000000000000",
        "source": "https://host/",
        "type": "feeds.entry.published",
        "subject": "entries/99",
        "time": "2026-11-23T10:00:00.123456Z",
        "datacontenttype": "application/json",
        "dataschema": "https://host/schemas/feeds.entry.published/1",
        "data": {"entry": {}},
        "topic": "feeds.42",
        "cursor": "k3x9-1234",
        "previous": "k3x9-1200",
    }


def test_the_schema_is_that_of_the_types_version():
    assert cloud_event(**EVENT, version=3)["dataschema"].endswith("/feeds.entry.published/3")


def test_an_event_is_encoded_compactly_and_is_still_the_same():
    event = cloud_event(**EVENT | {"data": {"text": "hé </script> \u2028 🌊"}})
    encoded = encode(event)
    assert json.loads(encoded) == event
    assert ", " not in encoded and "hé" in encoded


def test_what_a_publisher_said_goes_along_as_attributes():
    assert cloud_event(**EVENT, extensions={"originid": "a-1"}) == cloud_event(**EVENT) | {"originid": "a-1"}
    assert cloud_event(**EVENT, extensions=None) == cloud_event(**EVENT)


def test_an_event_without_a_subject_has_no_empty_one():
    assert "subject" not in cloud_event(**EVENT | {"subject": ""})
