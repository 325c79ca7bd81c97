import json

import pytest

from notifications import actions
from notifications.kinds import Undone
from notifications.models import Notification

URL = "/api/v1/notifications/"


@pytest.fixture
def row(alice, bob, notify):
    return notify(alice, bob, subject="9")


def test_a_notification_has_the_fields_of_the_wire(api, alice, bob, row):
    body = api(alice).get(f"{URL}{row.pk}/").json()
    assert body == {
        "id": row.pk,
        "kind": "like",
        "actors": [{"id": bob.pk, "username": "bob"}],
        "actor_count": 1,
        "subject": {"type": "entry", "id": "9", "url": "/entries/9/"},
        "text": "bob liked your entry",
        "created_at": body["created_at"],
        "seen_at": None,
        "read_at": None,
        "archived_at": None,
        "snoozed_until": None,
        "version": 1,
    }


def test_the_inbox_is_listed_newest_first_with_the_unread_count(api, alice, bob, row, notify):
    later, away = notify(alice, bob), notify(alice, bob)
    actions.change(away, archived=True)
    actions.change(row, read=True)
    body = api(alice).get(URL).json()
    assert [each["id"] for each in body["results"]] == [later.pk, row.pk]
    assert (set(body), body["unread_count"]) == ({"next", "previous", "results", "unread_count"}, 1)


def test_the_inbox_is_walked_by_pages(api, alice, bob, notify):
    rows = [notify(alice, bob).pk for _ in range(3)]
    first = api(alice).get(URL, {"page_size": 2}).json()
    second = api(alice).get(first["next"]).json()
    assert [each["id"] for page in (first, second) for each in page["results"]] == rows[::-1]
    assert second["unread_count"] == 3


def test_a_notification_is_read_archived_and_taken_back(api, alice, row):
    client = api(alice)
    read = client.patch(f"{URL}{row.pk}/", {"read": True}).json()
    assert (read["read_at"] is not None, read["version"]) == (True, 2)
    assert client.patch(f"{URL}{row.pk}/", {"archived": True}).status_code == 200
    assert client.get(URL).json()["results"] == []
    back = client.patch(f"{URL}{row.pk}/", {"archived": False, "read": False}).json()
    assert (back["read_at"], back["version"]) == (None, 4)
    assert client.get(URL).json()["unread_count"] == 1


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, ""),
        ([], ""),
        (None, ""),
        ({"read": None}, "read"),
        ({"read": "maybe"}, "read"),
        ({"read": [True]}, "read"),
        ({"archived": {}}, "archived"),
        ({"text": "x"}, "text"),
        ({"unread_count": 0}, "unread_count"),
    ],
)
def test_a_change_that_is_none_is_400(api, alice, row, data, field):
    response = api(alice).patch(f"{URL}{row.pk}/", json.dumps(data), content_type="application/json")
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, field)


def test_reading_marks_up_to_one_or_all(api, alice, bob, row, notify):
    last, client = notify(alice, bob), api(alice)
    assert client.post(f"{URL}read/", {"up_to": row.pk}).json() == {"changed": 1, "unread_count": 1}
    assert client.post(f"{URL}read/", {}).json() == {"changed": 1, "unread_count": 0}
    last.refresh_from_db()
    assert last.read_at is not None


def test_reading_all_needs_no_body(api, alice, row):
    assert api(alice).post(f"{URL}read/").json() == {"changed": 1, "unread_count": 0}


def test_seeing_marks_nothing_read(api, alice, row):
    assert api(alice).post(f"{URL}seen/", {"up_to": row.pk}).json() == {"changed": 1, "unread_count": 1}
    assert api(alice).get(f"{URL}{row.pk}/").json()["seen_at"] is not None


@pytest.mark.parametrize("path", ["read/", "seen/"])
@pytest.mark.parametrize(
    "data",
    [
        [],
        None,
        0,
        False,
        "x",
        {"up_to": 0},
        {"up_to": -1},
        {"up_to": 2**63},
        {"up_to": "x"},
        {"up_to": None},
        {"all": True},
    ],
)
def test_what_marks_nothing_in_particular_is_400_and_marks_nothing(api, alice, row, path, data):
    response = api(alice).post(f"{URL}{path}", json.dumps(data), content_type="application/json")
    assert response.status_code == 400
    row.refresh_from_db()
    assert (row.read_at, row.seen_at) == (None, None)


