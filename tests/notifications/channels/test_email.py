import email
import re
import socket
from email import policy

import pytest
from aiosmtpd.controller import Controller
from django.core import mail
from django.test import Client

from notifications import sender
from notifications.models import Decision, Dispatch, Preference


class Letterbox:
    """A mail server that keeps what it gets, or refuses it."""

    def __init__(self):
        self.messages, self.answer = [], "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answer.startswith("250"):
            self.messages.append(email.message_from_bytes(envelope.content, policy=policy.default))
        return self.answer


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def letterbox(settings):
    """A real mail server, which Django's own backend sends to."""
    box, port = Letterbox(), free_port()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = settings.TIDEWIRE_EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT, settings.EMAIL_USE_TLS, settings.EMAIL_TIMEOUT = port, False, 5
    settings.TIDEWIRE_EMAIL_DELAY_SECONDS = 0
    settings.TIDEWIRE_SOURCE = "https://tide.example/"
    controller = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=30)
    controller.start()
    yield box
    controller.stop()


@pytest.fixture
def told(alice, bob, notify, letterbox):
    alice.email = "alice@example.com"
    alice.save()
    return notify(alice, bob, kind="comment", subject="9")


def parts(message):
    return message.get_body(("plain",)).get_content(), message.get_body(("html",)).get_content()


def test_a_mail_server_gets_one_message_in_text_and_html(told, letterbox):
    assert sender.run("email") == 1
    [message] = letterbox.messages
    assert (message["To"], message["Subject"]) == ("alice@example.com", "bob commented on your entry")
    assert message["Message-ID"] == f"<notifications.{told.recipient_id}.0@tide.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    for part in parts(message):
        assert "bob commented on your entry" in part and "https://tide.example/entries/9/" in part
        assert message["List-Unsubscribe"].strip(" <>") in part


def test_it_is_in_the_language_and_the_time_zone_of_its_reader(told, letterbox, alice):
    alice.language, alice.time_zone = "de", "Asia/Kolkata"
    alice.save()
    sender.run("email")
    [message] = letterbox.messages
    assert message["Subject"] == "bob hat deinen Beitrag kommentiert"
    text, html = parts(message)
    assert "Hallo alice," in text and "Alle Benachrichtigungen" in text and 'lang="de"' in html
    local = told.changed_at.astimezone(__import__("zoneinfo").ZoneInfo("Asia/Kolkata"))
    assert f"{local:%H:%M}" in text


def test_what_others_wrote_neither_breaks_headers_nor_html(alice, bob, notify, letterbox):
    alice.email = "alice@example.com"
    alice.save()
    Preference.objects.create(user=alice, kind="follow", channel="email", is_on=True)
    notify(alice, bob, kind="follow", details={"feed": "<b>Tide</b>\r\nBcc: mallory@example.com \u202e"})
    sender.run("email")
    [message] = letterbox.messages
    assert message["Bcc"] is None and message["Subject"].strip().startswith("bob follows <b>Tide</b> Bcc:")
    assert "<b>Tide</b>" not in parts(message)[1]


def test_a_server_that_says_later_is_asked_later(told, letterbox):
    letterbox.answer = "451 try again later"
    sender.run("email")
    row = Dispatch.objects.get()
    assert row.attempts == 1 and "451" in row.error
    letterbox.answer = "250 OK"
    Dispatch.objects.update(due_at=told.created_at)
    sender.run("email")
    assert len(letterbox.messages) == 1
    assert Decision.objects.filter(channel="email", outcome="sent").count() == 1


def test_a_server_that_is_not_there_loses_nothing(told, settings):
    settings.EMAIL_PORT = free_port()
    sender.run("email")
    assert Dispatch.objects.get().attempts == 1


def test_a_forgotten_open_tab_does_not_swallow_the_mail(told, letterbox, api, alice, flow):
    flow()
    heard = api(alice).get("/api/v1/events/?topic=me&types=notifications.*").json()
    assert heard["reset"] is None
    assert api(alice).get("/api/v1/notifications/").json()["unread_count"] >= 1
    sender.run("email")
    assert [message["Subject"] for message in letterbox.messages] == ["bob commented on your entry"]


def link_of(message):
    return re.fullmatch(r"<https://tide\.example(/.*)>", message["List-Unsubscribe"].strip())[1]


def test_one_post_without_signing_in_stops_the_mail(told, letterbox, alice, bob, notify):
    sender.run("email")
    [message] = letterbox.messages
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    client, link = Client(enforce_csrf_checks=True), link_of(message)
    # Mail programs and scanners follow links: to look changes nothing.
    assert client.get(link).status_code == 200 and not Preference.objects.exists()
    answer = client.post(link, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    notify(alice, bob, kind="mention")
    Dispatch.objects.update(due_at=told.created_at)
    assert sender.run("email") == 0 or len(letterbox.messages) == 1
    assert set(Preference.objects.values_list("user", "channel", "is_on")) == {(alice.pk, "email", False)}


@pytest.mark.parametrize("token", ["x", "MQ:1tHq:forged", "%00"])
def test_a_link_that_was_not_made_here_changes_nothing(db, token):
    client = Client()
    assert client.get(f"/notifications/unsubscribe/{token}/").status_code == 404
    assert client.post(f"/notifications/unsubscribe/{token}/").status_code == 404
    assert not Preference.objects.exists() and mail.outbox == []
