import base64
import json
import socket

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.utils import timezone

from access.models import IdempotentAnswer
from events.encoding import timestamp
from events.models import Event
from webhooks import signing
from webhooks.models import Endpoint

ENDPOINTS = "/api/v1/webhooks/endpoints/"
URL, JSON = "https://example.com/hook", "application/json"
ALL = {
    "description": "mine",
    "event_types": ["feeds.*"],
    "topics": ["feeds.1"],
    "filter": {"entry.kind": "post"},
    "content_type": "application/json",
    "signature": "v1a",
    "ordering": "fifo",
    "rate_per_second": 1000,
    "max_in_flight": 64,
    "enabled": False,
}


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
        "filter": {},
        "headers": {},
        "content_type": "application/cloudevents+json",
        "signature": "v1",
        "public_key": None,
        "ordering": "parallel",
        "rate_per_second": None,
        "max_in_flight": None,
        "enabled": True,
        "disabled_reason": "",
        "failing_since": None,
        "failures_in_row": 0,
        "postponed_until": None,
        "secret": made.secret,
    }
    assert made.owner == alice


def test_all_fields_can_be_given(api, alice):
    answer = api(alice).post(ENDPOINTS, {"url": URL} | ALL).json()
    assert {name: answer[name] for name in ALL} == ALL


def test_all_fields_can_be_changed_and_set_back(api, alice, made):
    client, path = api(alice), f"{ENDPOINTS}{made.pk}/"
    before = client.get(path).json()
    changed = client.patch(path, ALL | {"url": "https://example.com/other"}).json()
    assert {name: changed[name] for name in ALL} == ALL
    assert changed == client.get(path).json()
    back = {name: before[name] for name in (*ALL, "url")}
    assert client.patch(path, back).json() == before


def test_the_secret_is_shown_nowhere_else_but_at_its_own_path(api, alice, made):
    client = api(alice)
    assert "secret" not in client.get(ENDPOINTS).json()["results"][0]
    assert "secret" not in client.get(f"{ENDPOINTS}{made.pk}/").json()
    assert "secret" not in client.patch(f"{ENDPOINTS}{made.pk}/", {"description": "x"}).json()
    response = client.get(f"{ENDPOINTS}{made.pk}/secret/")
    assert response.json() == {"secret": made.secret, "public_key": None}
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
        ("description", "half \ud800", "urrogate"),
        ("url", "https://exa\x00mple.com/", "ull characters"),
        ("url", "https://\ud800.com/", "urrogate"),
        ("url", "https://bücher.example/", "xn--"),
        ("url", "https://example.com:0/", "port"),
        ("url", "https://", "no host"),
        ("url", "https://[::1/", "not valid"),
        ("url", "javascript:alert(1)", "must be complete"),
        ("url", "https://example.com./", "dot"),
        ("url", "https://[::ffff:169.254.169.254]/", "metadata"),
        ("url", "https://0x7f.1/", "plain decimal"),
        ("url", None, "null"),
        ("url", {}, "valid string"),
        ("url", "https://inside.example/", "leads to a link-local"),
        ("event_types", ["feeds.entry.*.*"], "not a type"),
        ("event_types", ["Feeds"], "not a type"),
        ("event_types", ["x" * 201], "200"),
        ("event_types", ["a\x00b"], "ull characters"),
        ("event_types", ["\ud800"], "urrogate"),
        ("event_types", {"a": 1}, "list"),
        ("enabled", "perhaps", "boolean"),
        ("enabled", None, "null"),
        ("filter", [], "object"),
        ("filter", None, "null"),
        ("filter", {"a": {"like": "x"}}, "like"),
        ("filter", {"a": []}, "a"),
        ("filter", {f"a{n}": 1 for n in range(11)}, "10"),
        ("filter", {"a" * 201: 1}, "200"),
        ("filter", {"a": "x" * 501}, "500"),
        ("filter", {"a": "\x00"}, "NUL"),
        ("filter", {"a": "\ud800"}, "surrogate"),
        ("headers", [], "dictionary"),
        ("headers", {"Host": "example.org"}, "not yours"),
        ("headers", {"x": "a" * 1001}, "1000"),
        ("headers", {"x": "\ud800"}, "visible ASCII"),
        ("headers", {"\ud800": "x"}, "not a header's name"),
        ("headers", {"x": "***"}, "none"),
        ("content_type", "text/xml", "not a valid choice"),
        ("content_type", 5, "not a valid choice"),
        ("signature", "v2", "not a valid choice"),
        ("signature", "", "not a valid choice"),
        ("ordering", "random", "not a valid choice"),
        ("rate_per_second", 0, "greater than or equal to 1"),
        ("rate_per_second", 1001, "less than or equal to 1000"),
        ("rate_per_second", "fast", "integer"),
        ("rate_per_second", 1.5, "integer"),
        ("max_in_flight", 65, "less than or equal to 64"),
        ("max_in_flight", -1, "greater than or equal to 1"),
        ("max_in_flight", [], "integer"),
        *((name, "", "Unknown field") for name in ("disabled_reason", "public_key", "failing_since", "content_filter")),
        *((name, 1, "Unknown field") for name in ("owner", "id", "paused", "postponed_until", "encrypted_secret")),
    ],
)
def test_bad_input_is_refused_with_the_field_and_the_reason(api, alice, made, names, field, value, reason):
    names["inside.example"] = "169.254.7.7"
    client, before = api(alice), Endpoint.objects.values().get()
    # As text: the client itself could not encode half a surrogate pair.
    post, patch = json.dumps({"url": URL} | {field: value}), json.dumps({field: value})
    assert reason in errors(client.post(ENDPOINTS, post, content_type=JSON), field)
    assert reason in errors(client.patch(f"{ENDPOINTS}{made.pk}/", patch, content_type=JSON), field)
    assert Endpoint.objects.values().get() == before


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


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b"{", b"5", b'{"url":' + b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(api, alice, body):
    response = api(alice).post(ENDPOINTS, body, content_type=JSON)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"