def test_nobody_sees_or_touches_what_is_anothers(api, alice, mallory, row):
    client = api(mallory)
    assert client.get(URL).json() | {"unread_count": 0} == {
        "next": None,
        "previous": None,
        "results": [],
        "unread_count": 0,
    }
    assert client.get(f"{URL}{row.pk}/").status_code == 404
    assert client.patch(f"{URL}{row.pk}/", {"read": True}).status_code == 404
    assert client.post(f"{URL}read/", {"up_to": row.pk}).json() == {"changed": 0, "unread_count": 0}
    row.refresh_from_db()
    assert row.read_at is None


@pytest.mark.parametrize(
    ("method", "path"), [("get", ""), ("get", "1/"), ("patch", "1/"), ("post", "read/"), ("post", "seen/")]
)
def test_anonymous_has_no_inbox(api, db, method, path):
    assert getattr(api(), method)(URL + path).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"), [("post", ""), ("delete", "{id}/"), ("put", "{id}/"), ("get", "read/"), ("get", "seen/")]
)
def test_other_methods_are_405(api, alice, row, method, path):
    assert getattr(api(alice), method)(URL + path.format(id=row.pk)).status_code == 405


@pytest.mark.parametrize("id", [0, 10**30, "x", "-1"])
def test_what_is_not_there_is_404(api, alice, id):
    assert api(alice).get(f"{URL}{id}/").status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_inbox(api, alice, bob, carol, row, notify, query_count):
    client = api(alice)
    client.get(URL)
    few = query_count(lambda: client.get(URL))
    for actor in (bob, carol) * 5:
        notify(alice, actor)
    assert query_count(lambda: client.get(URL)) == few <= 6


def test_a_read_carries_the_cursor_and_is_304_when_unchanged(api, alice, row):
    client = api(alice)
    first = client.get(URL)
    again = client.get(URL, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, first.headers["Tidewire-Cursor"]) == (304, again.headers["Tidewire-Cursor"])
    actions.change(row, read=True)
    assert client.get(URL, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_a_change_through_the_api_is_an_event_on_the_users_topic(api, alice, row, log):
    api(alice).patch(f"{URL}{row.pk}/", {"read": True})
    type, topic, data = log("type", "topic", "data")[-1]
    assert (type, topic) == ("notifications.notification.read", f"users.{alice.pk}")
    assert (data["unread_count"], data["version"], data["notification"]["id"]) == (0, 2, row.pk)


def test_the_admin_only_looks(admin_client, row):
    assert admin_client.get("/admin/notifications/notification/").status_code == 200
    assert admin_client.get(f"/admin/notifications/notification/{row.pk}/change/").status_code == 200
    assert admin_client.post(f"/admin/notifications/notification/{row.pk}/change/", {}).status_code == 403
    assert admin_client.post(f"/admin/notifications/notification/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Notification.objects.exists()


def test_what_is_snoozed_is_not_listed_until_it_comes_back(api, alice, row):
    client = api(alice)
    answer = client.patch(f"{URL}{row.pk}/", {"snoozed_until": "2999-01-01T00:00:00Z"}).json()
    assert (answer["snoozed_until"], client.get(URL).json()["unread_count"]) == ("2999-01-01T00:00:00.000000Z", 0)
    assert client.get(URL).json()["results"] == []
    assert client.patch(f"{URL}{row.pk}/", {"snoozed_until": None}).json()["snoozed_until"] is None
    assert client.get(URL).json()["unread_count"] == 1


@pytest.mark.parametrize("until", ["2001-01-01T00:00:00Z", "tomorrow", 5, []])
def test_a_time_that_has_passed_or_is_none_is_400(api, alice, row, until):
    response = api(alice).patch(f"{URL}{row.pk}/", {"snoozed_until": until})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "snoozed_until")


def test_the_unread_count_is_bounded(api, alice, bob, monkeypatch, notify):
    monkeypatch.setattr("notifications.models.inbox.UNREAD_COUNTED", 2)
    for _ in range(3):
        notify(alice, bob)
    assert api(alice).get(URL).json()["unread_count"] == 2


def test_what_was_withdrawn_is_not_there_and_comes_back_by_nothing(api, alice, bob, notify):
    row = notify(alice, bob, subject="9")
    actions.withdraw(Undone(f"likes/9/{bob.pk}"))
    assert api(alice).get(f"{URL}{row.pk}/").status_code == 404
    assert api(alice).patch(f"{URL}{row.pk}/", {"archived": False}).status_code == 404
    with pytest.raises(Notification.DoesNotExist):
        actions.change(row, archived=False)
    assert api(alice).get(URL).json()["results"] == []
