from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from events.encoding import timestamp
from webhooks.models import Attempt, Delivery, Endpoint

ENDPOINTS, DELIVERIES = "/api/v1/webhooks/endpoints/", "/api/v1/webhooks/deliveries/"
URL = "https://example.com/hook"


def errors(response, field):
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    return " ".join(error["message"] for error in response.json()["errors"] if error["field"].startswith(field))


@pytest.fixture
def made(endpoint, alice):
    return endpoint(alice)


@pytest.fixture
def sent(made, deliver):
    """Three deliveries to alice's endpoint: pending, succeeded, exhausted."""
    deliveries = deliver(*"abc")
    for delivery, status in zip(deliveries[1:], ("succeeded", "exhausted"), strict=True):
        Delivery.objects.filter(pk=delivery.pk).update(status=status, next_attempt_at=None, attempts=1)
    return deliveries


# -- Deliveries --------------------------------------------------------------------------------------------------------


def test_a_delivery_has_the_fields_of_the_wire(api, alice, made, sent):
    pending = sent[0]
    assert api(alice).get(f"{DELIVERIES}{pending.pk}/").json() == {
        "id": pending.pk,
        "event": {"id": str(pending.event_id), "type": "tests.bell.rang"},
        "endpoint": made.pk,
        "status": "pending",
        "attempts": 0,
        "next_attempt_at": timestamp(pending.next_attempt_at),
        "last_status_code": None,
        "reason": "",
        "created_at": timestamp(pending.created_at),
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "cba"),
        ("status=pending", "a"),
        ("status=succeeded", "b"),
        ("status=cancelled", ""),
        ("type=tests.bell.rang", "cba"),
        ("type=tests.bell", ""),
        ("endpoint={endpoint}", "cba"),
        ("endpoint=1000000", ""),
        ("endpoint={endpoint}&status=exhausted", "c"),
        ("since={now}", ""),
        ("since={before}", "cba"),
        ("page_size=2", "cb"),
    ],
)
def test_deliveries_are_listed_newest_first_by_what_is_asked(api, alice, made, sent, query, found):
    later = timestamp(timezone.now() + timedelta(seconds=1))
    values = {"endpoint": made.pk, "now": later, "before": timestamp(sent[0].created_at)}
    names = {delivery.pk: name for delivery, name in zip(sent, "abc", strict=True)}
    results = api(alice).get(f"{DELIVERIES}?{query.format(**values)}").json()["results"]
    assert "".join(names[each["id"]] for each in results) == found


@pytest.mark.parametrize(
    "query",
    [
        "status=done",
        "endpoint=x",
        "endpoint=0",
        f"endpoint={2**64}",
        "since=yesterday",
        "type=%00",
        "page=x",
        "page_size=0",
    ],
)
def test_a_bad_filter_is_an_error(api, alice, query):
    assert errors(api(alice).get(f"{DELIVERIES}?{query}"), query.split("=")[0])


def test_the_tries_of_a_delivery_are_listed_newest_first(api, alice, sent):
    for number in (1, 2):
        Attempt.objects.create(
            delivery=sent[1], number=number, started_at=timezone.now(), duration_ms=5, error="x", response_body="no"
        )
    tries = api(alice).get(f"{DELIVERIES}{sent[1].pk}/attempts/").json()["results"]
    assert [each["number"] for each in tries] == [2, 1]
    assert set(tries[0]) == {
        *("id", "number", "started_at", "duration_ms", "status_code", "error"),
        *("request_headers", "response_headers", "response_body"),
    }


def test_ones_own_delivery_is_sent_again(api, alice, sent):
    response = api(alice).post(f"{DELIVERIES}{sent[2].pk}/resend/")
    assert response.status_code == 202
    assert response.json()["status"] == "pending"
    assert Delivery.objects.get(pk=sent[2].pk).next_attempt_at <= timezone.now()


# -- Who ---------------------------------------------------------------------------------------------------------------

PATHS = [
    ("get", "endpoints/{endpoint}/"),
    ("patch", "endpoints/{endpoint}/"),
    ("delete", "endpoints/{endpoint}/"),
    ("get", "endpoints/{endpoint}/secret/"),
    ("get", "deliveries/{delivery}/"),
    ("get", "deliveries/{delivery}/attempts/"),
    ("post", "deliveries/{delivery}/resend/"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_for_mallory_what_is_alices_does_not_exist(api, alice, mallory, made, sent, method, path):
    path = "/api/v1/webhooks/" + path.format(endpoint=made.pk, delivery=sent[2].pk)
    refused = getattr(api(mallory), method)(path, {"enabled": False} if method == "patch" else None)
    assert refused.status_code == 404
    assert Endpoint.objects.get().enabled
    assert Delivery.objects.get(pk=sent[2].pk).status == "exhausted"
    assert getattr(api(alice), method)(path, {"enabled": False} if method == "patch" else None).status_code < 300


@pytest.mark.parametrize(
    ("method", "path"), [("get", "endpoints/"), ("post", "endpoints/"), ("get", "deliveries/"), *PATHS]
)
def test_who_is_not_signed_in_is_asked_to(api, made, sent, method, path):
    path = "/api/v1/webhooks/" + path.format(endpoint=made.pk, delivery=sent[2].pk)
    assert getattr(api(), method)(path).status_code == 401


def test_mallory_sees_none_of_alices_lists(api, mallory, made, sent):
    assert api(mallory).get(ENDPOINTS).json()["results"] == []
    assert api(mallory).get(DELIVERIES).json()["results"] == []
    assert api(mallory).get(f"{DELIVERIES}?endpoint={made.pk}").json()["results"] == []


@pytest.mark.parametrize("path", ["endpoints/99999999999999999999/", "deliveries/99999999999999999999/attempts/"])
def test_a_number_that_no_row_can_have_is_not_found(api, alice, path):
    assert api(alice).get(f"/api/v1/webhooks/{path}").status_code == 404


def test_ones_own_few_deliveries_are_found_without_walking_everybodys(api, alice, mallory, endpoint, sent):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO webhooks_delivery (endpoint_id, event_id, event_type, position, status, attempts, created_at) "
            "SELECT %s, gen_random_uuid(), 't.a.b', n, 'succeeded', 1, now() FROM generate_series(1, 20000) AS n",
            [endpoint(mallory).pk],
        )
        cursor.execute("ANALYZE webhooks_delivery")
    plans = []
    with connection.execute_wrapper(partial(explain, plans)):
        assert len(api(alice).get(DELIVERIES).json()["results"]) == 3
    assert plans and not any(
        "webhooks_delivery_pkey" in plan or "Seq Scan on webhooks_delivery" in plan for plan in plans
    )


def explain(plans, execute, sql, params, many, context):
    if sql.startswith("SELECT") and '"webhooks_delivery"' in sql:
        execute(f"EXPLAIN {sql}", params, many, context)
        plans.append("\n".join(line for (line,) in context["cursor"].fetchall()))
    return execute(sql, params, many, context)