def test_a_name_that_leads_nowhere_may_be_kept_and_not_be_chosen_anew(api, alice, made, names, settings):
    settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE = False
    names["example.com"] = socket.gaierror(socket.EAI_NONAME, "unknown")
    client, path = api(alice), f"{ENDPOINTS}{made.pk}/"
    assert "not known" in errors(client.post(ENDPOINTS, {"url": URL}), "url")
    assert client.patch(path, {"url": made.url, "description": "new"}).status_code == 200
    assert "not known" in errors(client.patch(path, {"url": "https://example.com/other"}), "url")


@pytest.mark.parametrize(
    ("private", "proxy", "status"), [(False, "http://proxy.example:3128", 201), (True, "", 201), (False, "", 400)]
)
def test_behind_a_proxy_or_while_one_develops_a_name_need_not_be_known(
    api, alice, names, settings, private, proxy, status
):
    names["example.com"] = socket.gaierror(socket.EAI_NONAME, "unknown")
    settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE, settings.TIDEWIRE_WEBHOOKS_PROXY_URL = private, proxy
    assert api(alice).post(ENDPOINTS, {"url": URL}).status_code == status


def test_a_name_servers_silence_refuses_nothing(api, alice, names, settings):
    settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE = False
    names["example.com"] = socket.gaierror(socket.EAI_AGAIN, "try again")
    assert api(alice).post(ENDPOINTS, {"url": URL}).status_code == 201


def test_a_list_of_many_asks_no_more_than_a_list_of_one(api, alice, endpoint, query_count):
    client = api(alice)
    endpoint(alice, signature="v1a", headers={"X": "1"})
    client.get(ENDPOINTS)
    few = query_count(lambda: client.get(ENDPOINTS))
    for _ in range(4):
        endpoint(alice, signature="v1a", headers={"X": "1"})
    assert query_count(lambda: client.get(ENDPOINTS)) == few


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", [{}, {"HTTP_IDEMPOTENCY_KEY": "once"}])
def test_no_transaction_waits_for_a_name_server(api, alice, names, monkeypatch, headers):
    states = []

    def ask(*_, **__):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND state <> 'active'"
            )
            states.extend(state for (state,) in cursor.fetchall())
        connection.close()
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr("webhooks.hosts.resolver", ask)
    assert api(alice, **headers).post(ENDPOINTS, {"url": URL}).status_code == 201
    assert set(states) == {"idle"}


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"url":5}', b'{"url":"ftp://x/"}', b"\xff", b"[" * 100_000])
def test_a_bad_body_with_an_idempotency_key_is_a_bad_body(api, alice, body):
    response = api(alice, HTTP_IDEMPOTENCY_KEY="once").post(ENDPOINTS, body, content_type=JSON)
    assert response.status_code == 400


