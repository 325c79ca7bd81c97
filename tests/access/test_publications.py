import pytest

from access import publications
from access.publications import Refused
from events.models import DeclaredType

CLOUD_EVENT = {"specversion": "1.0", "id": "a-1", "source": "/shop", "time": "2026-11-23T10:00:00.5+01:00"}


def refused(event):
    with pytest.raises(Refused) as caught:
        publications.read(event)
    return caught.value.code, caught.value.field


def test_a_plain_event_is_read(placed, order):
    read = publications.read(order())
    assert (read.type.name, read.topic, read.subject, read.data, read.origin) == (
        placed.name,
        "orders.1",
        "",
        {"total": 7},
        None,
    )


def test_a_cloud_event_keeps_its_own_id_source_and_time_as_extensions(placed, order, settings):
    schema = f"{settings.TIDEWIRE_SOURCE}schemas/{placed.name}/1"
    event = order(
        **CLOUD_EVENT, subject="orders/1", datacontenttype="application/json; charset=utf-8", dataschema=schema
    )
    read = publications.read(event)
    assert read.subject == "orders/1"
    assert read.origin == {"originid": "a-1", "originsource": "/shop", "origintime": CLOUD_EVENT["time"]}
    assert read.published("x") == {"id": "x", "type": placed.name, "topic": "orders.1", **read.origin}


def test_a_plain_event_may_have_an_id_and_a_source_of_its_own(placed, order):
    assert publications.read(order(id="7", source="/shop")).origin == {"originid": "7", "originsource": "/shop"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": None}, "type"),
        ({"type": 7}, "type"),
        ({"type": "no.such.type"}, "type"),
        ({"type": "x" * 10_000}, "type"),
        ({"type": "\0"}, "type"),
        ({"topic": None}, "topic"),
        ({"topic": ["orders.1"]}, "topic"),
        ({"topic": "orders.*"}, "topic"),
        ({"topic": "x" * 90}, "topic"),
        ({"data": {"total": "7"}}, "data"),
        ({"data": None}, "data"),
        ({"data": {"total": 7, "note": "\0"}}, "data"),
        ({"data": {"total": 7, "note": "\ud800"}}, "data"),
        ({"data": {"total": float("nan")}}, "data"),
        ({"data": {"total": float("inf")}}, "data"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"id": "x" * 201}, "id"),
        ({"id": "a\nb"}, "id"),
        ({"source": "a b"}, "source"),
        ({"subject": ""}, "subject"),
        ({"subject": "\ud800"}, "subject"),
        ({"time": "yesterday"}, "time"),
        ({"time": "2026-02-30T10:00:00Z"}, "time"),
        ({"time": "2026-11-23T10:00:00"}, "time"),
        ({"datacontenttype": "text/plain"}, "datacontenttype"),
        ({"dataschema": "https://example.com/"}, "dataschema"),
        ({"data_base64": "AA=="}, "data_base64"),
        ({"cursor": "a-1"}, "cursor"),
        ({"specversion": "0.3"}, "specversion"),
        ({"specversion": None}, "specversion"),
        ({"specversion": "1.0", "source": "/shop"}, "id"),
        ({"specversion": "1.0", "id": "a"}, "source"),
    ],
)
def test_what_is_wrong_is_named(placed, order, change, field):
    assert refused(order(**change)) == ("invalid", field)


def test_a_refusal_names_the_field_in_its_sentence(placed, order):
    with pytest.raises(Refused) as caught:
        publications.read(order(surprise=1))
    assert (caught.value.message, caught.value.detail) == ("surprise: Unknown attribute.", "Unknown attribute.")


@pytest.mark.parametrize("event", [None, [], "event", 7, True])
def test_what_is_no_object_is_no_event(db, event):
    assert refused(event) == ("invalid", "")


def test_an_event_without_data_is_refused(placed, order):
    event = order()
    del event["data"]
    assert refused(event) == ("invalid", "data")


def test_data_of_no_bounded_depth_is_refused(db, order):
    DeclaredType.objects.create(name="orders.tree.grown", summary="x", schema={})
    tree = {}
    for _ in range(5000):
        tree = {"tree": tree}
    assert refused(order(type="orders.tree.grown", data=tree)) == ("invalid", "data")


@pytest.mark.parametrize("type", ["feeds.entry.published", "access.key.revoked"])
def test_what_the_server_says_is_said_by_no_client(db, order, type):
    assert refused(order(type=type)) == ("forbidden", "type")


@pytest.mark.parametrize("topic", ["feeds.1", "feeds.1.x", "users.1", "home", "me", "operations", "presence.orders.1"])
def test_no_client_speaks_on_topics_of_a_declared_kind(placed, order, topic):
    assert refused(order(topic=topic)) == ("forbidden", "topic")


def test_data_that_is_too_large_is_refused_as_that(placed, order, settings):
    settings.TIDEWIRE_EVENT_MAX_BYTES = len('{"total":7}')
    assert publications.read(order())
    assert refused(order(total=77)) == ("too_large", "data")
