import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from access import sessions
from access.models import User

BAD_KEYS = ["", "short", "\0" * 20, "a\0bcdefghij", "é" * 20, "a-b-c-d-e-f-g", "x" * 41, "x" * 5000]


@pytest.fixture
def key(alice):
    client = Client()
    client.force_login(alice)
    return client.cookies["sessionid"].value


def test_a_session_has_a_user_and_an_end(alice, key):
    assert sessions.find(key) == (alice, Session.objects.get().expire_date)


@pytest.mark.parametrize("bad", BAD_KEYS)
def test_what_is_no_key_is_refused_before_the_database(bad):
    assert not sessions.is_key(bad)
    assert sessions.SessionStore(bad).session_key is None


@pytest.mark.parametrize("bad", [r'"\000abcdefgh"', '"a b c d e f g"', "x" * 3000])
def test_a_request_with_a_cookie_that_is_no_session_is_anonymous(db, bad):
    for path in ("/api/v1/feeds/", "/accounts/login/"):
        assert Client(headers={"cookie": f"sessionid={bad}"}).get(path).status_code == 200


def test_a_session_that_is_over_is_nobodys(key):
    Session.objects.update(expire_date=timezone.now())
    assert sessions.find(key) is None


def test_a_deactivated_user_has_no_session(key):
    User.objects.update(is_active=False)
    assert sessions.find(key) is None


def test_a_session_does_not_outlive_the_password(alice, key):
    alice.set_password("another tide altogether")
    alice.save()
    assert sessions.find(key) is None


def test_a_session_outlives_the_change_of_the_secret_key(alice, key, settings):
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "new" * 20
    assert sessions.find(key) == (alice, Session.objects.get().expire_date)


def test_a_session_without_a_user_is_nobodys(client, db):
    client.session["a"] = 1
    session = client.session
    session["a"] = 1
    session.save()
    assert sessions.find(session.session_key) is None
