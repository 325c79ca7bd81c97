import base64
import json

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from django.test import Client
from rest_framework import serializers
from rest_framework.exceptions import APIException, Throttled
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from access.serializers import StrictSerializer
from config import rest
from feeds import actions


class Inner(StrictSerializer):
    size = serializers.IntegerField(max_value=3)


class Outer(StrictSerializer):
    name = serializers.CharField(max_length=5)
    inner = Inner(required=False)
    rows = Inner(many=True, required=False)
    colour = serializers.ChoiceField(["red"], required=False)

    def validate(self, fields):
        if fields["name"] == "never":
            raise serializers.ValidationError("Never say never.", code="never")
        return fields


class Probe(APIView):
    """Validates what it is sent, or raises what the test gave it."""

    authentication_classes = permission_classes = throttle_classes = ()
    parser_classes = (rest.BoundedJSONParser,)
    error: Exception | None = None

    def post(self, request):
        if self.error:
            raise self.error
        Outer(data=request.data).is_valid(raise_exception=True)
        return Response({})


def post(data, **how):
    request = APIRequestFactory().post("/api/probe/", data, **(how or {"format": "json"}))
    response = Probe.as_view()(request).render()
    return response.status_code, json.loads(response.content)


def raised(error):
    return Probe.as_view(error=error)(APIRequestFactory().post("/api/probe/")).render()


def found(data):
    status, body = post(data)
    assert status == 400
    return [(error["field"], error["code"]) for error in body["errors"]]


def test_a_problem_has_the_one_shape():
    status, body = post({"name": "too long"})
    assert status == 400
    assert body == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "The request is not valid.",
        "code": "invalid",
        "errors": [
            {
                "field": "name",
                "code": "max_length",
                "message": "Ensure this field has no more than 5 characters.",
            }
        ],
    }


def test_nested_fields_are_named_by_a_dotted_path():
    assert found({"name": "a", "inner": {"size": 9}, "rows": [{"size": 1}, {"size": "x"}]}) == [
        ("inner.size", "max_value"),
        ("rows.1.size", "invalid"),
    ]


def test_unknown_fields_are_refused_at_every_depth():
    assert found({"name": "a", "nmae": "b"}) == [("nmae", "unknown")]
    assert found({"name": "a", "inner": {"size": 1, "siez": 1}}) == [("inner.siez", "unknown")]


def test_what_concerns_no_single_field_has_an_empty_field():
    assert found({"name": "never"}) == [("", "never")]
    assert found([1]) == [("", "invalid")]
    assert post("null", content_type="application/json")[1]["errors"][0]["field"] == ""


@pytest.mark.parametrize("data", [{"name": "a", "\ud800": 1}, {"name": "a", "colour": "\ud800"}, {"name": "\ud800"}])
def test_half_a_surrogate_pair_is_an_error_that_can_be_sent(data):
    status, body = post(json.dumps(data), content_type="application/json")
    assert (status, body["code"]) == (400, "invalid")


@pytest.mark.parametrize("text", ["{", "", "\xff", '{"name": NaN}', '{"name": 1' + "0" * 5000 + "}", "[" * 200_000])
def test_what_is_not_json_is_invalid(text):
    status, body = post(text.encode("latin-1") or b" ", content_type="application/json")
    assert (status, body["code"]) == (400, "invalid")


def test_another_media_type_is_unsupported():
    status, body = post("name=a", content_type="application/x-www-form-urlencoded")
    assert (status, body["code"]) == (415, "unsupported_media_type")


