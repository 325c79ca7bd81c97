"""What was deleted or hidden is said by no event any more, wherever the events are read."""

import json

import pytest
from django.db import connection, transaction

from events import channel
from events import log as events_log
from events.actions import redact
from events.models import WHOLE, Event
from feeds import actions, moderation

SECRET = "my secret"


@pytest.fixture
def said(publish, bob):
    """An entry and a comment that were edited, with others beside them."""
    entry = publish(f"{SECRET} @bob")
    comment = actions.comment_on(entry, by=bob, text=SECRET)
    for row in (entry, comment):
        row.text = f"{SECRET}!"
        row.save()
    publish("Something else")
    return {"entry": entry, "comment": comment}


def told(subject=None):
    rows = Event.objects.order_by("position")
    return list((rows.filter(subject=subject) if subject else rows).values_list("position", "type", "data"))


@pytest.mark.parametrize("kind", ["entry", "comment"])
@pytest.mark.parametrize("end", ["delete", "hide"])
def test_what_has_ended_is_blank_in_the_log_and_stays_where_it_was(flow, said, carol, kind, end):
    flow()
    before, row = told(), said[kind]
    row.delete() if end == "delete" else moderation.hide(row, by=carol, reason="x")
    flow()
    after = told()
    assert [each[:2] for each in after[: len(before)]] == [each[:2] for each in before]
    subject = f"{'entries' if kind == 'entry' else 'comments'}/{row.pk}"
    mine = told(subject)
    assert SECRET not in json.dumps(mine) and len(mine) >= 3
    blank = [data[kind] for _, type, data in mine if type.endswith(("published", "edited"))]
    assert [(each["text"], each["mentions"], each["version"]) for each in blank] == [
        ("", [], each["version"]) for each in blank
    ]
    others = [each for each in after[: len(before)] if each not in mine]
    assert [each for each in before if each in others] == others


def test_who_reads_from_an_earlier_cursor_reads_it_blank(api, flow, feed, said):
    after = str(events_log.head().cursor)
    flow()
    said["entry"].delete()
    flow()
    page = api().get(f"/api/v1/events/?topic=feeds.{feed.pk}&after={after}").json()
    shown = [each for each in page["events"] if each["subject"] == f"entries/{said['entry'].pk}"]
    assert shown and SECRET not in json.dumps(shown)


def test_what_is_shown_again_is_told_again_even_when_both_come_at_once(flow, said, carol):
    flow()
    moderation.hide(said["entry"], by=carol, reason="x")
    moderation.restore(said["entry"])
    flow()
    texts = [data["entry"]["text"] for _, type, data in told() if type == "feeds.entry.restored"]
    assert texts == [f"{SECRET}!"]
    assert next(data["entry"]["text"] for _, type, data in told() if type == "feeds.entry.published") == ""


@pytest.mark.django_db(transaction=True)
def test_web_processes_are_told_what_the_events_say_now_after_the_commit(flow, said, monkeypatch):
    heard = []
    monkeypatch.setattr(channel, "retell", lambda epoch, events: heard.append((epoch, list(events))))
    flow()
    with transaction.atomic():
        assert redact(f"entries/{said['entry'].pk}", "entry", before=10**9, text="", mentions=[]) == 2
        assert not heard
    [(epoch, events)] = heard
    assert epoch == events_log.head().epoch
    assert all(SECRET not in event.encoded for event in events) and len(events) == 2


MANY = """
    INSERT INTO events_event (position, event_id, type, topic, subject, data, time, previous)
    SELECT next, gen_random_uuid(), 'feeds.entry.published', 'feeds.1', 'entries/' || next, '{"entry": {}}', now(), 0
    FROM generate_series(1000000, 1002000) AS next
"""


def test_a_redaction_looks_for_the_object_in_an_index(flow, said):
    flow()
    with connection.cursor() as cursor:
        cursor.execute(MANY)
        cursor.execute("ANALYZE events_event")
    plan = Event.objects.filter(subject="entries/1000500", type__regex=WHOLE, data__has_key="entry").explain()
    assert "events_event_redactable" in plan
