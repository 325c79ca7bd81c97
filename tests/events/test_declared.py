import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from access.models import User
from events import catalogue, declared, models
from events.catalogue import InvalidPayload, UnknownEventType
from events.log import type_version
from events.models import DeclaredType

ORDER = {"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"]}


@pytest.fixture
def order(db):
    return DeclaredType.objects.create(name="orders.order.placed", summary="An order was placed.", schema=ORDER)


def test_a_declared_type_is_in_the_catalogue_and_clients_may_publish_it(order):
    found = catalogue.find_event_type("orders.order.placed")
    assert (found.summary, found.version, found.from_clients) == ("An order was placed.", 1, True)
    assert found in catalogue.event_types()
    found.validate({"total": 7})
    with pytest.raises(InvalidPayload):
        found.validate({"total": "7"})


def test_it_is_known_from_memory_for_a_while_and_what_is_missing_for_a_shorter_one(order, query_count, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(declared, "monotonic", lambda: now)
    first = declared.find("orders.order.placed")
    for now, name, queries in (
        (1000.4, "orders.order.placed", 0),
        (1000.4, "no.such.type", 0),
        (1002.9, "orders.order.placed", 0),
        (1002.9, "no.such.type", 1),
        (1006.0, "orders.order.placed", 1),
    ):
        assert query_count(lambda name=name: declared.find(name)) == queries, (now, name)
    # With it stays the validator that it made.
    assert declared.find("orders.order.placed") is first


def test_this_process_knows_of_a_change_at_once(order):
    assert catalogue.find_event_type(order.name)
    order.delete()
    with pytest.raises(UnknownEventType):
        catalogue.find_event_type(order.name)


def test_another_schema_is_another_version(order):
    order.summary = "Somebody ordered."
    order.save()
    assert (order.version, type_version(order.name)) == (1, 1)
    order.schema = ORDER | {"additionalProperties": False}
    order.save()
    assert (order.version, type_version(order.name)) == (2, 2)


@pytest.mark.parametrize(
    "name", ["", "orders", "Orders.order.placed", "orders..placed", "orders.*", "a b.c", "x." + "y" * 200]
)
def test_a_name_that_is_no_type_is_refused(db, name):
    with pytest.raises(ValidationError):
        DeclaredType.objects.create(name=name, summary="x")


@pytest.mark.parametrize("name", ["feeds.entry.published", "feeds.entry.faked", "access.key.revoked"])
def test_what_belongs_to_the_code_is_not_declared_again(db, name):
    with pytest.raises(ValidationError, match="the server itself"):
        DeclaredType.objects.create(name=name, summary="x")


@pytest.mark.parametrize("schema", [{"type": "thing"}, [], {"$ref": "https://example.com/"}, {"title": "\0"}])
def test_a_schema_is_checked_on_save(order, schema):
    order.schema = schema
    with pytest.raises(ValidationError):
        order.save()
    order.refresh_from_db()
    assert order.schema == ORDER


def test_a_name_is_declared_once_and_the_number_is_bounded(order, monkeypatch):
    with pytest.raises(ValidationError):
        DeclaredType.objects.create(name=order.name, summary="x")
    monkeypatch.setattr(models, "DECLARED_TYPES_MAX", 1)
    with pytest.raises(ValidationError, match="limit"):
        DeclaredType.objects.create(name="orders.order.paid", summary="x")


# -- Where it shows ---------------------------------------------------------------------------------------------------


def test_the_api_lists_it_and_serves_its_schema(api, order):
    listed = {each["type"]: each for each in api().get("/api/v1/event-types/").json()["results"]}
    assert listed[order.name] == api().get(f"/api/v1/event-types/{order.name}/").json()
    schema = api().get(f"/schemas/{order.name}/1").json()
    assert schema["properties"] == ORDER["properties"] and schema["title"].startswith(order.name)
    assert api().get(f"/schemas/{order.name}/2").status_code == 404


@pytest.fixture
def operator(client, db):
    client.force_login(User.objects.create_superuser(username="operator"))
    return client


def test_the_admin_declares_a_type(operator):
    form = {"name": "orders.order.placed", "summary": "An order was placed.", "schema": '{"type": "object"}'}
    assert operator.post(reverse("admin:events_declaredtype_add"), form).status_code == 302
    row = DeclaredType.objects.get()
    url = reverse("admin:events_declaredtype_change", args=[row.pk])
    assert operator.post(url, form | {"name": "other.thing.done", "schema": "{}"}).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.schema, row.version) == ("orders.order.placed", {}, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "feeds.entry.published"},
        {"name": "x"},
        {"summary": ""},
        {"schema": "{"},
        {"schema": '{"type": 7}'},
        {"schema": r'{"title": "\u0000"}'},
    ],
)
def test_the_admin_declares_no_bad_type(operator, change):
    form = {"name": "orders.order.placed", "summary": "An order was placed.", "schema": "{}"} | change
    response = operator.post(reverse("admin:events_declaredtype_add"), form)
    assert (response.status_code, DeclaredType.objects.exists()) == (200, False)


def test_mallory_declares_nothing(client, mallory):
    client.force_login(mallory)
    assert client.post(reverse("admin:events_declaredtype_add"), {"name": "a.b", "summary": "x"}).status_code == 302
    assert not DeclaredType.objects.exists()
