import pytest

ENDPOINTS, PREVIEW = "/api/v1/webhooks/endpoints/", "/api/v1/webhooks/preview/"


@pytest.fixture
def made(endpoint, alice):
    return endpoint(alice, event_types=["tests.*"], content_filter={"sound": {"in": ["a", "b"]}})


def errors(response, field):
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    return " ".join(error["message"] for error in response.json()["errors"] if error["field"].startswith(field))


def test_a_preview_answers_with_what_would_have_come(api, alice, made, ring):
    events = ring(*"abc")
    answer = api(alice).post(f"{ENDPOINTS}{made.pk}/preview/", {}).json()
    assert set(answer) == {"count", "is_complete", "per_type", "events", "since", "scanned"}
    assert (answer["count"], answer["is_complete"], answer["per_type"]) == (2, True, {"tests.bell.rang": 2})
    assert [event["id"] for event in answer["events"]] == [str(event.event_id) for event in events[1::-1]]
    assert answer["events"][0]["specversion"] == "1.0"


def test_what_is_given_stands_for_what_the_endpoint_has(api, alice, made, ring):
    ring(*"abc")
    path, client = f"{ENDPOINTS}{made.pk}/preview/", api(alice)
    assert client.post(path, {"filter": {}}).json()["count"] == 3
    assert client.post(path, {"filter": {"sound": "c"}, "days": 1}).json()["count"] == 1
    assert client.post(path, {"topics": ["users.*"]}).json()["count"] == 0
    assert client.post(path, {"event_types": ["tests.other.*"]}).json()["count"] == 0


def test_one_can_look_before_there_is_an_endpoint(api, alice, bob, mallory, feed, ring):
    ring("a", topic=f"feeds.{feed.pk}.followers")
    asked = {"event_types": ["tests.*"]}
    assert [api(who).post(PREVIEW, asked).json()["count"] for who in (alice, bob, mallory)] == [1, 1, 0]
    assert api(alice).post(PREVIEW).status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("event_types", ["x..y"], "not a type"),
        ("event_types", [], "at least 1"),
        ("topics", ["home"], "alias"),
        ("filter", {"a": {"like": 1}}, "no operator"),
        ("filter", [], "is an object"),
        ("filter", None, "null"),
        ("days", 8, "7"),
        ("days", 0, "1"),
        ("days", "x", "integer"),
        ("url", "https://example.com/", "Unknown field"),
    ],
)
def test_bad_input_is_refused_with_the_field_and_the_reason(api, alice, made, field, value, reason):
    for path in (PREVIEW, f"{ENDPOINTS}{made.pk}/preview/"):
        assert reason in errors(api(alice).post(path, {field: value}), field)


def test_for_mallory_alices_endpoint_does_not_exist_and_nobody_else_may_look(api, mallory, made):
    assert api(mallory).post(f"{ENDPOINTS}{made.pk}/preview/").status_code == 404
    assert api().post(f"{ENDPOINTS}{made.pk}/preview/").status_code == 401
    assert api().post(PREVIEW).status_code == 401


def test_who_looks_too_often_is_asked_to_wait(api, alice, mallory, settings):
    settings.TIDEWIRE_USER_PREVIEWS_PER_MINUTE = 2
    client = api(alice)
    answers = [client.post(PREVIEW).status_code for _ in range(5)]
    assert answers[:2] == [200, 200] and 429 in answers
    assert api(mallory).post(PREVIEW).status_code == 200
