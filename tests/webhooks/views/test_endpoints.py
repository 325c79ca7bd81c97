import pytest

from events.encoding import timestamp
from webhooks.models import Endpoint

ENDPOINTS = "/api/v1/webhooks/endpoints/"
URL = "https://example.com/hook"


def errors(response, field):
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    return " ".join(error["message"] for error in response.json()["errors"] if error["field"].startswith(field))


@pytest.fixture
def made(endpoint, alice):
    return endpoint(alice)


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