def test_a_host_that_was_asked_for_beforehand_is_refused_all_the_same(api, alice, names):
    names["inside.example"] = "169.254.7.7"
    response = api(alice, HTTP_IDEMPOTENCY_KEY="once").post(ENDPOINTS, {"url": "https://inside.example/"})
    assert "link-local" in errors(response, "url")


# -- Headers of one's own ----------------------------------------------------------------------------------------------


def test_headers_are_sent_and_their_values_are_never_shown_again(api, alice):
    client = api(alice)
    response = client.post(ENDPOINTS, {"url": URL, "headers": {"Authorization": "Bearer hush", "X-Team": "red"}})
    assert response.json()["headers"] == {"Authorization": "***", "X-Team": "***"}
    made = Endpoint.objects.get()
    assert made.headers == {"Authorization": "Bearer hush", "X-Team": "red"}
    path = f"{ENDPOINTS}{made.pk}/"
    shown = [response, client.get(ENDPOINTS), client.get(path), client.patch(path, {"description": "x"})]
    shown.append(client.post(f"{path}rotate-secret/", {}))
    assert not any("hush" in each.content.decode() for each in shown)
    assert "hush" not in str(Endpoint.objects.values().get())


def test_a_hidden_value_keeps_what_is_stored_and_what_is_left_out_is_gone(api, alice, endpoint):
    made = endpoint(alice, headers={"Authorization": "Bearer hush", "X-Team": "red", "X-Old": "1"})
    client, path = api(alice), f"{ENDPOINTS}{made.pk}/"
    client.patch(path, {"headers": {"authorization": "***", "X-Team": "blue"}})
    assert Endpoint.objects.get().headers == {"authorization": "Bearer hush", "X-Team": "blue"}
    assert client.patch(path, {"headers": {}}).json()["headers"] == {}
    assert Endpoint.objects.get().headers == {}


# -- The secret, and keys ----------------------------------------------------------------------------------------------


def test_a_rotation_answers_with_the_new_secret_and_the_old_one_signs_on(api, alice, made):
    response = api(alice).post(f"{ENDPOINTS}{made.pk}/rotate-secret/", {"overlap_hours": 168})
    assert response.status_code == 200 and "no-store" in response["Cache-Control"]
    after = Endpoint.objects.get()
    assert response.json()["secret"] == after.secret != made.secret
    assert response.json()["id"] == made.pk
    assert after.signing_keys(timezone.now()) == [after.secret, made.secret]


def test_without_a_body_the_overlap_is_a_day(api, alice, made):
    api(alice).post(f"{ENDPOINTS}{made.pk}/rotate-secret/")
    ends = made.retired_secrets.get().expires_at
    assert 23.9 < (ends - timezone.now()).total_seconds() / 3600 <= 24


def test_a_rotation_of_a_key_pair_answers_with_the_new_public_key_and_no_secret(api, alice, endpoint):
    made = endpoint(alice, signature="v1a")
    client, path = api(alice), f"{ENDPOINTS}{made.pk}/"
    before = client.get(path).json()["public_key"]
    answer = client.post(f"{path}rotate-secret/", {}).json()
    assert answer["public_key"] == signing.public_key(Endpoint.objects.get().private_key) != before
    assert "secret" not in answer and "whsk_" not in str(answer)
    assert client.get(f"{path}secret/").json() == {"secret": made.secret, "public_key": answer["public_key"]}


def test_a_repeated_rotation_rotates_once_and_shows_no_secret(api, alice, made):
    client, path = api(alice, HTTP_IDEMPOTENCY_KEY="once"), f"{ENDPOINTS}{made.pk}/rotate-secret/"
    first, second = client.post(path, {}), client.post(path, {})
    assert (first.status_code, second.status_code) == (200, 409)
    assert made.retired_secrets.count() == 1
    assert "whsec_" not in second.content.decode()


