"""Two things at once, and the odd states that people bring about: nothing is half-done."""

import threading

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from access import actions as access
from access.models import Block
from events.models import Outbox
from feeds import actions, moderation
from feeds.models import Comment, Entry, Feed, Follow, Report


def at_once(*works):
    """Run the works at the same time; return what each raised, or None."""
    start, raised = threading.Barrier(len(works)), ["nothing came back"] * len(works)

    def run(number, work):
        start.wait(20)
        try:
            work()
            raised[number] = None
        except (PermissionDenied, ValidationError, Entry.DoesNotExist) as error:
            raised[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    return raised


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round", range(4))
def test_nobody_follows_past_a_block_that_is_made_at_the_same_time(feed, alice, mallory, round):
    club = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    raised = at_once(
        lambda: actions.follow_feed(feed, by=mallory),
        lambda: access.block(alice, mallory),
        lambda: actions.follow_feed(club, by=mallory),
        lambda: actions.follow_feed(mallory.feeds.get(), by=alice),
    )
    assert raised[1] is None and all(each is None or isinstance(each, PermissionDenied) for each in raised)
    assert not Follow.objects.exists() and Block.objects.count() == 1
    feed.refresh_from_db()
    told = Outbox.objects.filter(type__in=["feeds.feed.followed", "feeds.feed.unfollowed"])
    assert feed.follower_count == 0
    assert told.filter(type__endswith=".followed").count() == told.filter(type__endswith=".unfollowed").count()


@pytest.mark.django_db(transaction=True)
def test_two_who_block_each_other_at_once_both_do(alice, bob):
    actions.follow_feed(bob.feeds.get(), by=alice)
    assert at_once(lambda: access.block(alice, bob), lambda: access.block(bob, alice)) == [None, None]
    assert Block.objects.count() == 2 and not Follow.objects.filter(follower__in=[alice, bob]).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", ["delete", "hide"])
def test_what_ends_while_others_comment_has_no_comment_after_its_end(publish, alice, bob, carol, end):
    entry = publish()
    ends = {
        "delete": lambda: Entry.objects.get().delete(),
        "hide": lambda: moderation.hide(entry, by=carol, reason="x"),
    }
    comments = [lambda text=text: actions.comment_on(entry, by=bob, text=text) for text in "abcd"]
    raised = at_once(ends[end], *comments)
    assert raised[0] is None and all(each is None or isinstance(each, Entry.DoesNotExist) for each in raised)
    types = list(Outbox.objects.order_by("id").values_list("type", flat=True))
    last = types.index("feeds.entry.deleted" if end == "delete" else "feeds.entry.hidden")
    assert "feeds.comment.published" not in types[last:]
    assert Comment.objects.count() == Entry.objects.get().comment_count == raised[1:].count(None)


@pytest.mark.django_db(transaction=True)
def test_hiding_and_deleting_at_once_leave_a_tombstone(publish, carol):
    entry = publish()
    assert at_once(lambda: Entry.objects.get().delete(), lambda: moderation.hide(entry, by=carol, reason="x")) == [
        None,
        None,
    ]
    assert Entry.objects.get().deleted_at and not Entry.objects.alive().exists()


@pytest.mark.django_db(transaction=True)
def test_reports_of_one_object_at_once_are_one(publish, bob):
    entry = publish()
    works = [lambda: moderation.report("entry", entry, by=bob, reason="spam")] * 6
    assert at_once(*works) == [None] * 6
    assert Report.objects.count() == Outbox.objects.filter(type="feeds.report.opened").count() == 1


@pytest.mark.django_db(transaction=True)
def test_feeds_made_at_once_stay_within_the_limit(alice, settings):
    settings.TIDEWIRE_USER_MAX_FEEDS = 3
    at_once(*[lambda n=n: actions.create_feed(alice, slug=f"f{n}", title="F") for n in range(6)])
    assert alice.feeds.count() == 3


def test_follows_in_a_circle_show_each_entry_once(api, alice, bob, carol, feed):
    circle = {user: user.feeds.get() for user in (alice, bob, carol)}
    for follower in circle:
        for other in circle.values():
            actions.follow_feed(other, by=follower)
    for user, own in circle.items():
        actions.publish_entry(own, by=user, text=f"By {user}")
    for user in circle:
        shown = api(user).get("/api/v1/timeline/").json()["results"]
        assert [each["text"] for each in shown] == ["By carol", "By bob", "By alice"]


def test_what_a_deactivated_user_said_stays_and_takes_what_others_do(api, alice, bob, mallory, feed, publish):
    entry = publish("I was here")
    key = api(alice)
    alice.is_active = False
    alice.save()
    assert api(bob).get("/api/v1/timeline/").json()["results"][0]["text"] == "I was here"
    assert api(bob).put(f"/api/v1/entries/{entry.pk}/like/").json()["like_count"] == 1
    assert api(mallory).put(f"/api/v1/feeds/{feed.pk}/follow/").status_code == 200
    assert key.post(f"/api/v1/feeds/{feed.pk}/entries/", {"text": "Back"}).status_code == 401
    assert api(bob).put(f"/api/v1/access/blocks/{alice.pk}/").status_code == 200


@pytest.mark.parametrize("end", ["delete", "hide"])
@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("put", "entries/{}/like/", None),
        ("delete", "entries/{}/like/", None),
        ("post", "entries/{}/comments/", {"text": "Hi"}),
        ("get", "entries/{}/comments/", None),
        ("patch", "entries/{}/", {"text": "Hi"}),
        ("delete", "entries/{}/", None),
        ("put", "entries/{}/dismiss/", None),
        ("post", "reports/", {"object": {"type": "entry", "id": "{}"}, "reason": "spam"}),
    ],
)
def test_what_has_ended_is_404_to_whatever_is_done_with_it(api, alice, carol, publish, end, method, path, data):
    entry = publish()
    if end == "delete":
        entry.delete()
    else:
        moderation.hide(entry, by=carol, reason="x")
    user = alice if path == "entries/{}/" else carol
    if data and "object" in data:
        data = data | {"object": {"type": "entry", "id": entry.pk}}
    response = getattr(api(user), method)(f"/api/v1/{path.format(entry.pk)}", data)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
