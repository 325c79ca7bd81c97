import threading

import pytest
from django.db import connection
from django.test import Client

from access.models import User
from events.models import Outbox
from feeds.models import Feed

PASSWORD = "a long enough tide"


@pytest.fixture(autouse=True)
def templates(settings):
    """A sign-up page that shows its errors."""
    page = {"accounts/signup.html": "{{ form.errors }}"}
    [engine] = settings.TEMPLATES
    options = engine["OPTIONS"] | {"loaders": [("django.template.loaders.locmem.Loader", page)]}
    settings.TEMPLATES = [{"BACKEND": engine["BACKEND"], "OPTIONS": options}]


def sign_up(client, username, password=PASSWORD, again=None):
    return client.post(
        "/accounts/signup/", {"username": username, "password1": password, "password2": again or password}
    )


def test_signing_up_makes_a_user_and_signs_them_in(client, db):
    response = sign_up(client, "dave")
    assert (response.status_code, response.headers["Location"]) == (302, "/")
    assert client.session["_auth_user_id"] == str(User.objects.get(username="dave").pk)


@pytest.mark.parametrize("name", ["alice", "ALICE", "news", "News"])
def test_signing_up_with_what_is_taken_shows_the_error_and_makes_nothing(client, alice, name):
    Feed.objects.create(owner=alice, slug="news", title="News")
    events = Outbox.objects.count()
    response = sign_up(client, name)
    assert (response.status_code, "This name is taken." in response.content.decode()) == (200, True)
    assert (User.objects.count(), Feed.objects.count(), Outbox.objects.count()) == (1, 2, events)


@pytest.mark.parametrize("name", ["", "-dash", "a b", "ålice", "a" * 51, "a\0", "a\nb", "a/b", "a@b"])
def test_a_name_has_few_characters(client, db, name):
    assert sign_up(client, name).status_code == 200
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("password", "again"),
    [("short1!", None), ("password1", None), ("71829304", None), ("dave-dave", None), (PASSWORD, "another one")],
)
def test_a_bad_password_makes_no_user(client, db, password, again):
    assert sign_up(client, "dave-dave", password, again).status_code == 200
    assert not User.objects.exists()


def test_who_loses_the_race_for_a_name_is_shown_the_error(client, alice, monkeypatch):
    monkeypatch.setattr("access.pages.accounts.SignUpForm.clean_username", lambda form: form.cleaned_data["username"])
    monkeypatch.setattr(User, "validate_unique", lambda user, exclude=None: None)
    monkeypatch.setattr(User, "validate_constraints", lambda user, exclude=None: None)
    assert "This name is taken." in sign_up(client, "alice").content.decode()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_sign_up_with_one_name_at_once_one_is_made(client):
    statuses = []

    def run():
        statuses.append(sign_up(Client(), "dave").status_code)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 200, 200, 302]
    assert (User.objects.count(), Feed.objects.count(), Outbox.objects.count()) == (1, 1, 1)