GIVEN = "whsec_" + base64.b64encode(bytes(range(24))).decode()


def test_who_moves_here_brings_a_secret_along(api, alice):
    answer = api(alice).post(ENDPOINTS, {"url": URL, "secret": GIVEN}).json()
    assert answer["secret"] == GIVEN == Endpoint.objects.get().secret


def test_a_secret_can_be_given_to_a_rotation(api, alice, made):
    answer = api(alice).post(f"{ENDPOINTS}{made.pk}/rotate-secret/", {"secret": GIVEN}).json()
    assert answer["secret"] == GIVEN == Endpoint.objects.get().secret


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "blank"),
        (None, "null"),
        ("mine", "begins with whsec_"),
        ("whsec_", "24 to 64"),
        ("whsec_" + base64.b64encode(b"s" * 23).decode(), "24 to 64"),
        ("whsec_" + base64.b64encode(b"s" * 65).decode(), "24 to 64"),
        ("whsec_%%%%", "base64"),
        ("whsec_ü", "base64"),
        ("whsk_" + base64.b64encode(b"s" * 32).decode(), "begins with whsec_"),
        (["whsec_"], "valid string"),
    ],
)
def test_a_secret_that_cannot_be_one_is_refused_without_being_shown(api, alice, made, value, reason):
    client = api(alice)
    for response in (
        client.post(ENDPOINTS, {"url": URL, "secret": value}),
        client.post(f"{ENDPOINTS}{made.pk}/rotate-secret/", {"secret": value}),
    ):
        assert reason in errors(response, "secret")
        assert not value or len(value) < 7 or value not in response.content.decode()
    assert Endpoint.objects.get().secret == made.secret


def test_with_a_key_pair_no_secret_is_taken(api, alice, endpoint):
    client, made = api(alice), endpoint(alice, signature="v1a")
    assert "v1a" in errors(client.post(ENDPOINTS, {"url": URL, "signature": "v1a", "secret": GIVEN}), "secret")
    assert "v1a" in errors(client.post(f"{ENDPOINTS}{made.pk}/rotate-secret/", {"secret": GIVEN}), "secret")


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("overlap_hours", -1, "greater than or equal to 0"),
        ("overlap_hours", 169, "less than or equal to 168"),
        ("overlap_hours", "soon", "integer"),
        ("overlap_hours", None, "null"),
        ("overlap", 24, "Unknown field"),
    ],
)
def test_bad_input_to_a_rotation_is_refused(api, alice, made, field, value, reason):
    assert reason in errors(api(alice).post(f"{ENDPOINTS}{made.pk}/rotate-secret/", {field: value}), field)
    assert Endpoint.objects.get().secret == made.secret


def test_a_secret_is_changed_by_rotating_alone(api, alice, made):
    assert "Unknown" in errors(api(alice).patch(f"{ENDPOINTS}{made.pk}/", {"secret": GIVEN}), "secret")


def test_where_the_servers_key_was_lost_endpoints_are_still_listed_and_a_rotation_heals(api, alice, endpoint):
    made = endpoint(alice, signature="v1a", headers={"X-Team": "red"})
    alien = Fernet(Fernet.generate_key()).encrypt(b"x").decode()
    Endpoint.objects.update(encrypted_secret=alien, encrypted_private_key=alien, encrypted_headers=alien)
    client, path = api(alice), f"{ENDPOINTS}{made.pk}/"
    shown = client.get(ENDPOINTS).json()["results"][0]
    assert (shown["headers"], shown["public_key"]) == ({}, None)
    assert client.get(f"{path}secret/").status_code == 409
    assert client.post(f"{path}rotate-secret/", {}).json()["public_key"].startswith("whpk_")
    assert client.patch(path, {"signature": "v1", "headers": {"X-Team": "red"}}).status_code == 200
    assert client.post(f"{path}rotate-secret/", {}).status_code == 200
    assert client.get(f"{path}secret/").json()["secret"].startswith("whsec_")


