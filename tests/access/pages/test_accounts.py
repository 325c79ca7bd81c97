import threading

import pytest
from django.db import connection
from django.test import Client

from access.models import Block, Mute, User
from events.models import Outbox
from feeds.models import Feed

PASSWORD = "a long enough tide"


@pytest.fixture(autouse=True)
def templates(settings):
    """A sign-up page that shows its errors."""
    page = {"accounts/signup.html": "{{ form.errors }}", "error.html": "{{ detail }}"}
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


@pytest.fixture
def browser(alice):
    client = Client()
    client.force_login(alice)
    return client


@pytest.mark.parametrize(("path", "rows"), [("blocks", Block), ("mutes", Mute)])
def test_keeping_somebody_away_and_taking_it_back_by_forms(browser, alice, bob, path, rows):
    for on, count in (("1", 1), ("1", 1), ("0", 0), ("0", 0)):
        response = browser.post(f"/accounts/{path}/{bob.pk}/", {"on": on, "next": "/feeds/bob/"})
        assert (response.status_code, response["Location"]) == (302, "/feeds/bob/")
        assert rows.objects.count() == count


@pytest.mark.parametrize("path", ["blocks", "mutes"])
def test_nobody_keeps_themselves_away_nor_a_stranger_anybody(browser, client, alice, path):
    browser.post(f"/accounts/{path}/{alice.pk}/", {"on": "1", "next": "//evil.example/"})
    assert client.post(f"/accounts/{path}/{alice.pk}/", {"on": "1"})["Location"].startswith("/accounts/login/")
    assert browser.get(f"/accounts/{path}/{alice.pk}/").status_code == 405
    assert browser.post(f"/accounts/{path}/999999/", {"on": "1"}).status_code == 404
    assert not Block.objects.exists() and not Mute.objects.exists()


def test_who_signs_up_in_german_is_spoken_to_in_german(client, db):
    client.post(
        "/accounts/signup/",
        {"username": "dora", "password1": PASSWORD, "password2": PASSWORD},
        headers={"Accept-Language": "de"},
    )
    assert User.objects.get(username="dora").language == "de"
