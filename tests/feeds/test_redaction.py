"""What was deleted or hidden is said by no event any more, wherever the events are read."""

import json

import pytest
from django.db import connection, transaction

from events import channel
from events import log as events_log
from events.actions import redact
from events.models import WHOLE, Event
from feeds import actions, moderation, subscribers

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
    with_it = told(f"comments/{said['comment'].pk}") if kind == "entry" else []
    others = [each for each in after[: len(before)] if each not in mine + with_it]
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


@pytest.mark.parametrize("end", ["delete", "hide"])
def test_with_an_entry_what_was_said_under_it_is_blank_too(flow, said, publish, bob, carol, end, monkeypatch):
    monkeypatch.setattr(subscribers, "CHUNK", 1)
    other = actions.comment_on(publish("Stays"), by=bob, text="Stays too")
    answer = actions.comment_on(said["entry"], by=carol, text=SECRET, parent=said["comment"].pk)
    flow()
    said["entry"].delete() if end == "delete" else moderation.hide(said["entry"], by=carol, reason="x")
    flow()
    assert SECRET not in json.dumps(told())
    blank = [data["comment"]["text"] for pk in (said["comment"].pk, answer.pk) for *_, data in told(f"comments/{pk}")]
    assert blank == ["", "", ""]
    assert told(f"comments/{other.pk}")[0][2]["comment"]["text"] == "Stays too"


def test_a_comment_under_a_hidden_entry_is_told_no_more_whatever_becomes_of_it(flow, said, carol):
    comment = said["comment"]
    moderation.hide(comment, by=carol, reason="x")
    moderation.hide(said["entry"], by=carol, reason="x")
    flow()
    assert moderation.restore(comment)
    comment.text = SECRET
    comment.save()
    flow()
    assert SECRET not in json.dumps(told()) and "feeds.comment.restored" not in [type for _, type, _ in told()]
    comment.refresh_from_db()
    assert comment.hidden_at is None and comment.text == f"{SECRET}!"


def test_with_a_feed_all_that_was_said_in_it_is_blank(flow, alice, bob, publish, monkeypatch):
    monkeypatch.setattr("events.actions.REDACTED_TOGETHER", 1)
    club = actions.create_feed(alice, slug="club", title="Club", visibility="followers")
    actions.follow_feed(club, by=bob)
    actions.accept_request(club, bob.pk, by=alice)
    for visibility in ("public", "followers"):
        entry = actions.publish_entry(club, by=alice, text=SECRET, visibility=visibility)
        actions.comment_on(entry, by=bob, text=SECRET)
    publish("Stays")
    flow()
    count = len(told())
    club.delete()
    flow()
    assert SECRET not in json.dumps(told()) and "Stays" in json.dumps(told()) and len(told()) > count


@pytest.mark.django_db(transaction=True)
def test_web_processes_are_told_what_the_events_say_now_after_the_commit(flow, said, monkeypatch):
    heard = []
    monkeypatch.setattr(channel, "retell", lambda epoch, events: heard.append((epoch, list(events))))
    flow()
    with transaction.atomic():
        assert redact([f"entries/{said['entry'].pk}"], "entry", before=10**9, text="", mentions=[]) == 2
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