def test_nothing_secret_is_logged_kept_or_said(api, alice, caplog):
    hush = "whsec_" + base64.b64encode(b"hush" * 8).decode()
    given = {"url": URL, "secret": hush, "headers": {"X": "hush-hush"}}
    with caplog.at_level("DEBUG"):
        created = api(alice, HTTP_IDEMPOTENCY_KEY="a").post(ENDPOINTS, given)
        made = Endpoint.objects.get()
        path, client = f"{ENDPOINTS}{made.pk}/", api(alice, HTTP_IDEMPOTENCY_KEY="b")
        rotated = client.post(f"{path}rotate-secret/", {}).json()["secret"]
        said = [
            api(alice, HTTP_IDEMPOTENCY_KEY="a").post(ENDPOINTS, given),
            client.post(f"{path}rotate-secret/", {}),
            client.post(ENDPOINTS, given | {"secret": hush + "!"}),
            client.post(ENDPOINTS, given | {"headers": {"X": "hush-hush\n"}}),
            client.patch(path, {"headers": {"X": "hush-hush", "Host": "hush-hush"}}),
        ]
    assert [each.status_code for each in said] == [409, 409, 400, 400, 400]
    after = Endpoint.objects.get()
    everything = [
        caplog.text,
        *(each.content.decode() for each in said),
        *(str(row) for row in IdempotentAnswer.objects.values()),
        *(text for row in (after, after.retired_secrets.get()) for text in (repr(row), str(row))),
    ]
    secrets = ("hush-hush", hush.partition("_")[2], rotated.partition("_")[2])
    assert created.status_code == 201
    assert not any(secret in text for secret in secrets for text in everything)


# -- The limit, and the test -------------------------------------------------------------------------------------------


def test_one_has_so_many_endpoints_and_no_more(api, alice, made, settings):
    settings.TIDEWIRE_USER_MAX_ENDPOINTS = 1
    response = api(alice).post(ENDPOINTS, {"url": URL})
    assert response.status_code == 400
    assert response.json()["errors"] == [
        {"field": "", "code": "too_many", "message": "There are 1 endpoints already; that is the limit."}
    ]


def test_a_test_is_an_event_on_the_owners_topic_whose_id_is_answered(api, alice, made, log):
    response = api(alice).post(f"{ENDPOINTS}{made.pk}/test/")
    assert response.status_code == 202
    assert "webhooks.endpoint.tested" in log()
    event = Event.objects.get(type="webhooks.endpoint.tested")
    assert response.json() == {"id": str(event.event_id)}
    assert (event.topic, event.subject) == (f"users.{alice.pk}", f"endpoints/{made.pk}")
    assert event.data == {"endpoint": {"id": made.pk, "url": made.url, "description": ""}}


@pytest.mark.parametrize("reason", ["", "The receiver answered 410 Gone."])
def test_what_is_switched_off_is_not_tested_and_says_why(api, alice, made, outbox, reason):
    Endpoint.objects.update(enabled=False, disabled_reason=reason)
    response = api(alice).post(f"{ENDPOINTS}{made.pk}/test/")
    assert response.status_code == 409
    assert (reason or "paused") in response.json()["detail"]
    assert "webhooks.endpoint.tested" not in outbox()


def test_a_repeated_test_is_sent_once(api, alice, made, outbox):
    client = api(alice, HTTP_IDEMPOTENCY_KEY="once")
    first, second = [client.post(f"{ENDPOINTS}{made.pk}/test/", {}) for _ in range(2)]
    assert (first.json(), second.status_code) == (second.json(), 202)
    assert outbox().count("webhooks.endpoint.tested") == 1


def test_tests_are_limited_by_the_minute_for_each_endpoint(api, alice, made, endpoint, settings, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 6000.0)
    settings.TIDEWIRE_ENDPOINT_TESTS_PER_MINUTE = 2
    client, other = api(alice), endpoint(alice)
    answers = [client.post(f"{ENDPOINTS}{made.pk}/test/") for _ in range(3)]
    assert [each.status_code for each in answers] == [202, 202, 429]
    assert answers[2]["Retry-After"] == "60"
    assert client.post(f"{ENDPOINTS}{other.pk}/test/").status_code == 202


def test_a_test_takes_no_fields(api, alice, made, outbox):
    assert "Unknown" in errors(api(alice).post(f"{ENDPOINTS}{made.pk}/test/", {"url": URL}), "url")
    assert "webhooks.endpoint.tested" not in outbox()
