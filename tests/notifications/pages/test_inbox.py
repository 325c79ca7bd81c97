import pytest
from django.test import Client

from feeds import actions
from notifications.models import Notification


@pytest.fixture
def liked(publish, bob, flow):
    """bob has liked an entry of alice's, and she has been told."""
    actions.like_entry(publish(), by=bob)
    flow()


@pytest.fixture
def page(alice):
    client = Client()
    client.force_login(alice)
    return client


def test_the_inbox_lists_what_happened(page, liked):
    assert "bob liked your entry" in page.get("/notifications/").content.decode()


def test_the_badge_counts_on_every_page(page, liked):
    count = Notification.objects.unread().count()
    assert f'<span id="unread">{count}</span>' in page.get("/").content.decode()


def test_marking_all_as_read_by_the_form(page, liked):
    response = page.post("/notifications/read/")
    assert response["Location"] == "/notifications/"
    assert not Notification.objects.unread().exists()


def test_mallory_sees_nothing_of_alices(liked, mallory):
    client = Client()
    client.force_login(mallory)
    assert "liked your entry" not in client.get("/notifications/").content.decode()
    client.post("/notifications/read/")
    assert Notification.objects.unread().exists()


def test_a_stranger_is_asked_to_sign_in(client, db):
    assert client.get("/notifications/")["Location"].startswith("/accounts/login/")
