from datetime import timedelta
from importlib import import_module

import pytest
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from events import log, tasks, wake
from events.actions import record
from events.models import Checkpoint, Outbox


@pytest.fixture
def cleared(monkeypatch):
    cleared = []
    monkeypatch.setattr(wake, "clear", lambda *flag: cleared.append(flag))
    return cleared


@pytest.mark.django_db
def test_the_relays_task_moves_the_outbox_and_wakes_the_subscribers(happened, wakes, cleared):
    with transaction.atomic():
        record(happened, topic="tests.1", subject="s", data={"thing": "a"})
    assert tasks.relay_outbox() == 1
    assert cleared == [(wake.RELAY,)]
    assert {(wake.SUBSCRIBER, "webhooks"), (wake.SUBSCRIBER, "notifications")} <= set(wakes)
    wakes.clear()
    assert tasks.relay_outbox() == 0
    assert wakes == []


@pytest.mark.django_db
@pytest.mark.parametrize(("age_seconds", "moved"), [(0, 0), (5, 1)])
def test_a_sweep_leaves_to_the_resident_relay_what_is_fresh_and_takes_what_waits(happened, age_seconds, moved):
    with transaction.atomic():
        record(happened, topic="tests.1", subject="s", data={"thing": "a"})
    Outbox.objects.update(time=timezone.now() - timedelta(seconds=age_seconds))
    wake.show_resident()
    assert tasks.relay_outbox() == moved


def test_the_flag_is_down_before_the_work_looks_for_what_there_is(monkeypatch, cleared):
    monkeypatch.setattr("events.relay.run", lambda: cleared.append("relay") or 0)
    monkeypatch.setattr("events.subscribers.run", lambda name: cleared.append(name) or 0)
    tasks.relay_outbox()
    tasks.run_subscriber("tests")
    assert cleared == [(wake.RELAY,), "relay", (wake.SUBSCRIBER, "tests"), "tests"]


def test_a_subscribers_task_lets_it_take_what_is_new(tell, subscriber):
    taken = []
    at = subscriber(taken.append)
    tell("a")
    assert tasks.run_subscriber("tests") == 1
    assert (len(taken), at().position) == (1, log.head().position)


def test_the_sweep_wakes_those_behind(tell, subscriber, wakes):
    subscriber(print)
    tell("a")
    Checkpoint.objects.exclude(name="tests").update(position=log.head().position)
    wakes.clear()
    tasks.sweep_subscribers()
    assert wakes == [(wake.SUBSCRIBER, "tests")]


def test_pruning_is_retentions(monkeypatch):
    monkeypatch.setattr("events.retention.prune", lambda: 7)
    assert tasks.prune_log() == 7


def test_every_name_by_which_a_task_is_woken_or_swept_is_a_tasks():
    for app in ("events", "webhooks", "access", "feeds", "notifications"):
        import_module(f"{app}.tasks")
    swept = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {wake.RELAY, wake.SUBSCRIBER, "webhooks.tasks.send_due_deliveries"} | swept <= set(current_app.tasks)
