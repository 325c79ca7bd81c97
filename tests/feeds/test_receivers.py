import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from access.models import User
from events import catalogue
from events.models import Outbox
from feeds import actions, event_types, payloads
from feeds.models import Entry, Feed


@pytest.fixture
def new():
    """Return the events recorded since this was asked last; each must fit its schema."""
    seen = [0]

    def since():
        rows = list(Outbox.objects.filter(id__gt=seen[0]).order_by("id"))
        seen[0] = rows[-1].pk if rows else seen[0]
        for row in rows:
            catalogue.find_event_type(row.type).validate(row.data)
        return rows

    return since


def person(user):
    return {"id": user.pk, "username": user.username}


@pytest.fixture
def entry(publish, new):
    entry = publish("Hello")
    new()
    return entry


def test_a_new_user_is_told_of_their_feed(new, db):
    dave = User.objects.create_user("dave")
    [event] = new()
    assert (event.type, event.topic) == ("feeds.feed.created", f"users.{dave.pk}")
    assert event.data["feed"]["owner"] == person(dave)


def test_an_entry_published_is_told_on_its_feed(publish, feed, alice, new):
    new()
    entry = publish("Hello", kind="status")
    [event] = new()
    assert (event.type, event.topic, event.subject) == (
        "feeds.entry.published",
        f"feeds.{feed.pk}",
        f"entries/{entry.pk}",
    )
    assert event.data["entry"] == {
        "id": entry.pk,
        "feed": feed.pk,
        "author": person(alice),
        "kind": "status",
        "text": "Hello",
        "visibility": "public",
        "mentions": [],
        "created_at": payloads.timestamp(entry.created_at),
        "edited_at": None,
        "like_count": 0,
        "comment_count": 0,
        "version": 1,
    }


def test_an_edit_is_told_whole(entry, new):
    entry.text = "Hello again"
    entry.save()
    [event] = new()
    assert (event.type, event.data["entry"]) == ("feeds.entry.edited", payloads.entry(Entry.objects.get()))
    assert (event.data["entry"]["text"], event.data["entry"]["version"]) == ("Hello again", 2)


def test_a_deletion_is_told_without_the_text(entry, new):
    entry.delete()
    [event] = new()
    assert event.type == "feeds.entry.deleted"
    assert set(event.data["entry"]) == {"id", "deleted_at", "version"}


def test_a_like_is_told_by_counts_to_the_feed_and_by_name_to_the_author(entry, bob, alice, new):
    new()
    actions.like_entry(entry, by=bob)
    counted, liked = new()
    assert counted.topic == f"feeds.{entry.feed_id}"
    assert counted.data == {"entry": {"id": entry.pk, "like_count": 1, "comment_count": 0, "version": 2}}
    assert (liked.type, liked.topic) == ("feeds.entry.liked", f"users.{alice.pk}")
    reference = {"id": entry.pk, "feed": entry.feed_id, "author": person(alice)}
    assert liked.data == {"entry": reference, "actor": person(bob)}


def test_a_like_taken_back_is_told_the_same_way(entry, bob, alice, new):
    actions.like_entry(entry, by=bob)
    new()
    actions.unlike_entry(entry, by=bob)
    counted, unliked = new()
    assert (counted.data["entry"]["like_count"], unliked.type) == (0, "feeds.entry.unliked")
    assert (unliked.topic, unliked.data["actor"]) == (f"users.{alice.pk}", person(bob))


def test_a_comment_is_told_with_the_entry_it_is_about(entry, bob, alice, new):
    new()
    comment = actions.comment_on(entry, by=bob, text="Hi")
    published, counted = new()
    assert (published.type, published.topic) == ("feeds.comment.published", f"feeds.{entry.feed_id}")
    assert published.subject == f"comments/{comment.pk}"
    assert published.data["comment"] == payloads.comment(comment)
    assert published.data["entry"] == {"id": entry.pk, "feed": entry.feed_id, "author": person(alice)}
    assert counted.data["entry"]["comment_count"] == 1


def test_a_comment_edited_and_deleted_is_told(entry, bob, new):
    comment = actions.comment_on(entry, by=bob, text="Hi")
    new()
    comment.text = "Hello"
    comment.save()
    [edited] = new()
    assert (edited.type, edited.data["comment"]["text"]) == ("feeds.comment.edited", "Hello")
    comment.delete()
    deleted, counted = new()
    assert set(deleted.data["comment"]) == {"id", "deleted_at", "version"}
    assert (deleted.type, counted.data["entry"]["comment_count"]) == ("feeds.comment.deleted", 0)


