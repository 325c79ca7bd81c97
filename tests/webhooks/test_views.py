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


# -- Endpoints ---------------------------------------------------------------------------------------------------------


def test_a_new_endpoint_is_answered_with_its_secret_and_its_defaults(api, alice):
    response = api(alice).post(ENDPOINTS, {"url": URL})
    assert response.status_code == 201
    made, answer = Endpoint.objects.get(), response.json()
    assert answer.pop("created_at") == timestamp(made.created_at)
    assert answer == {
        "id": made.pk,
        "url": URL,
        "description": "",
        "event_types": ["*"],
        "topics": ["*"],
        "enabled": True,
        "disabled_reason": "",
        "secret": made.secret,
    }
    assert made.owner == alice


def test_all_fields_can_be_given(api, alice):
    given = {"url": URL, "description": "mine", "event_types": ["feeds.*"], "topics": ["feeds.1"], "enabled": False}
    answer = api(alice).post(ENDPOINTS, given).json()
    assert {name: answer[name] for name in given} == given


def test_the_secret_is_shown_nowhere_else_but_at_its_own_path(api, alice, made):
    client = api(alice)
    assert "secret" not in client.get(ENDPOINTS).json()["results"][0]
    assert "secret" not in client.get(f"{ENDPOINTS}{made.pk}/").json()
    assert "secret" not in client.patch(f"{ENDPOINTS}{made.pk}/", {"description": "x"}).json()
    response = client.get(f"{ENDPOINTS}{made.pk}/secret/")
    assert response.json() == {"secret": made.secret}
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("url", "", "blank"),
        ("url", "ftp://example.com/", "must begin with https://"),
        ("url", "https://user:word@example.com/", "user name"),
        ("url", "https://example.com/#part", "fragment"),
        ("url", "http://169.254.169.254/latest/", "metadata"),
        ("url", "http://[fe80::1]/", "link-local"),
        ("url", "http://224.0.0.1/", "multicast"),
        ("url", "http://2130706433/", "plain decimal"),
        ("url", "https://example.com/" + "x" * 2000, "2000"),
        ("url", 5, ""),
        ("event_types", ["feeds.*.published"], "not a type"),
        ("event_types", [], "at least 1"),
        ("event_types", ["*"] * 101, "no more than 100"),
        ("event_types", "*", "list"),
        ("topics", ["feeds..1"], "not a topic"),
        ("topics", ["*.1"], "not a topic"),
        ("topics", ["home"], "alias"),
        ("topics", [None], "null"),
        ("description", "x" * 501, "500"),
        ("description", "nul \x00", "ull characters"),
        ("enabled", "perhaps", "boolean"),
        ("secret", "whsec_mine", "Unknown field"),
        ("disabled_reason", "", "Unknown field"),
        ("owner", 1, "Unknown field"),
    ],
)
def test_bad_input_is_refused_with_the_field_and_the_reason(api, alice, made, field, value, reason):
    client = api(alice)
    assert reason in errors(client.post(ENDPOINTS, {"url": URL} | {field: value}), field)
    assert reason in errors(client.patch(f"{ENDPOINTS}{made.pk}/", {field: value}), field)
    assert Endpoint.objects.count() == 1


def test_an_endpoint_without_a_url_is_refused(api, alice):
    assert "required" in errors(api(alice).post(ENDPOINTS, {}), "url")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://localhost/", "http://10.0.0.1/", "http://[fd12::1]/"])
def test_private_addresses_are_refused_unless_they_are_opened(api, alice, settings, url):
    assert api(alice).post(ENDPOINTS, {"url": url}).status_code == 201
    settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE = False
    assert errors(api(alice).post(ENDPOINTS, {"url": url}), "url")


def test_plain_http_is_refused_where_it_is_forbidden(api, alice, settings):
    settings.TIDEWIRE_WEBHOOKS_ALLOW_HTTP = False
    assert "https://" in errors(api(alice).post(ENDPOINTS, {"url": "http://example.com/"}), "url")


def test_a_repeat_with_the_same_idempotency_key_makes_no_second_and_shows_no_secret(api, alice):
    client = api(alice, HTTP_IDEMPOTENCY_KEY="once")
    first, second = client.post(ENDPOINTS, {"url": URL}), client.post(ENDPOINTS, {"url": URL})
    assert (first.status_code, second.status_code) == (201, 409)
    assert first.json()["secret"] not in second.content.decode()
    assert Endpoint.objects.count() == 1


def test_an_endpoint_is_read_changed_paused_and_deleted(api, alice, made):
    client, path = api(alice), f"{ENDPOINTS}{made.pk}/"
    assert client.get(path).json()["id"] == made.pk
    assert client.patch(path, {"description": "new", "topics": ["users.*"]}).json()["topics"] == ["users.*"]
    assert client.patch(path, {"enabled": False}).json()["enabled"] is False
    assert client.patch(path, {}).status_code == 200
    assert client.put(path, {"url": URL}).status_code == 405
    assert client.delete(path).status_code == 204
    assert not Endpoint.objects.exists()


def test_an_endpoint_that_the_server_switched_off_says_why_and_can_be_switched_on(api, alice, made):
    Endpoint.objects.update(enabled=False, disabled_reason="The receiver answered 410 Gone.")
    client, path = api(alice), f"{ENDPOINTS}{made.pk}/"
    assert client.get(path).json()["disabled_reason"] == "The receiver answered 410 Gone."
    answer = client.patch(path, {"enabled": True}).json()
    assert (answer["enabled"], answer["disabled_reason"]) == (True, "")


def test_one_sees_ones_own_endpoints_only_newest_first(api, alice, made, endpoint, mallory):
    endpoint(mallory)
    newer = endpoint(alice)
    assert [each["id"] for each in api(alice).get(ENDPOINTS).json()["results"]] == [newer.pk, made.pk]


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
