import pytest

from events import log
from events.encoding import timestamp
from events.models import LogHead
from webhooks import replays
from webhooks.models import Delivery, Endpoint, Replay

ENDPOINTS = "/api/v1/webhooks/endpoints/"
LONG_AGO = "2000-01-01T00:00:00Z"


@pytest.fixture
def made(endpoint, alice, take):
    """alice's endpoint with two deliveries that failed."""
    made = endpoint(alice, event_types=["tests.*"])
    take("a", "b")
    Delivery.objects.update(status="exhausted", next_attempt_at=None)
    return made


@pytest.fixture
def paths(made):
    return {name: f"{ENDPOINTS}{made.pk}/{name}/" for name in ("replay", "replays")}


def errors(response, field):
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    return " ".join(error["message"] for error in response.json()["errors"] if error["field"].startswith(field))


def test_a_replay_is_begun_seen_and_done(api, alice, made, paths, wakes, django_capture_on_commit_callbacks):
    client = api(alice)
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(paths["replay"], {"since": LONG_AGO})
    row, epoch = Replay.objects.get(), log.head().epoch
    assert answer.status_code == 202
    assert answer.json() == {
        "id": row.pk,
        "endpoint": made.pk,
        "only": "failed",
        "after": f"{epoch}-{row.after}",
        "upto": str(log.head().cursor),
        "status": "running",
        "progress": 0.0,
        "made": 0,
        "created_at": timestamp(row.created_at),
        "finished_at": None,
        "error": "",
        "is_complete": True,
    }
    assert ("webhooks.tasks.run_replays",) in wakes
    assert row.requested_by == alice
    replays.run()
    seen = client.get(f"{paths['replays']}{row.pk}/").json()
    assert (seen["status"], seen["made"], seen["progress"]) == ("done", 2, 1.0)
    assert [each["id"] for each in client.get(paths["replays"]).json()["results"]] == [row.pk]
    assert Delivery.objects.filter(status="pending").count() == 2


def test_a_replay_begins_after_a_cursor(api, alice, made, paths):
    after = f"{log.head().epoch}-{log.head().position - 1}"
    assert api(alice).post(paths["replay"], {"after": after, "only": "all"}).json()["after"] == after
    replays.run()
    assert Delivery.objects.filter(status="pending").count() == 1


def test_a_window_that_the_log_no_longer_holds_whole_is_said(api, alice, made, paths):
    LogHead.objects.update(pruned=log.head().position - 1)
    answer = api(alice).post(paths["replay"], {"since": LONG_AGO}).json()
    assert (answer["after"], answer["is_complete"]) == (f"{log.head().epoch}-{log.head().position - 1}", False)


def test_while_one_runs_there_is_no_other(api, alice, made, paths):
    client = api(alice)
    assert client.post(paths["replay"], {"since": LONG_AGO}).status_code == 202
    answer = client.post(paths["replay"], {"since": LONG_AGO})
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    assert "is running" in answer.json()["detail"]
    replays.run()
    assert client.post(paths["replay"], {"since": LONG_AGO}).status_code == 202
    assert [each["status"] for each in client.get(paths["replays"]).json()["results"]] == ["running", "done"]


def test_an_endpoint_that_is_switched_off_is_to_be_switched_on_first(api, alice, made, paths):
    Endpoint.objects.update(enabled=False, disabled_reason="The receiver answered 410 Gone.")
    answer = api(alice).post(paths["replay"], {"since": LONG_AGO})
    assert (answer.status_code, "Switch it on first." in answer.json()["detail"]) == (409, True)


@pytest.mark.parametrize("method", ["delete", "post"])
def test_a_replay_is_cancelled_once_and_stays_in_the_list(api, alice, made, paths, method):
    client = api(alice)
    begun = client.post(paths["replay"], {"since": LONG_AGO}).json()
    cancel = getattr(client, method)
    answer = cancel(f"{paths['replays']}{begun['id']}/")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert answer.json()["finished_at"] is not None
    assert cancel(f"{paths['replays']}{begun['id']}/").status_code == 409
    assert (replays.run(), Delivery.objects.filter(status="pending").count()) == (0, 0)
    assert client.post(paths["replay"], {"since": LONG_AGO}).status_code == 202


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({}, "", "one of both"),
        ({"since": LONG_AGO, "after": "{head}"}, "", "one of both"),
        ({"after": "nonsense"}, "after", "not a cursor"),
        ({"after": "zzzz-1"}, "after", "another life"),
        ({"after": "{ahead}"}, "after", "ahead"),
        ({"after": "{pruned}"}, "after", "no longer goes back"),
        ({"after": 5}, "after", "not a cursor"),
        ({"after": ["x"]}, "after", "valid string"),
        ({"since": "yesterday"}, "since", "wrong format"),
        ({"since": None}, "since", "null"),
        ({"since": LONG_AGO, "only": "some"}, "only", "valid choice"),
        ({"since": LONG_AGO, "upto": "x"}, "upto", "Unknown field"),
    ],
)
def test_bad_input_is_refused_with_the_field_and_the_reason(api, alice, made, paths, given, field, reason):
    head = log.head()
    LogHead.objects.update(pruned=1)
    places = {"head": str(head.cursor), "ahead": f"{head.epoch}-{head.position + 9}", "pruned": f"{head.epoch}-0"}
    given = {name: value.format(**places) if isinstance(value, str) else value for name, value in given.items()}
    assert reason in errors(api(alice).post(paths["replay"], given), field)
    assert not Replay.objects.exists()


def test_for_mallory_what_is_alices_does_not_exist(api, alice, mallory, made, paths, endpoint):
    begun = api(alice).post(paths["replay"], {"since": LONG_AGO}).json()["id"]
    for who, code in ((api(mallory), 404), (api(), 401)):
        assert who.post(paths["replay"], {"since": LONG_AGO}).status_code == code
        assert who.get(paths["replays"]).status_code == code
        assert who.get(f"{paths['replays']}{begun}/").status_code == code
        assert who.delete(f"{paths['replays']}{begun}/").status_code == code
    other = endpoint(mallory)
    assert api(mallory).delete(f"{ENDPOINTS}{other.pk}/replays/{begun}/").status_code == 404
    assert Replay.objects.get().status == "running"


def test_a_number_that_no_row_can_have_is_not_found(api, alice, paths):
    assert api(alice).get(f"{paths['replays']}{2**64}/").status_code == 404
