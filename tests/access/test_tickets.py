import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone
from rest_framework.test import APIClient

from access import keys, tickets
from access.models import ApiKey, Ticket
from access.tasks import forget_tickets

URL = "/api/v1/live/ticket/"


def test_a_ticket_opens_once(alice):
    text, _ = tickets.make(alice, session_key="abcdefgh")
    assert tickets.redeem(text).user == alice
    assert tickets.redeem(text) is None


def test_a_ticket_lives_for_a_minute(alice):
    text, ticket = tickets.make(alice, session_key="abcdefgh")
    assert timedelta(seconds=55) < ticket.expires_at - timezone.now() <= timedelta(seconds=60)
    Ticket.objects.update(expires_at=timezone.now())
    assert tickets.redeem(text) is None


def test_the_text_of_a_ticket_is_nowhere_kept(alice):
    text, _ = tickets.make(alice, session_key="abcdefgh")
    assert text not in str(Ticket.objects.values())


def test_a_ticket_is_made_from_a_session_or_a_key(alice):
    with pytest.raises(IntegrityError):
        tickets.make(alice)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_come_with_one_ticket_at_once_one_is_let_in(alice):
    text, _ = tickets.make(alice, session_key="abcdefgh")
    found, ready = [], threading.Barrier(8)

    def run():
        ready.wait(10)
        found.append(tickets.redeem(text))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 8 and len([each for each in found if each]) == 1


def test_unused_tickets_are_forgotten(alice, monkeypatch):
    monkeypatch.setattr(tickets, "CHUNK", 1)
    for _ in range(2):
        tickets.make(alice, session_key="abcdefgh")
    Ticket.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    text, _ = tickets.make(alice, session_key="abcdefgh")
    assert forget_tickets() == 2
    assert tickets.redeem(text)


# -- The API ----------------------------------------------------------------------------------------------------------


def test_a_key_and_a_session_make_tickets(api, alice):
    by_session = APIClient()
    by_session.force_login(alice)
    for client in (api(alice), by_session):
        response = client.post(URL)
        assert response.status_code == 201, response.content
        assert set(response.json()) == {"ticket", "expires_at"}
        assert response.headers["Cache-Control"] == "no-store"
    by_key, by_cookie = Ticket.objects.order_by("pk")
    assert (by_key.api_key, by_key.session_key) == (ApiKey.objects.get(), "")
    assert (by_cookie.api_key, by_cookie.session_key) == (None, by_session.cookies["sessionid"].value)


def test_mallory_without_a_credential_gets_no_ticket(api, db):
    assert api().post(URL).status_code == 401
    client = APIClient(headers={"Authorization": "Bearer tw_wrong"})
    assert client.post(URL).status_code == 401
    assert not Ticket.objects.exists()


def test_a_foreign_page_makes_no_ticket_with_the_cookie(alice):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(URL).status_code == 403


def test_a_body_is_refused(api, alice):
    assert api(alice).post(URL, {"user": 1}).status_code == 400


def test_an_answer_with_a_ticket_is_not_repeated(alice):
    client = APIClient(headers={"Authorization": f"Bearer {keys.mint(alice)}", "Idempotency-Key": "one"})
    assert [client.post(URL).status_code for _ in range(2)] == [201, 409]