def test_a_body_past_the_bound_is_too_large(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 40
    assert post({"name": "a" * 5})[0] == 200
    status, body = post({"name": "a" * 40})
    assert (status, body["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404("No such tide."), 404, "not_found"),
        (PermissionDenied("Not yours."), 403, "forbidden"),
        (RequestDataTooBig("Too big."), 413, "too_large"),
        (DjangoValidationError("No good."), 400, "invalid"),
    ],
)
def test_djangos_own_errors_have_the_shape_too(error, status, code):
    response = raised(error)
    assert (response.status_code, json.loads(response.content)["code"]) == (status, code)
    assert response.headers["Content-Type"] == "application/problem+json"


def test_djangos_validation_errors_keep_their_fields():
    body = json.loads(raised(DjangoValidationError({"slug": ["Taken."], "__all__": ["Odd."]})).content)
    assert [(error["field"], error["message"]) for error in body["errors"]] == [("slug", "Taken."), ("", "Odd.")]


@pytest.mark.parametrize(("wait", "header"), [(0, "1"), (2.4, "3"), (None, None)])
def test_a_limit_says_when_to_come_back(wait, header):
    response = raised(Throttled(wait))
    assert (response.status_code, response.headers.get("Retry-After")) == (429, header)
    assert json.loads(response.content)["code"] == "rate_limited"


def test_every_status_of_the_wire_has_its_code():
    for status, code in rest.CODES.items():
        assert rest.problem_body(status, "x")["code"] == code
    assert raised(APIException()).status_code == 500


def test_what_is_unknown_is_left_to_django():
    assert rest.problem(ZeroDivisionError(), {}) is None


# -- Through the whole of the server ----------------------------------------------------------------------------------


def test_a_wrong_key_is_401_and_says_how_to_come_in(db):
    response = Client().get("/api/v1/timeline/", headers={"Authorization": "Bearer tw_wrong"})
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="tidewire"'


def test_a_method_that_is_not_served_is_405_and_says_which_are(api, alice):
    response = api(alice).put("/api/v1/timeline/", {})
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in response.headers["Allow"]


def test_a_session_without_the_csrf_token_is_403(alice):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice)
    response = client.post("/api/v1/notifications/read/", {})
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "a"}])
def test_a_body_past_the_bound_is_413_with_and_without_an_idempotency_key(api, alice, settings, headers):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    response = api(alice).post("/api/v1/feeds/", {"slug": "x" * 20}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_a_failure_is_a_problem_that_tells_nothing(api, alice, monkeypatch):
    def fail(*args):
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("feeds.views.feeds.FeedList.get_queryset", fail)
    client = api(alice)
    client.raise_request_exception = False
    response = client.get("/api/v1/feeds/")
    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert b"secret" not in response.content


def test_past_the_limit_of_a_user_is_429(api, alice, bob, monkeypatch):
    monkeypatch.setattr(rest.UserThrottle, "THROTTLE_RATES", {"user": "2/min"})
    client = api(alice)
    statuses = [client.get("/api/v1/feeds/").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert 1 <= int(client.get("/api/v1/feeds/").headers["Retry-After"]) <= 61
    assert api(bob).get("/api/v1/feeds/").status_code == 200


def test_past_the_limit_of_an_address_is_429(api, db, monkeypatch):
    monkeypatch.setattr(rest.AnonymousThrottle, "THROTTLE_RATES", {"anon": "1/min"})
    assert [api().get("/api/v1/feeds/").status_code for _ in range(2)] == [200, 429]


def test_without_the_cache_no_limit_holds(api, db, monkeypatch):
    def refuse(*args):
        raise ConnectionError

    monkeypatch.setattr(rest.AnonymousThrottle, "THROTTLE_RATES", {"anon": "1/min"})
    monkeypatch.setattr(rest.AnonymousThrottle.cache, "get", refuse)
    assert [api().get("/api/v1/feeds/").status_code for _ in range(2)] == [200, 200]


# -- Pages ------------------------------------------------------------------------------------------------------------


def ids(page):
    return [entry["id"] for entry in page["results"]]


def test_a_walk_over_pages_meets_every_row_once_while_others_are_inserted(api, feed, alice):
    rows = [row.pk for row in actions.publish_entries(feed, "abcdefg")]
    client, url, walked = api(), f"/api/v1/feeds/{feed.pk}/entries/?page_size=3", []
    while url:
        page = client.get(url).json()
        walked += ids(page)
        url = page["next"]
        actions.publish_entry(feed, by=alice, text="new meanwhile")
    assert walked == rows[::-1]


def test_previous_leads_back_the_same_way(api, feed):
    actions.publish_entries(feed, "abcdef")
    client = api()
    first = client.get(f"/api/v1/feeds/{feed.pk}/entries/?page_size=2").json()
    second = client.get(first["next"]).json()
    assert (first["previous"], ids(client.get(second["previous"]).json())) == (None, ids(first))
    assert set(first) == {"next", "previous", "results"}


def test_the_page_parameter_tells_nothing_of_the_rows(api, feed):
    actions.publish_entries(feed, "abc")
    link = api().get(f"/api/v1/feeds/{feed.pk}/entries/?page_size=1").json()["next"]
    assert "page=" in link and "offset" not in link and "cursor" not in link


def opaque(text):
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "page",
    ["x", "é", "%00", opaque("p=abc"), opaque("p=\0"), opaque("p=1.5"), opaque("o=x"), opaque("p=" + "9" * 5000)],
)
def test_what_is_no_page_is_400(api, feed, page):
    response = api().get(f"/api/v1/feeds/{feed.pk}/entries/", {"page": page})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "page")


@pytest.mark.parametrize("size", ["0", "201", "-1", "x", "", "٣", "9" * 5000])
def test_a_page_size_out_of_bounds_is_400(api, feed, size):
    response = api().get(f"/api/v1/feeds/{feed.pk}/entries/", {"page_size": size})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "page_size")


def test_the_page_size_has_a_default_and_a_bound(api, feed):
    actions.publish_entries(feed, [str(number) for number in range(201)])
    sizes = [
        len(ids(api().get(f"/api/v1/feeds/{feed.pk}/entries/", query).json()))
        for query in ({}, {"page_size": 1}, {"page_size": 200})
    ]
    assert sizes == [50, 1, 200]
