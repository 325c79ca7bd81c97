import pytest

from events import log
from webhooks import actions
from webhooks.models import Endpoint

ENDPOINTS = "/api/v1/webhooks/endpoints/"


@pytest.fixture
def made(endpoint, alice, take):
    """alice's endpoint, which missed b and c."""
    made = endpoint(alice, event_types=["tests.*"])
    take("a")
    Endpoint.objects.update(enabled=False, disabled_reason="The receiver answered 410 Gone.")
    take("b", "c")
    actions.change_endpoint(made, enabled=True)
    take("d")
    return made


def found(answer):
    return "".join(event["data"]["sound"] for event in answer["events"])


def test_what_is_missing_is_listed_with_the_cursor_to_go_on_from(api, alice, made):
    client, path = api(alice), f"{ENDPOINTS}{made.pk}/missing/"
    first = client.get(f"{path}?since=2000-01-01T00:00:00Z&limit=1").json()
    assert (found(first), first["is_complete"]) == ("b", False)
    rest = client.get(f"{path}?after={first['cursor']}").json()
    assert (found(rest), rest["is_complete"], rest["cursor"]) == ("c", True, str(log.head().cursor))
    assert rest["after"] == first["cursor"]
    assert client.get(f"{path}?since=2100-01-01T00:00:00Z").json()["events"] == []


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ("", "", "one of both"),
        ("since=2000-01-01T00:00:00Z&after=abcd-1", "", "another life"),
        ("after=x", "after", "not a cursor"),
        ("since=yesterday", "since", "wrong format"),
        ("since=2000-01-01T00:00:00Z&limit=0", "limit", "1"),
        ("since=2000-01-01T00:00:00Z&limit=201", "limit", "200"),
        ("since=2000-01-01T00:00:00Z&status=x", "status", "Unknown"),
    ],
)
def test_bad_input_is_refused_with_the_field_and_the_reason(api, alice, made, query, field, reason):
    answer = api(alice).get(f"{ENDPOINTS}{made.pk}/missing/?{query}")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert reason in " ".join(error["message"] for error in answer.json()["errors"] if field in error["field"])


def test_for_mallory_alices_endpoint_does_not_exist(api, mallory, made):
    path = f"{ENDPOINTS}{made.pk}/missing/?since=2000-01-01T00:00:00Z"
    assert [api(mallory).get(path).status_code, api().get(path).status_code] == [404, 401]
