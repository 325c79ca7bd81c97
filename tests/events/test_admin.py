import re

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from access.models import User
from events import admin, log
from events.actions import record
from events.models import Checkpoint, Event, ParkedEvent

MODELS = ["event", "outbox", "loghead", "topic", "checkpoint", "parkedevent"]


def list_of(model):
    return reverse(f"admin:events_{model}_changelist")


@pytest.fixture
def operator(db, client):
    """A client that is signed in as a superuser."""
    client.force_login(User.objects.create_superuser(username="operator"))
    return client


def staff(client, *permissions):
    """Sign in as staff with only these permissions."""
    user = User.objects.create_user(username="staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions, content_type__app_label="events"))
    client.force_login(user)
    return client


def positions(page):
    return [event.position for event in page.context["cl"].result_list]


@pytest.mark.parametrize("model", MODELS)
def test_an_operator_sees_every_list(operator, tell, model):
    tell("a")
    assert operator.get(list_of(model)).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_alice_is_sent_to_sign_in_and_staff_without_permission_is_refused(client, alice, model):
    client.force_login(alice)
    assert client.get(list_of(model)).status_code == 302
    assert staff(client).get(list_of(model)).status_code == 403


@pytest.mark.parametrize("model", MODELS)
def test_nobody_adds_changes_or_deletes(operator, tell, happened, model):
    tell("a")
    assert operator.get(reverse(f"admin:events_{model}_add")).status_code == 403
    ParkedEvent.objects.create(subscriber="tests", position=1, event_type="t.a.b", error="x")
    with transaction.atomic():
        record(happened, topic="tests.1", subject="s", data={"thing": "waits"})
    row = apps.get_model("events", model).objects.first()
    for verb in ("delete", "change"):
        assert operator.post(reverse(f"admin:events_{model}_{verb}", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_the_log_is_newest_first_and_is_never_counted(operator, tell, monkeypatch):
    monkeypatch.setattr(admin.EventAdmin, "list_per_page", 2)
    tell(*"abc")
    with CaptureQueriesContext(connection) as captured:
        page = operator.get(list_of("event"))
    assert positions(page) == [log.head().position, log.head().position - 1]
    assert page.context["cl"].result_count == Event.objects.count()
    asked = [query["sql"] for query in captured if re.search(r"events_event\b", query["sql"])]
    assert asked and not any("COUNT" in sql.upper() for sql in asked)
    assert all("LIMIT" in sql for sql in asked)


@pytest.mark.parametrize("term", ["tests.2", " tests.2 ", "tests.thing.happened", "{event_id}", "no.such", "0199c1e2"])
def test_a_search_finds_by_whole_topic_type_or_id_and_counts_no_further_than_it_shows(operator, tell, term):
    tell("a", topic="tests.2")
    event = Event.objects.latest("position")
    with CaptureQueriesContext(connection) as captured:
        page = operator.get(list_of("event"), {"q": term.format(event_id=event.event_id)})
    assert positions(page) == ([] if term in ("no.such", "0199c1e2") else [event.position])
    counts = [query["sql"] for query in captured if "COUNT" in query["sql"] and "events_event" in query["sql"]]
    assert all(f"LIMIT {admin.SEARCH_SHOWS}" in sql for sql in counts)


def test_a_search_by_type_reaches_only_so_far_back(operator, tell, monkeypatch):
    monkeypatch.setattr(admin, "TYPE_SEARCH_REACHES", 2)
    tell(*"abc")
    page = operator.get(list_of("event"), {"q": "tests.thing.happened"})
    assert positions(page) == [log.head().position, log.head().position - 1]


def test_an_event_is_shown_with_its_data_escaped(operator, tell):
    tell("<script>alert(1)</script>")
    page = operator.get(reverse("admin:events_event_change", args=[log.head().position]))
    assert "&lt;script&gt;alert(1)" in page.content.decode()
    assert "<script>alert(1)" not in page.content.decode()


def do(client, model, action, *rows, **query):
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(list_of(model) + query.get("at", ""), data, follow=True)


@pytest.fixture
def parked(tell, subscriber):
    """Three parked events, of which the last fails again."""
    broken = [True]

    def take(event):
        assert not broken and event.data["thing"] != "c", "broken"

    subscriber(take)
    tell(*"abc")
    first = log.head().position - 2
    rows = [
        ParkedEvent.objects.create(subscriber="tests", position=first + n, event_type="t.a.b", error="x")
        for n in range(3)
    ]
    broken.clear()
    return rows


def test_parked_events_are_retried_and_the_operator_is_told_how_many_failed_again(operator, parked):
    page = do(operator, "parkedevent", "retry", *parked, at="?status__exact=parked")
    assert "2 taken, 1 failed again" in page.content.decode()
    assert list(ParkedEvent.objects.order_by("position").values_list("status", flat=True)) == ["done", "done", "parked"]


def test_a_stopped_subscriber_is_started(operator, subscriber, wakes, django_capture_on_commit_callbacks):
    at = subscriber(print)
    Checkpoint.objects.filter(pk="tests").update(status="stopped")
    with django_capture_on_commit_callbacks(execute=True):
        page = do(operator, "checkpoint", "start", at())
    assert "Each goes on from its checkpoint" in page.content.decode()
    assert at().status == "running"
    assert len(wakes) == 1


def test_how_far_behind_a_subscriber_is_can_be_seen(operator, subscriber, tell):
    at = subscriber(print)
    tell(*"ab")
    behind = log.head().position - at().position
    page = operator.get(list_of("checkpoint")).content.decode()
    assert re.search(rf'checkpoint/tests/change/.*field-behind">{behind}<', page)


def test_staff_that_may_only_look_starts_and_retries_nothing(client, parked, subscriber):
    staff(client, "view_checkpoint", "view_parkedevent")
    at = subscriber(print, name="other")
    Checkpoint.objects.filter(pk="other").update(status="stopped")
    do(client, "checkpoint", "start", at())
    do(client, "parkedevent", "retry", *parked)
    assert at().status == "stopped"
    assert not ParkedEvent.objects.filter(status="done").exists()


def test_staff_that_may_change_checkpoints_starts_them(client, subscriber):
    staff(client, "view_checkpoint", "change_checkpoint")
    at = subscriber(print)
    Checkpoint.objects.filter(pk="tests").update(status="stopped")
    do(client, "checkpoint", "start", at())
    assert at().status == "running"
