from uuid import uuid4

import pytest

from notifications import broadcasts
from notifications.models import Broadcast, Decision, Notification, PushSubscription

BASE = "/admin/notifications/"


@pytest.fixture
def row(alice, bob, notify):
    return notify(alice, bob)


@pytest.mark.parametrize("name", ["notification", "decision", "dispatch", "pushsubscription"])
def test_what_is_looked_at_is_not_changed(admin_client, row, alice, name):
    PushSubscription.objects.create(user=alice, endpoint="https://push.example/x", p256dh="p", auth="secret-of-hers")
    assert admin_client.get(f"{BASE}{name}/").status_code == 200
    assert admin_client.get(f"{BASE}{name}/add/").status_code == 403
    for pk in {"notification": Notification, "decision": Decision, "pushsubscription": PushSubscription}.get(
        name, Notification
    ).objects.values_list("pk", flat=True)[:1]:
        page = admin_client.get(f"{BASE}{name}/{pk}/change/")
        assert "secret-of-hers" not in page.content.decode()
        assert admin_client.post(f"{BASE}{name}/{pk}/change/", {}).status_code in (302, 403)


def test_why_somebody_was_told_is_found_by_who_and_by_event(admin_client, alice, bob, carol, notify):
    event = uuid4()
    notify(alice, bob, source_event=event)
    notify(carol, bob)
    for search, found, missed in ((str(event), "alice", "carol"), ("carol", "carol", "alice")):
        page = admin_client.get(f"{BASE}decision/", {"q": search}).content.decode()
        assert f">{found}</" in page and f">{missed}</" not in page


def test_a_broadcast_is_written_looked_at_sent_and_cancelled(admin_client, alice, bob):
    form = {"text": "We <b>move</b>", "text_de": "Wir ziehen um", "url": "/", "audience": "everyone"}
    form |= {"due_at_0": "", "due_at_1": ""}
    assert admin_client.post(f"{BASE}broadcast/add/", form).status_code == 302
    row = Broadcast.objects.get()
    assert row.created_by is not None and row.status == "draft"
    page = admin_client.get(f"{BASE}broadcast/{row.pk}/change/").content.decode()
    assert (
        "We &lt;b&gt;move&lt;/b&gt;" in page and "Wir ziehen um" in page and f">{broadcasts.count('everyone')}<" in page
    )
    admin_client.post(f"{BASE}broadcast/", {"action": "send", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert row.status == "scheduled" and row.due_at is not None
    assert admin_client.post(f"{BASE}broadcast/{row.pk}/change/", form | {"text": "Other"}).status_code == 403
    admin_client.post(f"{BASE}broadcast/", {"action": "cancel", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert (row.status, row.text) == ("cancelled", "We <b>move</b>")


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_a_broadcast_leads_nowhere_else(admin_client, url):
    form = {"text": "x", "url": url, "audience": "everyone", "due_at_0": "", "due_at_1": ""}
    assert admin_client.post(f"{BASE}broadcast/add/", form).status_code == 200
    assert not Broadcast.objects.exists()


def test_who_may_not_send_does_not(client, alice, db):
    from django.contrib.auth.models import Permission

    alice.is_staff = True
    alice.save()
    names = ("view_broadcast", "change_broadcast", "add_broadcast")
    alice.user_permissions.set(Permission.objects.filter(codename__in=names))
    row = Broadcast.objects.create(text="x")
    client.force_login(alice)
    client.post(f"{BASE}broadcast/", {"action": "send", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert row.status == "draft"