def test_a_follow_and_its_end_are_told_to_the_follower(feed, mallory, new):
    new()
    actions.follow_feed(feed, by=mallory)
    actions.unfollow_feed(feed, by=mallory)
    counted, followed, accepted, uncounted, unfollowed, ended = new()
    assert {counted.topic, uncounted.topic} == {f"feeds.{feed.pk}"}
    assert counted.data == {"feed": {"id": feed.pk, "follower_count": 1, "version": 2}}
    assert uncounted.data == {"feed": {"id": feed.pk, "follower_count": 0, "version": 3}}
    assert {accepted.topic, ended.topic} == {f"users.{feed.owner_id}"}
    assert (accepted.subject, ended.subject) == (f"follows/{ended.data['follow']['id']}",) * 2
    assert ended.data["follow"]["version"] == 2
    assert (followed.type, followed.topic) == ("feeds.feed.followed", f"users.{mallory.pk}")
    assert followed.data["follower"] == person(mallory)
    assert (followed.data["feed"]["follower_count"], unfollowed.data["feed"]["follower_count"]) == (1, 0)
    assert (unfollowed.type, unfollowed.topic) == ("feeds.feed.unfollowed", f"users.{mallory.pk}")


def test_a_request_and_its_end_are_told_to_who_asks_and_to_the_owner(alice, mallory, new):
    club = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    new()
    follow = actions.follow_feed(club, by=mallory)
    actions.decline_request(club, mallory.pk, by=alice)
    requested, asked, unrequested, ended = new()
    assert [event.topic for event in (requested, unrequested)] == [f"users.{mallory.pk}"] * 2
    assert [event.topic for event in (asked, ended)] == [f"users.{alice.pk}"] * 2
    assert asked.data["follow"] == payloads.follow(follow)
    assert (asked.data["follow"]["state"], asked.data["follow"]["version"]) == ("pending", 1)
    assert ended.data["follow"] == {
        "id": follow.pk,
        "feed": club.pk,
        "follower": person(mallory),
        "state": "pending",
        "version": 2,
    }


def leave(feed, alice, bob):
    actions.unfollow_feed(feed, by=bob)


def remove(feed, alice, bob):
    actions.remove_follower(feed, bob.pk, by=alice)


def close(feed, alice, bob):
    feed.visibility = "followers"
    feed.save()


def delete(feed, alice, bob):
    feed.delete()


def give_away(feed, alice, bob):
    feed.owner = bob
    feed.save()


@pytest.mark.parametrize(
    ("change", "topic"),
    [
        (leave, "users.{bob}"),
        (remove, "users.{bob}"),
        (close, "feeds.{feed}"),
        (delete, "feeds.{feed}"),
        (give_away, "feeds.{feed}"),
        (give_away, "users.{bob}"),
    ],
)
def test_a_change_of_rights_is_told_with_it_on_the_topic_whose_readers_it_concerns(alice, bob, new, change, topic):
    feed = Feed.objects.create(owner=alice, slug="news", title="News")
    actions.follow_feed(feed, by=bob)
    topic = topic.format(bob=bob.pk, feed=feed.pk)
    new()
    with transaction.atomic():
        change(feed, alice, bob)
        told = {event.topic for event in new() if catalogue.changes_rights(event.type)}
        transaction.set_rollback(True)
    assert topic in told and new() == []


def test_a_right_gained_is_told_to_who_gains_it(alice, mallory, new):
    club = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    assert [event.topic for event in new() if catalogue.changes_rights(event.type)][-1] == f"users.{alice.pk}"
    actions.follow_feed(club, by=mallory)
    assert not any(catalogue.changes_rights(event.type) for event in new())
    actions.accept_request(club, mallory.pk, by=alice)
    assert [event.topic for event in new() if catalogue.changes_rights(event.type)] == [f"users.{mallory.pk}"]


@pytest.mark.parametrize("title", ["alice", "Alice writes"])
def test_a_personal_feed_is_renamed_with_its_owner_and_tells(feed, alice, new, title):
    Feed.objects.filter(pk=feed.pk).update(title=title)
    new()
    alice.username = "alicia"
    alice.save()
    [event] = new()
    assert (event.type, event.topic) == ("feeds.feed.edited", f"feeds.{feed.pk}")
    assert event.data["feed"]["slug"] == event.data["feed"]["owner"]["username"] == "alicia"
    assert event.data["feed"]["title"] == ("alicia" if title == "alice" else title)


