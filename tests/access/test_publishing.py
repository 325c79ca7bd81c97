"""Publishing over HTTP, in each of its forms."""

import json

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from rest_framework.test import APIClient

from access import keys
from access.models import Grant

URL = "/api/v1/events/"
STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
CLOUD = {"specversion": "1.0", "id": "a-1", "source": "/shop"}
BINARY = {"ce-specversion": "1.0", "ce-type": "orders.order.placed", "ce-topic": "orders.1", "ce-id": "a-1"}


@pytest.fixture
def send(api, publisher):
    """Post as alice."""

    def post(body, content_type="application/json", **headers):
        text = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return api(publisher).post(URL, text, content_type=content_type, headers=headers)

    return post


def test_a_plain_event_is_taken(send, order, waiting):
    response = send(order())
    assert response.status_code == 202, response.content
    assert response.json()["id"] == str(waiting()[0].event_id)


def test_a_structured_cloud_event_is_taken(send, order, waiting):
    response = send(order(**CLOUD), f"{STRUCTURED}; charset=utf-8")
    assert response.status_code == 202, response.content
    [row] = waiting()
    assert (response.json()["id"], row.extensions) == (str(row.event_id), {"originid": "a-1", "originsource": "/shop"})


def test_a_binary_cloud_event_is_taken(send, waiting):
    headers = BINARY | {"ce-source": "/caf%C3%A9", "ce-time": "2026-01-01T00:00:00Z", "ce-subject": "orders/1"}
    response = send({"total": 7}, **headers)
    assert response.status_code == 202, response.content
    [row] = waiting()
    assert (row.data, row.subject) == ({"total": 7}, "orders/1")
    assert row.extensions == {"originid": "a-1", "originsource": "/café", "origintime": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize("content_type", ["application/json", BATCHED])
def test_many_are_answered_one_by_one(send, order, waiting, content_type):
    response = send([order(1, **CLOUD), order("x", **CLOUD), order(2, **CLOUD)], content_type)
    assert response.status_code == 202, response.content
    first, bad, last = response.json()["results"]
    assert [first["id"], last["id"]] == [str(row.event_id) for row in waiting()]
    assert bad["error"]["code"] == "invalid" and bad["error"]["message"].startswith("data: ")


def test_a_list_may_hold_one(send, order):
    assert len(send([order()]).json()["results"]) == 1


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"type": "no.such.type"}, 400, "invalid", "type"),
        ({"data": {"total": "x"}}, 400, "invalid", "data"),
        ({"data": {"total": 7, "note": "\0"}}, 400, "invalid", "data"),
        ({"surprise": 1}, 400, "invalid", "surprise"),
        ({"topic": "invoices.1"}, 403, "forbidden", None),
        ({"topic": "feeds.1"}, 403, "forbidden", None),
        ({"type": "feeds.entry.published"}, 403, "forbidden", None),
        ({"data": {"total": 7, "note": "x" * 300_000}}, 413, "too_large", None),
    ],
)
def test_a_single_bad_event_is_an_error_of_its_own(send, order, waiting, change, status, code, field):
    response = send(order(**change))
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert [each["field"] for each in response.json()["errors"]] == ([field] if field else [])
    assert response.headers["Content-Type"] == "application/problem+json"
    assert waiting() == []


@pytest.mark.parametrize(
    ("body", "content_type", "headers"),
    [
        ("", "application/json", {}),
        ("{", "application/json", {}),
        ("7", "application/json", {}),
        ("[]", "application/json", {}),
        ('{"data": NaN}', "application/json", {}),
        ("[" * 100_000, "application/json", {}),
        ("[]", STRUCTURED, {}),
        ("{}", STRUCTURED, {}),
        ("null", STRUCTURED, {}),
        ("[]", BATCHED, {}),
        ("{}", BATCHED, {}),
        ('[{"type": "orders.order.placed"}]', BATCHED, {}),
        ("", "application/json", BINARY | {"ce-source": "/shop"}),
        ('{"total": 7}', "application/json", BINARY),
        ('{"total": 7}', "application/json", {"ce-type": "orders.order.placed"}),
        ('{"total": 7}', "application/json", BINARY | {"ce-source": "/shop", "ce-extra": "x"}),
        ('{"total": 7}', "application/json", BINARY | {"ce-source": "/shop", "ce-datacontenttype": "text/plain"}),
        ('{"total": 7}', "application/json", BINARY | {"ce-source": "%00"}),
    ],
)
def test_a_request_in_no_form_is_400(send, waiting, body, content_type, headers):
    response = send(body, content_type, **headers)
    assert (response.status_code, waiting()) == (400, []), response.content


def test_another_media_type_is_415(send):
    assert send("x", "text/plain").status_code == 415


def test_too_many_events_and_too_many_bytes_are_refused(send, order, settings, waiting):
    settings.TIDEWIRE_PUBLISH_MAX_EVENTS = 2
    response = send([order()] * 3)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "too_many")
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert send([order()] * 2).status_code == 413
    assert waiting() == []


def test_too_much_within_a_minute_says_when_to_come_again(send, order, settings):
    settings.TIDEWIRE_USER_EVENTS_PER_MINUTE = 1
    assert send(order()).status_code == 202
    response = send(order())
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(response.headers["Retry-After"]) <= 60


def test_nobody_publishes(api, publisher, order, waiting):
    response = api().post(URL, order())
    assert (response.status_code, waiting()) == (401, [])


def test_mallory_publishes_nothing_and_no_foreign_page_does(api, mallory, publisher, order, waiting):
    assert api(mallory).post(URL, order()).status_code == 403
    foreign = APIClient(enforce_csrf_checks=True)
    foreign.force_login(publisher)
    assert foreign.post(URL, order()).status_code == 403
    assert waiting() == []


def test_a_request_repeated_with_its_key_publishes_once(send, order, waiting):
    key = {"Idempotency-Key": "one"}
    first, second = (send([order(1), order("x")], **key) for _ in range(2))
    assert (first.content, second.headers["Idempotent-Replayed"]) == (second.content, "true")
    assert send([order(2)], **key).status_code == 422
    assert len(waiting()) == 1


def test_in_binary_mode_the_attributes_belong_to_what_the_key_repeats(send, waiting):
    headers = BINARY | {"ce-source": "/shop", "Idempotency-Key": "one"}
    statuses = [send({"total": 7}, **headers | {"ce-topic": topic}).status_code for topic in ("orders.1", "orders.2")]
    assert statuses == [202, 422]
    assert [row.topic for row in waiting()] == ["orders.1"]


def test_a_published_event_is_read_by_those_to_whom_it_is_granted(api, send, order, log, publisher):
    Grant.objects.create(user=publisher, topic="orders.1", right="read")
    client = api(publisher)
    after = client.get(f"{URL}?topic=orders.1").json()["head"]
    send(order(**CLOUD), STRUCTURED)
    log()
    [event] = client.get(f"{URL}?topic=orders.1&after={after}").json()["events"]
    assert (event["originid"], event["originsource"], event["data"]) == ("a-1", "/shop", {"total": 7})
    assert event["dataschema"].endswith("/schemas/orders.order.placed/1")


def test_it_is_served_under_the_asynchronous_server_too(publisher, order, waiting):
    headers = {"Authorization": f"Bearer {keys.mint(publisher)}"}

    async def post():
        return await AsyncClient().post(URL, json.dumps(order()), content_type="application/json", headers=headers)

    assert async_to_sync(post)().status_code == 202
    assert len(waiting()) == 1
