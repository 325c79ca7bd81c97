from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from events.catalogue import topic_kind
from events.models import PresenceLease

URL = "/api/v1/live/presence/"
LOUNGE = topic_kind(
    "lounges.{id}",
    "Lounges; nobody sees who is there but those who are known.",
    can_read=lambda user, ids: set(ids) if user.is_authenticated and user.username != "mallory" else set(),
    has_presence=True,
)


@pytest.fixture
def enter():
    """Hold a lease for somebody on a topic."""

    def enter(user, topic="lounges.1", seconds=60):
        return PresenceLease.objects.create(
            topic=topic,
            user_id=user.pk,
            username=user.username,
            process=uuid4(),
            expires_at=Now() + timedelta(seconds=seconds),
        )

    return enter


def test_it_names_who_is_here_and_how_many(api, alice, bob, carol, enter):
    enter(alice)
    enter(bob)
    enter(carol, topic="lounges.2")
    body = api(alice).get(URL, {"topic": "lounges.1"}).json()
    assert body["count"] == 2
    assert [sorted(person) for person in body["results"]] == [["id", "since", "username"]] * 2
    assert {(person["id"], person["username"]) for person in body["results"]} == {
        (alice.pk, "alice"),
        (bob.pk, "bob"),
    }


def test_somebody_on_two_processes_is_one(api, alice, enter):
    enter(alice)
    enter(alice)
    body = api(alice).get(URL, {"topic": "lounges.1"}).json()
    assert (body["count"], len(body["results"])) == (1, 1)


def test_a_lease_that_has_expired_is_nobody(api, alice, bob, enter):
    enter(bob, seconds=-1)
    assert api(alice).get(URL, {"topic": "lounges.1"}).json()["count"] == 0


def test_pages_hold_everyone_once(api, alice, bob, carol, enter, settings):
    for user in (alice, bob, carol):
        enter(user)
    client, found = api(alice), []
    url = f"{URL}?topic=lounges.1&limit=2&page_size=2"
    while url:
        body = client.get(url).json()
        found += [person["username"] for person in body["results"]]
        url = body["next"]
    assert sorted(found) == ["alice", "bob", "carol"]


@pytest.mark.parametrize("name", ["mallory", None])
def test_who_may_not_read_the_topic_is_not_told_who_is_here(api, alice, mallory, enter, name):
    enter(alice)
    response = api(mallory if name else None).get(URL, {"topic": "lounges.1"})
    assert response.status_code in (401, 403)
    assert "results" not in response.json()


def test_a_topic_that_shows_nobody_is_not_found(api, alice):
    response = api(alice).get(URL, {"topic": f"users.{alice.pk}"})
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


@pytest.mark.parametrize("topic", ["", "not one", "x" * 200, "a..b", "lounges.\x00"])
def test_what_is_no_topic_is_invalid(api, alice, topic):
    response = api(alice).get(URL, {"topic": topic})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "topic"


def test_an_unknown_topic_is_not_readable(api, alice):
    assert api(alice).get(URL, {"topic": "nowhere.1"}).status_code == 403


def test_presence_is_only_read(api, alice):
    assert api(alice).post(f"{URL}?topic=lounges.1").status_code == 405
