import pytest

from access.models import User
from events.models import Outbox
from feeds import actions
from feeds.models import Feed

PASSWORD = "a long enough tide"
EDITED = {"date_joined_0": "2026-01-01", "date_joined_1": "12:00", "is_active": "on"}


@pytest.fixture
def operator(client, db):
    client.force_login(User.objects.create_superuser("operator"))
    return client


def add(client, username):
    fields = {"username": username, "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    return client.post("/admin/access/user/add/", fields)


def rename(client, user, username):
    told = {"username": username, "time_zone": "UTC", "language": "en"}
    return client.post(f"/admin/access/user/{user.pk}/change/", EDITED | told)


def error_of(response):
    assert response.status_code == 200
    return response.context["adminform"].form.errors.get("username")


def test_a_user_made_in_the_admin_has_a_feed(operator):
    assert add(operator, "dave").status_code == 302
    assert Feed.objects.get(slug="dave").owner.username == "dave"


@pytest.mark.parametrize("name", ["news", "News", "alice", "ALICE"])
def test_a_name_that_is_taken_is_an_error_of_the_field(operator, alice, name):
    Feed.objects.create(owner=alice, slug="news", title="News")
    before = Outbox.objects.count(), User.objects.count()
    assert error_of(add(operator, name)) == ["This name is taken."]
    assert (Outbox.objects.count(), User.objects.count()) == before


@pytest.mark.parametrize("name", ["news", "alice"])
def test_who_loses_the_race_for_a_name_in_the_admin_is_shown_the_error(operator, alice, monkeypatch, name):
    Feed.objects.create(owner=alice, slug="news", title="News")
    checked = []

    def check(user, clean=User.clean):
        # At the first check the other one, who is quicker, cannot be seen yet.
        if checked:
            clean(user)
        checked.append(user)

    monkeypatch.setattr(User, "clean", check)
    assert error_of(add(operator, name)) == ["This name is taken."]
    assert User.objects.count() == 2


def test_a_user_renamed_in_the_admin_keeps_a_feed_of_the_same_name(operator, feed, alice, outbox):
    before = outbox()
    assert rename(operator, alice, "alicia").status_code == 302
    assert Feed.objects.get(pk=feed.pk).slug == "alicia"
    assert outbox()[len(before) :] == ["feeds.feed.edited"]
    assert operator.get("/feeds/alicia/").status_code == 200


@pytest.mark.parametrize("name", ["news", "bob", "BOB"])
def test_a_user_is_not_renamed_to_what_is_taken(operator, feed, alice, bob, name):
    Feed.objects.create(owner=bob, slug="news", title="News")
    assert error_of(rename(operator, alice, name)) == ["This name is taken."]
    assert Feed.objects.get(pk=feed.pk).slug == User.objects.get(pk=alice.pk).username == "alice"


def test_a_user_saved_in_the_admin_under_the_same_name_is_taken(operator, alice, bob, outbox):
    actions.follow_feed(Feed.objects.get(slug="bob"), by=alice)
    before = outbox()
    assert rename(operator, alice, "alice").status_code == 302
    assert outbox() == before


def test_the_time_zone_and_the_language_are_changed_in_the_admin_and_a_zone_that_is_none_is_refused(operator, alice):
    told = {"username": "alice", "language": "de"}
    answer = operator.post(f"/admin/access/user/{alice.pk}/change/", EDITED | told | {"time_zone": "Europe/Berlin"})
    alice.refresh_from_db()
    assert (answer.status_code, alice.time_zone, alice.language) == (302, "Europe/Berlin", "de")
    refused = operator.post(f"/admin/access/user/{alice.pk}/change/", EDITED | told | {"time_zone": "Mars/Olympus"})
    assert "time_zone" in refused.context["adminform"].form.errors
