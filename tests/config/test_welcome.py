import pytest
from django.test import Client

from feeds.models import Entry
from notifications.models import Notification


@pytest.fixture
def browser(alice):
    client = Client()
    client.force_login(alice)
    return client


def test_the_first_status_is_published_and_its_author_told(browser, alice):
    assert "One event, every way out" in browser.get("/").content.decode()
    assert browser.post("/welcome/", {"text": "Hello"})["Location"] == "/"
    entry = Entry.objects.get()
    assert (entry.kind, entry.text, entry.author) == ("status", "Hello", alice)
    assert Notification.objects.get(recipient=alice).subject_url == f"/entries/{entry.pk}/"
    assert "One event, every way out" not in browser.get("/").content.decode()


def test_only_the_first_has_an_echo(browser):
    for text in ("One", "Two"):
        browser.post("/welcome/", {"text": text})
    assert (Entry.objects.count(), Notification.objects.count()) == (2, 1)


def test_nothing_said_publishes_nothing(browser):
    browser.post("/welcome/", {"text": " "})
    assert not Entry.objects.exists()


def test_a_stranger_sees_the_picture_and_is_asked_to_sign_up(client, db):
    page = client.get("/").content.decode()
    assert "One event, every way out" in page and "/accounts/signup/" in page
    assert 'action="/welcome/"' not in page
    assert client.post("/welcome/", {"text": "Hello"})["Location"].startswith("/accounts/login/")
