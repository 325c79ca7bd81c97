import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from access.models import Block
from events import catalogue
from events.models import Outbox
from feeds import actions, likes, moderation, payloads
from feeds.models import Comment, Entry, Reaction


def told():
    rows = Outbox.objects.filter(type__regex="liked|counted").order_by("id")
    return [(row.type, row.topic, row.subject, row.data) for row in rows]


def test_it_tells_what_a_reaction_that_is_saved_tells(publish, bob, carol):
    entry = publish()
    actions.comment_on(entry, by=bob, text="Hi")
    Outbox.objects.all().delete()
    assert likes.make(entry, bob)
    [counted, liked] = told()
    assert counted[3] == {"entry": payloads.counts(Entry.objects.get())}
    for name, *_, data in (counted, liked):
        catalogue.find_event_type(name).validate(data)
    reaction = Reaction.objects.get()
    reaction.delete()
    Outbox.objects.all().delete()
    Reaction.objects.create(entry=entry, user=bob)
    assert [each[:3] for each in told()] == [counted[:3], liked[:3]] and told()[1][3] == liked[3]


def test_it_is_one_statement_that_wakes_the_relay(publish, bob, query_count, wakes, django_capture_on_commit_callbacks):
    entry = publish()
    # A savepoint around it, because a test is a transaction.
    assert query_count(lambda: likes.make(entry, bob)) == 3
    with django_capture_on_commit_callbacks(execute=True):
        assert not likes.make(entry, bob)
    assert not wakes
    Reaction.objects.get().delete()
    with django_capture_on_commit_callbacks(execute=True):
        assert likes.make(entry, bob)
    assert ("events.tasks.relay_outbox",) in wakes


def test_past_a_block_nothing_is_done(publish, bob, alice):
    entry = publish()
    Block.objects.create(blocker=alice, blocked=bob)
    with pytest.raises(PermissionDenied):
        actions.like_entry(entry, by=bob)
    assert not Reaction.objects.exists() and Entry.objects.get().like_count == 0


def hide(entry, by):
    moderation.hide(entry, by=by, reason="x")


@pytest.mark.parametrize("act", [actions.like_entry, actions.unlike_entry])
@pytest.mark.parametrize("end", ["delete", "hide"])
@pytest.mark.parametrize("was_liked", [False, True])
@pytest.mark.django_db(transaction=True)
def test_an_entry_that_ends_in_that_very_instant_is_not_liked_any_more(publish, bob, carol, act, end, was_liked):
    entry = publish()
    if was_liked:
        actions.like_entry(entry, by=carol)
    if act == actions.unlike_entry:
        actions.like_entry(entry, by=bob)
    raised, before = [], list(Reaction.objects.values_list("user", flat=True))

    def work():
        try:
            act(entry, by=bob)
        except Entry.DoesNotExist as error:
            raised.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    with transaction.atomic():
        ending = Entry.objects.get()
        ending.delete() if end == "delete" else hide(ending, carol)
        thread.start()
        wait_until_somebody_waits()
    thread.join(20)
    assert len(raised) == 1 and list(Reaction.objects.values_list("user", flat=True)) == before
    assert Entry.objects.get().like_count == len(before)
    assert Outbox.objects.latest("id").type == ("feeds.entry.deleted" if end == "delete" else "feeds.entry.hidden")


def wait_until_somebody_waits():
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
            if cursor.fetchone()[0]:
                return


def test_an_operator_can_delete_a_like_of_what_has_ended(publish, bob):
    entry = publish()
    actions.like_entry(entry, by=bob)
    entry.delete()
    Reaction.objects.get().delete()
    assert Entry.objects.get().like_count == 0
    with pytest.raises(Entry.DoesNotExist):
        Reaction.objects.create(entry=entry, user=bob)
    with pytest.raises(Entry.DoesNotExist):
        actions.unlike_entry(entry, by=bob)


def test_what_is_shown_again_can_be_liked_again(publish, bob, carol):
    entry = publish()
    hide(entry, carol)
    with pytest.raises(Entry.DoesNotExist):
        actions.like_entry(entry, by=bob)
    moderation.restore(entry)
    assert actions.like_entry(entry, by=bob).like_count == 1


@pytest.mark.parametrize("method", ["put", "delete"])
def test_what_ends_between_the_look_and_the_like_is_404(api, publish, bob, monkeypatch, method):
    entry = publish()
    look = Entry.objects.alive

    def end_first(act):
        def run(*args, **kwargs):
            Entry.objects.get().delete()
            return act(*args, **kwargs)

        return run

    for name in ("like_entry", "unlike_entry"):
        monkeypatch.setattr(actions, name, end_first(getattr(actions, name)))
    response = getattr(api(bob), method)(f"/api/v1/entries/{entry.pk}/like/")
    assert (response.status_code, response.json()["code"], look().exists()) == (404, "not_found", False)


def test_a_comment_whose_entry_ends_between_the_look_and_the_edit_is_404(api, publish, bob, monkeypatch):
    comment = actions.comment_on(publish(), by=bob, text="Hi")
    lock = Comment.lock

    def end_first(self, *wanted):
        Entry.objects.get().delete()
        return lock(self, *wanted)

    monkeypatch.setattr(Comment, "lock", end_first)
    response = api(bob).patch(f"/api/v1/comments/{comment.pk}/", {"text": "Ho"})
    assert (response.status_code, Comment.objects.get().text) == (404, "Hi")