def test_every_feed_of_who_is_renamed_tells_of_the_new_name(feed, alice, new):
    news = Feed.objects.create(owner=alice, slug="news", title="alice")
    new()
    alice.username = "alicia"
    alice.save()
    told = {event.topic: event.data["feed"] for event in new()}
    assert told.keys() == {f"feeds.{feed.pk}", f"feeds.{news.pk}"}
    assert {each["owner"]["username"] for each in told.values()} == {"alicia"}
    other = told[f"feeds.{news.pk}"]
    assert (other["slug"], other["title"], other["version"]) == ("news", "alice", 2)


def test_a_name_that_only_changes_its_case_is_a_rename_too(feed, alice, new):
    new()
    alice.username = "Alice"
    alice.save(update_fields=["username"])
    assert [event.data["feed"]["slug"] for event in new()] == ["Alice"]


def test_a_user_saved_without_another_name_tells_nothing(alice, new):
    new()
    alice.first_name = "Alice"
    alice.save()
    alice.save(update_fields=["first_name"])
    assert new() == []


def test_nobody_is_renamed_to_the_address_of_a_feed(alice, bob, new):
    Feed.objects.create(owner=alice, slug="news", title="News")
    new()
    bob.username = "News"
    with pytest.raises(ValidationError, match="This name is taken"):
        bob.save()
    assert new() == [] and User.objects.filter(username="bob").exists()


def test_a_feed_edited_and_deleted_is_told_on_its_topic(alice, new):
    feed = Feed.objects.create(owner=alice, slug="news", title="News")
    new()
    feed.title = "Old news"
    feed.save()
    feed_id = feed.pk
    feed.delete()
    edited, deleted = new()
    assert (edited.type, edited.topic, edited.data["feed"]["title"]) == (
        "feeds.feed.edited",
        f"feeds.{feed_id}",
        "Old news",
    )
    assert (deleted.type, deleted.topic, deleted.data) == (
        "feeds.feed.deleted",
        f"feeds.{feed_id}",
        {"feed": {"id": feed_id, "version": 3}},
    )


def everything(feed, by):
    entry = actions.publish_entry(feed, by=feed.owner, text="Secret", visibility="followers")
    comment = actions.comment_on(actions.like_entry(entry, by=by), by=by, text="Secret")
    comment.text = "Secret!"
    comment.save()
    comment.delete()
    entry = Entry.objects.get(pk=entry.pk)
    entry.text = "Secret!"
    entry.save()
    entry.delete()


def test_all_about_an_entry_for_followers_goes_to_the_followers_alone(feed, bob, new):
    new()
    everything(feed, bob)
    events = [event for event in new() if event.type != "feeds.entry.liked"]
    assert len(events) == 9 and {event.topic for event in events} == {f"feeds.{feed.pk}.followers"}


def test_all_about_an_entry_in_a_feed_for_followers_goes_to_the_followers_alone(alice, new):
    feed = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    new()
    actions.publish_entry(feed, by=alice, text="Secret")
    [event] = new()
    assert event.topic == f"feeds.{feed.pk}.followers"


def test_every_declared_type_of_feeds_is_told_by_something(alice, bob, mallory, feed, publish, new):
    everything(feed, bob)
    actions.unlike_entry(actions.like_entry(publish(), by=bob), by=bob)
    for notify in (True, False):
        actions.follow_feed(feed, by=bob, notify=notify)
    actions.unfollow_feed(feed, by=bob)
    closed = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    actions.follow_feed(closed, by=bob)
    actions.unfollow_feed(closed, by=bob)
    other = Feed.objects.create(owner=alice, slug="news", title="News")
    other.title = "Old"
    other.save()
    other.delete()
    declared = {each.name for each in vars(event_types).values() if isinstance(each, catalogue.EventType)}
    assert {event.type for event in new()} == declared


def test_the_largest_texts_fit(publish, bob, new):
    entry = publish("😀" * 10_000)
    actions.comment_on(entry, by=bob, text="\u200f" * 2_000)
    assert new()[-3].data["entry"]["text"] == "😀" * 10_000
